"""How many of those who were booked came."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.kit.days import earliest_day
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState, Medium, SessionState

LOOKED_BACK = timedelta(weeks=8)
FEWEST = 20
"""Of fewer bookings nothing is said."""

_CAME = (BookingState.VACCINATED, BookingState.DEFERRED, BookingState.REFUSED)


def share_who_come(db: Session, facility_id: UUID, now: datetime) -> float | None:
    """The share of who was booked at a facility in the last eight weeks that came (0 to 1); None where too few were booked.

    Who came without a booking counts for nothing; sessions that did not take place neither.
    """
    came, stayed = db.execute(
        select(
            func.count().filter(Booking.state.in_(_CAME)), func.count().filter(Booking.state == BookingState.NO_SHOW)
        )
        .select_from(VaccinationSession)
        .join(Booking, Booking.session_id == VaccinationSession.id)
        .where(
            VaccinationSession.facility_id == facility_id,
            VaccinationSession.day >= earliest_day(now) - LOOKED_BACK,
            VaccinationSession.state == SessionState.CLOSED,
            VaccinationSession.cancelled.is_(None),
            Booking.medium != Medium.WALK_IN,
        )
    ).one()
    return came / (came + stayed) if came + stayed >= FEWEST else None
