"""Figures of whole days against a logger that measures every minute: what happened is told, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.coldchain.rules.days import Day, Side, episodes_of_days
from tracker.coldchain.rules.instants import DAY, HOUR, MINUTE, Micros
from tracker.coldchain.rules.limits import Limit, Window
from tracker.coldchain.rules.seeds import SEEDED
from tracker.coldchain.rules.tracking import Episode

BY_RULE = {limit.rule: limit for limit in SEEDED if limit.id in {1, 2, 12, 13}}
HEAT, FRZE, COLD, WARM = (BY_RULE[rule] for rule in ("HEAT", "FRZE", "COLD", "WARM"))
STEP = 30
PER_DAY = 1440 // STEP


def window(limit: Limit, from_at: Micros = 0, to_at: Micros | None = None) -> Window:
    return Window(limit=limit, place="k1", from_at=from_at, to_at=to_at)


def alarmed(days: Sequence[Day], limit: Limit) -> list[Episode]:
    return [one for one in episodes_of_days(days, [window(limit)]) if one.alarmed_at is not None]


def runs_of(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Half-open stretches of true, in steps."""
    found, at = [], 0
    for true, group in groupby(flags):
        length = len(list(group))
        if true:
            found.append((at, at + length))
        at += length
    return found


def printed(values: Sequence[float], *, low: tuple[float, int], high: tuple[float, int]) -> list[Day]:
    """What a Fridge-tag prints of a value a half hour: it raises its alarm when one run reaches its duration."""

    def side(number: int, limit: tuple[float, int], flags: Sequence[bool]) -> Side:
        begin, end = number * PER_DAY, (number + 1) * PER_DAY
        at = None
        for first, last in runs_of(flags):
            rings = first + limit[1] / STEP
            if rings <= last and first < end and last > begin and max(rings, begin) <= end:
                at = min(at, max(rings, begin)) if at is not None else max(rings, begin)
        beyond = sum(flags[begin:end]) * STEP * MINUTE
        alarm_at = None if at is None else round(at * STEP) * MINUTE
        return Side(limit_c=limit[0], duration=limit[1] * MINUTE, beyond=beyond, alarm_at=alarm_at)

    return [
        Day(
            start=number * DAY,
            end=(number + 1) * DAY,
            low_c=min(values[number * PER_DAY : (number + 1) * PER_DAY]),
            high_c=max(values[number * PER_DAY : (number + 1) * PER_DAY]),
            below=side(number, low, [value < low[0] for value in values]),
            above=side(number, high, [value > high[0] for value in values]),
        )
        for number in range(len(values) // PER_DAY)
    ]


# Stretches of one value each, cut to whole days.
curves = st.lists(st.tuples(st.sampled_from([-3.0, 1.0, 4.0, 7.5, 9.0, 20.0]), st.integers(1, 40)), min_size=4).map(
    lambda parts: [value for value, length in parts for _ in range(length)]
)


@pytest.mark.parametrize("limit", [HEAT, FRZE])
@given(values=curves)
def test_a_logger_set_to_our_limits_tells_exactly_which_days_hold_an_alarm(limit: Limit, values: list[float]) -> None:
    values = values[: len(values) // PER_DAY * PER_DAY]
    days = printed(values, low=(-0.5, 60), high=(8.0, 600))
    told = alarmed(days, limit)
    flags = [value > 8 if limit.rule == "HEAT" else value <= -0.5 for value in values]
    true = [run for run in runs_of(flags) if (run[1] - run[0]) * STEP * MINUTE >= limit.duration]
    for first, last in true:
        assert any(
            one.started_at <= first * STEP * MINUTE and last * STEP * MINUTE <= (one.ended_at or 0) for one in told
        )
    for one in told:
        assert any(
            first * STEP * MINUTE < (one.ended_at or 0) and one.started_at < last * STEP * MINUTE
            for first, last in true
        )


@given(values=curves, nearer=st.sampled_from([8.0, 7.0]), duration=st.sampled_from([60, 300, 900]))
# Over midnight for fourteen hours, which is too short for that logger; what it rang for began later on the second day.
@example(values=[-3.0] * 20 + [9.0] * 29 + [-3.0] * 7 + [7.5] * 40, nearer=7.0, duration=900)
def test_a_logger_set_otherwise_never_hides_an_alarm(values: list[float], nearer: float, duration: int) -> None:
    values = values[: len(values) // PER_DAY * PER_DAY]
    told = alarmed(printed(values, low=(2.0, duration), high=(nearer, duration)), HEAT)
    for first, last in runs_of([value > 8 for value in values]):
        if (last - first) * STEP * MINUTE >= HEAT.duration:
            assert any(
                one.started_at <= first * STEP * MINUTE and last * STEP * MINUTE <= (one.ended_at or 0) for one in told
            )


def day(number: int, low: float, high: float, above: int = 0, hot_at: int | None = None, *, limit: float = 8.0) -> Day:
    alarm_at = None if hot_at is None else number * DAY + hot_at * MINUTE
    return Day(
        start=number * DAY,
        end=(number + 1) * DAY,
        low_c=low,
        high_c=high,
        above=Side(limit_c=limit, duration=600 * MINUTE, beyond=above * MINUTE, alarm_at=alarm_at),
    )


def test_an_episode_has_the_resolution_of_a_day_and_the_loggers_minutes() -> None:
    days = [day(0, 4, 9, 300), day(1, 5, 12, 700, 300), day(2, 4, 6)]
    (heat,) = alarmed(days, HEAT)
    assert (heat.started_at, heat.alarmed_at, heat.ended_at) == (0, DAY + 300 * MINUTE, 2 * DAY)
    assert (heat.peak, heat.exposed, heat.known) == (12, 1000 * MINUTE, 2 * DAY)


def test_short_breaches_are_episodes_without_an_alarm() -> None:
    (heat,) = episodes_of_days([day(0, 4, 9, 90)], [window(HEAT)])
    assert heat.alarmed_at is None
    (warm,) = alarmed([day(0, 4, 9, 90)], WARM)
    assert warm.alarmed_at == DAY


def test_a_limit_that_holds_at_once_needs_the_extreme_only() -> None:
    bare = replace(day(0, -0.2, 5), above=None)
    assert [one.alarmed_at for one in alarmed([bare], COLD)] == [DAY]
    assert alarmed([replace(bare, low_c=0.1)], COLD) == []


def test_minutes_between_a_farther_limit_and_ours_are_unknown_and_do_not_count() -> None:
    assert alarmed([day(0, 4, 9.5, 0, limit=10.0)], HEAT) == []
    assert alarmed([day(0, 8.5, 9.5, 0, limit=10.0)], HEAT), "but the whole day was above ours"


def test_a_day_on_which_the_logger_moved_counts_at_both_places() -> None:
    moved = DAY + 12 * HOUR
    days = [day(1, 4, 12, 700, 800)]
    before, after = episodes_of_days(days, [window(HEAT, 0, moved), window(HEAT, moved)])
    assert (before.started_at, before.ended_at) == (DAY, moved)
    assert (after.started_at, after.ended_at) == (moved, 2 * DAY)
    assert before.alarmed_at is not None
    assert after.alarmed_at is not None


def test_a_missing_day_ends_a_run() -> None:
    days = [day(0, 9, 12, 1440, 600), day(2, 9, 12, 1440, 0)]
    assert [one.started_at for one in alarmed(days, HEAT)] == [0, 2 * DAY]
