"""Confirming, cancelling, arriving, screening: a booking's way through its states."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.quota.errors import BadDeferral, BadStep, NotToday, ReservationLapsed, SessionClosed
from tracker.quota.events import BookingMoved
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import LIVE, SCREENED, STEPS, BookingState, OfferState, SessionState
from tracker.quota.service.booking import back
from tracker.quota.service.claims import give_back_and_fund, restore_claim
from tracker.quota.service.commands import MoveBooking
from tracker.quota.service.lapsing import answer_offer
from tracker.quota.service.pools import lock_pool, pool_of
from tracker.quota.service.seating import move
from tracker.quota.service.steps import locked_booking, write_step
from tracker.quota.service.telling import facts_of, tell_booking

_AT_THE_DESK = SCREENED | {BookingState.ARRIVED}


def move_booking(db: Session, principal: Principal, command: MoveBooking, *, now: datetime) -> Booking:
    """Bring a booking into the state asked for; there already is fine.

    Whoever was deferred or refused may be screened again: both answers are kept, and a vial must be left for them.
    Raises BookingNotFound, Forbidden, BadStep, ReservationLapsed, SessionClosed, Exhausted,
    BadDeferral, NotToday.
    """
    permission = Permission.BOOKING_SERVE if command.state in _AT_THE_DESK else Permission.BOOKING_WRITE
    booking, session, bucket = locked_booking(db, principal, command.booking_id, permission)
    check_deferral(command, session)
    screened = command.screening
    if booking.state is command.state and (command.state not in SCREENED or booking.screening == screened):
        return booking
    if booking.state is not command.state:
        check_step(booking, command.state, now)
    write_step(db, principal, booking, command.state, command.note, now)
    if command.note is not None or command.state in SCREENED:
        booking.screening = screened
    was_live = booking.state in LIVE
    if command.state in LIVE and not was_live and session.state is SessionState.CLOSED:
        raise SessionClosed(session=str(session.id))
    move(booking, session, bucket, command.state, now)
    if command.state is BookingState.CONFIRMED:
        booking.expires_at = None
        answer_offer(db, booking.id, OfferState.ACCEPTED, now)
    if was_live != (command.state in LIVE) or command.state is BookingState.ARRIVED:
        _settle(db, booking, session, was_live=was_live, now=now)
    tell_booking(db, BookingMoved(**facts_of(session, booking)), now)
    db.flush()
    return booking


def _settle(db: Session, booking: Booking, session: VaccinationSession, *, was_live: bool, now: datetime) -> None:
    """What a step means for the pool's vials, and for the session's own state."""
    pool = pool_of(db, session, now)
    if booking.state is BookingState.ARRIVED:
        begin(session, pool.today)
    if booking.state in LIVE and not was_live:
        back(db, booking, session, now)
    elif was_live and booking.state not in LIVE:
        answer_offer(db, booking.id, OfferState.DECLINED, now)
        lock_pool(db, pool)
        restore_claim(db, booking, pool.today)
        give_back_and_fund(db, pool, now, {session.day})


def begin(session: VaccinationSession, today: date) -> None:
    """Somebody has come: the session is open; raises NotToday before its day."""
    if session.day > today:
        raise NotToday(day=session.day.isoformat())
    if session.state is SessionState.PLANNED and session.day == today:
        session.state = SessionState.OPEN


def check_deferral(command: MoveBooking, session: VaccinationSession) -> None:
    """Raise BadDeferral for a day that is not to come, and for who is not deferred."""
    if command.until is None:
        return
    if command.state is not BookingState.DEFERRED or command.until <= session.day:
        raise BadDeferral(until=command.until.isoformat(), day=session.day.isoformat())


def check_step(booking: Booking, state: BookingState, now: datetime) -> None:
    """Raise BadStep where a booking cannot go, ReservationLapsed when its ten minutes are over."""
    if state not in STEPS.get(booking.state, frozenset()):
        raise BadStep(state=booking.state.value, to=state.value)
    ran_out = booking.state is BookingState.RESERVED and booking.expires_at is not None and booking.expires_at <= now
    if ran_out and state is not BookingState.CANCELLED:
        raise ReservationLapsed(booking=str(booking.id))
