"""Reading the feed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from tracker.feed.models import FeedEvent, FeedPending


def read_after(
    db: Session,
    position: int,
    *,
    limit: int = 500,
    kinds: Collection[str] | None = None,
    where: ColumnElement[bool] | None = None,
) -> list[FeedEvent]:
    """The next events after `position`, in order, at most `limit`."""
    query = select(FeedEvent).where(FeedEvent.position > position).order_by(FeedEvent.position).limit(limit)
    if kinds is not None:
        query = query.where(FeedEvent.kind.in_(kinds))
    if where is not None:
        query = query.where(where)
    return list(db.scalars(query))


def last_position(db: Session) -> int:
    """The newest number given; 0 in an empty feed."""
    return db.scalar(select(func.max(FeedEvent.position))) or 0


def oldest_pending(db: Session) -> datetime | None:
    """When the oldest row that still waits for its number was recorded; None when none waits."""
    return db.scalar(select(func.min(FeedPending.recorded_at)))
