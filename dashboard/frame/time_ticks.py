"""Where a time axis has its ticks, and what stands at them, in the page's language."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.frame.texts import Texts

_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 4, 7, 14)


def time_ticks(start: datetime, end: datetime, most: int, texts: Texts) -> list[tuple[datetime, str, str]]:
    """(instant, first line, second line), at most `most`; naive local instants. The second line tells a new day."""
    length = end - start
    for hours in _HOURS:
        if length / timedelta(hours=hours) <= most:
            return _of_hours(start, end, hours, texts)
    for days in _DAYS:
        if length / timedelta(days=days) <= most:
            return _of_days(start, end, days, texts)
    return _of_months(start, end, most, texts)


def _of_hours(start: datetime, end: datetime, hours: int, texts: Texts) -> list[tuple[datetime, str, str]]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = []
    at, told = midnight, None
    while at <= end:
        if at >= start:
            ticks.append((at, texts.clock_of(at), texts.short_day(at.date()) if at.date() != told else ""))
            told = at.date()
        at += timedelta(hours=hours)
    return ticks


def _of_days(start: datetime, end: datetime, days: int, texts: Texts) -> list[tuple[datetime, str, str]]:
    # Counted from a fixed day, so that ticks do not wander as the window moves on.
    at = start.replace(hour=0, minute=0, second=0, microsecond=0)
    at -= timedelta(days=at.toordinal() % days)
    ticks = []
    while at <= end:
        if at >= start:
            ticks.append((at, texts.short_day(at.date()), ""))
        at += timedelta(days=days)
    return ticks


def _of_months(start: datetime, end: datetime, most: int, texts: Texts) -> list[tuple[datetime, str, str]]:
    first = start.year * 12 + start.month
    last = end.year * 12 + end.month - 1
    step = -(-max(1, last - first + 1) // most)
    found = [datetime(month // 12, month % 12 + 1, 1) for month in range(first, last + 1, step)]  # noqa: DTZ001 - naive local time
    return [(at, texts.month(at.date()), str(at.year)) for at in found]
