"""What was seen at a desk and is told later: a phone without a network, a second desk.

A word of the desk is judged by its own instant. What the house did since (closed the session, displaced the booking, let it
lapse) did not know it, and does not stand against it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import CAME, LIVE, SCREENED, STEPS, TAKEN_BACK, BookingState, SessionState
from tracker.quota.service.commands import MoveBooking, TakeBack
from tracker.quota.service.correcting import take_back
from tracker.quota.service.dosing import lock_dose
from tracker.quota.service.moving import check_deferral, move_booking
from tracker.quota.service.steps import write_step
from tracker.stock.service.posting import checked_time

TOLD_LATE = "told_late"
"""The reason of a way back that nobody typed: the house had moved the booking before it was told."""


def tell_of_desk(
    db: Session, principal: Principal, command: MoveBooking, occurred_at: datetime, *, now: datetime
) -> Booking:
    """Somebody came, or was screened, at that instant; who is further already stays there, and a later screening stands.

    Of a session that is over nobody waits any more: who came and had no dose is deferred, as closing leaves them. Raises
    what moving and taking back raise, TooFarAhead, TooOld.
    """
    at = checked_time(occurred_at, now)
    dose = lock_dose(db, principal, command.booking_id)
    booking = dose.booking
    if _says_nothing_new(booking, command.state):
        return booking
    known = at < booking.changed_at  # the house moved it since, or was told something later
    if known and booking.state in SCREENED and booking.screening is not None:
        write_step(db, principal, booking, command.state, command.note or TOLD_LATE, now)
        return booking
    gone = known and booking.state not in LIVE | {BookingState.VACCINATED}
    if gone and _over(dose.session, now):
        return _keep(db, principal, booking, dose.session, command, now)
    if gone and command.state not in STEPS.get(booking.state, frozenset()):
        back = TakeBack(booking_id=booking.id, state=BookingState.ARRIVED, reason=TOLD_LATE)
        booking = take_back(db, principal, back, now=now)
    return booking if _says_nothing_new(booking, command.state) else move_booking(db, principal, command, now=now)


def _says_nothing_new(booking: Booking, state: BookingState) -> bool:
    if state is BookingState.ARRIVED:
        return booking.state in CAME
    return state is BookingState.FIT and booking.state is BookingState.VACCINATED


def _over(session: VaccinationSession, now: datetime) -> bool:
    return session.state is SessionState.CLOSED or session.closes_at <= now


def _keep(
    db: Session,
    principal: Principal,
    booking: Booking,
    session: VaccinationSession,
    command: MoveBooking,
    now: datetime,
) -> Booking:
    """As closing would have left it, had it known; what the desk said stays in the booking's steps."""
    said = command.state
    check_deferral(command, session)
    left = said if said in SCREENED - {BookingState.FIT} else BookingState.DEFERRED
    write_step(db, principal, booking, said, command.note or TOLD_LATE, now)
    if left in TAKEN_BACK.get(booking.state, frozenset()):
        booking = take_back(
            db, principal, TakeBack(booking_id=booking.id, state=left, reason=command.note or TOLD_LATE), now=now
        )
    if said in SCREENED:
        booking.screening = command.screening
    db.flush()
    return booking
