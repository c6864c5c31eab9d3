"""The right to the next dose: made when a dose is given, backed by vials where there are any.

All of it happens under the lock of the claim's pool.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from tracker.kit.ids import uuid7
from tracker.quota.models import Booking, Claim, ClaimReminder, DoseInterval
from tracker.quota.rules.reminding import DoseWord
from tracker.quota.rules.words import LIVE, BookingState, ClaimState
from tracker.quota.service.pools import PoolFacts, give_back, settle
from tracker.stock.errors import NotAvailable

# Under a lock that bookers wait for; the next inflow or the worker's round takes the rest.
MOST_AT_ONCE = 200

OPEN = (ClaimState.FUNDED, ClaimState.UNFUNDED)


def interval_of(db: Session, vaccine_code: str, dose: int, day: date) -> DoseInterval | None:
    """When that dose is due after the one before, as in force on `day`; None where no further dose is foreseen."""
    return db.scalar(
        select(DoseInterval)
        .where(
            DoseInterval.vaccine_code == vaccine_code,
            DoseInterval.after_code == vaccine_code,
            DoseInterval.dose == dose,
            DoseInterval.from_day <= day,
        )
        .order_by(DoseInterval.from_day.desc())
        .limit(1)
    )


def make_claim(db: Session, pool: PoolFacts, booking: Booking, given_on: date, now: datetime) -> Claim | None:
    """The claim for the dose after `booking`'s, funded where vials are left for it; None where none is due.

    Never fails for lack of vials: the vaccination has happened.
    """
    interval = interval_of(db, pool.vaccine_code, booking.dose + 1, given_on)
    if interval is None or _has_next(db, booking):
        return None
    claim = Claim(
        id=uuid7(),
        person_id=booking.person_id,
        vaccine_id=booking.vaccine_id,
        dose=booking.dose + 1,
        facility_id=pool.facility_id,
        presentation_id=pool.presentation_id,
        from_day=given_on + timedelta(days=interval.min_days),
        due_day=given_on + timedelta(days=interval.due_days),
        last_day=given_on + timedelta(days=interval.max_days),
        state=ClaimState.UNFUNDED,
        given_booking_id=booking.id,
        used_by_id=None,
        made_at=now,
    )
    db.add(claim)
    db.flush()
    db.add(ClaimReminder(claim_id=claim.id, word=DoseWord.GIVEN, next_day=pool.today, due_day=claim.due_day))
    db.flush()
    fund(db, pool.stores, claim, now)
    return claim


def _has_next(db: Session, booking: Booking) -> bool:
    """Whether the person has a claim or anything live or given for the dose after this one."""
    claimed = exists().where(
        Claim.person_id == booking.person_id,
        Claim.vaccine_id == booking.vaccine_id,
        Claim.dose == booking.dose + 1,
        Claim.state.in_(OPEN),
    )
    booked = exists().where(
        Booking.person_id == booking.person_id,
        Booking.vaccine_id == booking.vaccine_id,
        Booking.dose == booking.dose + 1,
        Booking.state.in_(LIVE | {BookingState.VACCINATED}),
    )
    return bool(db.scalar(select(claimed | booked)))


def fund(db: Session, pool: PoolFacts, claim: Claim, now: datetime) -> bool:
    """Count vials of the stores for the claim; False when there are none. The pool is locked."""
    if claim.due_day < pool.today:
        return False
    claim.state = ClaimState.FUNDED
    try:
        settle(db, pool, now, {claim.due_day})
    except NotAvailable:
        claim.state = ClaimState.UNFUNDED
        db.flush()
        return False
    return True


def unfund(db: Session, ids: Collection[UUID]) -> None:
    """No vials are counted for these claims any more. The pool is locked, and settled by the caller."""
    db.flush()
    db.execute(
        update(Claim)
        .where(Claim.id.in_(ids))
        .values(state=ClaimState.UNFUNDED)
        .execution_options(synchronize_session=False)
    )


def fund_claims(db: Session, pool: PoolFacts, now: datetime) -> int:
    """First in line at every inflow: back as many unfunded claims as the stores' vials allow, the earliest due first.

    Nobody knows yet at which session they will be served, so nothing that goes out with one is counted for them.
    """
    pool = pool.stores
    waiting = db.scalars(
        select(Claim)
        .where(
            Claim.facility_id == pool.facility_id,
            Claim.presentation_id == pool.presentation_id,
            Claim.state == ClaimState.UNFUNDED,
            Claim.last_day >= pool.today,
        )
        .order_by(Claim.due_day, Claim.made_at, Claim.id)
        .limit(MOST_AT_ONCE)
        .execution_options(populate_existing=True)
    ).all()
    funded, refused = 0, set[date]()
    for claim in waiting:
        claim.due_day = max(claim.due_day, pool.today)
        if claim.due_day in refused:
            continue
        if fund(db, pool, claim, now):
            funded += 1
            refused.clear()
        else:
            # Not the end of the line: a claim of another day may fit into a vial that its day needs anyway.
            refused.add(claim.due_day)
    db.flush()
    return funded


def give_back_and_fund(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None) -> None:
    """Vials of these days (all days when None) came free: note it, and let the claims that waited have them."""
    give_back(db, pool, now, days)
    fund_claims(db, pool, now)


def claim_of(db: Session, person_id: UUID, vaccine_id: UUID, dose: int) -> Claim | None:
    """The person's open claim to this dose, wherever it is; to the first dose there is none."""
    if dose == 1:
        return None
    return db.scalar(
        select(Claim)
        .where(Claim.person_id == person_id, Claim.vaccine_id == vaccine_id, Claim.dose == dose, Claim.state.in_(OPEN))
        .execution_options(populate_existing=True)
    )


