"""Until when a session takes bookings. Pure.

Who books a place must still be able to come: the last one is taken half an hour before the session ends (a
session shorter than that takes bookings until it begins). Whom the desk writes down is there already.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tracker.quota.rules.words import Medium

BEFORE_THE_END = timedelta(minutes=30)
AT_THE_DESK = frozenset({Medium.WALK_IN, Medium.OPERATOR})


def last_booking(opens_at: datetime, closes_at: datetime) -> datetime:
    """The instant from which on nobody can book from afar."""
    return max(opens_at, closes_at - BEFORE_THE_END)


def is_too_late(opens_at: datetime, closes_at: datetime, medium: Medium, now: datetime) -> bool:
    """Whether a booking through this medium comes too late to be of use."""
    return medium not in AT_THE_DESK and last_booking(opens_at, closes_at) <= now
