"""A place is sold only while its buyer can still come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracker.quota.rules.last_booking import is_too_late, last_booking
from tracker.quota.rules.words import Medium

OPENS = datetime(2026, 11, 30, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "until"),
    [(300, 270), (31, 1), (30, 0), (20, 0)],  # a short session takes bookings until it begins, not until before
)
def test_the_last_booking_is_half_an_hour_before_the_end(minutes: int, until: int) -> None:
    closes, last = OPENS + timedelta(minutes=minutes), OPENS + timedelta(minutes=until)
    assert last_booking(OPENS, closes) == last
    for medium in Medium:
        at_the_desk = medium in (Medium.WALK_IN, Medium.OPERATOR)
        assert not is_too_late(OPENS, closes, medium, last - timedelta(seconds=1))
        assert is_too_late(OPENS, closes, medium, last) is not at_the_desk
