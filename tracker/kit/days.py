"""Which day it is: always the place's, never the server's (docs/domain.md, §1). No zone of Indonesia has summer time."""

from __future__ import annotations

import calendar
from datetime import date, datetime
from zoneinfo import ZoneInfo

WESTERN, CENTRAL, EASTERN = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"
"""WIB, WITA, WIT: UTC+7, +8, +9. Where no place is meant, the day is WESTERN's, that of the programme's headquarters."""


def local_day(at: datetime, zone: str) -> date:
    """The calendar day of an aware instant in an IANA time zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def earliest_day(now: datetime) -> date:
    """The day it still is in the west, where days end last."""
    return local_day(now, WESTERN)


def latest_day(now: datetime) -> date:
    """The day it is in the east already, where days begin first."""
    return local_day(now, EASTERN)


def months_after(day: date, months: int) -> date:
    """The same day so many calendar months on; the month's last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


_NAMES = {7: "WIB", 8: "WITA", 9: "WIT"}


def years_before(day: date, years: int) -> date:
    """When somebody of so many whole years was born at the latest."""
    return months_after(day, -12 * years)


def wall_clock(at: datetime) -> str:
    """An aware instant by the clock of its own offset, where that is one of Indonesia's: `26-11-2026 10.32 WITA`; else in WIB."""
    offset = at.utcoffset()
    hours = None if offset is None else offset.total_seconds() / 3600
    if hours not in _NAMES:
        at, hours = at.astimezone(ZoneInfo(WESTERN)), 7
    return f"{at:%d-%m-%Y %H.%M} {_NAMES[int(hours)]}"


def hours_there(opens: datetime, closes: datetime, zone: str) -> str:
    """From when to when on the clocks of a place: 08.00–12.00 WIB."""
    there = ZoneInfo(zone)
    return f"{opens.astimezone(there):%H.%M}–{wall_clock(closes.astimezone(there)).split(maxsplit=1)[1]}"
