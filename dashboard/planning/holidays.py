"""Days on which most offices are shut: the nation's holidays and those joined to them by decree."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_NAMES = {"id": "id", "en": "en_US"}


def holidays_between(first: date, last: date, language: str) -> dict[date, str]:
    """The holidays from `first` to `last` with their names; those reckoned by the moon are said to be estimated till decreed."""
    known = _year(first.year, language) | _year(last.year, language)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {day: known[day] for day in days if day in known}


@lru_cache(maxsize=16)
def _year(year: int, language: str) -> dict[date, str]:
    # Taken in when the first week is shown: it costs a start half a second.
    from holidays import country_holidays  # noqa: PLC0415

    found = country_holidays("ID", years=year, language=_NAMES[language], categories=("government", "public"))
    return dict(found)
