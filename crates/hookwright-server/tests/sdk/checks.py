"""Every operation of the API that is there, called with the official Python SDK. One function for each resource."""

import asyncio
import json
import os
from datetime import datetime, timedelta, timezone

import honoured
import ingest
import operational
import repeated
import sent
import tasks as background
from asynchronous import asynchronously
from calls import Calls
from expectations import back_and_forth, eventually, forth_and_back, invalid, refused
from portal import authentication
from subscriber import Subscriber
from svix import Svix, SvixOptions
from svix.api import (
    ApplicationIn,
    ApplicationListOptions,
    ApplicationPatch,
    EndpointHeadersIn,
    EndpointHeadersPatchIn,
    EndpointIn,
    EndpointListOptions,
    EndpointPatch,
    EndpointSecretRotateIn,
    EndpointUpsertIn,
    EventExampleIn,
    EventTypeImportOpenApiIn,
    EventTypeIn,
    EventTypeListOptions,
    EventTypePatch,
    EventTypeUpsertIn,
    MessageAttemptListByEndpointOptions,
    MessageAttemptListByMsgOptions,
    MessageIn,
    MessageListOptions,
    MessageStatus,
    StatusCodeClass,
)
from svix.api.application import ApplicationCreateOptions
from svix.api.event_type import EventTypeDeleteOptions
from svix.api.message import MessageCreateOptions, MessageGetOptions
from svix.api.message_attempt import MessageAttemptListAttemptedMessagesOptions
from svix.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

server = SvixOptions(server_url=os.environ["HOOKWRIGHT_URL"], retry_schedule=[])
svix = Svix(os.environ["HOOKWRIGHT_TOKEN"], server)
subscriber = Subscriber()
calls = Calls(os.environ["HOOKWRIGHT_URL"], os.environ["HOOKWRIGHT_TOKEN"])


def health():
    assert svix.health.get() is None


def access():
    refused(401, lambda: Svix("another", server).application.list())


def applications():
    made = svix.application.create(
        ApplicationIn(name="Books", uid="books", throttle_rate=7, metadata={"plan": "free"})
    )
    assert made.id.startswith("app_") and made.uid == "books" and made.throttle_rate == 7, made
    assert svix.application.get(made.id) == made == svix.application.get("books")
    assert svix.application.get_or_create(ApplicationIn(name="Other", uid="books")) == made
    refused(409, lambda: svix.application.create(ApplicationIn(name="Other", uid="books")))
    invalid("name", lambda: svix.application.create(ApplicationIn(name="")))

    patched = svix.application.patch("books", ApplicationPatch(name="Books and more"))
    assert patched.name == "Books and more" and patched.updated_at >= made.updated_at, patched
    same = {"name": made.name, "updated_at": made.updated_at}
    assert patched.model_copy(update=same) == made == svix.application.get("books").model_copy(update=same)
    replaced = svix.application.upsert("books", ApplicationIn(name="Books", uid="books"))
    assert replaced.id == made.id and replaced.metadata == {} and replaced.throttle_rate is None, replaced
    upserted = svix.application.upsert("prints", ApplicationIn(name="Prints"))
    assert upserted.uid == "prints" and svix.application.get("prints") == upserted, upserted

    key = ApplicationCreateOptions(idempotency_key="applications-1")
    once = svix.application.create(ApplicationIn(name="Once"), key)
    assert svix.application.create(ApplicationIn(name="Once"), key) == once
    refused(409, lambda: svix.application.create(ApplicationIn(name="Twice"), key))

    ids = [made.id, upserted.id, once.id]
    ids += [svix.application.create(ApplicationIn(name=f"App {n}")).id for n in range(4)]
    forth_and_back(
        "v1.application.list",
        lambda iterator, order: svix.application.list(
            ApplicationListOptions(limit=3, iterator=iterator, order=order)
        ),
        ids,
    )
    for id in ids:
        svix.application.delete(id)
        refused(404, lambda: svix.application.get(id))
        refused(404, lambda: svix.application.delete(id))


