"""What came in, and what was done with it."""

from django.db import models


class WebhookMessage(models.Model):
    """A message as it came. Its id is the same each time it comes, so that it is here once."""

    webhook_id = models.CharField(max_length=256, unique=True)
    received_at = models.DateTimeField(auto_now_add=True)
    body = models.BinaryField()
    processed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["received_at"])]


class Order(models.Model):
    """What is paid for."""

    number = models.CharField(max_length=50, unique=True)
    cents_paid = models.PositiveIntegerField(default=0)
