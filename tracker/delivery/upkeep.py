"""Keeping a webhook: what was sent to it, off and on again, sent again from an earlier place, another secret."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.secrets import new_secret, seal
from tracker.delivery.service import insist_on_kept, kept_place, webhook_in_reach
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import key_to_write


def deliveries_of(db: Session, principal: Principal, webhook_id: UUID) -> Select[WebhookDelivery]:
    """The last requests to a webhook. Not ordered. Raises WebhookNotFound."""
    return select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_in_reach(db, principal, webhook_id).id)


def stop_webhook(db: Session, principal: Principal, webhook_id: UUID, *, now: datetime) -> Webhook:
    """Send nothing until it is started again; stopping twice keeps the first instant. Raises WebhookNotFound, Forbidden."""
    webhook = _to_change(db, principal, webhook_id)
    webhook.stopped_at = webhook.stopped_at or now
    db.flush()
    return webhook


def start_webhook(db: Session, principal: Principal, webhook_id: UUID, *, now: datetime) -> Webhook:
    """Go on where it was, at once: also one that failed and waits for its next try.

    Raises WebhookNotFound, Forbidden; BadPosition where the feed has let go of what comes next.
    """
    webhook = _to_change(db, principal, webhook_id)
    insist_on_kept(db, webhook.position, field="after")
    webhook.stopped_at, webhook.next_at = None, now
    db.flush()
    return webhook


def replay_webhook(db: Session, principal: Principal, webhook_id: UUID, after: int, *, now: datetime) -> Webhook:
    """Send all again that comes behind this position; 0 is all that is kept. One that was stopped stays so.

    Raises WebhookNotFound, Forbidden; BadPosition for one that is no more, or not yet.
    """
    webhook = _to_change(db, principal, webhook_id)
    webhook.position = kept_place(db, after, field="after")
    webhook.next_at = now
    db.flush()
    return webhook


def renew_secret(db: Session, principal: Principal, webhook_id: UUID, *, keyring: Keyring) -> Webhook:
    """Sign with another secret from the next request on; what a receiver refuses meanwhile comes again. Raises WebhookNotFound, Forbidden."""
    webhook = _to_change(db, principal, webhook_id)
    key = key_to_write(db, keyring)
    webhook.secret_cipher, webhook.secret_key = seal(key, new_secret(), webhook.id), key.number
    db.flush()
    return webhook


def _to_change(db: Session, principal: Principal, webhook_id: UUID) -> Webhook:
    webhook = webhook_in_reach(db, principal, webhook_id)
    principal.require(Permission.WEBHOOK_WRITE)
    db.refresh(webhook, with_for_update=True)
    return webhook
