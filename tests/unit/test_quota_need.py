"""How many vials promises need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracker.quota.rules.need import DayLoad, Load, room_in_vials, vials_for, vials_of_day

persons = st.integers(0, 300)
doses = st.integers(0, 40)
per_vial = st.integers(1, 20)


def test_eleven_persons_need_two_vials_of_ten() -> None:
    assert vials_for(11, 0, 10) == 2
    assert vials_for(10, 0, 10) == 1
    assert vials_for(0, 0, 10) == 0


def test_doses_left_in_an_open_vial_serve_first() -> None:
    assert vials_for(3, 3, 10) == 0
    assert vials_for(4, 3, 10) == 1


def test_two_sessions_of_a_six_hour_vial_do_not_share_it_but_vials_kept_for_days_are_shared() -> None:
    day = DayLoad(sessions=(Load(5), Load(5)), claims=Load(0))
    assert vials_of_day(day, 10, whole_day=False) == 2
    assert vials_of_day(day, 10, whole_day=True) == 1


def test_claims_without_a_session_need_vials_of_their_own_unless_the_day_shares() -> None:
    day = DayLoad(sessions=(Load(9),), claims=Load(1))
    assert vials_of_day(day, 10, whole_day=False) == 2
    assert vials_of_day(day, 10, whole_day=True) == 1


@given(persons, doses, per_vial)
def test_the_vials_suffice_and_one_fewer_would_not(people: int, left: int, size: int) -> None:
    vials = vials_for(people, left, size)
    assert vials * size + left >= people
    assert vials == 0 or (vials - 1) * size + left < people
    assert room_in_vials(people, left, size) == vials * size + left - people


@given(persons, per_vial)
def test_opening_a_vial_lowers_the_need_by_exactly_one_as_long_as_somebody_waits(people: int, size: int) -> None:
    if people:
        assert vials_for(people, size, size) == vials_for(people, 0, size) - 1


@given(st.integers(1, 300), st.integers(1, 40), per_vial)
def test_giving_a_dose_from_an_open_vial_changes_no_need(people: int, left: int, size: int) -> None:
    assert vials_for(people - 1, left - 1, size) == vials_for(people, left, size)
