"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class WebhookNotFound(NotFound):
    """The caller has no such webhook."""

    code = "delivery.webhook_not_found"


class BadWebhookUrl(Refused):
    """The address may not be called."""

    code = "delivery.bad_webhook_url"


class BadKinds(Refused):
    """The kinds of events are not written as kinds are."""

    code = "delivery.bad_kinds"


class BadPosition(Refused):
    """The feed has no such place any more, or not yet."""

    code = "delivery.bad_position"


class TooManyWebhooks(Conflict):
    """The account has as many webhooks as one may have."""

    code = "delivery.too_many_webhooks"


class UnknownTemplate(Refused):
    """There is no such message template."""

    code = "delivery.unknown_template"
