"""Rows not yet numbered, the numbered feed, who has read how far, and what a reaction could not handle."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base


class FeedPending(Base):
    """Written by use cases, in their own transaction, without a number.

    A number drawn inside a transaction would appear out of order, and a reader asking for
    `position > last` would lose rows; so the numberer gives numbers to committed rows only. `caused_by` is the id
    of the event that led to this one; None where a person, a device or the clock began it, or nobody noted it.
    """

    __tablename__ = "feed_pending"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    unit_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    caused_by: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class FeedEvent(Base):
    """The feed proper; `position` is what cursors and `Last-Event-ID` hold. Append-only."""

    __tablename__ = "feed_event"
    __table_args__ = (
        Index(None, "kind", "position"),
        Index(None, "unit_id", "position"),
        Index(None, "recorded_at"),
        Index("ix_feed_event_caused_by", "caused_by", postgresql_where=text("caused_by IS NOT NULL")),
    )

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str]
    subject: Mapped[str]
    unit_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    caused_by: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class FeedCursor(Base):
    """How far a named reader has come."""

    __tablename__ = "feed_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


class FeedTry(Base):
    """How often a reaction has tried an event without getting past it; of each reaction the last such event."""

    __tablename__ = "feed_try"

    reaction: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    tries: Mapped[int]
    since: Mapped[datetime]
    error: Mapped[str]
    detail: Mapped[str]


class FeedWaiting(Base):
    """An event whose unit's rows were locked when a reaction came to it, or one behind such an event; it is tried again.

    `tries` and `error` tell of the first of a unit; `failures` counts tries that ended with an error of ours.
    """

    __tablename__ = "feed_waiting"
    __table_args__ = (Index("ix_feed_waiting_unit", "reaction", "unit_id", "position"),)

    reaction: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    unit_id: Mapped[UUID | None]
    kind: Mapped[str]
    since: Mapped[datetime]
    again_at: Mapped[datetime]
    tries: Mapped[int]
    failures: Mapped[int]
    error: Mapped[str]
    detail: Mapped[str]


class FeedSetAside(Base):
    """An event that a reaction could not handle: it waits here, in sight, and later events go on.

    `error` is the error's class; `detail` says where, or what is wrong with the row, never what a person's data hold.
    """

    __tablename__ = "feed_set_aside"
    __table_args__ = (
        UniqueConstraint("reaction", "position"),
        Index("ix_feed_set_aside_waiting", "position", postgresql_where=text("resolved_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reaction: Mapped[str]
    event_id: Mapped[UUID]
    position: Mapped[int]
    kind: Mapped[str]
    error: Mapped[str]
    detail: Mapped[str]
    tries: Mapped[int]
    first_tried_at: Mapped[datetime]
    last_tried_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
