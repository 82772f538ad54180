"""What the Python SDK sends and the open-source server ignores: which applications, which example, whose event types; and raw payloads."""

import json

from expectations import invalid, refused
from subscriber import lowered
from svix import Svix
from svix.api import (
    ApplicationIn,
    ApplicationListOptions,
    AppPortalAccessIn,
    EndpointIn,
    EventExampleIn,
    EventTypeImportOpenApiIn,
    EventTypeIn,
    EventTypeListOptions,
    EventTypePatch,
    EventTypeUpsertIn,
)
from svix.api.message import message_in_raw


def check(svix, subscriber, server):
    """Each of them, and what would be seen if it were ignored."""
    which_applications(svix, subscriber)
    which_example(svix, subscriber)
    whose_event_types(svix, server)
    as_it_is(svix, subscriber)


def which_applications(svix, subscriber):
    ids = {}
    for name, endpoints in (
        ("none", []),
        ("disabled", [EndpointIn(url=subscriber.url("/"), disabled=True)]),
        ("play", [EndpointIn(url="https://play.svix.com/in/e_x/")]),
        ("plain", [EndpointIn(url=subscriber.url("/"))]),
        ("mixed", [
            EndpointIn(url=subscriber.url("/"), disabled=True),
            EndpointIn(url="https://play.svix.com/in/e_x/"),
            EndpointIn(url=subscriber.url("/")),
        ]),
    ):
        ids[svix.application.create(ApplicationIn(name=name)).id] = name
        for endpoint in endpoints:
            svix.endpoint.create(list(ids)[-1], endpoint)

    def listed(**options):
        found = svix.application.list(ApplicationListOptions(limit=250, **options))
        assert found.done
        return [ids[it.id] for it in found.data if it.id in ids]

    no_endpoints = {"exclude_apps_with_no_endpoints": True}
    disabled = {"exclude_apps_with_disabled_endpoints": True}
    play = {"exclude_apps_with_svix_play_endpoints": True}
    assert listed() == ["none", "disabled", "play", "plain", "mixed"]
    assert listed(**no_endpoints) == ["disabled", "play", "plain", "mixed"]
    assert listed(**disabled) == ["none", "play", "plain", "mixed"]
    assert listed(**play) == ["none", "disabled", "plain", "mixed"]
    assert listed(**no_endpoints, **disabled, **play) == ["plain", "mixed"]
    assert listed(**{name: False for name in (no_endpoints | disabled | play)}) == list(ids.values())
    for id in ids:
        svix.application.delete(id)


def which_example(svix, subscriber):
    schemas = {"1": {"examples": [{"n": "older"}]}, "2": {"examples": [{"n": 0}, {"n": 1}, {"n": 2}]}}
    svix.event_type.create(EventTypeIn(name="example.of", description="", schemas=schemas))
    svix.application.create(ApplicationIn(name="Examples", uid="examples"))
    svix.endpoint.create("examples", EndpointIn(url=subscriber.url("/examples"), uid="tried"))

    def send(**options):
        example = EventExampleIn(event_type="example.of", **options)
        return svix.endpoint.send_example("examples", "tried", example).id

    for sent, n in ((send(), 0), (send(example_index=2), 2), (send(example_index=1), 1), (send(example_index=0), 0)):
        _, body = subscriber.wait("/examples", sent)[0]
        assert json.loads(body) == {"n": n}, (body, n)
    invalid("exampleIndex", lambda: send(example_index=3))
    svix.application.delete("examples")
    svix.event_type.delete("example.of")


def whose_event_types(svix, server):
    for name, flags in (("flag.open", None), ("flag.beta", ["beta"]), ("flag.both", ["gold", "beta"])):
        made = svix.event_type.create(EventTypeIn(name=name, description="", feature_flags=flags))
        assert made.feature_flags == flags and svix.event_type.get(name) == made, made
    svix.application.create(ApplicationIn(name="Flags", uid="flags"))

    def holding(*flags):
        access = svix.authentication.app_portal_access("flags", AppPortalAccessIn(feature_flags=list(flags)))
        return Svix(access.token, server)

    def sees(portal):
        names = [it.name for it in portal.event_type.list(EventTypeListOptions(limit=250)).data]
        for name in ("flag.open", "flag.beta", "flag.both"):
            filtering = EndpointIn(url="http://127.0.0.1:9/", event_types=[name])
            if name in names:
                assert portal.event_type.get(name).name == name
                portal.endpoint.delete("flags", portal.endpoint.create("flags", filtering).id)
            else:
                refused(404, lambda: portal.event_type.get(name))
                invalid("eventTypes", lambda: portal.endpoint.create("flags", filtering))
        return [name for name in names if name.startswith("flag.")]

    assert sees(svix) == sees(holding("beta")) == ["flag.beta", "flag.both", "flag.open"]
    assert sees(holding("gold", "other")) == ["flag.both", "flag.open"]
    none = holding()
    assert sees(none) == ["flag.open"]

    # Who may see it is changed for tokens that are there already; what is left out stays.
    patched = svix.event_type.patch("flag.open", EventTypePatch(feature_flags=["late"]))
    assert patched.feature_flags == ["late"] and sees(none) == [], patched
    assert svix.event_type.patch("flag.open", EventTypePatch(description="x")).feature_flags == ["late"]
    kept = svix.event_type.upsert("flag.beta", EventTypeUpsertIn(description="", feature_flags=["late"]))
    assert kept.feature_flags == ["late"] and sees(holding("late")) == ["flag.beta", "flag.open"]
    assert svix.event_type.upsert("flag.open", EventTypeUpsertIn(description="")).feature_flags is None
    assert sees(none) == ["flag.open"]

    webhook = {"post": {"summary": "", "x-feature-flags": ["beta"]}}
    spec = {"openapi": "3.1.0", "info": {"title": "Flags", "version": "1"}, "webhooks": {"flag.open": webhook}}
    tried = svix.event_type.import_openapi(EventTypeImportOpenApiIn(spec=spec, dry_run=True)).data.to_modify
    assert [(it.name, it.feature_flags) for it in tried] == [("flag.open", ["beta"])], tried
    assert sees(none) == ["flag.open"]
    svix.event_type.import_openapi(EventTypeImportOpenApiIn(spec=spec))
    assert sees(none) == [] and sees(holding("beta")) == ["flag.both", "flag.open"]
    for name in ("flag.open", "flag.beta", "flag.both"):
        svix.event_type.delete(name)
    svix.application.delete("flags")


def as_it_is(svix, subscriber):
    svix.application.create(ApplicationIn(name="Raw", uid="raw"))
    svix.endpoint.create("raw", EndpointIn(url=subscriber.url("/raw")))
    text = ' {"b" : 1.50,\n"a":"\\u00fc" }'
    for more in ({}, {"content_type": "application/json"}):
        sent = svix.message.create("raw", message_in_raw("book.added", text, **more))
        headers, body = subscriber.wait("/raw", sent.id)[0]
        assert body == text.encode() and lowered(headers)["content-type"] == "application/json", (headers, body)
    invalid("transformationsParams", lambda: svix.message.create("raw", message_in_raw("book.added", "<a/>", "text/xml")))
    svix.application.delete("raw")
