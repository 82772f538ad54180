"""Verifies a message, stores it, and acts on it once."""

import json

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from payments.models import Order, WebhookMessage


# The signature says who calls, so that no CSRF token is needed; and the message must stay if acting on it fails, so that the request as
# a whole is no transaction.
@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def stripe_webhook(request):
    try:
        Webhook(settings.HOOKWRIGHT_ENDPOINT_SECRET).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return HttpResponseForbidden("The signature is not right.", content_type="text/plain")
    message, _ = WebhookMessage.objects.get_or_create(
        webhook_id=request.headers["webhook-id"], defaults={"body": request.body}
    )
    # If this fails the answer is 500, and the message comes again.
    process(message)
    return HttpResponse("Message received okay.", content_type="text/plain")


@transaction.atomic
def process(message):
    # Whoever else is at it is done first.
    message = WebhookMessage.objects.select_for_update().get(pk=message.pk)
    if message.processed_at is not None:
        return
    act(json.loads(bytes(message.body)))
    message.processed_at = timezone.now()
    message.save()


def act(event):
    """The business logic."""
    charge = event["data"]["object"]
    order = Order.objects.get(number=charge["metadata"]["order"])
    Order.objects.filter(pk=order.pk).update(cents_paid=F("cents_paid") + charge["amount"])


def order(request, number):
    found = get_object_or_404(Order, number=number)
    return JsonResponse({"number": found.number, "cents_paid": found.cents_paid})
