"""What a gateway says afterwards of a message that it took: sent, delivered, read, or failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.delivery.events import MessageFailed, MessageSent
from tracker.delivery.messages import tell
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.rules.receipts import Fate, Receipt


def note_receipt(db: Session, receipt: Receipt, *, now: datetime) -> None:
    """Keep it; words may come twice, late, in any order, or on messages that nobody knows.

    A message whose sending was not recorded, for the worker died, counts as sent by it and is not sent again. One that failed after it was
    taken goes by SMS if it went by WhatsApp, else its owner stands among those to be called.
    """
    found = select(OutMessage).with_for_update()
    if receipt.message is not None:
        message = db.scalar(found.where(OutMessage.id == receipt.message))
    else:
        message = db.scalar(found.where(OutMessage.gateway_ref == receipt.ref)) if receipt.ref else None
    if message is None:
        return
    if receipt.fate is Fate.FAILED:
        _failed(db, message, receipt, now)
    else:
        _went(db, message, receipt, now)
    db.flush()


def _went(db: Session, message: OutMessage, receipt: Receipt, now: datetime) -> None:
    if message.state is MessageState.PENDING and message.attempts and message.left_by is None:
        message.state, message.sent_at, message.last_error = MessageState.SENT, now, None
        message.left_by, message.gateway_ref = receipt.gateway, receipt.ref
        tell(db, MessageSent, message, now)
    if receipt.fate is Fate.SENT or message.state is not MessageState.SENT:
        return
    at = min(receipt.at, now)
    message.delivered_at = message.delivered_at or at
    if receipt.fate is Fate.READ:
        message.read_at = message.read_at or at


def _failed(db: Session, message: OutMessage, receipt: Receipt, now: datetime) -> None:
    took_it = message.state is MessageState.SENT and message.left_by == receipt.gateway
    if not took_it or message.delivered_at is not None:
        return
    message.sent_at, message.last_error = None, f"{receipt.gateway}: {receipt.reason}"
    if receipt.gateway == message.medium == "whatsapp":
        message.medium, message.state, message.attempts, message.next_at = "sms", MessageState.PENDING, 0, now
    else:
        message.state = MessageState.UNDELIVERABLE
        tell(db, MessageFailed, message, now)
