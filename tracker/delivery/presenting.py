"""Wire shapes from rows."""

from __future__ import annotations

from typing import Any

from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.schemas import DeliveryOut, WebhookMade, WebhookOut


def webhook_out(webhook: Webhook) -> WebhookOut:
    """A subscription and how it fares, without its secret."""
    return WebhookOut(**_shown(webhook))


def webhook_made(webhook: Webhook, secret: str) -> WebhookMade:
    """A subscription with the secret told this once."""
    return WebhookMade(**_shown(webhook), secret=secret)


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in WebhookOut.model_fields}


def delivery_out(delivery: WebhookDelivery) -> DeliveryOut:
    """One request and what was answered."""
    return DeliveryOut(**{name: getattr(delivery, name) for name in DeliveryOut.model_fields})
