"""Fields of bodies and questions that hold a number, a yes or no, or a time: each only as what it is.

Read leniently, `true` is one place, `"20261128"` the 23rd of August 1970, and `"0800"` thirteen minutes past midnight.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated

from pydantic import AfterValidator, AllowInfNan, AwareDatetime, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]  # its only argument
Flag = Annotated[bool, Strict()]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:.*", re.ASCII | re.DOTALL)
_CLOCK = re.compile(r"\d{2}:.*", re.ASCII | re.DOTALL)


def _written(form: str, *ways: re.Pattern[str]) -> BeforeValidator:
    """Lets through text of one of the ways, which is read further, and what is no text and no number."""

    def check(value: object) -> object:
        if isinstance(value, int | float) or (
            isinstance(value, str) and not any(way.fullmatch(value.strip()) for way in ways)
        ):
            raise PydanticCustomError("not_written_so", "Write it as {form}", {"form": form})
        return value

    return BeforeValidator(check)


def _of_our_calendar(value: datetime) -> datetime:
    """Whatever it is in the zones that we reckon in, it is a day of years 1 to 9999."""
    if not 1 < value.year < 9999:
        raise PydanticCustomError(
            "beyond_the_calendar", "Year {year} is beyond what is reckoned here", {"year": value.year}
        )
    return value


Day = Annotated[date, _written("2026-11-28", _DAY)]
Instant = Annotated[AwareDatetime, AfterValidator(_of_our_calendar), _written("2026-11-28T08:00:00+07:00", _INSTANT)]
Moment = Annotated[
    datetime | time,
    Field(union_mode="left_to_right"),
    _written("08:00, or 2026-11-28T08:00:00+07:00", _INSTANT, _CLOCK),
]
