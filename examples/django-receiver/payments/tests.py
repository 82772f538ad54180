"""The view, called as Hookwright calls it."""

import json
from datetime import datetime, timezone

from django.conf import settings
from django.test import Client, TestCase
from payments.models import Order, WebhookMessage
from standardwebhooks import Webhook

CHARGE = {"type": "charge.succeeded", "data": {"object": {"amount": 1990, "metadata": {"order": "A-1"}}}}


class StripeWebhookTests(TestCase):
    def setUp(self):
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        self.order = Order.objects.create(number="A-1")

    def send(self, webhook_id, event=CHARGE, secret=None):
        body, now = json.dumps(event), datetime.now(tz=timezone.utc)
        secret = secret or settings.HOOKWRIGHT_ENDPOINT_SECRET
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(webhook_id, now, body),
        }
        return self.client.post("/webhooks/stripe/", body, content_type="application/json", headers=headers)

    def paid(self):
        self.order.refresh_from_db()
        return self.order.cents_paid

    def test_a_message_is_stored_and_acted_on_once(self):
        for _ in range(2):
            response = self.send("msg_1")
            assert (response.status_code, response.content) == (200, b"Message received okay.")
        assert (self.paid(), WebhookMessage.objects.count()) == (1990, 1)
        self.send("msg_2")
        assert (self.paid(), WebhookMessage.objects.count()) == (3980, 2)

    def test_what_is_not_signed_with_the_secret_is_refused(self):
        assert self.send("msg_1", secret="whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").status_code == 403
        assert self.client.post("/webhooks/stripe/", CHARGE, content_type="application/json").status_code == 403
        assert self.client.get("/webhooks/stripe/").status_code == 405
        assert (self.paid(), WebhookMessage.objects.count()) == (0, 0)

    def test_a_message_stays_if_acting_on_it_fails_and_is_acted_on_when_it_comes_again(self):
        self.order.delete()
        assert self.send("msg_1").status_code == 500
        assert WebhookMessage.objects.get().processed_at is None
        self.order = Order.objects.create(number="A-1")
        assert self.send("msg_1").status_code == 200
        assert (self.paid(), WebhookMessage.objects.count()) == (1990, 1)
