"""What becomes of promises when the vials stay where they are: a place goes out of service, vials are set aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Result, Row, select, tuple_
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.correcting import BatchChange, change_batch
from tracker.catalog.history import said_to_expire
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.network.models import Equipment, Facility
from tracker.network.queries import equipment_by_ref, path_of
from tracker.network.service import mark_in_service
from tracker.stock.errors import PlacePromised
from tracker.stock.models import OpenVial, StockAnchor, StockBalance
from tracker.stock.queries.availability import Pool
from tracker.stock.rules.entries import Key
from tracker.stock.rules.use import Lying, bearing
from tracker.stock.rules.vials import good_until
from tracker.stock.service.availability import shift
from tracker.stock.service.reading import lock_anchors
from tracker.stock.service.telling import tell_open_doses_fell

Rises = dict[Pool, list[tuple[date, int]]]


def set_in_service(
    db: Session, principal: Principal, equipment: str | UUID, in_service: bool, *, now: datetime
) -> Equipment:
    """Take equipment out of service (its vials are then neither picked nor promised) or back into it.

    Promises follow in the same transaction. The same again changes nothing. Raises EquipmentNotFound, Forbidden.
    """
    found = equipment_by_ref(db, principal, equipment)
    principal.require(Permission.STOCK_WRITE, path_of(db, found.facility_id))
    lock_facility(db, found.facility_id)
    db.refresh(found)
    if found.in_service != in_service:
        here = _lying(db, StockBalance.holder_id == found.id)
        rises = _rises(here, lambda _, lying: replace(lying, in_service=in_service))
        mark_in_service(db, found, in_service, now=now)
        shift(db, found.facility_id, rises, now=now)
    return found


def lock_facility(db: Session, facility_id: UUID) -> None:
    """Lock every pool of a facility, stocked or not: what is being recorded meanwhile must see how its places change."""
    db.flush()
    lock_anchors(db, {(facility_id, each) for each in db.scalars(select(Presentation.id))})


def set_apart(db: Session, facility_id: UUID, place_id: UUID, apart: bool, *, now: datetime) -> None:
    """Promise what lies in equipment by itself, because sessions take it along, or with the facility's stores again.

    The caller holds `lock_facility`. The same again changes nothing. Raises PlacePromised where the stores would fall short
    of what they have promised.
    """
    place = db.get_one(Equipment, place_id, populate_existing=True)
    if place.apart == apart:
        return
    leaves, comes = (facility_id, place_id) if apart else (place_id, facility_id)
    rises: Rises = defaultdict(list)
    for row in _lying(db, StockBalance.holder_id == place_id):
        vials = bearing(_as_lying(row.StockBalance, row.in_service))
        rises[leaves, row.presentation_id].append((row.expiry, -vials))
        rises[comes, row.presentation_id].append((row.expiry, vials))
    place.apart = apart
    db.flush()
    short = sum(change.short for change in shift(db, facility_id, rises, now=now) if change.pool[0] == leaves)
    if apart and short:
        raise PlacePromised(field="place", place=place.code, vials=short)


def set_aside(db: Session, facility_id: UUID, changes: Mapping[Key, int], *, now: datetime) -> None:
    """Set vials in places aside for a shipment (+), or give them back (−); they bear no promise here meanwhile.

    The caller holds the anchors of their pools, and has seen that what it sets aside is free.
    """
    changes = {key: vials for key, vials in changes.items() if vials}
    if not changes:
        return
    keys = [tuple(key) for key in changes]
    lying = _lying(db, tuple_(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status).in_(keys))
    rises = _rises(lying, lambda key, each: replace(each, packed=max(0, each.packed + changes[key])))
    for row in lying:
        balance = row.StockBalance
        more = changes[_key(balance)]
        balance.packed = max(0, balance.packed + more)
        if more > 0:
            balance.packed_at = now
    db.flush()
    shift(db, facility_id, rises, now=now)


def lock_batch(db: Session, ref: str | UUID) -> Batch:
    """A batch as it stands until the transaction ends, for who corrects it. Raises BatchNotFound, LotAmbiguous."""
    batch = batch_by_ref(db, ref)
    # Every pool of the product there is: what is being recorded meanwhile must see the new day.
    owners = db.scalars(select(StockAnchor.owner_id).where(StockAnchor.presentation_id == batch.presentation_id))
    lock_anchors(db, {(owner, batch.presentation_id) for owner in owners})
    db.refresh(batch, with_for_update={"key_share": True})
    return batch


def correct_batch(db: Session, principal: Principal, ref: str | UUID, command: BatchChange, *, now: datetime) -> Batch:
    """Put facts of a batch right; promises follow a new expiry in the same transaction, wherever its vials lie.

    The same again changes nothing. Raises BatchNotFound, LotAmbiguous, ImplausibleExpiry, CorrectionIncomplete, Forbidden.
    """
    principal.require(Permission.CATALOG_WRITE)
    batch = lock_batch(db, ref)
    before = batch.expiry
    bearing_at: dict[UUID, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for row in _lying(db, StockBalance.batch_id == batch.id):
        vials = bearing(_as_lying(row.StockBalance, row.in_service))
        bearing_at[row.StockBalance.facility_id][_pool_id(row)] += vials
    change_batch(db, principal, batch, command, now=now)
    if batch.expiry != before:
        for facility_id, pools in sorted(bearing_at.items()):
            rises = {
                (pool_id, batch.presentation_id): [(before, -vials), (batch.expiry, vials)]
                for pool_id, vials in pools.items()
            }
            shift(db, facility_id, rises, now=now)
        _end_opened(db, batch, now)
    return batch


def _end_opened(db: Session, batch: Batch, now: datetime) -> None:
    """Opened vials are good as long as the new expiry lets them be; what was given of them until now was given from good ones."""
    rows = db.execute(
        select(OpenVial, Facility.timezone, Presentation.open_vial_hours, Presentation.open_vial_days)
        .join(Facility, Facility.id == OpenVial.facility_id)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(OpenVial.batch_id == batch.id, OpenVial.closed_at.is_(None))
        .execution_options(populate_existing=True)
    ).all()
    said = said_to_expire(db, batch)
    ended: set[UUID] = set()
    for vial, timezone, hours, days in rows:
        until = good_until(vial.opened_at, hours, days, expiry=batch.expiry, said=said, timezone=timezone)
        if until < vial.discard_by:
            ended.add(vial.facility_id)
        vial.discard_by = until
    db.flush()
    for facility_id in sorted(ended):
        tell_open_doses_fell(
            db, facility_id=facility_id, presentation_id=batch.presentation_id, occurred_at=now, now=now
        )


def _lying(db: Session, which: ColumnElement[bool]) -> list[Row[Any]]:
    rows: Result[Any] = db.execute(
        select(StockBalance, Equipment.in_service, Equipment.apart, Batch.expiry, Batch.presentation_id)
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .where(which)
        .execution_options(populate_existing=True)
    )
    return list(rows)


def _pool_id(row: Row[Any]) -> UUID:
    balance: StockBalance = row.StockBalance
    found = balance.holder_id if row.apart else balance.facility_id
    assert found is not None  # noqa: S101  # what lies in a place lies at a facility; a constraint says so
    return found


def _key(balance: StockBalance) -> Key:
    return Key(balance.holder_id, balance.batch_id, balance.status)


def _rises(rows: list[Row[Any]], change: Callable[[Key, Lying], Lying]) -> Rises:
    """By how much more vials bear promises after the change, by pool and expiry."""
    rises: Rises = defaultdict(list)
    for row in rows:
        before = _as_lying(row.StockBalance, row.in_service)
        more = bearing(change(_key(row.StockBalance), before)) - bearing(before)
        rises[_pool_id(row), row.presentation_id].append((row.expiry, more))
    return rises


def _as_lying(balance: StockBalance, in_service: bool) -> Lying:
    return Lying(
        status=balance.status,
        vials=balance.vials,
        packed=balance.packed,
        vvm_stage=balance.vvm_stage,
        in_service=in_service,
    )
