"""What is lost of a session's last vial."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.quota.rules.loss import expected_loss


def test_sixty_people_on_vials_of_ten_leave_nothing_when_all_come_and_nine_doses_at_worst() -> None:
    loss = expected_loss(60, 10, None)
    assert (loss.vials, loss.left, loss.most, loss.expected) == (6, 0, 9, None)


def test_who_surely_comes_leaves_what_the_last_vial_holds_more() -> None:
    loss = expected_loss(57, 10, 1.0)
    assert (loss.vials, loss.left) == (6, 3)
    assert loss.expected == pytest.approx(3)


def test_a_vial_of_one_dose_is_never_lost() -> None:
    loss = expected_loss(7, 1, 0.8)
    assert (loss.left, loss.most) == (0, 0)
    assert loss.expected == pytest.approx(0)


@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 1))
def test_the_mean_is_that_of_every_number_that_may_come(persons: int, size: int, coming: float) -> None:
    chances = [comb(persons, n) * coming**n * (1 - coming) ** (persons - n) for n in range(persons + 1)]
    brute = sum(chance * (-n % size) for n, chance in enumerate(chances))
    assert expected_loss(persons, size, coming).expected == pytest.approx(brute, abs=1e-6)