def event_types():
    schemas = {"1": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    made = svix.event_type.create(
        EventTypeIn(name="book.added", description="A book came", schemas=schemas, group_name="book")
    )
    assert made.schemas == schemas and svix.event_type.get("book.added") == made, made
    refused(409, lambda: svix.event_type.create(EventTypeIn(name="book.added", description="")))
    invalid("name", lambda: svix.event_type.create(EventTypeIn(name="no spaces", description="")))
    patched = svix.event_type.patch("book.added", EventTypePatch(description="A book is here"))
    assert patched.description == "A book is here" and patched.updated_at >= made.updated_at, patched
    same = {"description": made.description, "updated_at": made.updated_at}
    assert patched.model_copy(update=same) == made == svix.event_type.get("book.added").model_copy(update=same)
    replaced = svix.event_type.upsert("book.added", EventTypeUpsertIn(description="New"))
    assert replaced.description == "New" and replaced.schemas is None and replaced.group_name is None
    svix.event_type.upsert("book.added", EventTypeUpsertIn(description="New", schemas=schemas))
    svix.event_type.upsert("book.gone", EventTypeUpsertIn(description="A book went", deprecated=True))
    assert svix.event_type.get("book.gone").deprecated is True

    names = ["book.added", "book.gone"] + [f"book.n{n}" for n in range(5)]
    for name in names[2:]:
        svix.event_type.create(EventTypeIn(name=name, description=name))
    forth_and_back(
        "v1.event-type.list",
        lambda iterator, order: svix.event_type.list(
            EventTypeListOptions(limit=3, iterator=iterator, order=order)
        ),
        names,
        name_of=lambda event_type: event_type.name,
    )

    def listed(**options):
        return {it.name: it for it in svix.event_type.list(EventTypeListOptions(**options)).data}

    assert listed()["book.added"].schemas is None
    assert listed(with_content=True)["book.added"].schemas == schemas
    svix.event_type.delete("book.gone")
    assert "book.gone" not in listed() and listed(include_archived=True)["book.gone"].archived
    assert svix.event_type.get("book.gone").archived
    svix.event_type.delete("book.gone", EventTypeDeleteOptions(expunge=True))
    refused(404, lambda: svix.event_type.get("book.gone"))
    refused(404, lambda: svix.event_type.patch("book.gone", EventTypePatch(description="x")))
    imported()


def imported():
    book = {"type": "object", "properties": {"title": {"type": "string"}}}
    content = {"application/json": {"schema": book}}
    webhook = {"post": {"summary": "A book was lent", "requestBody": {"content": content}}}
    spec = {"openapi": "3.1.0", "info": {"title": "Books", "version": "1"}, "webhooks": {"book.lent": webhook}}

    def run(**options):
        return svix.event_type.import_openapi(EventTypeImportOpenApiIn(**options)).data

    tried = run(spec=spec, dry_run=True)
    assert [it.name for it in tried.to_modify] == ["book.lent"], tried
    refused(404, lambda: svix.event_type.get("book.lent"))
    assert run(spec_raw=json.dumps(spec)).modified == ["book.lent"]
    lent = svix.event_type.get("book.lent")
    assert lent.schemas == {"1": book} and "lent" in lent.description, lent
    invalid("specRaw", lambda: run(spec_raw="{"))
    svix.event_type.delete("book.lent", EventTypeDeleteOptions(expunge=True))


def endpoints():
    svix.application.create(ApplicationIn(name="Endpoints", uid="endpoints"))
    made = svix.endpoint.create(
        "endpoints",
        EndpointIn(
            url=subscriber.url("/endpoints"),
            description="for tests",
            uid="first",
            secret=SECRET,
            headers={"X-Shop": "one", "Authorization": "Bearer shop"},
            event_types=["book.added"],
            channels=["eu"],
            metadata={"team": "a"},
            throttle_rate=100,
        ),
    )
    assert made.id.startswith("ep_") and made.uid == "first" and made.event_types == ["book.added"]
    assert made.channels == ["eu"] and made.metadata == {"team": "a"} and made.throttle_rate == 100
    assert svix.endpoint.get("endpoints", made.id) == made == svix.endpoint.get("endpoints", "first")
    assert svix.endpoint.get_secret("endpoints", "first").key == SECRET
    same = EndpointIn(url=subscriber.url("/other"), uid="first")
    refused(409, lambda: svix.endpoint.create("endpoints", same))
    unknown = EndpointIn(url=subscriber.url("/"), event_types=["not.registered"])
    invalid("eventTypes", lambda: svix.endpoint.create("endpoints", unknown))
    invalid("url", lambda: svix.endpoint.create("endpoints", EndpointIn(url="ftp://127.0.0.1/")))
    refused(404, lambda: svix.endpoint.create("nobody", EndpointIn(url=subscriber.url("/"))))

    patched = svix.endpoint.patch("endpoints", "first", EndpointPatch(description="patched"))
    assert patched.description == "patched" and patched.updated_at >= made.updated_at, patched
    same = {"description": made.description, "updated_at": made.updated_at}
    assert patched.model_copy(update=same) == made == svix.endpoint.get("endpoints", "first").model_copy(update=same)
    assert svix.endpoint.patch("endpoints", "first", EndpointPatch(disabled=True)).disabled is True
    replaced = svix.endpoint.upsert("endpoints", "first", EndpointUpsertIn(url=made.url))
    assert replaced.id == made.id and replaced.uid == "first" and replaced.disabled is False, replaced
    assert not replaced.event_types and not replaced.channels and replaced.metadata == {}, replaced
    assert svix.endpoint.get_secret("endpoints", "first").key == SECRET
    second = svix.endpoint.upsert("endpoints", "second", EndpointUpsertIn(url=subscriber.url("/second")))
    assert second.uid == "second" and svix.endpoint.get("endpoints", "second") == second

    headers = svix.endpoint.get_headers("endpoints", "first")
    assert headers.headers == {"X-Shop": "one"} and headers.sensitive == ["Authorization"], headers
    svix.endpoint.patch_headers(
        "endpoints",
        "first",
        EndpointHeadersPatchIn(headers={"X-Till": "two"}, delete_headers=["authorization"]),
    )
    headers = svix.endpoint.get_headers("endpoints", "first")
    assert headers.headers == {"X-Shop": "one", "X-Till": "two"} and headers.sensitive == [], headers
    svix.endpoint.set_headers("endpoints", "first", EndpointHeadersIn(headers={"X-Only": "this"}))
    assert svix.endpoint.get_headers("endpoints", "first").headers == {"X-Only": "this"}
    forbidden = EndpointHeadersIn(headers={"webhook-id": "forged"})
    invalid("headers", lambda: svix.endpoint.set_headers("endpoints", "first", forbidden))
    came = subscriber.wait("/endpoints", send("endpoints").id)[0][0]
    assert came.get("X-Only") == "this" and "X-Shop" not in came, came

    example = svix.endpoint.send_example("endpoints", "second", EventExampleIn(event_type="book.added"))
    subscriber.wait("/second", example.id)
    assert subscriber.paths_of(example.id) == {"/second"} and example.event_type == "book.added"
    invalid("eventType", lambda: svix.endpoint.send_example("endpoints", "second", EventExampleIn(event_type="x.y")))

    ids = [made.id, second.id]
    for n in range(5):
        ids.append(svix.endpoint.create("endpoints", EndpointIn(url=subscriber.url(f"/{n}"))).id)
    forth_and_back(
        "v1.endpoint.list",
        lambda iterator, order: svix.endpoint.list(
            "endpoints", EndpointListOptions(limit=3, iterator=iterator, order=order)
        ),
        ids,
    )
    svix.endpoint.delete("endpoints", "first")
    refused(404, lambda: svix.endpoint.get("endpoints", made.id))
    svix.application.delete("endpoints")
    refused(404, lambda: svix.endpoint.list("endpoints"))


def secrets():
    svix.application.create(ApplicationIn(name="Secrets", uid="secrets"))
    svix.endpoint.create("secrets", EndpointIn(url=subscriber.url("/secrets"), uid="only"))
    old = svix.endpoint.get_secret("secrets", "only").key
    rotated = svix.endpoint.rotate_secret("secrets", "only", EndpointSecretRotateIn())
    new = svix.endpoint.get_secret("secrets", "only").key
    assert rotated.key == new and new != old
    headers, body = subscriber.wait("/secrets", send("secrets").id)[0]
    Webhook(old).verify(body, headers)
    Webhook(new).verify(body, headers)
    refused_signature(SECRET, body, headers)
    refused_signature(new, body + b" ", headers)

    at_once = EndpointSecretRotateIn(key=SECRET, grace_period_seconds=0)
    assert svix.endpoint.rotate_secret("secrets", "only", at_once).key == SECRET
    headers, body = subscriber.wait("/secrets", send("secrets").id)[0]
    Webhook(SECRET).verify(body, headers)
    # The first one has still the time that it was given.
    Webhook(old).verify(body, headers)
    refused_signature(new, body, headers)
    invalid("key", lambda: svix.endpoint.rotate_secret("secrets", "only", EndpointSecretRotateIn(key="x")))


def refused_signature(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return
    raise AssertionError("a wrong signature was taken")


def messages():
    svix.application.create(ApplicationIn(name="Messages", uid="messages"))
    for uid, event_types, channels in (
        ("all", None, None),
        ("added", ["book.added"], None),
        ("other", ["book.n1"], None),
        ("eu", None, ["eu"]),
    ):
        endpoint = EndpointIn(
            url=subscriber.url(f"/messages/{uid}"), uid=uid, event_types=event_types, channels=channels
        )
        svix.endpoint.create("messages", endpoint)

    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    payload = {"title": "Über", "n": [1, 2.5, None], "nested": {"a": {}}}
    first = svix.message.create(
        "messages",
        MessageIn(event_type="book.added", event_id="event-1", payload=payload, channels=["eu"], tags=["t"]),
        MessageCreateOptions(with_content=True),
    )
    with_content = MessageGetOptions(with_content=True)
    assert first.payload == payload and first.event_id == "event-1" and first.channels == ["eu"], first
    assert svix.message.get("messages", first.id, with_content) == first
    assert svix.message.get("messages", first.id).payload == {}
    assert svix.message.get("messages", "event-1", with_content) == first
    for uid in ("all", "added", "eu"):
        subscriber.wait(f"/messages/{uid}", first.id)
    duplicate = MessageIn(event_type="book.added", event_id="event-1", payload={})
    refused(409, lambda: svix.message.create("messages", duplicate))
    second = svix.message.create("messages", MessageIn(event_type="never.registered", payload={}))
    subscriber.wait("/messages/all", second.id)
    assert subscriber.paths_of(first.id) == {"/messages/all", "/messages/added", "/messages/eu"}
    assert subscriber.paths_of(second.id) == {"/messages/all"}

    key = MessageCreateOptions(idempotency_key="messages-1")
    once = MessageIn(event_type="book.added", payload={"once": True})
    third = svix.message.create("messages", once, key)
    assert svix.message.create("messages", once, key) == third
    other = MessageIn(event_type="book.added", payload={"once": False})
    refused(409, lambda: svix.message.create("messages", other, key))

    on_the_way = svix.message.create(
        "newcomer",
        MessageIn(event_type="book.added", payload={}, application=ApplicationIn(name="New", uid="newcomer")),
    )
    assert svix.message.get("newcomer", on_the_way.id).id == on_the_way.id
    refused(404, lambda: svix.message.get("messages", on_the_way.id))
    refused(404, lambda: svix.message.create("nobody", once))
    invalid("eventType", lambda: svix.message.create("messages", MessageIn(event_type="no no", payload={})))

    def listed(**options):
        return [it.id for it in svix.message.list("messages", MessageListOptions(**options)).data]

    assert listed() == [third.id, second.id, first.id]
    assert listed(channel="eu") == [first.id] == listed(tag="t")
    assert listed(event_types=["never.registered", "book.n1"]) == [second.id]
    assert listed(before=before) == [] and listed(after=before) == listed()
    shown = svix.message.list("messages", MessageListOptions(with_content=True, tag="t"))
    assert shown.data[0].payload == payload
    ids = [first.id, second.id, third.id] + [send("messages").id for _ in range(4)]
    back_and_forth(
        "v1.message.list",
        lambda iterator: svix.message.list("messages", MessageListOptions(limit=3, iterator=iterator)),
        list(reversed(ids)),
    )

    svix.message.expunge_content("messages", first.id)
    assert svix.message.get("messages", first.id, with_content).payload == {"expired": True}
    assert svix.message.get("messages", first.id).payload == {}
    refused(400, lambda: svix.message_attempt.resend("messages", first.id, "all"))
    assert svix.message.get("messages", third.id, with_content).payload == {"once": True}
    refused(404, lambda: svix.message.expunge_content("messages", on_the_way.id))


def attempts():
    svix.application.create(ApplicationIn(name="Attempts", uid="attempts"))
    good = svix.endpoint.create("attempts", EndpointIn(url=subscriber.url("/good"), uid="good"))
    bad = svix.endpoint.create("attempts", EndpointIn(url=subscriber.url("/fail"), uid="bad"))
    message = send("attempts")

    def by_message(**options):
        options = MessageAttemptListByMsgOptions(**options)
        return svix.message_attempt.list_by_msg("attempts", message.id, options).data

    # The schedule of this server: at once and two more.
    all = eventually(by_message, lambda found: len(found) == 4)
    failed = [it for it in all if it.endpoint_id == bad.id]
    assert len(failed) == 3 and all == sorted(all, key=lambda it: it.id, reverse=True), all
    for attempt in failed:
        assert attempt.status is MessageStatus.FAIL and attempt.response_status_code == 500, attempt
        assert attempt.status_text.value == "fail" and attempt.msg_id == message.id, attempt
        assert attempt.url == bad.url and attempt.trigger_type == 0, attempt
    assert by_message(status=MessageStatus.FAIL) == failed == by_message(endpoint_id="bad")
    assert by_message(status_code_class=StatusCodeClass.CODE5XX) == failed
    (delivered,) = by_message(status=MessageStatus.SUCCESS)
    assert delivered.endpoint_id == good.id and delivered.response == "{}", delivered
    (with_content,) = by_message(status=MessageStatus.SUCCESS, with_content=True)
    assert with_content.response == '{"taken": true}', with_content
    assert svix.message_attempt.get("attempts", message.id, delivered.id) == with_content
    refused(404, lambda: svix.message_attempt.get("attempts", send("attempts").id, delivered.id))
    refused(404, lambda: svix.message_attempt.list_by_msg("attempts", "msg_" + "0" * 27))

    def destinations():
        return svix.message_attempt.list_attempted_destinations("attempts", message.id).data

    ended = eventually(destinations, lambda found: all_ended(found))
    assert [(it.id, it.status_text.value) for it in ended] == [(good.id, "success"), (bad.id, "fail")]
    assert ended[0].next_attempt is None and ended[0].url == good.url, ended

    svix.message_attempt.resend("attempts", message.id, "good")
    subscriber.wait("/good", message.id, count=2)
    manual = eventually(lambda: by_message(endpoint_id="good"), lambda found: len(found) == 2)
    assert [it.trigger_type for it in manual] == [1, 0], manual
    refused(404, lambda: svix.message_attempt.resend("attempts", message.id, "nobody"))

    for _ in range(4):
        subscriber.wait("/good", send("attempts").id)

    def by_endpoint():
        options = MessageAttemptListByEndpointOptions(with_msg=True)
        return svix.message_attempt.list_by_endpoint("attempts", "good", options).data

    found = eventually(by_endpoint, lambda found: len(found) == 7)
    assert found[0].msg is not None and found[0].msg.id == found[0].msg_id, found[0]

    def attempted(**options):
        options = MessageAttemptListAttemptedMessagesOptions(**options)
        return svix.message_attempt.list_attempted_messages("attempts", "bad", options).data

    sent = eventually(attempted, lambda found: all_ended(found))
    assert len(sent) == 6 and sent[-1].id == message.id and sent[-1].payload == {}, sent
    assert attempted(with_content=True)[-1].payload == {"n": 1}
    assert [it.id for it in attempted(status=MessageStatus.FAIL)] == [it.id for it in sent]
    assert attempted(status=MessageStatus.SUCCESS) == []

    svix.message_attempt.expunge_content("attempts", message.id, delivered.id)
    assert svix.message_attempt.get("attempts", message.id, delivered.id).response == "EXPUNGED"
    stats = svix.endpoint.get_stats("attempts", "good")
    assert (stats.success, stats.fail, stats.pending, stats.sending) == (7, 0, 0, 0), stats
    assert svix.endpoint.get_stats("attempts", "bad").fail == 18
    unknown = "atmpt_" + "0" * 27
    refused(404, lambda: svix.message_attempt.expunge_content("attempts", message.id, unknown))


def tasks():
    background.check(svix, subscriber)


def operational_webhooks():
    operational.check(svix, subscriber)


def ingesting():
    ingest.check(svix, subscriber)


def lists_of_what_was_sent():
    sent.check(svix, subscriber)


def honoured_here():
    honoured.check(svix, subscriber, server)


def repeated_posts():
    repeated.check(svix, subscriber, server)


def portal():
    authentication(svix, server)


def waiting_for_many():
    asyncio.run(asynchronously(server, subscriber))


def send(app):
    return svix.message.create(app, MessageIn(event_type="book.added", payload={"n": 1}))


def all_ended(found):
    return all(it.status in (MessageStatus.SUCCESS, MessageStatus.FAIL) for it in found)


for check in (health, access, applications, event_types, endpoints, secrets, messages, attempts, tasks,
              portal, operational_webhooks, ingesting, lists_of_what_was_sent, honoured_here, repeated_posts,
              waiting_for_many):
    check()
    for call in calls.told():
        print(f"{check.__name__}: called {call}")
    print(f"{check.__name__}: good", flush=True)
