"""What this room tells the feed: the facts of a session or a booking, in the event that is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.service import Happening, append
from tracker.quota.events import (
    BookingNews,
    QuotaChanged,
    SessionCancelled,
    SessionChanged,
    SessionClosed,
    SessionPlanned,
    StillShort,
)
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState


class BookingFacts(TypedDict):
    """The fields every event of a booking has."""

    booking_id: UUID
    session_id: UUID
    facility_id: UUID
    presentation_id: UUID
    dose: int
    state: BookingState


def tell_session(
    db: Session,
    session: VaccinationSession,
    news: type[SessionPlanned | SessionClosed | SessionChanged | SessionCancelled],
    now: datetime,
) -> None:
    """Something happened to a session, which is the subject."""
    told = news(
        session_id=session.id,
        facility_id=session.facility_id,
        presentation_id=session.presentation_id,
        day=session.day,
        capacity_left=session.capacity - session.taken,
    )
    append(db, told, unit_id=session.facility_id, subject=session.id, occurred_at=now, now=now)


def facts_of(session: VaccinationSession, booking: Booking) -> BookingFacts:
    """What `tell_booking`'s event says of a booking."""
    return BookingFacts(
        booking_id=booking.id,
        session_id=session.id,
        facility_id=session.facility_id,
        presentation_id=session.presentation_id,
        dose=booking.dose,
        state=booking.state,
    )


def tell_booking(db: Session, news: BookingNews, now: datetime) -> UUID:
    """Something happened to a booking, which is the subject; returns the event's id."""
    return append(db, news, unit_id=news.facility_id, subject=news.booking_id, occurred_at=now, now=now)


def booking_happening(news: BookingNews, now: datetime) -> Happening:
    """What `tell_booking` tells, for a statement that writes more than that."""
    return Happening(event=news, unit_id=news.facility_id, subject=news.booking_id, occurred_at=now)


def tell_pool_changed(db: Session, facility_id: UUID, presentation_id: UUID, now: datetime) -> None:
    """What may be promised there is another number now."""
    told = QuotaChanged(facility_id=facility_id, presentation_id=presentation_id)
    append(db, told, unit_id=facility_id, subject=facility_id, occurred_at=now, now=now)


def tell_still_short(db: Session, facility_id: UUID, presentation_id: UUID, now: datetime) -> None:
    """More must give way there than one step moved."""
    told = StillShort(facility_id=facility_id, presentation_id=presentation_id)
    append(db, told, unit_id=facility_id, subject=facility_id, occurred_at=now, now=now)
