"""When a dose may be given: order, intervals, ages, other vaccines, and from which day on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from tracker.kit.days import months_after
from tracker.quota.rules.schedule import Given, Judgement, Schedule, Why, Wish, judge

TODAY = date(2026, 3, 2)
ADULT = date(1990, 1, 1)
TWO = Schedule(intervals=(("az", 56),), min_months=216)


def day(ahead: int) -> date:
    return TODAY + timedelta(days=ahead)


def asked(dose: int, ahead: int, given: list[Given], schedule: Schedule = TWO, born: date | None = ADULT) -> Judgement:
    return judge(Wish(vaccine="az", dose=dose, day=day(ahead), born=born), given, schedule, TODAY)


@pytest.mark.parametrize(
    ("dose", "ahead", "why", "first"),
    [
        (2, 0, Why.INTERVAL, 56),
        (2, 55, Why.INTERVAL, 56),
        (2, 56, None, 56),
        (2, 400, None, 56),
        (1, 60, Why.GIVEN, None),
        (3, 400, Why.DOSE_BEFORE, 56),
    ],
)
def test_after_a_first_dose(dose: int, ahead: int, why: Why | None, first: int | None) -> None:
    found = asked(dose, ahead, [Given("az", 1, TODAY)])
    assert (found.why, found.first_day) == (why, None if first is None else day(first))


def test_a_dose_that_no_schedule_knows_has_no_first_day() -> None:
    assert asked(3, 400, [Given("az", 2, TODAY)], Schedule()) == Judgement(Why.NOT_FORESEEN, None)


def test_without_the_dose_before_the_first_day_is_counted_from_today() -> None:
    assert asked(2, 100, []) == Judgement(Why.DOSE_BEFORE, day(56))


def test_a_dose_of_another_vaccine_is_not_the_dose_before_unless_the_schedule_lets_it_follow() -> None:
    other = [Given("sinovac", 1, TODAY)]
    assert asked(2, 100, other).why is Why.DOSE_BEFORE
    mixed = Schedule(intervals=(("az", 56), ("sinovac", 28)), spacings=(("sinovac", 90),))
    assert asked(2, 28, other, mixed).why is None
    assert asked(2, 27, other, mixed) == Judgement(Why.INTERVAL, day(28))


def test_another_vaccine_keeps_its_distance() -> None:
    schedule = Schedule(spacings=(("mr", 28),))
    assert asked(1, 27, [Given("mr", 1, TODAY)], schedule) == Judgement(Why.SPACING, day(28))
    assert asked(1, 28, [Given("mr", 1, TODAY)], schedule).why is None
    # Told late: what was given afterwards forbids nothing that came before it.
    assert asked(1, -3, [Given("mr", 1, TODAY)], schedule).why is None


def test_an_age_is_reached_on_the_day_of_the_month() -> None:
    schedule = Schedule(min_months=2)
    born = date(2025, 12, 31)
    assert asked(1, 0, [], schedule, born=born).why is None  # the end of February
    assert asked(1, -3, [], schedule, born=born) == Judgement(Why.AGE, date(2026, 2, 28))
    assert asked(1, -300, [], schedule, born=None).why is None


def test_an_earlier_dose_told_late_stands_beside_a_later_one() -> None:
    given = [Given("az", 2, day(-1))]
    assert asked(1, -90, given).why is None
    assert asked(1, 0, given).why is Why.GIVEN


@examples(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(0, 300), st.integers(0, 300))
def test_months_add_up_and_never_run_over_into_the_next(start: date, one: int, two: int) -> None:
    there = months_after(start, one)
    assert (there.year * 12 + there.month) - (start.year * 12 + start.month) == one
    assert there.day == start.day or (there + timedelta(days=1)).day == 1
    assert months_after(start, one + two) >= months_after(there, two)