def use_claim(db: Session, claim: Claim, booking: Booking) -> None:
    """The booking is what the claim was for; the claim's pool is locked."""
    db.refresh(claim)
    if claim.state in OPEN:
        claim.state = ClaimState.USED
        claim.used_by_id = booking.id
        db.flush()


def withdraw_claim(db: Session, booking: Booking) -> None:
    """The dose was not given after all: the claim it made is none. The pool is locked."""
    db.execute(
        update(Claim)
        .where(Claim.given_booking_id == booking.id, Claim.state.in_(OPEN))
        .values(state=ClaimState.WITHDRAWN)
        .execution_options(synchronize_session=False)
    )


def restore_claim(db: Session, booking: Booking, today: date) -> None:
    """A booking that used a claim is over without the dose: the claim stands again, and is not backed for now.

    It is backed again by what `give_back_and_fund` finds next.
    """
    restore_claims(db, [booking], today)


def restore_claims(db: Session, bookings: Collection[Booking], today: date) -> None:
    """`restore_claim` for many, in one statement."""
    ids = [booking.id for booking in bookings if booking.dose != 1]
    if not ids:
        return
    db.flush()
    db.execute(
        update(Claim)
        .where(Claim.used_by_id.in_(ids), Claim.last_day >= today)
        .values(state=ClaimState.UNFUNDED, used_by_id=None)
        .execution_options(synchronize_session=False)
    )


def roll_claims(db: Session, pool: PoolFacts, now: datetime) -> int:
    """Claims past their due day wait on until their window ends; then they expire. Returns how many changed."""
    mine = (
        Claim.facility_id == pool.facility_id,
        Claim.presentation_id == pool.presentation_id,
        Claim.state.in_(OPEN),
    )
    past: Collection[Claim] = db.scalars(
        select(Claim).where(*mine, Claim.due_day < pool.today).execution_options(populate_existing=True)
    ).all()
    for claim in past:
        if claim.last_day < pool.today:
            claim.state = ClaimState.EXPIRED
        else:
            # Backed again below, on today's need, if vials are left; its old day's vials come free first.
            claim.due_day = pool.today
            claim.state = ClaimState.UNFUNDED
    if past:
        give_back(db, pool, now)
        fund_claims(db, pool, now)
    return len(past)
