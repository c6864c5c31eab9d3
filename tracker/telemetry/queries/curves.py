"""A sensor's readings for people: raw a page at a time, or one row an hour or a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select, tuple_
from sqlalchemy.orm import Session

from tracker.telemetry.models import Reading
from tracker.telemetry.rules.words import Flag

# `auto` shows single readings while a page of them holds the period.
RAW_MOST = 2_000
# A year of hours; longer periods come by the day.
HOURS_MOST = 9_000


class Resolution(StrEnum):
    """How fine a curve is."""

    RAW = "raw"
    HOUR = "hour"
    DAY = "day"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One reading (`count` 1, all three equal), or the readings of an hour or a day."""

    at: datetime
    value: float
    low: float
    high: float
    count: int
    clock_fault: bool


def raw_points(
    db: Session,
    channel_id: int,
    from_at: datetime,
    to_at: datetime,
    *,
    seen: ColumnElement[bool],
    limit: int,
    after: tuple[datetime, float] | None = None,
) -> list[Point]:
    """Single readings in [from_at, to_at) that are `seen`, after `after` in (instant, value) order, at most `limit`."""
    query = select(Reading.measured_at, Reading.value, Reading.flags).where(
        Reading.channel_id == channel_id, Reading.measured_at >= from_at, Reading.measured_at < to_at, seen
    )
    if after is not None:
        query = query.where(tuple_(Reading.measured_at, Reading.value) > tuple_(*after))
    rows = db.execute(query.order_by(Reading.measured_at, Reading.value).limit(limit))
    return [
        Point(
            at=row.measured_at,
            value=row.value,
            low=row.value,
            high=row.value,
            count=1,
            clock_fault=bool(row.flags & Flag.CLOCK_FAULT),
        )
        for row in rows
    ]


def grouped_points(
    db: Session,
    channel_id: int,
    from_at: datetime,
    to_at: datetime,
    resolution: Resolution,
    *,
    seen: ColumnElement[bool],
) -> Sequence[Point]:
    """Mean, least and greatest of each hour or day (UTC) that has readings in [from_at, to_at) that are `seen`."""
    start: Any = func.date_trunc(literal_column(f"'{resolution.value}'"), Reading.measured_at).label("at")
    rows = db.execute(
        select(
            start,
            func.avg(Reading.value).label("value"),
            func.min(Reading.value).label("low"),
            func.max(Reading.value).label("high"),
            func.count().label("readings"),
            func.bool_or(Reading.flags.op("&")(int(Flag.CLOCK_FAULT)) != 0).label("clock_fault"),
        )
        .where(Reading.channel_id == channel_id, Reading.measured_at >= from_at, Reading.measured_at < to_at, seen)
        .group_by(start)
        .order_by(start)
    )
    return [
        Point(at=row.at, value=row.value, low=row.low, high=row.high, count=row.readings, clock_fault=row.clock_fault)
        for row in rows
    ]


def settle(db: Session, channel_id: int, from_at: datetime, to_at: datetime, asked: Resolution) -> Resolution:
    """What `auto` means for this period; and hours become days where they would be too many."""
    hours = (to_at - from_at) / timedelta(hours=1)
    if asked is Resolution.AUTO:
        beyond = db.scalar(
            select(Reading.measured_at)
            .where(Reading.channel_id == channel_id, Reading.measured_at >= from_at, Reading.measured_at < to_at)
            .order_by(Reading.measured_at)
            .offset(RAW_MOST)
            .limit(1)
        )
        asked = Resolution.RAW if beyond is None else Resolution.HOUR
    if asked is Resolution.HOUR and hours > HOURS_MOST:
        return Resolution.DAY
    return asked
