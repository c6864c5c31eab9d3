"""On which days' sessions people are reminded of now. Pure: hours and days are those of the place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker.delivery.rules.night import Night
from tracker.kit.days import local_day

TEMPLATE = "quota_reminder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """From which full hour of the day before, and not at night."""

    from_hour: int = 16
    night: Night = field(default_factory=Night)


def days_to_remind(now: datetime, zone: str, reminding: Reminding) -> tuple[date, ...]:
    """Tomorrow's from the hour on; by day also today's, for whom nobody was there to remind the evening before."""
    if reminding.night.over_at(now, zone) is not None:
        return ()
    today = local_day(now, zone)
    tomorrow = today + timedelta(days=1)
    return (today, tomorrow) if begins(tomorrow, zone, reminding) <= now else (today,)


def begins(day: date, zone: str, reminding: Reminding) -> datetime:
    """From when people are reminded of a session of that day; whoever chose it later has just been told."""
    return datetime.combine(day - timedelta(days=1), time(reminding.from_hour), tzinfo=ZoneInfo(zone))
