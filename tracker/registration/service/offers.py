"""A yes or no to the place that was offered to somebody whose booking had to give way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import SYSTEM
from tracker.kit.days import hours_there
from tracker.kit.errors import DomainError
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.rules.words import BookingState, OfferState
from tracker.quota.service.commands import MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.registration.service.addresses import link_of
from tracker.registration.service.tickets import TicketOffice

# A yes that comes later than that answers something else.
_SPOKEN_OF = timedelta(days=7)
_SPOKEN = (OfferState.OFFERED, OfferState.LAPSED, OfferState.ACCEPTED, OfferState.DECLINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which sentence answers, and what fills it; `booking` is the place that was taken."""

    key: str
    params: dict[str, str]
    booking: UUID | None = None


def answer_offer(
    db: Session, yes: bool, person_id: UUID | None, phone: str | None, *, office: TicketOffice, now: datetime
) -> Told | None:
    """Confirm or give back the offer that runs out first, of this person or of who is told at this phone.

    Who answers again hears what the first answer did; a no after a yes changes nothing, for it may answer something else:
    it hears what stands, and where to change it. None where nothing was offered to them.
    """
    offer = _offer(db, person_id, phone, now)
    if offer is None:
        return None
    state, booking, session, facility = offer
    params = {
        "facility": facility.name,
        "day": session.day.isoformat(),
        "hours": hours_there(session.opens_at, session.closes_at, facility.timezone),
        "link": link_of(db, office, booking.id),
    }
    if state is OfferState.ACCEPTED and not yes:
        return Told(key="offer_stands", params=params)
    wanted = BookingState.CONFIRMED if yes else BookingState.CANCELLED
    try:
        with db.begin_nested():
            move_booking(db, SYSTEM, MoveBooking(booking_id=booking.id, state=wanted), now=now)
    except DomainError:
        return Told(key="offer_over", params=params)
    if not yes:
        return Told(key="offer_declined", params=params)
    return Told(key="offer_taken", params=params, booking=booking.id)


def _offer(
    db: Session, person_id: UUID | None, phone: str | None, now: datetime
) -> tuple[OfferState, Booking, VaccinationSession, Facility] | None:
    guardian = aliased(Person)
    whose = [] if person_id is None else [Person.id == person_id]
    if phone is not None:
        whose += [Person.phone == phone, (Person.phone.is_(None)) & (guardian.phone == phone)]
    if not whose:
        return None
    row = db.execute(
        select(Displacement.state, Booking, VaccinationSession, Facility)
        .join(Displacement, Displacement.offer_id == Booking.id)
        .join(Person, Person.id == Booking.person_id)
        .outerjoin(guardian, guardian.id == Person.guardian_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .where(
            Displacement.state.in_(_SPOKEN),
            or_(Displacement.state != OfferState.ACCEPTED, Booking.state == BookingState.CONFIRMED),
            Displacement.changed_at > now - _SPOKEN_OF,
            or_(*whose),
        )
        # One that still stands before one that was answered or ran out, of which only the last is spoken of.
        .order_by(
            Displacement.state != OfferState.OFFERED,
            case((Displacement.state == OfferState.OFFERED, Booking.expires_at)),
            Displacement.changed_at.desc(),
        )
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1], row[2], row[3])
