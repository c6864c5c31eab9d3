"""What was sent to somebody and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.delivery.models import MessageState, OutMessage


class MessageFate(StrEnum):
    """How far a message has come, in one word."""

    WAITS = "waits"
    LEFT = "left"
    ARRIVED = "arrived"
    READ = "read"
    FAILED = "failed"


def last_messages(db: Session, recipient_ref: str, *, most: int) -> Sequence[OutMessage]:
    """The newest messages to one person, the newest first."""
    mine = select(OutMessage).where(OutMessage.recipient_ref == recipient_ref)
    return db.scalars(mine.order_by(OutMessage.created_at.desc(), OutMessage.id.desc()).limit(most)).all()


def fate_of(message: OutMessage) -> MessageFate:
    """What is known of it."""
    if message.state is not MessageState.SENT:
        return MessageFate.FAILED if message.state is MessageState.UNDELIVERABLE else MessageFate.WAITS
    if message.read_at is not None:
        return MessageFate.READ
    return MessageFate.LEFT if message.delivered_at is None else MessageFate.ARRIVED
