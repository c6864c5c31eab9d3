"""Three tables: rows not yet numbered, the numbered feed, and who has read how far."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base


class FeedPending(Base):
    """Written by use cases, in their own transaction, without a number.

    A number drawn inside a transaction would appear out of order, and a reader asking for
    `position > last` would lose rows; so the numberer gives numbers to committed rows only.
    """

    __tablename__ = "feed_pending"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    unit_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class FeedEvent(Base):
    """The feed proper; `position` is what cursors and `Last-Event-ID` hold. Append-only."""

    __tablename__ = "feed_event"
    __table_args__ = (Index(None, "kind", "position"), Index(None, "recorded_at"))

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str]
    subject: Mapped[str]
    unit_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class FeedCursor(Base):
    """How far a named reader has come."""

    __tablename__ = "feed_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
