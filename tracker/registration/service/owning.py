"""What a booking's owner does with it by its ticket, and the message that tells them: whoever else did it cannot hide it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.delivery.service import queue_message
from tracker.kit.days import hours_there
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, ChangeDay, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.quota.service.rebooking import change_day
from tracker.registration.service.phases import check_turn, phase_now

_TOLD = {BookingState.CONFIRMED: "quota_confirmed", BookingState.CANCELLED: "quota_cancelled"}


def move_own(db: Session, booking_id: UUID, state: BookingState, *, language: str, now: datetime) -> Booking:
    """Confirm or cancel, and tell the owner's phone; there already tells nothing. Raises what moving a booking raises."""
    before = db.get(Booking, booking_id)
    was = None if before is None else before.state
    booking = move_booking(db, SYSTEM, MoveBooking(booking_id=booking_id, state=state), now=now)
    if was is not state:
        tell_owner(db, booking, _TOLD[state], language=language, now=now)
    return booking


def change_own_day(db: Session, booking_id: UUID, session_id: UUID, *, language: str, now: datetime) -> Booking:
    """Another day or place for it, and tell the owner's phone; there already tells nothing. Raises what changing the day raises."""
    before = db.get(Booking, booking_id)
    was = None if before is None else before.session_id
    booking = change_day(db, SYSTEM, ChangeDay(booking_id=booking_id, session_id=session_id), now=now)
    if was != booking.session_id:
        tell_owner(db, booking, "quota_moved", language=language, now=now)
    return booking


def book_own(db: Session, person_id: UUID, session_id: UUID, dose: int, *, language: str, now: datetime) -> Booking:
    """Book and confirm in one: who chooses behind a secret of theirs has said that they come. Raises what booking raises."""
    if dose == 1:
        check_turn(db, person_id, phase_now(db, now), now)
    command = Book(id=uuid7(), person_id=person_id, session_id=session_id, dose=dose, medium=Medium.WEB)
    booking = book(db, SYSTEM, command, now=now).booking
    return move_own(db, booking.id, BookingState.CONFIRMED, language=language, now=now)


def tell_owner(
    db: Session, booking: Booking, template: str, *, language: str, now: datetime, by: str | None = None, **more: object
) -> None:
    """Queue a message with day, hours, place and the ticket's address to whoever is told of this booking.

    `by`: another medium than that by which they booked.
    """
    session = db.get_one(VaccinationSession, booking.session_id)
    facility = db.get_one(Facility, session.facility_id)
    queue_message(
        db,
        medium=by or booking.medium.value,
        recipient_ref=str(booking.person_id),
        template=template,
        params={
            "booking": str(booking.id),
            "facility": facility.name,
            "day": session.day.isoformat(),
            "hours": hours_there(session.opens_at, session.closes_at, facility.timezone),
            **more,
        },
        unit_id=facility.id,
        now=now,
        language=language,
    )
