"""Every POST of the Python SDK sent twice with one idempotency key: it is done once, and answered alike."""

from datetime import datetime, timedelta, timezone

from expectations import eventually, refused
from svix import Svix
from svix.api import (
    ApplicationIn,
    ApplicationTokenExpireIn,
    AppPortalAccessIn,
    BulkReplayIn,
    EndpointIn,
    EndpointSecretRotateIn,
    EventExampleIn,
    EventTypeImportOpenApiIn,
    EventTypeIn,
    IngestEndpointIn,
    IngestEndpointSecretIn,
    IngestSourceIn,
    MessageIn,
    OperationalWebhookEndpointIn,
    OperationalWebhookEndpointSecretIn,
    RecoverIn,
    ReplayIn,
)
from svix.api import application, authentication, endpoint, event_type, message, message_attempt
from svix.api import ingest_endpoint, ingest_source, operational_webhook_endpoint


def twice(key, options, call, other=None, state=lambda: None):
    """What a call with this key answers, both times, with nothing changed by the second; another body is refused."""
    options = options(idempotency_key=f"repeated-{key}")
    first = call(options)
    after = state()
    assert call(options) == first and state() == after, (first, after)
    if other is not None:
        refused(409, lambda: other(options))
    return first


def check(svix, subscriber, server):
    """One after the other, each with what would differ if it had been done twice."""
    made = twice(
        "application",
        application.ApplicationCreateOptions,
        lambda options: svix.application.create(ApplicationIn(name="Repeated", uid="repeated"), options),
        lambda options: svix.application.create(ApplicationIn(name="Other"), options),
    )
    assert svix.application.get("repeated") == made
    event_types(svix)
    endpoints(svix, subscriber)
    many_messages(svix, subscriber)
    tokens(svix, server)
    operational(svix)
    inbound(svix)
    svix.application.delete("repeated")


def event_types(svix):
    # Without the key the second one would be a conflict.
    twice(
        "event-type",
        event_type.EventTypeCreateOptions,
        lambda options: svix.event_type.create(EventTypeIn(name="repeated.one", description=""), options),
        lambda options: svix.event_type.create(EventTypeIn(name="repeated.two", description=""), options),
    )
    refused(404, lambda: svix.event_type.get("repeated.two"))
    # Without the key the second one would change nothing, and say so.
    spec = {"openapi": "3.1.0", "info": {"title": "R", "version": "1"}, "webhooks": {"repeated.two": {"post": {}}}}
    imported = twice(
        "import",
        event_type.EventTypeImportOpenapiOptions,
        lambda options: svix.event_type.import_openapi(EventTypeImportOpenApiIn(spec=spec), options),
        lambda options: svix.event_type.import_openapi(EventTypeImportOpenApiIn(spec=spec, dry_run=True), options),
    )
    assert imported.data.modified == ["repeated.two"]


def endpoints(svix, subscriber):
    new = EndpointIn(url=subscriber.url("/repeated"), uid="one")
    made = twice(
        "endpoint",
        endpoint.EndpointCreateOptions,
        lambda options: svix.endpoint.create("repeated", new, options),
        lambda options: svix.endpoint.create("repeated", EndpointIn(url=subscriber.url("/")), options),
    )
    assert [it.id for it in svix.endpoint.list("repeated").data] == [made.id]
    secret = lambda: svix.endpoint.get_secret("repeated", "one").key
    before = secret()
    rotated = twice(
        "rotate",
        endpoint.EndpointRotateSecretOptions,
        lambda options: svix.endpoint.rotate_secret("repeated", "one", EndpointSecretRotateIn(), options),
        state=secret,
    )
    assert secret() == rotated.key != before

    sent = twice(
        "message",
        message.MessageCreateOptions,
        lambda options: svix.message.create("repeated", MessageIn(event_type="repeated.one", payload={}), options),
        lambda options: svix.message.create("repeated", MessageIn(event_type="repeated.two", payload={}), options),
    )
    example = twice(
        "example",
        endpoint.EndpointSendExampleOptions,
        lambda options: svix.endpoint.send_example(
            "repeated", "one", EventExampleIn(event_type="repeated.one"), options
        ),
        lambda options: svix.endpoint.send_example(
            "repeated", "one", EventExampleIn(event_type="repeated.two"), options
        ),
    )
    assert [it.id for it in svix.message.list("repeated").data] == [example.id, sent.id]
    subscriber.wait("/repeated", sent.id)
    twice(
        "resend",
        message_attempt.MessageAttemptResendOptions,
        lambda options: svix.message_attempt.resend("repeated", sent.id, "one", options),
    )
    subscriber.wait("/repeated", sent.id, count=2)
    # What comes later would have come after a third time.
    svix.message_attempt.resend("repeated", example.id, "one")
    subscriber.wait("/repeated", example.id, count=2)
    attempts = eventually(
        lambda: svix.message_attempt.list_by_endpoint("repeated", "one").data, lambda found: len(found) == 4
    )
    assert sorted(it.msg_id for it in attempts) == sorted([sent.id, example.id] * 2), attempts


