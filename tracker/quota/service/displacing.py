"""When vials are gone: who gives way, and where they are sent instead.

Withdrawing happens in one transaction under the locks of the pool's sessions; each offer is made in a
transaction of its own, because it locks sessions of other places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.quota.events import BookingDisplaced
from tracker.quota.models import Booking, Bucket, Claim, Displacement, VaccinationSession
from tracker.quota.queries.loads import promised
from tracker.quota.rules.displacement import Group, Promise, Rank, displaced, grouped
from tracker.quota.rules.words import DISPLACEABLE, BookingState, ClaimState, OfferState, SessionState
from tracker.quota.service.claims import fund_claims, restore_claim
from tracker.quota.service.lapsing import answer_offer, lapse_in
from tracker.quota.service.pools import PoolFacts, give_back, lock_pool, pool_facts, pools_beside, settle
from tracker.quota.service.seating import buckets_of, lock_sessions, move
from tracker.quota.service.telling import facts_of, tell_booking, tell_pool_changed
from tracker.stock.errors import NotAvailable
from tracker.stock.queries.availability import pool_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """What a round withdrew; `short` is what only people who have arrived still lack."""

    bookings: tuple[UUID, ...]
    claims: int
    short: int


def displace(db: Session, facility_id: UUID, presentation_id: UUID, *, now: datetime) -> Displaced:
    """Withdraw promises of a facility and presentation, pool by pool, until vials cover the rest. Twice is harmless.

    Newest first-dose bookings of the short days first, then claims, second doses last; never who has arrived.
    """
    # A closed one keeps reservations only where somebody was written down there afterwards.
    ran_out = select(Booking.session_id).where(Booking.state == BookingState.RESERVED, Booking.expires_at <= now)
    ids = db.scalars(
        select(VaccinationSession.id).where(
            VaccinationSession.facility_id == facility_id,
            VaccinationSession.presentation_id == presentation_id,
            (VaccinationSession.state != SessionState.CLOSED) | VaccinationSession.id.in_(ran_out),
        )
    ).all()
    sessions = lock_sessions(db, ids)
    buckets = buckets_of(db, ids) if ids else {}
    lapse_in(db, sessions, buckets, now)
    stores = pool_facts(db, facility_id, presentation_id, now)
    lock_pool(db, stores)
    rounds = [_displace(db, pool, sessions, buckets, now) for pool in pools_beside(db, stores)]
    if any(each.bookings or each.claims for each in rounds):
        tell_pool_changed(db, facility_id, presentation_id, now)
    db.flush()
    return Displaced(
        bookings=tuple(booking for each in rounds for booking in each.bookings),
        claims=sum(each.claims for each in rounds),
        short=max(each.short for each in rounds),
    )


def _displace(
    db: Session,
    pool: PoolFacts,
    sessions: Mapping[UUID, VaccinationSession],
    buckets: Mapping[UUID, Bucket],
    now: datetime,
) -> Displaced:
    """One pool's round; sessions and pool are locked."""
    bookings = _movable(db, [one.id for one in sessions.values() if one.place_id == pool.place_id])
    claims = _funded(db, pool) if pool.place_id is None else []
    rows = pool_state(db, *pool.key, pool.today)
    groups = _groups(db, pool, bookings, claims, now)
    gone = displaced([(row.step, row.vials) for row in rows], groups, pool.doses_per_vial)
    by_id = {booking.id: booking for booking in bookings}
    by_claim = {claim.id: claim for claim in claims}
    withdrawn: list[UUID] = []
    for promise in gone:
        if promise.rank is Rank.CLAIM:
            by_claim[promise.id].state = ClaimState.UNFUNDED
            continue
        booking = by_id[promise.id]
        session = sessions[booking.session_id]
        withdraw(db, pool, booking, session, buckets[booking.bucket_id], now)
        withdrawn.append(booking.id)
    short = _settle(db, pool, now)
    return Displaced(bookings=tuple(withdrawn), claims=len(gone) - len(withdrawn), short=short)


def _movable(db: Session, session_ids: Sequence[UUID]) -> list[Booking]:
    return list(
        db.scalars(
            select(Booking)
            .where(Booking.session_id.in_(session_ids), Booking.state.in_(DISPLACEABLE))
            .execution_options(populate_existing=True)
        )
    )


def _funded(db: Session, pool: PoolFacts) -> list[Claim]:
    return list(
        db.scalars(
            select(Claim)
            .where(
                Claim.facility_id == pool.facility_id,
                Claim.presentation_id == pool.presentation_id,
                Claim.state == ClaimState.FUNDED,
            )
            .execution_options(populate_existing=True)
        )
    )


def _groups(db: Session, pool: PoolFacts, bookings: list[Booking], claims: list[Claim], now: datetime) -> list[Group]:
    by_session: dict[UUID, list[Promise]] = {}
    for booking in bookings:
        rank = Rank.FIRST_DOSE if booking.dose == 1 else Rank.LATER_DOSE
        by_session.setdefault(booking.session_id, []).append(Promise(id=booking.id, rank=rank, made_at=booking.made_at))
    by_due_day: dict[date, list[Promise]] = {}
    for claim in claims:
        by_due_day.setdefault(claim.due_day, []).append(Promise(id=claim.id, rank=Rank.CLAIM, made_at=claim.made_at))
    loads = promised(db, {pool.anchor}, now)
    claim_doses = {day: load.open_doses for (_, day), load in loads.claims.items()}
    mine = [each for each in loads.sessions if each.pool == pool.key]
    return grouped(mine, by_session, by_due_day, claim_doses, whole_day=pool.whole_day)


def withdraw(
    db: Session, pool: PoolFacts, booking: Booking, session: VaccinationSession, bucket: Bucket, now: datetime
) -> None:
    """A booking gives way: its person waits for an offer, and is told. Session and pool are locked.

    One who was being offered this very place waits again; the pool is settled by the caller.
    """
    restore_claim(db, booking, pool.today)
    # An offer that is itself withdrawn: the first displacement's story goes on with this booking.
    answer_offer(db, booking.id, OfferState.LAPSED, now)
    move(booking, session, bucket, BookingState.DISPLACED, now)
    event_id = tell_booking(db, BookingDisplaced(**facts_of(session, booking)), now)
    fresh = {"displaced_at": now, "state": OfferState.PENDING, "offer_id": None, "changed_at": now, "tried_at": None}
    values = {**fresh, "event_id": event_id}
    # Whoever had this place again after giving way may have to give way once more.
    db.execute(
        upsert(Displacement)
        .values(booking_id=booking.id, **values)
        .on_conflict_do_update(index_elements=[Displacement.booking_id], set_=values)
    )


def _settle(db: Session, pool: PoolFacts, now: datetime) -> int:
    """Note the new need. Where people who have arrived lack vials the note stays below what they need."""
    give_back(db, pool, now)
    try:
        settle(db, pool, now)
    except NotAvailable:
        pass  # a doctor in front of a patient without a vial: the shortage is told below, not hidden
    fund_claims(db, pool, now)
    rows = pool_state(db, *pool.key, pool.today)
    return max((row.short for row in rows), default=0)
