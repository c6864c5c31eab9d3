"""When a dose may be given. Pure; the numbers are dated rows, and this only compares days.

Asked when somebody books and again when the dose is given: what was due by the booking may not be on the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tracker.kit.days import months_after


class Why(StrEnum):
    """By which rule a dose is not due."""

    GIVEN = "given"
    NOT_FORESEEN = "not_foreseen"
    DOSE_BEFORE = "dose_before"
    INTERVAL = "interval"
    AGE = "age"
    SPACING = "spacing"


@dataclass(frozen=True, slots=True)
class Given:
    """A dose the person has had, on the local day of the place."""

    vaccine: str
    dose: int
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A dose somebody is to have on `day`; `born` is None where it is not known."""

    vaccine: str
    dose: int
    day: date
    born: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The rules in force for one dose: days after the dose before, by its vaccine; age in months; days after others."""

    intervals: tuple[tuple[str, int], ...] = ()
    min_months: int = 0
    spacings: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why` is None when the dose is due; `first_day` is None where no rule names one."""

    why: Why | None
    first_day: date | None


def judge(wish: Wish, given: Sequence[Given], schedule: Schedule, today: date) -> Judgement:
    """Whether the dose may be given on that day, and from when on at the earliest.

    A dose told late is compared with what was given up to its own day: a later one forbids no earlier one.
    """
    if any(g.vaccine == wish.vaccine and _done(g, wish) for g in given):
        return Judgement(Why.GIVEN, None)
    bounds: list[tuple[date, Why]] = []
    if wish.dose > 1:
        if not schedule.intervals:
            return Judgement(Why.NOT_FORESEEN, None)
        due = [g.day + timedelta(days=days) for g in given for after, days in schedule.intervals if _is(g, after, wish)]
        if due:
            bounds.append((min(due), Why.INTERVAL))
        else:
            least = min(days for _, days in schedule.intervals)
            bounds.append((today + timedelta(days=least), Why.DOSE_BEFORE))
    if wish.born is not None and schedule.min_months:
        bounds.append((months_after(wish.born, schedule.min_months), Why.AGE))
    bounds += [
        (g.day + timedelta(days=days), Why.SPACING)
        for g in given
        for other, days in schedule.spacings
        if g.vaccine == other and g.day <= wish.day and not _follows(g, wish, schedule)
    ]
    return _latest(wish, bounds)


def not_excluded(wish: Wish, schedule: Schedule) -> bool:
    """Whether somebody whose doses are not known could be due: the dose is foreseen, and they are old enough if we know."""
    foreseen = wish.dose == 1 or bool(schedule.intervals)
    old_enough = wish.born is None or months_after(wish.born, schedule.min_months) <= wish.day
    return foreseen and old_enough


def _latest(wish: Wish, bounds: Iterable[tuple[date, Why]]) -> Judgement:
    first, why = max(bounds, default=(None, None))
    missing = any(why is Why.DOSE_BEFORE for _, why in bounds)
    if first is None or (first <= wish.day and not missing):
        return Judgement(None, first)
    return Judgement(Why.DOSE_BEFORE if missing else why, first)


def _done(given: Given, wish: Wish) -> bool:
    return given.dose == wish.dose or (given.dose > wish.dose and given.day <= wish.day)


def _is(given: Given, after: str, wish: Wish) -> bool:
    return given.vaccine == after and given.dose == wish.dose - 1 and given.day <= wish.day


def _follows(given: Given, wish: Wish, schedule: Schedule) -> bool:
    """The dose before, of a vaccine that this one may follow: its own interval says how long to wait."""
    return any(_is(given, after, wish) for after, _ in schedule.intervals)
