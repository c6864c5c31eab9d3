"""What a sensor's device said of itself: days that it printed, and its own alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.telemetry.models import Channel, DayFigures, ToldAlarm
from tracker.telemetry.queries.reach import readings_seen
from tracker.telemetry.queries.told import ToldRun, days_of_channel, told_runs

MOST_DAYS = 60
MOST_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Newest first: days of a logger that keeps no readings, whatever the span; its own alarms within it."""

    days: Sequence[DayFigures]
    runs: Sequence[ToldRun]


def told_by(db: Session, principal: Principal, channel_id: int, from_at: datetime, to_at: datetime) -> Told:
    """What the caller may see of it."""
    device_id = db.scalars(select(Channel.device_id).where(Channel.id == channel_id)).one()
    days = days_of_channel(channel_id, seen=readings_seen(db, principal, channel_id, at=DayFigures.from_at))
    seen = readings_seen(db, principal, channel_id, at=ToldAlarm.at)
    return Told(
        days=db.scalars(days.order_by(DayFigures.day.desc()).limit(MOST_DAYS)).all(),
        runs=told_runs(db, device_id, from_at, to_at, seen=seen, limit=MOST_RUNS),
    )
