"""When a facility counts as empty, low, well stocked or over-full. Pure.

The thresholds are days of stock at the present rate of use. Seven days as the border to "low" is the
ministry's public map of 2021; above six weeks a puskesmas holds more than its monthly supply and a reserve.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker.kit.days import local_day

LOW_BELOW_DAYS = 7.0
OVER_ABOVE_DAYS = 42.0
STALE_AFTER = timedelta(days=14)
# A rate needs a few days of history; over fewer it would be one busy morning.
LEAST_HISTORY_DAYS = 3.0

# The least time the database tells apart.
_INSTANT = timedelta(microseconds=1)

WORST_FIRST = ("out", "low", "unreported", "stale", "over", "ok")


def days_of_stock(usable: int, used: int, history_days: float) -> float | None:
    """Days the vials last at the present rate; None without use or with too short a history."""
    if used <= 0 or history_days < LEAST_HISTORY_DAYS:
        return None
    return usable / (used / history_days)


def product_state(*, usable: int, short: int, days: float | None, touched_at: datetime | None, now: datetime) -> str:
    """The state of one product at one facility. A promise without vials behind it is low, whatever lies there."""
    if touched_at is None:
        return "unreported"
    if usable == 0:
        return "out"
    if short > 0:
        return "low"
    if now - touched_at > STALE_AFTER:
        return "stale"
    return level(days)


def level(days: float | None) -> str:
    """Low, ok or over by days of stock; without a rate nobody can say that it is too little or too much."""
    if days is None:
        return "ok"
    if days < LOW_BELOW_DAYS:
        return "low"
    return "over" if days > OVER_ABOVE_DAYS else "ok"


def worst(states: Iterable[str]) -> str:
    """The state of a facility: that of its worst product; without any product nothing was reported."""
    found = set(states)
    return next((state for state in WORST_FIRST if state in found), "unreported")


def steady(now: datetime, zone: str, touched: Iterable[datetime]) -> tuple[datetime, datetime]:
    """From when, and until before when, no product of a place changes its state by time alone.

    Expiry, use and promises go by the place's day; what was not recorded for long turns stale at an instant of its own.
    """
    there = ZoneInfo(zone)
    today = local_day(now, zone)
    begins, ends = (datetime.combine(day, time(), there) for day in (today, today + timedelta(days=1)))
    turns = [at + STALE_AFTER + _INSTANT for at in touched]
    return max([begins, *(at for at in turns if at <= now)]), min([ends, *(at for at in turns if at > now)])
