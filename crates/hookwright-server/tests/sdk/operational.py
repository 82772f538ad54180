"""Operational webhooks with the Python SDK: an endpoint of one's own is told what becomes of the others."""

import json

from expectations import forth_and_back, invalid, refused
from subscriber import lowered
from svix.api import (
    ApplicationIn,
    EndpointIn,
    EndpointPatch,
    OperationalWebhookEndpointHeadersIn,
    OperationalWebhookEndpointIn,
    OperationalWebhookEndpointListOptions,
    OperationalWebhookEndpointSecretIn,
    OperationalWebhookEndpointUpsertIn,
)
from svix.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def check(svix, subscriber):
    """Each operation once, and a webhook that tells of a disabled endpoint."""
    own = svix.operational_webhook.endpoint
    made = own.create(
        OperationalWebhookEndpointIn(
            url=subscriber.url("/ops"), uid="ops", description="On call", throttle_rate=9, secret=SECRET,
            event_types=["endpoint.created"], metadata={"team": "ops"},
        )
    )
    assert made.id.startswith("ep_") and made.uid == "ops" and made.throttle_rate == 9, made
    assert made.event_types == ["endpoint.created"] and made.metadata == {"team": "ops"}, made
    assert own.get(made.id) == made == own.get("ops")
    refused(409, lambda: own.create(OperationalWebhookEndpointIn(url=subscriber.url("/"), uid="ops")))
    unknown = OperationalWebhookEndpointIn(url=subscriber.url("/"), event_types=["endpoint.burned"])
    invalid("eventTypes", lambda: own.create(unknown))

    wanted = OperationalWebhookEndpointUpsertIn(url=subscriber.url("/ops"), event_types=["endpoint.disabled"])
    replaced = own.upsert("ops", wanted)
    assert (replaced.id, replaced.uid, replaced.description) == (made.id, "ops", ""), replaced
    assert own.get_secret("ops").key == SECRET
    own.rotate_secret("ops", OperationalWebhookEndpointSecretIn())
    rotated = own.get_secret("ops").key
    assert rotated != SECRET
    own.set_headers("ops", OperationalWebhookEndpointHeadersIn(headers={"X-Team": "ops", "Authorization": "x"}))
    shown = own.get_headers("ops")
    assert shown.headers == {"X-Team": "ops"} and shown.sensitive == ["Authorization"], shown

    svix.application.create(ApplicationIn(name="Told", uid="told"))
    endpoint = svix.endpoint.create("told", EndpointIn(url=subscriber.url("/told")))
    svix.endpoint.patch("told", endpoint.id, EndpointPatch(disabled=True))
    headers, body = subscriber.wait("/ops")[0]
    for secret in (SECRET, rotated):
        Webhook(secret).verify(body, headers)
    assert lowered(headers)["x-team"] == "ops" and lowered(headers)["authorization"] == "x", headers
    own.rotate_secret("ops", OperationalWebhookEndpointSecretIn(key=SECRET, grace_period_seconds=0))
    assert own.get_secret("ops").key == SECRET
    event = json.loads(body)
    assert event["type"] == "endpoint.disabled" and event["data"]["owner"] == "told", event
    assert event["data"]["endpointId"] == endpoint.id and event["data"]["trigger"] == "manual", event

    ids = [made.id]
    ids += [own.create(OperationalWebhookEndpointIn(url=subscriber.url("/"), disabled=True)).id for _ in range(6)]
    forth_and_back(
        "v1.operational-webhook.endpoint.list",
        lambda iterator, order: own.list(
            OperationalWebhookEndpointListOptions(limit=3, iterator=iterator, order=order)
        ),
        ids,
    )
    assert all(app.uid != "ops" for app in svix.application.list().data)
    for id in ids:
        own.delete(id)
        refused(404, lambda: own.get(id))
