"""The nearest place with room for somebody whose booking had to give way: really reserved, then told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.delivery.service import queue_message
from tracker.feed.service import causing
from tracker.kit.days import hours_there
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.errors import Exhausted, SessionClosed
from tracker.quota.events import PlaceOffered
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.queries.nearby import sessions_with_room
from tracker.quota.rules.offers import answer_by
from tracker.quota.rules.words import LIVE, BookingState, OfferState
from tracker.quota.service.asking import judged
from tracker.quota.service.booking import applicant_of, take_place
from tracker.quota.service.commands import Book
from tracker.quota.service.telling import facts_of, tell_booking

_TRIES = 5


def make_offer(db: Session, booking_id: UUID, *, now: datetime) -> UUID | None:
    """Reserve another place for a displaced person and tell them; the offer's booking id, None when there is none.

    Twice is harmless: an answered displacement is left alone, and so is a person who has booked again. Who
    could not be helped before is told only when there is a place at last.
    """
    displacement = db.scalar(
        select(Displacement)
        .where(Displacement.booking_id == booking_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if displacement is None or displacement.state not in (OfferState.PENDING, OfferState.NONE_FOUND):
        return None
    with causing(db, displacement.event_id):
        return _offer(db, displacement, now)


def _offer(db: Session, displacement: Displacement, now: datetime) -> UUID | None:
    lost = db.get_one(Booking, displacement.booking_id)
    session = db.get_one(VaccinationSession, lost.session_id)
    person = db.get_one(Person, lost.person_id)
    if _booked_again(db, lost):
        displacement.state, displacement.changed_at = OfferState.REBOOKED, now
        db.flush()
        return None
    offer = _reserve(db, lost, session, person, now)
    displacement.tried_at = now
    if offer is None and displacement.state is OfferState.NONE_FOUND:
        db.flush()
        return None
    displacement.changed_at = now
    if offer is None:
        displacement.state = OfferState.NONE_FOUND
        without = {"day": session.day.isoformat(), "booking": str(lost.id)}
        _tell(db, lost, session.facility_id, "quota_displaced_no_place", without, now)
        db.flush()
        return None
    displacement.state = OfferState.OFFERED
    displacement.offer_id = offer.id
    place = db.get_one(VaccinationSession, offer.session_id)
    offered = tell_booking(db, PlaceOffered(**facts_of(place, offer), instead_of_id=lost.id), now)
    there = db.get_one(Facility, place.facility_id)
    params = {
        "day": session.day.isoformat(),
        "facility": db.get_one(Facility, session.facility_id).name,
        "new_day": place.day.isoformat(),
        "new_facility": there.name,
        "new_hours": hours_there(place.opens_at, place.closes_at, there.timezone),
        "booking": str(offer.id),
        "answer_by": offer.expires_at.astimezone(ZoneInfo(there.timezone)).isoformat() if offer.expires_at else "",
    }
    with causing(db, offered):
        _tell(db, lost, place.facility_id, "quota_offer", params, now)
    db.flush()
    return offer.id


def _booked_again(db: Session, lost: Booking) -> bool:
    """Whether the person has found a place, or had the dose, without our help."""
    mine = select(Booking.id).where(
        Booking.person_id == lost.person_id,
        Booking.vaccine_id == lost.vaccine_id,
        Booking.dose == lost.dose,
        Booking.state.in_(LIVE | {BookingState.VACCINATED}),
    )
    return db.scalar(mine.limit(1)) is not None


def _reserve(db: Session, lost: Booking, session: VaccinationSession, person: Person, now: datetime) -> Booking | None:
    wish = Book(
        id=uuid7(),
        person_id=person.id,
        session_id=session.id,
        dose=lost.dose,
        medium=lost.medium,
        override=lost.override,
        made_by=lost.made_by,
    )
    # A nearer day is no help to whose dose is not due by then.
    due = judged(db, person, session, lost.dose, session.day, now=now, but=lost.id)
    applicant = applicant_of(person, wish, None if lost.override else due.first_day)
    for candidate in sessions_with_room(db, applicant, session, now=now, most=_TRIES):
        place = db.get_one(VaccinationSession, candidate.session_id)
        wish = replace(wish, id=uuid7(), session_id=place.id)
        # A place that went meanwhile gives its locks back with the savepoint, so no two are held at once.
        attempt = db.begin_nested()
        try:
            found = take_place(
                db,
                wish,
                person,
                place,
                expires_at=answer_by(now, place.opens_at),
                now=now,
                replaces_id=lost.id,
            )
        except (Exhausted, SessionClosed):
            attempt.rollback()
            continue
        if found is None:
            attempt.rollback()
            return None
        attempt.commit()
        return found
    return None


def _tell(db: Session, lost: Booking, unit_id: UUID, template: str, params: dict[str, str], now: datetime) -> None:
    queue_message(
        db,
        medium=lost.medium.value,
        recipient_ref=str(lost.person_id),
        template=template,
        params=params,
        unit_id=unit_id,
        now=now,
    )
