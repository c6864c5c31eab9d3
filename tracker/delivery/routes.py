"""HTTP of this room: webhooks."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from tracker.delivery import service, upkeep
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.presenting import delivery_out, webhook_made, webhook_out
from tracker.delivery.schemas import DeliveryOut, ReplayIn, WebhookIn, WebhookMade, WebhookOut
from tracker.delivery.secrets import secret_of
from tracker.edge.deps import Caller, Db, KnownKinds, Now, Shared
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.sealing.keyring import Keyring

router = Router(prefix="/api/v1", tags=["delivery"])


@router.post("/webhooks", status_code=201)
def add_webhook(body: WebhookIn, db: Db, caller: Caller, now: Now, *, shared: Shared, known: KnownKinds) -> WebhookMade:
    """Subscribe to what happens within the caller's reach; the secret is in this answer and nowhere else.

    Each request carries `X-Timestamp` (Unix seconds) and `X-Signature: sha256=` with the HMAC-SHA256 of timestamp, a full stop and
    the raw body: refuse what is older than five minutes. (`X-Rantai-Signature` signs the body alone.) Answer 2xx within ten
    seconds; anything else is tried again, in order. An event may come twice: remember its `position`.
    """
    command = service.NewWebhook(url=body.url, kinds=body.kinds, since=body.since)
    private_allowed = shared.settings.delivery.private_webhooks
    keyring = Keyring.of(shared.settings)
    made = service.add_webhook(
        db, caller, command, known=known, private_allowed=private_allowed, keyring=keyring, now=now
    )
    return webhook_made(made, secret_of(db, keyring, made))


@router.get("/webhooks")
def list_webhooks(
    db: Db,
    caller: Caller,
    account: Annotated[
        str | None,
        Query(
            max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="User name of an account the caller manages."
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[WebhookOut]:
    """The caller's own subscriptions, or those of an account the caller manages."""
    return page_of(
        db,
        service.webhooks_of(db, caller, account),
        keys=[Webhook.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].id],
        present=lambda row: webhook_out(row[0]),
    )


@router.get("/webhooks/{webhook_id}")
def read_webhook(webhook_id: UUID, db: Db, caller: Caller) -> WebhookOut:
    """One subscription and how it fares."""
    return webhook_out(service.webhook_in_reach(db, caller, webhook_id))


@router.delete("/webhooks/{webhook_id}", status_code=204)
def remove_webhook(webhook_id: UUID, db: Db, caller: Caller) -> Response:
    """Unsubscribe: one's own, or one of an account the caller manages."""
    service.remove_webhook(db, caller, webhook_id)
    return Response(status_code=204)


@router.get("/webhooks/{webhook_id}/deliveries")
def list_webhook_deliveries(
    webhook_id: UUID, db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None
) -> Page[DeliveryOut]:
    """The last requests to it (some two hundred), the newest first."""
    return page_of(
        db,
        upkeep.deliveries_of(db, caller, webhook_id),
        keys=[WebhookDelivery.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].id],
        present=lambda row: delivery_out(row[0]),
        descending=True,
    )


@router.post("/webhooks/{webhook_id}/stop")
def stop_webhook(webhook_id: UUID, db: Db, caller: Caller, now: Now) -> WebhookOut:
    """Send nothing until it is started again."""
    return webhook_out(upkeep.stop_webhook(db, caller, webhook_id, now=now))


@router.post("/webhooks/{webhook_id}/start")
def start_webhook(webhook_id: UUID, db: Db, caller: Caller, now: Now) -> WebhookOut:
    """Go on where it was, at once; also one that failed and waits. 422 `delivery.bad_position` where what comes next is kept no more."""
    return webhook_out(upkeep.start_webhook(db, caller, webhook_id, now=now))


@router.post("/webhooks/{webhook_id}/replay")
def replay_webhook(webhook_id: UUID, body: ReplayIn, db: Db, caller: Caller, now: Now) -> WebhookOut:
    """Send all again that comes behind a position, such as a delivery's `after`."""
    return webhook_out(upkeep.replay_webhook(db, caller, webhook_id, body.after, now=now))


@router.post("/webhooks/{webhook_id}/secret")
def renew_webhook_secret(webhook_id: UUID, db: Db, caller: Caller, *, shared: Shared) -> WebhookMade:
    """Another secret, in this answer and nowhere else; the next request is signed with it, and what is refused meanwhile comes again."""
    keyring = Keyring.of(shared.settings)
    webhook = upkeep.renew_secret(db, caller, webhook_id, keyring=keyring)
    return webhook_made(webhook, secret_of(db, keyring, webhook))
