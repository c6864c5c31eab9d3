"""Two records turn out to be one human being: bookings, doses and claims of both become one person's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM, Principal
from tracker.people.correcting import join_records
from tracker.people.models import Person
from tracker.people.queries import person_by_id
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, Claim
from tracker.quota.rules.words import LIVE, BookingState, ClaimState
from tracker.quota.service.claims import OPEN, give_back_and_fund
from tracker.quota.service.commands import MergePersons, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.quota.service.pools import lock_pool, pool_facts, pools_beside
from tracker.quota.service.standby import merge_standby

_Promised = tuple[UUID, int]
"""A vaccine and a dose of it."""

# Who is furthest keeps the place; of two as far, the one made first.
_FURTHEST = (BookingState.FIT, BookingState.ARRIVED, BookingState.CONFIRMED, BookingState.RESERVED)


def merge_persons(
    db: Session, principal: Principal, command: MergePersons, *, vault: NikVault, now: datetime
) -> Person:
    """Make `duplicate_id` part of `person_id`; the same again changes nothing.

    Of two live bookings for one dose the one that is further stays, and none where the dose was had; a claim to a dose that
    was had is used up, and of two claims the earlier stays. Raises PersonNotFound, TwoNumbers, MergedElsewhere.
    """
    joined = join_records(db, principal, command.person_id, command.duplicate_id, command.reason, vault=vault, now=now)
    if joined is None:
        return person_by_id(db, principal, command.person_id)
    keep, gone = joined
    both = (keep.id, gone.id)
    had = _had(db, both)
    _one_booking_each(db, both, had, now)
    _one_claim_each(db, both, had, now)
    merge_standby(db, keep.id, gone.id, now=now)
    for table in (Booking, Claim):
        db.execute(update(table).where(table.person_id == gone.id).values(person_id=keep.id))
    db.expire_all()
    return keep


def _had(db: Session, persons: Sequence[UUID]) -> dict[_Promised, UUID]:
    """The doses they had, and by which booking."""
    given = select(Booking).where(Booking.person_id.in_(persons), Booking.state == BookingState.VACCINATED)
    return {(booking.vaccine_id, booking.dose): booking.id for booking in db.scalars(given)}


def _one_booking_each(db: Session, persons: Sequence[UUID], had: Mapping[_Promised, UUID], now: datetime) -> None:
    live = db.scalars(select(Booking).where(Booking.person_id.in_(persons), Booking.state.in_(LIVE))).all()
    taken = set(had)
    for booking in sorted(live, key=lambda one: (_FURTHEST.index(one.state), one.made_at, one.id)):
        promised = (booking.vaccine_id, booking.dose)
        if promised in taken:
            move_booking(db, SYSTEM, MoveBooking(booking_id=booking.id, state=BookingState.CANCELLED), now=now)
        taken.add(promised)


def _one_claim_each(db: Session, persons: Sequence[UUID], had: Mapping[_Promised, UUID], now: datetime) -> None:
    """Claims to doses that were had are used by them; of two to one dose the later gives its vials back."""
    claims = db.scalars(
        select(Claim)
        .where(Claim.person_id.in_(persons), Claim.state.in_(OPEN))
        .order_by(Claim.made_at, Claim.id)
        .with_for_update()
    ).all()
    taken: set[_Promised] = set()
    freed: set[tuple[UUID, UUID]] = set()
    for claim in claims:
        promised = (claim.vaccine_id, claim.dose)
        if promised in had:
            claim.state, claim.used_by_id = ClaimState.USED, had[promised]
        elif promised in taken:
            claim.state = ClaimState.EXPIRED
        else:
            taken.add(promised)
            continue
        freed.add((claim.facility_id, claim.presentation_id))
    db.flush()
    for facility_id, presentation_id in sorted(freed):
        stores = pool_facts(db, facility_id, presentation_id, now)
        lock_pool(db, stores)
        for pool in pools_beside(db, stores):
            give_back_and_fund(db, pool, now, None)
