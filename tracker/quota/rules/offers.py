"""Where somebody is sent instead. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

OFFER_STANDS = timedelta(hours=24)
BEFORE_SESSION = timedelta(hours=1)
RESERVATION_STANDS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A session with room for this person. `distance_km` from where they were booked, None when not known."""

    session_id: UUID
    day: date
    distance_km: float | None
    available: int


def nearest_first(candidates: Iterable[Candidate], *, wanted: date) -> list[Candidate]:
    """Those with room, the nearest place first, there the day nearest to the one that was wanted.

    Places within 100 m of each other count as the same: nobody travels for the sake of rounding.
    """
    far = 1e9
    return sorted(
        (candidate for candidate in candidates if candidate.available > 0),
        key=lambda c: (
            round(c.distance_km if c.distance_km is not None else far, 1),
            abs((c.day - wanted).days),
            c.day,
            c.session_id.int,
        ),
    )


def answer_by(now: datetime, opens_at: datetime) -> datetime:
    """Until when an offer stands: a day, but not into the last hour before the session; ten minutes at least."""
    return max(min(now + OFFER_STANDS, opens_at - BEFORE_SESSION), now + RESERVATION_STANDS)
