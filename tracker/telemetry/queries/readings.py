"""Readings of channels, their nominal intervals, and the marks of what is new."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import Session

from tracker.telemetry.models import Channel, ChannelInterval, Reading, ReadingMark
from tracker.telemetry.rules.faults import ChannelRef


def channel_refs(db: Session, channel_ids: Collection[int]) -> dict[int, ChannelRef]:
    """Channels as the writer wants them, by id; unknown ids are left out."""
    rows = db.execute(select(Channel.id, Channel.quantity, Channel.role).where(Channel.id.in_(list(channel_ids))))
    return {row.id: ChannelRef(row.id, row.quantity, row.role) for row in rows}


def readings_between(
    db: Session, channel_id: int, from_at: datetime, to_at: datetime, *, limit: int | None = None
) -> Sequence[Row[datetime, float, int]]:
    """(measured_at, value, flags) within [from_at, to_at), by instant then value; at most `limit`."""
    query = (
        select(Reading.measured_at, Reading.value, Reading.flags)
        .where(Reading.channel_id == channel_id, Reading.measured_at >= from_at, Reading.measured_at < to_at)
        .order_by(Reading.measured_at, Reading.value)
        .limit(limit)
    )
    return db.execute(query).all()


def conflicts_between(db: Session, channel_id: int, from_at: datetime, to_at: datetime) -> list[datetime]:
    """Instants at which the channel claims more than one value."""
    query = (
        select(Reading.measured_at)
        .where(Reading.channel_id == channel_id, Reading.measured_at >= from_at, Reading.measured_at < to_at)
        .group_by(Reading.measured_at)
        .having(func.count() > 1)
        .order_by(Reading.measured_at)
    )
    return list(db.scalars(query))


def newest_at(db: Session, channel_id: int) -> datetime | None:
    """The channel's newest instant; None without readings."""
    return db.scalar(
        select(Reading.measured_at)
        .where(Reading.channel_id == channel_id)
        .order_by(Reading.measured_at.desc())
        .limit(1)
    )


def intervals_of(db: Session, channel_ids: Collection[int]) -> dict[int, list[tuple[datetime, int]]]:
    """Nominal intervals by channel: (from, seconds), oldest first; each holds until the next."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    rows = db.execute(
        select(ChannelInterval.channel_id, ChannelInterval.from_at, ChannelInterval.interval_s)
        .where(ChannelInterval.channel_id.in_(list(channel_ids)))
        .order_by(ChannelInterval.channel_id, ChannelInterval.from_at)
    )
    for row in rows:
        found.setdefault(row.channel_id, []).append((row.from_at, row.interval_s))
    return found


def interval_at(db: Session, channel_id: int, at: datetime) -> int:
    """Nominal seconds between readings at `at`."""
    query = (
        select(ChannelInterval.interval_s)
        .where(ChannelInterval.channel_id == channel_id, ChannelInterval.from_at <= at)
        .order_by(ChannelInterval.from_at.desc())
        .limit(1)
    )
    return db.scalars(query).one()


def take_marks(db: Session, *, most: int) -> dict[int, datetime]:
    """Take up to `most` marks away: channel → its earliest new instant. They are gone with the commit.

    Marks another transaction is taking are skipped. The caller evaluates in this same transaction, so
    a crash leaves the marks where they were.
    """
    # A WITH that locks runs exactly once; a plain subquery could run again for each row of the join.
    chosen = select(ReadingMark.id).order_by(ReadingMark.id).limit(most).with_for_update(skip_locked=True).cte("chosen")
    taken = (
        delete(ReadingMark)
        .where(ReadingMark.id.in_(select(chosen.c.id)))
        .returning(ReadingMark.channel_id, ReadingMark.earliest_at)
    )
    earliest: dict[int, datetime] = {}
    for channel_id, at in db.execute(taken):
        if channel_id not in earliest or at < earliest[channel_id]:
            earliest[channel_id] = at
    return earliest
