"""How long an opened vial may be used. Pure.

WHO multi-dose vial policy (WHO/IVB/14.07): six hours or the end of the session, whichever is first, unless
the presentation may be kept for days (at most 28).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
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


def last_day_then(expiry: date, said: Sequence[tuple[date, datetime]], at: datetime) -> date:
    """The last day on which what was done at `at` may have been done: by the catalogue now, or by what it said since then.

    `said` are expiries that were put right, and when: who opened a vial before that went by what stood there.
    """
    return max([expiry, *(before for before, until in said if until > at)])


def good_until(
    opened_at: datetime,
    hours: int | None,
    days: int | None,
    *,
    expiry: date,
    said: Sequence[tuple[date, datetime]],
    timezone: str,
) -> datetime:
    """`discard_by` of a vial whose batch's expiry may have been put right since: what the correction ends, it ends then."""
    by_now = discard_by(opened_at, hours, days, expiry, timezone)
    by_then = discard_by(opened_at, hours, days, last_day_then(expiry, said, opened_at), timezone)
    return max(by_now, min([by_then, *(until for _, until in said if until > opened_at)]))


def opened_by(opened_at: datetime, at: datetime) -> bool:
    """Whether a vial opened at `opened_at` was open at `at`, by the minute: forms tell minutes, scans tell seconds."""
    return opened_at.replace(second=0, microsecond=0) <= at.replace(second=0, microsecond=0)


def most_doses(doses_per_vial: int) -> int:
    """Doses that a well filled vial may give: makers fill a little more, a fifth at the very most."""
    return doses_per_vial + -(-doses_per_vial // 5)


def vial_id(event_id: UUID, index: int) -> UUID:
    """The id of an opening's vial, from 0: the opening's own, counted on, so that a phone knows it before the house does."""
    return UUID(int=(event_id.int + index + 1) % 2**128)
