"""Where somebody is sent instead. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

OFFER_STANDS = timedelta(hours=24)
BEFORE_SESSION = timedelta(hours=1)
RESERVATION_STANDS = timedelta(minutes=10)


class Nearby(Protocol):
    """A session elsewhere. `distance_km` from where they were booked, None when not known."""

    @property
    def session_id(self) -> UUID:
        """Of the session."""

    @property
    def day(self) -> date:
        """Of the session."""

    @property
    def distance_km(self) -> float | None:
        """In a straight line."""


Place = TypeVar("Place", bound=Nearby)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A session with room for this person; see Nearby."""

    session_id: UUID
    day: date
    distance_km: float | None
    available: int


def nearest_first(places: Iterable[Place], *, wanted: date) -> list[Place]:
    """The nearest place first, there the day nearest to the one that was wanted.

    Places within 100 m of each other count as the same: nobody travels for the sake of rounding.
    """
    far = 1e9
    return sorted(
        places,
        key=lambda each: (
            round(each.distance_km if each.distance_km is not None else far, 1),
            abs((each.day - wanted).days),
            each.day,
            each.session_id.int,
        ),
    )


def answer_by(now: datetime, opens_at: datetime) -> datetime:
    """Until when an offer stands: a day, but not into the last hour before the session; ten minutes at least."""
    return max(min(now + OFFER_STANDS, opens_at - BEFORE_SESSION), now + RESERVATION_STANDS)
