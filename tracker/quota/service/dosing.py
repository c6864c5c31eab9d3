"""Around a dose: what is locked for it, whether it could have been given, and what it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.quota.errors import BadStep, BookingNotFound, OtherDay
from tracker.quota.events import BookingMoved
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState, OfferState
from tracker.quota.service.claims import claim_of, give_back_and_fund, restore_claim
from tracker.quota.service.lapsing import answer_offer
from tracker.quota.service.pools import PoolFacts, pool_of
from tracker.quota.service.seating import buckets_of, lock_sessions, move
from tracker.quota.service.steps import session_to_lock
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.stock.service.reading import lock_anchors

# Late scans of the last people in the queue still find their session open.
CLOSE_AFTER = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """A booking whose dose is given, with everything locked that the dose may change.

    `others` are live bookings of the same person for the same dose, with their sessions: a dose ends them.
    """

    booking: Booking
    session: VaccinationSession
    bucket: Bucket
    others: tuple[tuple[VaccinationSession, Booking], ...]
    buckets: dict[UUID, Bucket]


def lock_dose(db: Session, principal: Principal, booking_id: UUID) -> Dose:
    """Lock the sessions of a booking and of its person's others for this dose; raises BookingNotFound, Forbidden."""
    session_id = session_to_lock(db, principal, booking_id, Permission.BOOKING_SERVE)
    mine = select(Booking.person_id, Booking.vaccine_id, Booking.dose).where(Booking.id == booking_id).subquery()
    same = (
        select(Booking)
        .join(
            mine,
            (Booking.person_id == mine.c.person_id)
            & (Booking.vaccine_id == mine.c.vaccine_id)
            & (Booking.dose == mine.c.dose),
        )
        .where(Booking.state.in_(LIVE) | (Booking.id == booking_id))
        .execution_options(populate_existing=True)
    )
    locked = lock_sessions(db, {session_id, *(each.session_id for each in db.scalars(same))})
    found = {each.id: each for each in db.scalars(same)}
    booking = found.pop(booking_id)
    if booking.session_id != session_id:
        raise BookingNotFound(booking=str(booking_id))
    buckets = buckets_of(db, list(locked))
    # One made meanwhile at another door is not locked, and is left to the schedule: the dose is given.
    others = tuple((locked[each.session_id], each) for each in found.values() if each.session_id in locked)
    return Dose(
        booking=booking, session=locked[session_id], bucket=buckets[booking.bucket_id], others=others, buckets=buckets
    )


def lock_pools(db: Session, dose: Dose, pool: PoolFacts) -> None:
    """Every pool that the dose may change, at once: its own, those of the places it ends, that of its claim."""
    db.flush()
    booking = dose.booking
    claim = claim_of(db, booking.person_id, booking.vaccine_id, booking.dose)
    claimed = [(claim.facility_id, claim.presentation_id)] if claim is not None else []
    lock_anchors(db, {pool.anchor, *claimed, *((other.facility_id, other.presentation_id) for other, _ in dose.others)})


def check_came(booking: Booking, at: datetime) -> None:
    """Raise BadStep when the booking says that nobody was to have a dose at that instant.

    A no-show only says that nothing was known; and what closing, displacement or a lapse did later says nothing of then.
    """
    screened_out = booking.screening is not None and booking.screening.get("result") == booking.state.value
    unknown = booking.state is BookingState.NO_SHOW or (booking.state is BookingState.DEFERRED and not screened_out)
    if booking.state not in LIVE and not unknown and at >= booking.changed_at:
        raise BadStep(state=booking.state.value, to=BookingState.VACCINATED.value)


def in_session(session: VaccinationSession, at: datetime, given_on: date) -> bool:
    """Whether a dose of then was given on the session's day, or while a long one went on past midnight."""
    return given_on == session.day or session.opens_at <= at <= session.closes_at + CLOSE_AFTER


def check_day(session: VaccinationSession, at: datetime, given_on: date) -> None:
    """Raise OtherDay for a dose that was not given in the session."""
    if not in_session(session, at, given_on):
        raise OtherDay(day=session.day.isoformat())


def end_others(db: Session, dose: Dose, pool: PoolFacts, now: datetime) -> None:
    """The person has had the dose: their places elsewhere are free. The pools are locked."""
    for session, other in dose.others:
        move(other, session, dose.buckets[other.bucket_id], BookingState.CANCELLED, now)
        answer_offer(db, other.id, OfferState.REBOOKED, now)
        there = pool_of(db, session, now)
        restore_claim(db, other, there.today)
        if there.key != pool.key:
            give_back_and_fund(db, there, now, {session.day})
        tell_booking(db, BookingMoved(**facts_of(session, other)), now)
