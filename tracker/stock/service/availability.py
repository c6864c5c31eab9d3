"""Promises: what the quota room may take from a pool, and give back.

A pool is what lies in the stores of a facility, or in equipment of it that sessions take along (`place_id`), of one
presentation. The caller has locked its own rows (session, bucket, booking) already;
these functions then take the pool's anchor. Several pools in one transaction: `lock_anchors` for all, first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.stock.errors import NoNeed, NotAvailable
from tracker.stock.queries.availability import Pool, PoolBook, read_book, read_steps
from tracker.stock.rules.availability import Step, bears, overdrawn
from tracker.stock.service.pools import PoolChange, change_pools
from tracker.stock.service.reading import lock_anchors, read_need
from tracker.stock.service.telling import tell_pools
from tracker.stock.service.writing import write_steps


def reserve(
    db: Session,
    facility_id: UUID,
    presentation_id: UUID,
    day_deltas: Mapping[date, int],
    *,
    today: date,
    place_id: UUID | None = None,
    book: PoolBook | None = None,
) -> None:
    """Promise vials: `day_deltas` is vials by day (a negative number gives back, as when a booking moves).

    `book`: what is noted of the pool, read by a caller who had locked it before.
    Raises NotAvailable when any row that binds on `today` (the facility's local day) would need more than
    there is, NoNeed for a day in the past or a need that would fall below zero. Nothing is changed then.
    """
    deltas = {day: vials for day, vials in day_deltas.items() if vials}
    if not deltas:
        return
    past = [day for day, vials in deltas.items() if vials > 0 and day < today]
    if past:
        raise NoNeed(day=min(past).isoformat())
    pool = (place_id or facility_id, presentation_id)
    book = book or _locked_book(db, facility_id, pool)
    _check(book.need, deltas)
    steps = book.steps
    risen = {day: vials for day, vials in deltas.items() if vials > 0}
    refused = overdrawn(steps, deltas, today)
    if risen and (refused is not None or not steps):
        first = min(risen)
        raise NotAvailable(
            facility=str(facility_id),
            presentation=str(presentation_id),
            day=first.isoformat(),
            vials=bears(steps, first, today),
        )
    _change(db, facility_id, pool, deltas, steps, today)


def release(
    db: Session,
    facility_id: UUID,
    presentation_id: UUID,
    day_deltas: Mapping[date, int],
    *,
    today: date,
    place_id: UUID | None = None,
    book: PoolBook | None = None,
) -> None:
    """Give promised vials back: `day_deltas` is vials by day (positive numbers). A shortage falls with it.

    `book`: as of `reserve`.
    Raises NoNeed when more is given back than was promised.
    """
    deltas = {day: -vials for day, vials in day_deltas.items() if vials}
    if any(vials > 0 for vials in deltas.values()):
        raise NoNeed(facility=str(facility_id))
    if not deltas:
        return
    pool = (place_id or facility_id, presentation_id)
    book = book or _locked_book(db, facility_id, pool)
    _check(book.need, deltas)
    _change(db, facility_id, pool, deltas, book.steps, today)


def shift(
    db: Session, facility_id: UUID, rises: Mapping[Pool, Sequence[tuple[date, int]]], *, now: datetime
) -> list[PoolChange]:
    """Let promises follow vials that may or may no longer be used, though none moved; tells what that does to them.

    `rises`: pool → [(expiry, vials more)]. The caller holds the pools' anchors.
    """
    today = local_day(now, db.scalars(select(Facility.timezone).where(Facility.id == facility_id)).one())
    steps = {pool: read_steps(db, *pool) for pool in rises}
    pools = change_pools(db.connection(), facility_id, steps, rises=rises, need={}, today=today)
    write_steps(db.connection(), facility_id, {change.pool: change.changed for change in pools})
    tell_pools(db, facility_id, pools, occurred_at=now, now=now)
    return pools


def check_need(db: Session, pool: Pool, deltas: Mapping[date, int]) -> None:
    """Raise NoNeed when a day's need would fall below zero; the pool is locked."""
    _check(read_need(db.connection(), [pool])[pool], deltas)


def _locked_book(db: Session, facility_id: UUID, pool: Pool) -> PoolBook:
    lock_anchors(db, {(facility_id, pool[1])})
    return read_book(db, pool)


def _check(need: Mapping[date, int], deltas: Mapping[date, int]) -> None:
    for day, vials in deltas.items():
        if need.get(day, 0) + vials < 0:
            raise NoNeed(day=day.isoformat(), needed=need.get(day, 0))


def _change(
    db: Session, facility_id: UUID, pool: Pool, deltas: Mapping[date, int], steps: Sequence[Step], today: date
) -> None:
    need = {pool: deltas}
    changes = change_pools(db.connection(), facility_id, {pool: steps}, rises={}, need=need, today=today)
    write_steps(db.connection(), facility_id, {change.pool: change.changed for change in changes})
