"""When vials are gone: who gives way, and where they are sent instead.

Withdrawing happens under the locks of the pool's sessions, some hundreds in a transaction, each of which leaves the
pool as it must be; each offer is made in a transaction of its own, because it locks sessions of other places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.quota.models import Booking, Bucket, Claim, VaccinationSession
from tracker.quota.queries.loads import Promised, promised
from tracker.quota.rules.displacement import Group, Promise, Rank, cuts, grouped
from tracker.quota.rules.need import vials_of_day
from tracker.quota.rules.words import DISPLACEABLE, BookingState, ClaimState, SessionState
from tracker.quota.service.claims import fund_claims, unfund
from tracker.quota.service.lapsing import lapse_in
from tracker.quota.service.pools import PoolFacts, give_back, lock_pool, pool_facts, pools_beside, settle
from tracker.quota.service.seating import buckets_of, lock_sessions
from tracker.quota.service.telling import tell_pool_changed, tell_still_short
from tracker.quota.service.withdrawing import withdraw
from tracker.stock.errors import NotAvailable
from tracker.stock.queries.availability import StepRow, pool_state

MOST_AT_ONCE = 500
"""Persons and claims that give way in one transaction: some tenths of a second, far below the lock time-out of who waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """What a round withdrew; `short` is what only people who have arrived still lack."""

    bookings: tuple[UUID, ...]
    claims: int
    short: int
    more: bool = False
    """Others must give way yet; the feed says so."""


def displace(
    db: Session, facility_id: UUID, presentation_id: UUID, *, now: datetime, most: int = MOST_AT_ONCE
) -> Displaced:
    """Withdraw promises of a facility and presentation, pool by pool, until vials cover the rest. Twice is harmless.

    Newest first-dose bookings of the short days first, then claims, second doses last; never who has arrived. Some
    `most` give way at once, for nobody can book there meanwhile; where more must, the feed says so, and the worker goes on.
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
    rounds: list[Displaced] = []
    for pool in pools_beside(db, stores):
        rounds.append(_displace(db, pool, sessions, buckets, now, most=most))
        most -= len(rounds[-1].bookings) + rounds[-1].claims
    more = any(each.more for each in rounds)
    if any(each.bookings or each.claims for each in rounds):
        tell_pool_changed(db, facility_id, presentation_id, now)
    if more:
        tell_still_short(db, facility_id, presentation_id, now)
    db.flush()
    return Displaced(
        bookings=tuple(booking for each in rounds for booking in each.bookings),
        claims=sum(each.claims for each in rounds),
        short=max(each.short for each in rounds),
        more=more,
    )


def _displace(
    db: Session,
    pool: PoolFacts,
    sessions: Mapping[UUID, VaccinationSession],
    buckets: Mapping[UUID, Bucket],
    now: datetime,
    *,
    most: int,
) -> Displaced:
    """One pool's round; sessions and pool are locked."""
    loads = promised(db, {pool.anchor}, now)
    rows = pool_state(db, *pool.key, pool.today)
    gone: list[Promise] = []
    more = False
    # Whose vials suffice is not asked for its bookings.
    if not _covered(pool, rows, loads):
        groups = _groups(pool, loads, _movable(db, pool, sessions), _funded(db, pool) if pool.place_id is None else [])
        for cut in cuts([(row.step, row.vials) for row in rows], groups, pool.doses_per_vial):
            if len(gone) >= most:
                more = True
                break
            gone += cut
    claims = [promise.id for promise in gone if promise.rank is Rank.CLAIM]
    withdrawn = [promise.id for promise in gone if promise.rank is not Rank.CLAIM]
    if claims:
        unfund(db, claims)
    if withdrawn:
        withdraw(db, pool, _bookings(db, withdrawn), sessions, buckets, now)
    return Displaced(bookings=tuple(withdrawn), claims=len(claims), short=_settle(db, pool, now), more=more)


def _covered(pool: PoolFacts, rows: Sequence[StepRow], loads: Promised) -> bool:
    """Whether the vials of every binding day suffice for what is needed from there on."""
    need = {
        day: vials_of_day(load, pool.doses_per_vial, whole_day=pool.whole_day)
        for (key, day), load in loads.days.items()
        if key == pool.key
    }
    return all(sum(vials for day, vials in need.items() if day >= row.step) <= row.vials for row in rows)


def _movable(db: Session, pool: PoolFacts, sessions: Mapping[UUID, VaccinationSession]) -> dict[UUID, list[Promise]]:
    """Who may give way, by session."""
    rows = db.execute(
        select(Booking.id, Booking.session_id, Booking.dose, Booking.made_at).where(
            Booking.session_id.in_([one.id for one in sessions.values() if one.place_id == pool.place_id]),
            Booking.state.in_(DISPLACEABLE),
        )
    )
    found: dict[UUID, list[Promise]] = defaultdict(list)
    for row in rows:
        rank = Rank.FIRST_DOSE if row.dose == 1 else Rank.LATER_DOSE
        found[row.session_id].append(Promise(id=row.id, rank=rank, made_at=row.made_at))
    return found


def _bookings(db: Session, ids: Sequence[UUID]) -> list[Booking]:
    """In this order."""
    rows = db.scalars(select(Booking).where(Booking.id.in_(ids)).execution_options(populate_existing=True))
    by_id = {row.id: row for row in rows}
    return [by_id[one] for one in ids]


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


def _groups(
    pool: PoolFacts, loads: Promised, by_session: Mapping[UUID, Sequence[Promise]], claims: Sequence[Claim]
) -> list[Group]:
    by_due_day: dict[date, list[Promise]] = defaultdict(list)
    for claim in claims:
        by_due_day[claim.due_day].append(Promise(id=claim.id, rank=Rank.CLAIM, made_at=claim.made_at))
    claim_doses = {day: load.open_doses for (_, day), load in loads.claims.items()}
    mine = [each for each in loads.sessions if each.pool == pool.key]
    return grouped(mine, by_session, by_due_day, claim_doses, whole_day=pool.whole_day)


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
