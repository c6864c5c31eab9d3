"""Messages whose time is over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from tracker.delivery.models import MessageState, OutMessage
from tracker.kit.ids import first_at


def old_messages(before: datetime) -> Select[UUID]:
    """Messages made before that instant that are under way no more."""
    return select(OutMessage.id).where(OutMessage.id < first_at(before), OutMessage.state != MessageState.PENDING)


def forget_messages(db: Session, ids: Collection[UUID], now: datetime) -> None:
    """Drop them, with whatever they said and to whom."""
    del now
    db.execute(delete(OutMessage).where(OutMessage.id.in_(ids)))
