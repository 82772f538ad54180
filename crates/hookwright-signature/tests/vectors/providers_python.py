"""Makes providers_python.json: requests signed or accepted by the providers' own Python libraries.

    pip install stripe slack_sdk svix standardwebhooks telnyx easypost PyNaCl
    python providers_python.py > providers_python.json

`signed_by` says who made the signature: the library, or this script by the standard library where the provider's
only verifies. Either way the library has accepted the request, and has refused the same one with another body.
"""

import base64
import datetime
import hashlib
import hmac
import json
import time
from importlib.metadata import version

import nacl.signing
import slack_sdk.signature
import standardwebhooks.webhooks
import stripe
import svix.webhooks
from easypost.util import validate_webhook
from telnyx.lib.webhook_verification import verify_webhook_signature

NOW = 1_700_000_000
BODIES = ['{"id":"evt_1","type":"payment.paid"}', ' {"name":"Zo\u00eb \U0001f98a",\n  "id" : "evt_2", "type":"a.b"}\n', "{}"]
SVIX = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# The libraries ask the system for the time, so it is told NOW.
time.time = lambda: float(NOW)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(NOW, tz)


standardwebhooks.webhooks.datetime = Clock


class SlackClock(slack_sdk.signature.Clock):
    def now(self):
        return float(NOW)


vectors = []


def record(kind, library, signed_by, fields, headers, body, accept, **more):
    accept(headers, body)
    try:
        accept(headers, body + " ")
    except Exception:
        pass
    else:
        raise SystemExit(f"{library} takes a changed body for {kind}")
    vectors.append(
        {
            "kind": kind,
            "library": f"{library} {version(library)}",
            "signed_by": signed_by,
            "fields": fields,
            "now": NOW,
            "headers": sorted(headers.items()),
            "body": body,
            **more,
        }
    )


def must(accepted):
    if not accepted:
        raise ValueError("refused")


for number, body in enumerate(BODIES):
    # Stripe: the library has what it verifies with, and signs with it.
    secret = "whsec_test_secret"
    signature = stripe.WebhookSignature._compute_signature(f"{NOW}.{body}", secret)
    record(
        "stripe", "stripe", "library", {"secret": secret}, {"stripe-signature": f"t={NOW},v1={signature}"}, body,
        lambda headers, body: stripe.WebhookSignature.verify_header(body, headers["stripe-signature"], secret, 300),
    )

    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    verifier = slack_sdk.signature.SignatureVerifier(secret, SlackClock())
    headers = {
        "x-slack-request-timestamp": str(NOW),
        "x-slack-signature": verifier.generate_signature(timestamp=str(NOW), body=body),
    }
    record(
        "slack", "slack_sdk", "library", {"secret": secret}, headers, body,
        lambda headers, body: must(verifier.is_valid_request(body, headers)),
    )

    # Svix for its family, and the reference library of Standard Webhooks.
    for kind, library, prefix, webhook in [
        ("svix", "svix", "svix", svix.webhooks.Webhook(SVIX)),
        ("standard-webhooks", "standardwebhooks", "webhook", standardwebhooks.webhooks.Webhook(SVIX)),
    ]:
        stamp = datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc)
        headers = {
            f"{prefix}-id": f"msg_{number}",
            f"{prefix}-timestamp": str(NOW),
            f"{prefix}-signature": webhook.sign(f"msg_{number}", stamp, body),
        }
        record(
            kind, library, "library", {"secret": SVIX}, headers, body,
            lambda headers, body: webhook.verify(body, headers), id=f"msg_{number}",
        )

    seed = bytes(range(32))
    key = nacl.signing.SigningKey(seed)
    public = base64.b64encode(bytes(key.verify_key)).decode()
    signature = base64.b64encode(key.sign(f"{NOW}|{body}".encode()).signature).decode()
    record(
        "telnyx", "telnyx", "script", {"publicKey": public},
        {"telnyx-timestamp": str(NOW), "telnyx-signature-ed25519": signature}, body,
        lambda headers, body: verify_webhook_signature(body, headers, public),
        signing={"privateKey": base64.b64encode(seed).decode()},
    )

    secret = "sekret"
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    record(
        "easypost", "easypost", "script", {"secret": secret}, {"x-hmac-signature": f"hmac-sha256-hex={digest}"}, body,
        lambda headers, body: validate_webhook(
            body.encode(), {"X-Hmac-Signature": headers["x-hmac-signature"]}, secret
        ),
    )

print(json.dumps({"vectors": vectors}, indent=1))
