"""Two-digit years and days 00 of GS1 dates (General Specifications 7.12). Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date


def full_year(two_digits: int, today: date) -> int:
    """The year meant: 49 back to 50 ahead of the present one."""
    century = today.year - today.year % 100
    ahead = two_digits - today.year % 100
    if ahead >= 51:
        return century - 100 + two_digits
    if ahead <= -50:
        return century + 100 + two_digits
    return century + two_digits


def date_of(yymmdd: str, today: date, *, day_zero: bool = True) -> date | None:
    """The date six digits spell, day 00 being the last of the month where allowed; None when it is no date."""
    year, month, day = full_year(int(yymmdd[:2]), today), int(yymmdd[2:4]), int(yymmdd[4:])
    if not 1 <= month <= 12:
        return None
    last = monthrange(year, month)[1]
    if day == 0:
        return date(year, month, last) if day_zero else None
    return date(year, month, day) if day <= last else None
