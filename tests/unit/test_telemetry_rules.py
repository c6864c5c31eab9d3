"""Faults, wrong clocks and device passwords, each with the trap it avoids."""

from __future__ import annotations

import math
import random
import sys
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.kit.clock import AHEAD
from tracker.telemetry.rules.clocks import is_wrong, place
from tracker.telemetry.rules.credentials import hash_password, matches, new_password
from tracker.telemetry.rules.faults import ChannelRef, fault_of
from tracker.telemetry.rules.words import EARLIEST, Quantity, Role

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
FRIDGE = ChannelRef(1, Quantity.TEMPERATURE, Role.STORAGE)
CONDENSER = ChannelRef(2, Quantity.TEMPERATURE, Role.CONDENSER)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (85.0, "power_on"),
        (-327.67, "no_sensor"),
        (-3276.8, "no_sensor"),
        (-128.0, "no_sensor"),
        (math.nan, "not_a_number"),
        (math.inf, "out_of_range"),
        (100.1, "out_of_range"),
        (-100.1, "out_of_range"),
    ],
)
def test_what_is_no_temperature_is_called_by_its_name(value: float, reason: str) -> None:
    assert fault_of(FRIDGE, value) == reason


@pytest.mark.parametrize("value", [84.9, 85.1, 100.0, -100.0, 0.0, -0.5])
def test_temperatures_beside_the_power_on_value_and_at_the_bounds_are_temperatures(value: float) -> None:
    assert fault_of(FRIDGE, value) is None


def test_a_condenser_may_really_have_85_degrees() -> None:
    assert fault_of(CONDENSER, 85.0) is None


def test_a_door_open_for_less_than_no_time_is_a_fault() -> None:
    assert fault_of(ChannelRef(3, Quantity.DOOR_OPEN, Role.DOOR), -1.0) == "out_of_range"


def test_five_minutes_ahead_is_still_right_and_a_second_more_is_not() -> None:
    assert not is_wrong(NOW + AHEAD, NOW)
    assert is_wrong(NOW + AHEAD + timedelta(seconds=1), NOW)


def test_the_first_instant_of_2015_is_right_and_the_one_before_is_not() -> None:
    assert not is_wrong(EARLIEST, NOW)
    assert is_wrong(EARLIEST - timedelta(microseconds=1), NOW)


def test_a_clock_that_counts_from_1970_gets_its_block_ended_at_the_receipt() -> None:
    lost = datetime(1970, 1, 1, tzinfo=UTC)
    claimed = [lost + 10 * MINUTE, lost, lost + 20 * MINUTE]
    assert place(claimed, NOW) == [NOW - 10 * MINUTE, NOW - 20 * MINUTE, NOW]


def test_a_clock_ahead_moves_also_the_readings_that_look_possible() -> None:
    """Trap: a clock six hours ahead delivers twelve hours; half of them look like the past and are not."""
    claimed = [NOW - 6 * 60 * MINUTE, NOW, NOW + 6 * 60 * MINUTE]
    assert place(claimed, NOW) == [NOW - 12 * 60 * MINUTE, NOW - 6 * 60 * MINUTE, NOW]


def test_a_clock_lost_in_mid_buffer_leaves_the_good_readings_where_they_are() -> None:
    """Trap: one block over both runs would put today's readings 56 years back."""
    lost = datetime(1970, 1, 1, tzinfo=UTC)
    assert place([NOW - 30 * MINUTE, NOW - 20 * MINUTE, lost, lost + MINUTE], NOW) == [None, None, NOW - MINUTE, NOW]


@given(st.lists(st.integers(-(10**7), 10**7).map(lambda s: NOW + timedelta(seconds=s)), max_size=20), st.randoms())
def test_placement_depends_on_the_set_of_instants_and_not_on_their_order(
    claimed: list[datetime], chance: random.Random
) -> None:
    shuffled = list(claimed)
    chance.shuffle(shuffled)
    before = dict(zip(claimed, place(claimed, NOW), strict=True))
    assert dict(zip(shuffled, place(shuffled, NOW), strict=True)) == before


@given(st.lists(st.integers(-2 * 10**9, 2 * 10**9).map(lambda s: NOW + timedelta(seconds=s)), max_size=20))
def test_nothing_placed_or_left_lies_in_the_future(claimed: list[datetime]) -> None:
    for at, placed_at in zip(claimed, place(claimed, NOW), strict=True):
        assert (placed_at or at) <= NOW + AHEAD


def test_a_password_matches_its_hash_and_no_other() -> None:
    password = new_password()
    assert matches(password, hash_password(password))
    assert not matches(new_password(), hash_password(password))


@pytest.mark.parametrize("hashed", [None, "", "$7$", "$7$x$a$b", "$6$101$YQ==$YQ==", "$7$101$*$b", "plain"])
def test_an_unreadable_hash_matches_nothing(hashed: str | None) -> None:
    assert not matches("", hashed)


@pytest.mark.parametrize("hashed", [None, hash_password("another")], ids=["no such device", "another's"])
def test_a_wrong_password_costs_the_same_work_whether_there_is_a_device_or_not(hashed: str | None) -> None:
    """Counted, not timed: how long the answer takes follows from it."""
    done: list[str] = []

    def note(_frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called.__name__ == "pbkdf2_hmac":
            done.append(event)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        assert not matches("sandi", hashed)
    finally:
        sys.setprofile(before)
    assert len(done) == 1
