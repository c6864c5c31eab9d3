"""Messages whose time is over, and up to where every webhook has read the feed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import ApiKey
from tracker.delivery.models import MessageState, OutMessage, Webhook
from tracker.kit.ids import first_at


def old_messages(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Messages made before that instant that are under way no more."""
    return select(OutMessage.id).where(OutMessage.id < first_at(before), OutMessage.state != MessageState.PENDING)


def forget_messages(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them, with whatever they said and to whom."""
    del now
    db.execute(delete(OutMessage).where(OutMessage.id.in_([row.id for row in rows])))


def webhooks_have_read(db: Session) -> int | None:
    """The position up to which every webhook has read that may ever read on; None where there is none.

    One whose account is locked waits and may go on; one whose key was revoked hears nothing for good. Nor is waited for one that is
    switched off: whoever starts it again is told what is gone.
    """
    hears = or_(ApiKey.id.is_(None), ApiKey.revoked_at.is_(None)) & Webhook.stopped_at.is_(None)
    return db.scalar(select(func.min(Webhook.position)).outerjoin(ApiKey, ApiKey.id == Webhook.key_id).where(hears))
