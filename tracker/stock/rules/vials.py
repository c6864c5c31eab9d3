"""How long an opened vial may be used. Pure.

WHO multi-dose vial policy (WHO/IVB/14.07): six hours or the end of the session, whichever is first, unless
the presentation may be kept for days (at most 28).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

USUAL_HOURS = 6


def discard_by(opened_at: datetime, hours: int | None, days: int | None, expiry: date, timezone: str) -> datetime:
    """The instant from which the rest must not be given: by policy, and never after the expiry date ends locally."""
    if days is not None:
        limit = opened_at + timedelta(days=days)
    else:
        limit = opened_at + timedelta(hours=hours if hours is not None else USUAL_HOURS)
    zone = ZoneInfo(timezone)
    if expiry >= date.max - timedelta(days=1):
        return limit
    end_of_expiry = datetime.combine(expiry + timedelta(days=1), time.min, zone)
    return min(limit, end_of_expiry.astimezone(opened_at.tzinfo))


def opened_by(opened_at: datetime, at: datetime) -> bool:
    """Whether a vial opened at `opened_at` was open at `at`, by the minute: forms tell minutes, scans tell seconds."""
    return opened_at.replace(second=0, microsecond=0) <= at.replace(second=0, microsecond=0)


def most_doses(doses_per_vial: int) -> int:
    """Doses that a well filled vial may give: makers fill a little more, a fifth at the very most."""
    return doses_per_vial + -(-doses_per_vial // 5)
