"""A refusal as a sentence, in one language: codes become words, days are written as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from string import Formatter
from typing import Any

from babel.dates import format_date

from tracker.api.problems.problem import Problem
from tracker.api.problems.words import WORDS
from tracker.kit.days import wall_clock

DAY, MOMENT = "day", "moment"
"""Behind a parameter that is a calendar day, `{expiry:day}`, or an instant; the others are groups of `WORDS`."""


def say(problem: Problem, params: Mapping[str, object], language: str) -> str:
    """The problem's sentence in `id` or else English; `…` where the error lacks a parameter that it names."""
    return _Speaker(params, language).format(problem.id if language == "id" else problem.en)


class _Speaker(Formatter):
    """Fills a sentence in; what stands behind the colon of a parameter says what kind of value it is."""

    def __init__(self, params: Mapping[str, object], language: str) -> None:
        self._params = params
        self._language = language

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002 - the base's
        return self._params.get(str(key), "…")

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(self.format_field(each, format_spec) for each in value)
        if format_spec == DAY:
            return self._day(str(value))
        if format_spec == MOMENT:
            return _moment(str(value))
        return self._word(str(value), format_spec) if format_spec else str(value)

    def _word(self, value: str, group: str) -> str:
        """The word; the value as it is where it has none. A word may name parameters without a colon only."""
        words = WORDS[group].table.get(value)
        return value if words is None else self.format(words[0 if self._language == "id" else 1])

    def _day(self, value: str) -> str:
        try:
            return format_date(date.fromisoformat(value), "d MMMM y", locale="id" if self._language == "id" else "en")
        except ValueError:
            return value


def _moment(value: str) -> str:
    """An instant as people write it, by the clock of the place whose offset it carries."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return wall_clock(at) if at.tzinfo else value