def many_messages(svix, subscriber):
    since = datetime.now(timezone.utc) - timedelta(minutes=5)
    later = since + timedelta(minutes=1)
    started = [
        twice(
            "recover",
            endpoint.EndpointRecoverOptions,
            lambda options: svix.endpoint.recover("repeated", "one", RecoverIn(since=since), options),
            lambda options: svix.endpoint.recover("repeated", "one", RecoverIn(since=later), options),
        ),
        twice(
            "replay-missing",
            endpoint.EndpointReplayMissingOptions,
            lambda options: svix.endpoint.replay_missing("repeated", "one", ReplayIn(since=since), options),
            lambda options: svix.endpoint.replay_missing("repeated", "one", ReplayIn(since=later), options),
        ),
        twice(
            "bulk-replay",
            endpoint.EndpointBulkReplayOptions,
            lambda options: svix.endpoint.bulk_replay(
                "repeated", "one", BulkReplayIn(since=since, event_types=["repeated.one"]), options
            ),
            lambda options: svix.endpoint.bulk_replay("repeated", "one", BulkReplayIn(since=later), options),
        ),
    ]
    newest = [it.id for it in svix.background_task.list().data[:3]]
    assert newest == [it.id for it in reversed(started)], (newest, started)
    # The message and the example, once more each.
    eventually(lambda: svix.message_attempt.list_by_endpoint("repeated", "one").data, lambda found: len(found) == 6)
    assert svix.background_task.get(started[2].id).data["messagesSent"] == 2


def tokens(svix, server):
    access = twice(
        "access",
        authentication.AuthenticationAppPortalAccessOptions,
        lambda options: svix.authentication.app_portal_access("repeated", AppPortalAccessIn(), options),
        lambda options: svix.authentication.app_portal_access("repeated", AppPortalAccessIn(expiry=60), options),
    )
    portal = Svix(access.token, server)
    assert portal.application.get("repeated").uid == "repeated"
    options = authentication.AuthenticationExpireAllOptions(idempotency_key="repeated-expire")
    svix.authentication.expire_all("repeated", ApplicationTokenExpireIn(), options)
    refused(401, lambda: portal.application.get("repeated"))
    # Done again, it would end this one too.
    fresh = Svix(svix.authentication.app_portal_access("repeated", AppPortalAccessIn()).token, server)
    svix.authentication.expire_all("repeated", ApplicationTokenExpireIn(), options)
    assert fresh.application.get("repeated").uid == "repeated"
    # Whose token is ended is nobody any more, so that another try is a 401, as it would be without a key.
    options = authentication.AuthenticationLogoutOptions(idempotency_key="repeated-logout")
    fresh.authentication.logout(options)
    refused(401, lambda: fresh.authentication.logout(options))


def operational(svix):
    own = svix.operational_webhook.endpoint
    new = OperationalWebhookEndpointIn(url="http://127.0.0.1:9/", uid="repeated", disabled=True)
    made = twice(
        "operational",
        operational_webhook_endpoint.OperationalWebhookEndpointCreateOptions,
        lambda options: own.create(new, options),
        lambda options: own.create(OperationalWebhookEndpointIn(url="http://127.0.0.1:9/"), options),
    )
    assert [it.id for it in own.list().data] == [made.id]
    before = own.get_secret("repeated").key
    twice(
        "operational-rotate",
        operational_webhook_endpoint.OperationalWebhookEndpointRotateSecretOptions,
        lambda options: own.rotate_secret("repeated", OperationalWebhookEndpointSecretIn(), options),
        state=lambda: own.get_secret("repeated").key,
    )
    assert own.get_secret("repeated").key != before
    own.delete("repeated")


def inbound(svix):
    sources = svix.ingest.source
    any_kind = IngestSourceIn(name="Repeated", uid="repeated", type="generic-webhook")
    made = twice(
        "source",
        ingest_source.IngestSourceCreateOptions,
        lambda options: sources.create(any_kind, options),
        lambda options: sources.create(IngestSourceIn(name="Other", type="generic-webhook"), options),
    )
    assert sources.get("repeated") == made
    rotated = twice(
        "token",
        ingest_source.IngestSourceRotateTokenOptions,
        lambda options: sources.rotate_token("repeated", options),
    )
    assert sources.get("repeated").ingest_url == rotated.ingest_url != made.ingest_url
    own = svix.ingest.endpoint
    made = twice(
        "source-endpoint",
        ingest_endpoint.IngestEndpointCreateOptions,
        lambda options: own.create("repeated", IngestEndpointIn(url="http://127.0.0.1:9/", uid="one"), options),
        lambda options: own.create("repeated", IngestEndpointIn(url="http://127.0.0.1:9/", uid="two"), options),
    )
    assert [it.id for it in own.list("repeated").data] == [made.id]
    before = own.get_secret("repeated", "one").key
    twice(
        "source-rotate",
        ingest_endpoint.IngestEndpointRotateSecretOptions,
        lambda options: own.rotate_secret("repeated", "one", IngestEndpointSecretIn(), options),
        state=lambda: own.get_secret("repeated", "one").key,
    )
    assert own.get_secret("repeated", "one").key != before
    sources.delete("repeated")
