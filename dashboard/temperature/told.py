"""What a sensor's device said of itself: days that it printed, and its own alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed, newest
from tracker.access.principal import Principal
from tracker.telemetry.models import Channel, DayFigures, ToldAlarm
from tracker.telemetry.queries.reach import readings_seen
from tracker.telemetry.queries.told import ToldRun, days_of_channel, runs_told, told_run

MOST_DAYS = 60
MOST_RUNS = 20
DAYS, RUNS = "hari", "kata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Newest first: days of a logger that keeps no readings, whatever the span; its own alarms within it."""

    days: Listed[DayFigures]
    runs: Listed[ToldRun]


def told_by(
    db: Session, principal: Principal, channel_id: int, from_at: datetime, to_at: datetime, *, days: str, runs: str
) -> Told:
    """What the caller may see of it, from where the pages of `days` and `runs` before ended; raises BadCursor."""
    device_id = db.scalars(select(Channel.device_id).where(Channel.id == channel_id)).one()
    query = days_of_channel(channel_id, seen=readings_seen(db, principal, channel_id, at=DayFigures.from_at))
    seen = readings_seen(db, principal, channel_id, at=ToldAlarm.at)
    told = runs_told(device_id, from_at, to_at, seen=seen)
    found = listed(
        db,
        [select(told)],
        keys=[told.c.last, told.c.code],
        key_of=lambda row: [row.last.isoformat(), row.code],
        most=MOST_RUNS,
        after=runs,
        descending=True,
        field=RUNS,
    )
    return Told(
        days=newest(db, query, [DayFigures.day], most=MOST_DAYS, after=days, field=DAYS),
        runs=Listed(rows=[told_run(row) for row in found.rows], onward=found.onward, begun=found.begun),
    )
