"""What devices said of themselves: their own alarms as stretches, and figures of whole days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, case, func, select
from sqlalchemy.orm import Session

from tracker.telemetry.models import DayFigures, ToldAlarm

# Three records of the standard's period: beyond that nobody said that it went on.
_GOES_ON = timedelta(minutes=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRun:
    """A code that a device gave again and again, from the first to the last time."""

    code: str
    first_at: datetime
    last_at: datetime
    times: int


def runs_told(device_id: UUID, from_at: datetime, to_at: datetime, *, seen: ColumnElement[bool]) -> Subquery:
    """What a device called its alarms within [from_at, to_at), as far as it is `seen` (on `ToldAlarm.at`). Not ordered."""
    before = func.lag(ToldAlarm.at).over(partition_by=ToldAlarm.code, order_by=ToldAlarm.at)
    told = (
        select(
            ToldAlarm.code,
            ToldAlarm.at,
            case((ToldAlarm.at - before <= _GOES_ON, 0), else_=1).label("starts"),
        )
        .where(ToldAlarm.device_id == device_id, ToldAlarm.at >= from_at, ToldAlarm.at < to_at, seen)
        .subquery()
    )
    number = func.sum(told.c.starts).over(partition_by=told.c.code, order_by=told.c.at).label("number")
    runs = select(told.c.code, told.c.at, number).subquery()
    return (
        select(
            runs.c.code, func.min(runs.c.at).label("first"), func.max(runs.c.at).label("last"), func.count().label("n")
        )
        .group_by(runs.c.code, runs.c.number)
        .subquery()
    )


def told_run(row: Any) -> ToldRun:
    """A row of `runs_told`."""
    return ToldRun(code=row.code, first_at=row.first, last_at=row.last, times=row.n)


def days_of_channel(channel_id: int, *, seen: ColumnElement[bool]) -> Select[Any]:
    """Days a logger printed, as far as they are `seen` (on `DayFigures.from_at`). Not ordered."""
    return select(DayFigures).where(DayFigures.channel_id == channel_id, seen)


def days_of(db: Session, channel_ids: Collection[int]) -> dict[int, Sequence[DayFigures]]:
    """All days of these channels, oldest first."""
    found: dict[int, list[DayFigures]] = {}
    query = select(DayFigures).where(DayFigures.channel_id.in_(list(channel_ids)))
    for one in db.scalars(query.order_by(DayFigures.channel_id, DayFigures.day)):
        found.setdefault(one.channel_id, []).append(one)
    return dict(found)


def last_day_end(db: Session, channel_id: int) -> datetime | None:
    """Up to when the channel's days tell; None without any."""
    return db.scalar(select(func.max(DayFigures.to_at)).where(DayFigures.channel_id == channel_id))
