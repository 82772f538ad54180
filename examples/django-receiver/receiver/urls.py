"""Where webhooks come in, and an order to look at."""

from django.urls import path
from payments.views import order, stripe_webhook

urlpatterns = [
    path("webhooks/stripe/", stripe_webhook),
    path("orders/<str:number>/", order),
]
