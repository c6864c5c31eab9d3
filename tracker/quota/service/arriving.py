"""Booked at one place, come to another: the booking moves along, seat, vials and all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import any_, literal, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.people.models import Person
from tracker.people.service import serve_person
from tracker.quota.errors import BadStep, BookingNotFound, DoseNotServed, OtherVaccine, SessionClosed
from tracker.quota.events import BookingMoved
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant, eligible
from tracker.quota.rules.words import LIVE, BookingState, Medium, OfferState, SessionState
from tracker.quota.service.booking import back, bucket_for
from tracker.quota.service.claims import give_back_and_fund
from tracker.quota.service.commands import ArriveAt, MoveBooking
from tracker.quota.service.lapsing import answer_offer, lapse_in
from tracker.quota.service.moving import begin, move_booking
from tracker.quota.service.pools import pool_of
from tracker.quota.service.seating import buckets_of, give_number, lock_sessions, move, seat
from tracker.quota.service.sessions import session_for
from tracker.quota.service.steps import write_step
from tracker.quota.service.telling import facts_of, tell_booking, tell_pool_changed
from tracker.quota.service.told import tell_of_desk
from tracker.stock.service.reading import lock_anchors


def arrive_at(db: Session, principal: Principal, command: ArriveAt, *, now: datetime) -> Booking:
    """The owner of a booking made anywhere has come to this session: one seat and vials here, those there are free.

    Who stands at the door is served there, so the caller needs to serve this session and no other; arrived here already
    is fine. Raises SessionNotFound, Forbidden, BookingNotFound, OtherVaccine, DoseNotServed, SessionClosed, BadStep,
    Exhausted (the booking then stays where it was).
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_SERVE)
    made_at = db.scalar(select(Booking.session_id).where(Booking.id == command.booking_id))
    if made_at is None:
        raise BookingNotFound(booking=str(command.booking_id))
    if made_at == session.id:
        arrived = MoveBooking(booking_id=command.booking_id, state=BookingState.ARRIVED)
        if command.occurred_at is not None:
            return tell_of_desk(db, principal, arrived, command.occurred_at, now=now)
        return move_booking(db, principal, arrived, now=now)
    locked = lock_sessions(db, {made_at, session.id})
    buckets = buckets_of(db, list(locked))
    lapse_in(db, locked, buckets, now)
    booking = db.get_one(Booking, command.booking_id, populate_existing=True)
    session, left = locked[session.id], locked[made_at]
    over = session.state is SessionState.CLOSED or session.closes_at <= now
    _check(booking, session, made_at == booking.session_id, over and not (command.record and session.opens_at <= now))
    person = db.get_one(Person, booking.person_id)
    own = {key: bucket for key, bucket in buckets.items() if bucket.session_id == session.id}
    bucket = bucket_for(
        session, own, eligible(_at_the_door(person, booking), served_at(db, [session])[session.id]), now, record=over
    )
    move_over(db, principal, booking, left, session, buckets, bucket, BookingState.ARRIVED, now=now, record=over)
    return booking


def move_over(
    db: Session,
    principal: Principal,
    booking: Booking,
    left: VaccinationSession,
    session: VaccinationSession,
    buckets: Mapping[UUID, Bucket],
    bucket: Bucket,
    state: BookingState,
    *,
    now: datetime,
    record: bool = False,
) -> None:
    """Out of the one locked session and into the other's bucket; between the two nobody sees it. Raises Exhausted (no vials)."""
    write_step(db, principal, booking, state, None, now, moved_from=left.id)
    move(booking, left, buckets[booking.bucket_id], BookingState.CANCELLED, now)
    booking.session_id, booking.state, booking.changed_at = session.id, state, now
    booking.expires_at = booking.number = None
    if state is BookingState.ARRIVED:
        give_number(booking, session)
    seat(booking, session, bucket)
    serve_person(db, db.get_one(Person, booking.person_id), session.facility_id)
    answer_offer(db, booking.id, OfferState.ACCEPTED, now)
    here, there = (pool_of(db, each, now) for each in (session, left))
    if state is BookingState.ARRIVED:
        begin(session, here.today)
    db.flush()
    lock_anchors(db, {here.anchor, there.anchor})
    give_back_and_fund(db, there, now, {left.day})
    back(db, booking, session, now, record=record)
    tell_booking(db, BookingMoved(**facts_of(session, booking)), now)
    tell_pool_changed(db, left.facility_id, left.presentation_id, now)
    db.flush()


def session_giving_the_same(db: Session, booking_id: UUID, facility_id: UUID, day: date) -> UUID | None:
    """The facility's session of that day that gives a booking's dose of its vaccine: its own, else the first; or None."""
    booking = db.get(Booking, booking_id)
    if booking is None:
        return None
    found: UUID | None = db.scalar(
        select(VaccinationSession.id)
        .where(
            VaccinationSession.facility_id == facility_id,
            VaccinationSession.vaccine_id == booking.vaccine_id,
            VaccinationSession.day == day,
            VaccinationSession.state != SessionState.CLOSED,
            literal(booking.dose) == any_(VaccinationSession.doses),
        )
        .order_by((VaccinationSession.id == booking.session_id).desc(), VaccinationSession.opens_at)
        .limit(1)
    )
    return found


def _check(booking: Booking, session: VaccinationSession, unmoved: bool, shut: bool) -> None:
    if not unmoved or booking.state not in LIVE:
        raise BadStep(state=booking.state.value, to=BookingState.ARRIVED.value)
    if booking.vaccine_id != session.vaccine_id:
        raise OtherVaccine(session=str(session.id))
    if booking.dose not in session.doses:
        raise DoseNotServed(field="dose", dose=booking.dose, doses=list(session.doses))
    if shut:
        raise SessionClosed(session=str(session.id))


def _at_the_door(person: Person, booking: Booking) -> Applicant:
    """Whoever has come may take what is kept for walk-ins, too."""
    return Applicant(
        dose=booking.dose,
        medium=Medium.WALK_IN,
        groups=frozenset(str(group) for group in person.groups),
        residence=person.residence,
    )
