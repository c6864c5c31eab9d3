"""Thermal aggregates: published kinetics, the monoid's laws, hours and edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.coldchain.rules.hours import Stretch, hours_of
from tracker.coldchain.rules.instants import HOUR, MINUTE
from tracker.coldchain.rules.kinetics import VVM_TYPES, mkt_c, vvm_life_per_s
from tracker.coldchain.rules.standing import intervals_of, series_of, standing_of
from tracker.coldchain.rules.thermal import BANDS, COLUMNS, Exposure, empty, merged, thermal_of

# Nexleaf's own test vectors at 37 °C: k per day, and life used by one sample of 10 minutes.
NEXLEAF = {
    "VVM2": (0.5689053, 0.003950731),
    "VVM7": (0.1646515, 0.001143413),
    "VVM14": (0.08232575, 0.0005717066),
    "VVM30": (0.03847373, 0.0002671787),
}


@pytest.mark.parametrize("name", VVM_TYPES)
def test_vvm_life_agrees_with_the_published_vectors(name: str) -> None:
    per_s = vvm_life_per_s(np.array([37.0]))[0, VVM_TYPES.index(name)]
    per_day, per_sample = NEXLEAF[name]
    assert per_s * 86_400 == pytest.approx(per_day, rel=1e-6)
    assert per_s * 600 == pytest.approx(per_sample, rel=1e-6)


def test_two_days_at_37_degrees_use_up_a_vvm2() -> None:
    used = vvm_life_per_s(np.full(288, 37.0))[:, 0].sum() * 600
    assert used == pytest.approx(1.137811, rel=1e-6)


def test_mean_kinetic_temperature_of_25_37_and_8_degrees_is_29_2() -> None:
    found = mkt_c(np.array([25.0, 37.0, 8.0]), np.array([1.0, 1.0, 1.0]))
    assert found == pytest.approx(29.22, abs=0.01)


def test_mkt_weighs_by_time_and_never_lies_below_the_mean() -> None:
    temperatures, seconds = np.array([5.0, 25.0]), np.array([3600.0, 60.0])
    found = mkt_c(temperatures, seconds)
    assert found is not None
    assert np.average(temperatures, weights=seconds) < found < 25
    assert mkt_c(temperatures, np.zeros(2)) is None


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (-90.1, "below_m90"),
        (-90.0, "m90_to_m60"),
        (-60.0, "m90_to_m60"),
        (-25.0, "m25_to_m15"),
        (-15.0, "m25_to_m15"),
        (-14.9, "m15_to_m05"),
        (-0.5, "m15_to_m05"),
        (-0.4, "m05_to_0"),
        (0.0, "m05_to_0"),
        (1.9, "0_to_2"),
        (2.0, "2_to_8"),
        (8.0, "2_to_8"),
        (8.1, "8_to_10"),
        (10.0, "10_to_25"),
        (25.0, "10_to_25"),
        (30.0, "30_to_45"),
        (45.0, "from_45"),
    ],
)
def test_each_band_has_its_edges_on_the_side_the_limits_take_them(value: float, band: str) -> None:
    found = thermal_of(one_row([(0, value)], until=10))
    assert {name: seconds for name, seconds in found.seconds.items() if seconds} == {band: 600}


def one_row(points: list[tuple[int, float]], *, until: int | None = None) -> Any:
    series = series_of([minute * MINUTE for minute, _ in points], [value for _, value in points])
    end = int(series.at[-1]) if until is None else until * MINUTE
    standing = standing_of(series.at, intervals_of([(0, 10 * MINUTE)]), end)
    exposure = Exposure(series.low, series.high, standing.start, standing.end)
    return exposure.over(np.array([0]), np.array([exposure.pieces.row.size]))[0]


def test_a_gap_is_not_known_time() -> None:
    found = thermal_of(one_row([(0, 5.0), (10, 5.0), (200, 9.0), (210, 9.0)]))
    assert found.known_s == (20 + 10) * 60
    assert (found.min_c, found.max_c, found.above_8_s, found.below_0_s) == (5.0, 9.0, 600, 0)
    assert found.mean_c == pytest.approx((5 * 20 + 9 * 10) / 30)


def test_of_conflicting_values_the_frozen_one_counts_as_time_and_both_as_extremes() -> None:
    found = thermal_of(one_row([(0, -1.0), (0, 9.0), (10, 5.0)]))
    assert (found.min_c, found.max_c, found.below_0_s) == (-1.0, 9.0, 600)


def test_nothing_known_has_no_mean_and_no_extremes() -> None:
    found = thermal_of(empty()[0])
    assert (found.known_s, found.min_c, found.max_c, found.mean_c, found.mkt_c) == (0, None, None, None, None)


POINTS = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from([-20.0, -0.5, 0.0, 5.0, 8.0, 9.0, 37.0])), min_size=2, max_size=40
)


@settings(max_examples=150)
@given(POINTS)
def test_the_hours_add_up_to_the_whole_in_any_grouping(points: list[tuple[int, float]]) -> None:
    series = series_of([minute * MINUTE for minute, _ in points], [value for _, value in points])
    standing = standing_of(series.at, intervals_of([(0, 10 * MINUTE)]), int(series.at[-1]))
    part = Stretch(channel_id=1, series=series, standing=standing, partial=None, cuts=[series.at.size - 1])
    hours = hours_of([part])
    left, right = empty(), empty()
    for row in hours.rows:
        left = merged(left, row[None, :])
    for row in hours.rows[::-1]:
        right = merged(row[None, :], right)
    np.testing.assert_allclose(left[0], one_row(points), rtol=1e-9)
    np.testing.assert_allclose(left, right, rtol=1e-9)
    assert sum(thermal_of(left[0]).seconds.values()) == pytest.approx(left[0, 0])
    assert all(0 <= row[0] <= 3600 for row in hours.rows)


@settings(max_examples=150)
@given(POINTS, st.data())
def test_going_on_from_a_partial_hour_gives_the_same_hours(
    points: list[tuple[int, float]], data: st.DataObject
) -> None:
    series = series_of([minute * MINUTE for minute, _ in points], [value for _, value in points])
    cut = data.draw(st.integers(0, series.at.size - 1))
    standing = standing_of(series.at, intervals_of([(0, 10 * MINUTE)]), int(series.at[-1]))
    whole = hours_of([Stretch(channel_id=1, series=series, standing=standing, partial=None, cuts=[cut])])
    tail = type(series)(series.at[cut:], series.low[cut:], series.high[cut:])
    rest = type(standing)(standing.start[cut:], standing.end[cut:], standing.joined[cut:], standing.unfinished)
    later = hours_of([Stretch(channel_id=1, series=tail, standing=rest, partial=whole.partials[0][0], cuts=[])])
    since = int(series.at[cut]) // HOUR * HOUR
    kept = whole.hour >= since
    assert whole.hour[kept].tolist() == later.hour.tolist()
    np.testing.assert_allclose(whole.rows[kept], later.rows, rtol=1e-9, atol=1e-20)


def test_the_columns_are_the_tables() -> None:
    from tracker.coldchain.models import ChannelHour

    assert set(COLUMNS) == {column.name for column in ChannelHour.__table__.columns} - {"channel_id", "hour"}
    assert len(BANDS) == 13
