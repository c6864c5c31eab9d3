"""Up to when readings are archived: what was measured before is summed up, and no longer here to be read or judged anew."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.database.partitions import next_month
from tracker.telemetry.models import ArchivedMonth

YOUNGEST_ARCHIVE = timedelta(days=400)
"""No month that is younger is ever archived."""


def archived_until(db: Session) -> datetime | None:
    """The end of the last archived month; None where none is. Months are archived in order."""
    last = db.scalar(select(func.max(ArchivedMonth.month)))
    return None if last is None else datetime.combine(next_month(last), time(), UTC)
