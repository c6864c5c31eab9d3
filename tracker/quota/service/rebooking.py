"""Another day for a booking: one seat and vials there, those of the day before are free, or everything stays as it was."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.people.models import Person
from tracker.quota.errors import BadStep, BookingOver, DoseNotServed, Exhausted, OtherVaccine, SessionClosed
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant, eligible
from tracker.quota.rules.last_booking import is_too_late
from tracker.quota.rules.words import DISPLACEABLE, BookingState, SessionState
from tracker.quota.service.arriving import move_over
from tracker.quota.service.asking import check_due, judged
from tracker.quota.service.booking import bucket_for
from tracker.quota.service.commands import ChangeDay
from tracker.quota.service.lapsing import lapse_in
from tracker.quota.service.moving import check_step
from tracker.quota.service.seating import buckets_of, lock_sessions
from tracker.quota.service.sessions import session_for
from tracker.quota.service.steps import session_to_lock


def change_day(db: Session, principal: Principal, command: ChangeDay, *, now: datetime) -> Booking:
    """Bring a booking that stands to another session of its vaccine; it is confirmed there, and keeps its ticket.

    There already is fine. Raises SessionNotFound, Forbidden, BookingNotFound, BadStep, ReservationLapsed, OtherVaccine,
    DoseNotServed, SessionClosed, BookingOver, NotDue (with the first possible day), Exhausted (with whom to find another place
    for); the booking then stays where it was.
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_WRITE)
    made_at = session_to_lock(db, principal, command.booking_id, Permission.BOOKING_WRITE)
    locked = lock_sessions(db, {made_at, session.id})
    buckets = buckets_of(db, list(locked))
    lapse_in(db, locked, buckets, now)
    booking = db.get_one(Booking, command.booking_id, populate_existing=True)
    session, left = locked[session.id], locked[made_at]
    if booking.session_id == session.id and booking.state is BookingState.CONFIRMED:
        return booking
    if booking.session_id != made_at or booking.state not in DISPLACEABLE or session is left:
        check_step(booking, BookingState.CONFIRMED, now)
        raise BadStep(state=booking.state.value, to=BookingState.CONFIRMED.value)
    _check(booking, session, now)
    person = db.get_one(Person, booking.person_id)
    due = judged(db, person, session, booking.dose, session.day, now=now, but=booking.id)
    if booking.override is None:
        check_due(due, person, booking.dose)
    applicant = Applicant(
        dose=booking.dose,
        medium=booking.medium,
        groups=frozenset(str(group) for group in person.groups),
        residence=person.residence,
        not_before=due.first_day,
    )
    own = {key: bucket for key, bucket in buckets.items() if bucket.session_id == session.id}
    try:
        bucket = bucket_for(session, own, eligible(applicant, served_at(db, [session])[session.id]), now)
        move_over(db, principal, booking, left, session, buckets, bucket, BookingState.CONFIRMED, now=now)
    except Exhausted as refused:
        refused.applicant = applicant
        raise
    return booking


def _check(booking: Booking, session: VaccinationSession, now: datetime) -> None:
    if booking.vaccine_id != session.vaccine_id:
        raise OtherVaccine(session=str(session.id))
    if booking.dose not in session.doses:
        raise DoseNotServed(field="dose", dose=booking.dose, doses=list(session.doses))
    if session.state is SessionState.CLOSED or session.closes_at <= now:
        raise SessionClosed(session=str(session.id))
    if is_too_late(session.opens_at, session.closes_at, booking.medium, now):
        raise BookingOver(session=str(session.id))
