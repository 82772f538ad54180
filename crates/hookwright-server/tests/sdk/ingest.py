"""Sources of inbound webhooks with the Python SDK: what comes at a source's URL is in its log, and is forwarded."""

import hashlib
import hmac
import urllib.request

from expectations import forth_and_back, refused
from subscriber import lowered
from svix.api import (
    GithubConfig,
    IngestEndpointHeadersIn,
    IngestEndpointIn,
    IngestEndpointSecretIn,
    IngestEndpointUpsertIn,
    IngestSourceIn,
)
from svix.api.ingest_endpoint import IngestEndpointListOptions
from svix.api.ingest_source import IngestSourceListOptions
from svix.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROVIDERS = "It's a Secret to Everybody"


def github(name="GitHub", uid=None):
    return IngestSourceIn(name=name, uid=uid, type="github", config=GithubConfig(secret=PROVIDERS))


def deliver(url, body):
    """What GitHub would send."""
    signature = "sha256=" + hmac.new(PROVIDERS.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        assert (answer.status, answer.read()) == (200, b"Message received okay."), answer


def check(svix, subscriber):
    """Each operation once, and a webhook on its way through."""
    sources = svix.ingest.source
    made = sources.create(github(uid="code"))
    assert made.id.startswith("src_") and made.uid == "code" and made.type == "github", made
    assert sources.get("code") == made == sources.get(made.id)
    refused(409, lambda: sources.create(github(uid="code")))

    own = svix.ingest.endpoint
    new = IngestEndpointIn(url=subscriber.url("/code"), uid="main", secret=SECRET, throttle_rate=9)
    endpoint = own.create("code", new)
    assert endpoint.throttle_rate == 9, endpoint
    assert endpoint.id.startswith("ep_") and own.get("code", "main") == endpoint, endpoint
    assert own.upsert("code", "main", IngestEndpointUpsertIn(url=subscriber.url("/code"))).id == endpoint.id
    own.rotate_secret("code", "main", IngestEndpointSecretIn())
    fresh = own.get_secret("code", "main").key
    assert fresh != SECRET
    own.set_headers("code", "main", IngestEndpointHeadersIn(headers={"X-Team": "ops", "Authorization": "x"}))
    shown = own.get_headers("code", "main")
    assert shown.headers == {"X-Team": "ops"} and shown.sensitive == ["Authorization"], shown
    refused(501, lambda: own.transformation.get("code", "main"))

    deliver(made.ingest_url, b'{"zen": "Speak like a human."}')
    headers, body = subscriber.wait("/code")[0]
    for secret in (SECRET, fresh):
        Webhook(secret).verify(body, headers)
    assert lowered(headers)["x-team"] == "ops" and lowered(headers)["authorization"] == "x", headers
    assert body == b'{"zen": "Speak like a human."}', body
    own.rotate_secret("code", "main", IngestEndpointSecretIn(key=SECRET, grace_period_seconds=0))
    assert own.get_secret("code", "main").key == SECRET
    rotated = sources.rotate_token("code").ingest_url
    assert rotated != made.ingest_url
    deliver(rotated, b"{}")

    renamed = sources.upsert("code", github(name="Renamed"))
    assert (renamed.id, renamed.name, renamed.ingest_url) == (made.id, "Renamed", rotated), renamed
    ids = [made.id] + [sources.create(github()).id for _ in range(6)]
    forth_and_back(
        "v1.ingest.source.list",
        lambda iterator, order: sources.list(IngestSourceListOptions(limit=3, iterator=iterator, order=order)),
        ids,
    )
    ends = [endpoint.id]
    ends += [own.create("code", IngestEndpointIn(url=subscriber.url("/"), disabled=True)).id for _ in range(6)]
    forth_and_back(
        "v1.ingest.endpoint.list",
        lambda iterator, order: own.list(
            "code", IngestEndpointListOptions(limit=3, iterator=iterator, order=order)
        ),
        ends,
    )
    own.delete("code", "main")
    refused(404, lambda: own.get("code", "main"))
    for id in ids:
        sources.delete(id)
        refused(404, lambda: sources.get(id))
