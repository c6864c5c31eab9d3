"""Episodes by the letter: standing time, gaps, conflicts, the end of the data, cumulative sums."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.coldchain_reference import PlainLimit, reference_episodes
from tracker.coldchain.rules.episodes import episodes_of, evaluate
from tracker.coldchain.rules.instants import MINUTE, Micros, to_micros
from tracker.coldchain.rules.limits import Limit, Mode, Operator, Placement, Window, windows_of
from tracker.coldchain.rules.seeds import SEEDED, alarms_for
from tracker.coldchain.rules.standing import intervals_of, is_silent, series_of, until_of
from tracker.coldchain.rules.tracking import Episode
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.rules.words import Quantity, Role

START = datetime(2026, 3, 1, tzinfo=UTC)
ORIGIN = to_micros(START)
FRIDGE = Placement(key="k1", place_kind=PlaceKind.FRIDGE, from_at=0)
HEAT, FRZE = alarms_for(PlaceKind.FRIDGE)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def limit(minutes: int, *, operator: Operator = Operator.ABOVE, value: float = 8.0, **more: Any) -> Limit:
    defaults: dict[str, Any] = {"mode": Mode.CONTINUOUS, "place_kind": PlaceKind.FRIDGE, "from_at": 0}
    return Limit(
        id=1,
        rule="HEAT",
        quantity=Quantity.TEMPERATURE,
        operator=operator,
        value=value,
        duration=minutes * MINUTE,
        **(defaults | more),
    )


def run(
    points: Sequence[tuple[float, float]], *limits: Limit, until: float | None = None, interval: int = 10
) -> list[Episode]:
    return list(
        episodes_of(
            [(at(minute), value) for minute, value in points],
            limits=limits or (limit(60),),
            placements=[FRIDGE],
            intervals=[(0, interval * MINUTE)],
            until=None if until is None else at(until),
        )
    )


def told(episode: Episode) -> tuple[float, float | None, float | None, float]:
    """Start, alarm, end and exposure in minutes."""

    def minutes(instant: Micros | None) -> float | None:
        return None if instant is None else (instant - ORIGIN) / MINUTE

    return (
        (episode.started_at - ORIGIN) / MINUTE,
        minutes(episode.alarmed_at),
        minutes(episode.ended_at),
        episode.exposed / MINUTE,
    )


def every(minutes: range, value: float) -> list[tuple[float, float]]:
    return [(minute, value) for minute in minutes]


def test_a_clean_reading_may_complete_the_duration() -> None:
    points = [*every(range(0, 60, 10), 9.0), (60.0, 5.0)]
    assert [told(one) for one in run(points)] == [(0, 60, 60, 60)]


def test_a_minute_short_of_the_duration_is_an_episode_without_alarm() -> None:
    points = [*every(range(0, 60, 10), 9.0), (59.0, 5.0)]
    assert [told(one) for one in run(points)] == [(0, None, 59, 59)]


def test_exactly_eight_degrees_is_no_heat_and_exactly_minus_half_freezes() -> None:
    assert run(every(range(0, 700, 10), 8.0), HEAT) == []
    assert [told(one) for one in run(every(range(0, 70, 10), -0.5), FRZE)] == [(0, 60, None, 60)]


def test_while_readings_come_the_run_is_measured_to_the_newest() -> None:
    assert [told(one) for one in run(every(range(0, 60, 10), 9.0))] == [(0, None, None, 50)]


def test_once_silent_the_last_reading_stands_one_interval_and_the_rest_is_unknown() -> None:
    assert [told(one) for one in run(every(range(0, 60, 10), 9.0), until=600)] == [(0, 60, 60, 60)]


def test_a_gap_ends_a_continuous_run_after_one_interval() -> None:
    points = [*every(range(0, 50, 10), 9.0), *every(range(75, 120, 10), 9.0)]
    assert [told(one) for one in run(points)] == [(0, None, 50, 50), (75, None, None, 40)]


def test_thirty_minutes_are_bridged_and_thirty_one_are_not() -> None:
    assert len(run([(0, 9.0), (30, 9.0)], interval=5)) == 1
    assert len(run([(0, 9.0), (31, 9.0)], interval=5)) == 2


def test_a_slow_logger_bridges_three_of_its_intervals() -> None:
    assert len(run([(0, 9.0), (180, 9.0)], interval=60)) == 1
    assert len(run([(0, 9.0), (181, 9.0)], interval=60)) == 2


def test_a_cumulative_sum_survives_a_gap_and_clean_time() -> None:
    forever = limit(60, mode=Mode.FOREVER)
    points = [*every(range(0, 40, 10), 9.0), (40.0, 5.0), (200.0, 5.0), *every(range(300, 340, 10), 9.0), (340.0, 5.0)]
    (episode,) = run(points, forever)
    assert told(episode) == (0, 320, 340, 80)
    # Clean time 40–50 and 200–210 is known as well; 50–200 and 210–300 are not.
    assert episode.known / MINUTE == 40 + 10 + 10 + 40


def test_a_trailing_window_forgets_what_is_older() -> None:
    window = limit(60, mode=Mode.WINDOW, window=120 * MINUTE)
    points = [
        *every(range(0, 40, 10), 9.0),
        *every(range(40, 140, 10), 5.0),
        *every(range(140, 180, 10), 9.0),
        (180.0, 5.0),
    ]
    # At 180 only 60…40 of the first run lies within two hours: 40 minutes in all, never 60.
    assert [told(one) for one in run(points, window)] == [(0, None, 180, 80)]


def test_of_two_values_for_one_instant_the_violating_one_counts_in_either_order() -> None:
    clean = every(range(0, 70, 10), 5.0)
    hot = every(range(0, 70, 10), 9.0)
    assert run([*clean, *hot]) == run([*hot, *clean]) != []


def test_moving_the_channel_ends_the_episode_and_the_next_place_starts_unknown() -> None:
    here = Placement(key="a", place_kind=PlaceKind.FRIDGE, from_at=0, to_at=to_micros(at(35)))
    there = Placement(key="b", place_kind=PlaceKind.FRIDGE, from_at=to_micros(at(35)))
    found = episodes_of(
        [(at(minute), 9.0) for minute in range(0, 100, 10)],
        limits=[limit(60)],
        placements=[here, there],
        intervals=[(0, 10 * MINUTE)],
    )
    assert [(one.place, told(one)) for one in found] == [("a", (0, None, 35, 35)), ("b", (40, None, None, 50))]


def test_a_limit_that_ends_judges_nothing_after_its_end() -> None:
    ended = limit(60, to_at=to_micros(at(30)))
    assert [told(one) for one in run(every(range(0, 100, 10), 9.0), ended)] == [(0, None, 30, 30)]


@pytest.mark.parametrize("role", [Role.AMBIENT, Role.CONDENSER, Role.OTHER])
def test_only_storage_and_freezer_channels_are_judged(role: Role) -> None:
    assert windows_of(SEEDED, [FRIDGE], quantity=Quantity.TEMPERATURE, role=role) == ()


def test_the_freezer_compartment_of_a_fridge_is_judged_as_a_freezer() -> None:
    found = windows_of(SEEDED, [FRIDGE], quantity=Quantity.TEMPERATURE, role=Role.FREEZER)
    assert [(one.limit.rule, one.limit.value) for one in found] == [("HEAT", -15.0)]


def test_power_seconds_reach_back_and_are_never_held_forward() -> None:
    power = [one for one in SEEDED if one.rule == "POWR"]
    readings = [(at(minute), 0.0) for minute in range(15, 1456, 15)]
    (episode,) = episodes_of(
        readings,
        limits=power,
        placements=[FRIDGE],
        intervals=[(0, 15 * MINUTE)],
        quantity=Quantity.POWER,
        role=Role.POWER,
    )
    assert told(episode) == (0, 1440, None, 1455)
    (over,) = episodes_of(
        readings,
        limits=power,
        placements=[FRIDGE],
        intervals=[(0, 15 * MINUTE)],
        until=at(9000),
        quantity=Quantity.POWER,
        role=Role.POWER,
    )
    assert told(over) == (0, 1440, 1455, 1455)


def test_silence_begins_after_three_intervals() -> None:
    assert not is_silent(0, 10 * MINUTE, 30 * MINUTE)
    assert is_silent(0, 10 * MINUTE, 30 * MINUTE + 1)
    assert until_of(0, 10 * MINUTE, 20 * MINUTE) == 0
    assert until_of(0, 10 * MINUTE, 40 * MINUTE) == 40 * MINUTE


# Steps that make runs, bridged holes, gaps at and beyond the edge, and the same instant again (a conflict).
STEPS = st.sampled_from([0, 5, 10, 10, 10, 20, 29, 30, 31, 60, 90, 91, 400])
VALUES = st.sampled_from([-1.0, -0.5, 0.0, 5.0, 8.0, 8.1, 9.0, 12.0])


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, float]]:
    minute, points = 0, []
    for step, value in draw(st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=40)):
        minute += step
        points.append((minute, value))
    return points


@st.composite
def limits(draw: st.DrawFn) -> tuple[Limit, PlainLimit]:
    operator = draw(st.sampled_from(list(Operator)))
    value = draw(st.sampled_from([-0.5, 8.0]))
    minutes = draw(st.sampled_from([0, 10, 30, 60, 61]))
    mode = draw(st.sampled_from(list(Mode)))
    window = draw(st.sampled_from([60, 100, 240])) if mode is Mode.WINDOW else None
    start = draw(st.sampled_from([0, 0, 35, 120]))
    end = draw(st.sampled_from([None, None, 125, 310]))
    made = limit(
        minutes,
        operator=operator,
        value=value,
        mode=mode,
        window=None if window is None else window * MINUTE,
        from_at=ORIGIN + start * MINUTE,
        to_at=None if end is None else ORIGIN + end * MINUTE,
    )
    tests = {
        Operator.ABOVE: lambda one: one > value,
        Operator.AT_LEAST: lambda one: one >= value,
        Operator.BELOW: lambda one: one < value,
        Operator.AT_MOST: lambda one: one <= value,
    }
    plain = PlainLimit(
        violates=tests[operator],
        upward=operator in (Operator.ABOVE, Operator.AT_LEAST),
        minutes=minutes,
        mode=mode.value,
        window=window,
        from_at=start,
        to_at=end,
    )
    return made, plain


INTERVALS = st.lists(
    st.tuples(st.sampled_from([0, 50, 200]), st.sampled_from([5, 10, 30])),
    min_size=1,
    max_size=2,
    unique_by=lambda row: row[0],
)


def window_for(made: Limit) -> Window:
    return Window(limit=made, place="k1", from_at=made.from_at, to_at=made.to_at)


@settings(max_examples=400)
@given(histories(), limits(), INTERVALS, st.booleans(), st.booleans())
def test_the_fast_way_finds_what_the_slow_and_obvious_way_finds(
    points: list[tuple[int, float]],
    pair: tuple[Limit, PlainLimit],
    intervals: list[tuple[int, int]],
    silent: bool,
    sums: bool,
) -> None:
    made, plain = pair
    by_minute: dict[int, set[float]] = {}
    for minute, value in points:
        by_minute.setdefault(minute, set()).add(value)
    until = max(by_minute) + (5000 if silent else 0)
    series = series_of([ORIGIN + minute * MINUTE for minute, _ in points], [value for _, value in points])
    nominal = intervals_of([(ORIGIN + start * MINUTE, length * MINUTE) for start, length in intervals])
    found = evaluate(series, [window_for(made)], nominal, until=ORIGIN + until * MINUTE, sums=sums).episodes
    expected = reference_episodes(by_minute, plain, intervals, until, sums=sums)
    assert [(*told(one)[:3], one.peak, told(one)[3]) for one in found] == [
        (one.started, one.alarmed, one.ended, one.peak, one.exposed) for one in expected
    ]


@settings(max_examples=400)
@given(histories(), st.lists(limits(), min_size=1, max_size=3), INTERVALS, st.booleans(), st.data())
def test_resuming_at_any_reading_gives_what_one_go_gives(
    points: list[tuple[int, float]],
    pairs: list[tuple[Limit, PlainLimit]],
    intervals: list[tuple[int, int]],
    sums: bool,
    data: st.DataObject,
) -> None:
    series = series_of([ORIGIN + minute * MINUTE for minute, _ in points], [value for _, value in points])
    assume(series.at.size > 1)
    nominal = intervals_of([(ORIGIN + start * MINUTE, length * MINUTE) for start, length in intervals])
    windows = [
        Window(limit=made, place=f"k{number}", from_at=made.from_at, to_at=made.to_at)
        for number, (made, _) in enumerate(pairs)
    ]
    until = int(series.at[-1])
    whole = evaluate(series, windows, nominal, until=until, sums=sums).episodes
    cuts = sorted(data.draw(st.lists(st.integers(0, series.at.size - 1), min_size=1, max_size=4)))
    parted = evaluate(series, windows, nominal, until=until, sums=sums, cuts=cuts)
    assert parted.episodes == whole
    for cut, checkpoint in zip(cuts, parted.checkpoints, strict=True):
        tail = type(series)(series.at[cut:], series.low[cut:], series.high[cut:])
        resumed = evaluate(tail, windows, nominal, until=until, sums=sums, resume=checkpoint).episodes
        # What was settled before the cut is not seen again; all the rest is, the same.
        old = [one for one in whole if one.settled_at is not None and one.settled_at < checkpoint.at]
        assert sorted([*old, *resumed], key=repr) == sorted(whole, key=repr)


@settings(max_examples=200)
@given(histories(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_arrival_do_not_matter(points: list[tuple[int, float]], dice: Random) -> None:
    shuffled = [*points, *points[::2]]
    dice.shuffle(shuffled)
    assert run([*points], HEAT, FRZE, limit(30)) == run(shuffled, HEAT, FRZE, limit(30))


@pytest.mark.parametrize(
    "points",
    [
        # The second episode begins before a later reading could settle the first by its window alone.
        [(0, -1.0), (5, 0.0), (65, -1.0), (70, 0.0), (75, -1.0)],
        # One stretch whose two sums lie further apart than the window.
        [(0, 0.0), (90, 0.0), (100, -1.0)],
    ],
)
def test_sums_in_a_window_are_the_same_wherever_they_are_cut(points: list[tuple[int, float]]) -> None:
    made = Limit(
        id=1,
        rule="HEAT",
        quantity=Quantity.TEMPERATURE,
        operator=Operator.ABOVE,
        value=-0.5,
        mode=Mode.WINDOW,
        duration=0,
        place_kind=PlaceKind.FRIDGE,
        from_at=ORIGIN,
        window=60 * MINUTE,
    )
    windows = [Window(limit=made, place="k1", from_at=ORIGIN, to_at=None)]
    nominal = intervals_of([(ORIGIN, 30 * MINUTE)])
    series = series_of([ORIGIN + minute * MINUTE for minute, _ in points], [value for _, value in points])
    until = int(series.at[-1])
    whole = evaluate(series, windows, nominal, until=until, sums=True).episodes
    for cut in range(len(points)):
        parted = evaluate(series, windows, nominal, until=until, sums=True, cuts=[cut])
        assert parted.episodes == whole
        (checkpoint,) = parted.checkpoints
        tail = type(series)(series.at[cut:], series.low[cut:], series.high[cut:])
        resumed = evaluate(tail, windows, nominal, until=until, sums=True, resume=checkpoint).episodes
        old = [one for one in whole if one.settled_at is not None and one.settled_at < checkpoint.at]
        assert [*old, *resumed] == list(whole)
