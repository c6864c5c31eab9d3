"""Which stretch of time a question about a sensor means."""

from __future__ import annotations

from datetime import datetime, timedelta

from tracker.telemetry.errors import BadPeriod
from tracker.telemetry.rules.words import EARLIEST


def period_of(from_at: datetime | None, to_at: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Within what can hold readings at all, so that no date of the calendar's ends can do harm."""
    latest = now + timedelta(days=1)
    end = min(max(to_at or now, EARLIEST), latest)
    start = min(max(from_at, EARLIEST), latest) if from_at else end - timedelta(days=1)
    if start > end:
        raise BadPeriod(field="from")
    return start, end
