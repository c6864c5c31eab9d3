"""Confirming, cancelling, arriving, screening: a booking's way through its states."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.quota.errors import BadStep, BookingNotFound, ReservationLapsed
from tracker.quota.events import BookingMoved
from tracker.quota.models import Booking, Bucket, Displacement, VaccinationSession
from tracker.quota.rules.words import LIVE, STEPS, BookingState, OfferState, SessionState
from tracker.quota.service.claims import give_back_and_fund, restore_claim
from tracker.quota.service.commands import MoveBooking
from tracker.quota.service.pools import lock_pool, pool_facts
from tracker.quota.service.seating import buckets_of, lapsed_in, lock_sessions, move
from tracker.quota.service.telling import facts_of, tell_booking


def move_booking(db: Session, principal: Principal, command: MoveBooking, *, now: datetime) -> Booking:
    """Bring a booking into the state asked for; there already is fine.

    Raises BookingNotFound, Forbidden, BadStep, ReservationLapsed.
    """
    booking, session, bucket = locked_booking(db, principal, command.booking_id)
    if booking.state is command.state:
        return booking
    check_step(booking, command.state, now)
    if command.state is BookingState.ARRIVED and session.state is SessionState.PLANNED:
        session.state = SessionState.OPEN
    if command.note is not None or command.state in (BookingState.FIT, BookingState.DEFERRED, BookingState.REFUSED):
        booking.screening = {"result": command.state.value, "note": command.note}
    was_live = booking.state in LIVE
    move(booking, session, bucket, command.state, now)
    if command.state is BookingState.CONFIRMED:
        booking.expires_at = None
        answer_offer(db, booking.id, OfferState.ACCEPTED, now)
    if was_live and command.state not in LIVE:
        answer_offer(db, booking.id, OfferState.DECLINED, now)
        pool = pool_facts(db, session.facility_id, session.presentation_id, now)
        lock_pool(db, pool)
        restore_claim(db, booking, pool.today)
        give_back_and_fund(db, pool, now, {session.day})
    tell_booking(db, BookingMoved(**facts_of(session, booking)), now)
    db.flush()
    return booking


def check_step(booking: Booking, state: BookingState, now: datetime) -> None:
    """Raise BadStep where a booking cannot go, ReservationLapsed when its ten minutes are over."""
    if state not in STEPS.get(booking.state, frozenset()):
        raise BadStep(state=booking.state.value, to=state.value)
    ran_out = booking.state is BookingState.RESERVED and booking.expires_at is not None and booking.expires_at <= now
    if ran_out and state is not BookingState.CANCELLED:
        raise ReservationLapsed(booking=str(booking.id))


def locked_booking(db: Session, principal: Principal, booking_id: UUID) -> tuple[Booking, VaccinationSession, Bucket]:
    """A booking with its session and bucket, the session locked; raises BookingNotFound, Forbidden."""
    row = db.execute(
        select(Booking.session_id, Unit.path)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(Booking.id == booking_id)
    ).one_or_none()
    if row is None or not principal.sees(row.path):
        raise BookingNotFound(booking=str(booking_id))
    principal.require(Permission.BOOKING_WRITE, row.path)
    session = lock_sessions(db, [row.session_id])[row.session_id]
    booking = db.get(Booking, booking_id, populate_existing=True)
    if booking is None:
        raise BookingNotFound(booking=str(booking_id))
    return booking, session, buckets_of(db, [session.id])[booking.bucket_id]


def lapse_in(
    db: Session, sessions: Mapping[UUID, VaccinationSession], buckets: Mapping[UUID, Bucket], now: datetime
) -> int:
    """Take back the reservations that ran out in these locked sessions; returns how many.

    Their vials are given back by whoever settles the pool next.
    """
    lapsed = lapsed_in(db, list(sessions), now) if sessions else []
    today = _local_days(db, {sessions[booking.session_id].facility_id for booking in lapsed}, now)
    for booking in lapsed:
        move(booking, sessions[booking.session_id], buckets[booking.bucket_id], BookingState.LAPSED, now)
        answer_offer(db, booking.id, OfferState.LAPSED, now)
        restore_claim(db, booking, today[sessions[booking.session_id].facility_id])
    db.flush()
    return len(lapsed)


def _local_days(db: Session, facility_ids: Collection[UUID], now: datetime) -> dict[UUID, date]:
    """The day it is at each facility."""
    if not facility_ids:
        return {}
    return {
        each.id: local_day(now, each.timezone)
        for each in db.scalars(select(Facility).where(Facility.id.in_(facility_ids)))
    }


def answer_offer(db: Session, offer_id: UUID, state: OfferState, now: datetime) -> None:
    """Note what became of an offer, where the booking was one."""
    db.execute(
        update(Displacement)
        .where(Displacement.offer_id == offer_id, Displacement.state == OfferState.OFFERED)
        .values(state=state, changed_at=now)
        .execution_options(synchronize_session=False)
    )
