"""How much is where: now, as it was on a day, and as it was then known.

Zero, never reported and stale are three things: a row with 0 vials was emptied or counted empty, no row
means nobody has ever said anything, and `touched_at` and `counted_at` tell how old a figure is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.errors import EquipmentNotFound
from tracker.network.models import Equipment, Facility
from tracker.network.queries import equipment_by_ref
from tracker.stock.errors import NotTakenAlong
from tracker.stock.models import StockBalance, StockEntry, StockEvent
from tracker.stock.rules.fefo import Parcel
from tracker.stock.rules.words import Account


def stock_visible_to(
    principal: Principal,
    *,
    facility_id: UUID | None = None,
    presentation_id: UUID | None = None,
    with_zero: bool = True,
) -> Select[*tuple[Any, ...]]:
    """A select of balances in the caller's subtree with their names, not ordered, for listings to refine."""
    touched, counted = aliased(StockEvent), aliased(StockEvent)
    query = (
        select(
            StockBalance,
            Facility.code.label("facility"),
            Facility.timezone,
            Equipment.code.label("place"),
            Equipment.in_service,
            Batch.lot,
            Batch.expiry,
            Presentation.id.label("presentation_id"),
            Presentation.code.label("product"),
            Presentation.name.label("product_name"),
            Presentation.doses_per_vial,
            touched.kind.label("touched_kind"),
            touched.recorded_by.label("touched_by"),
            touched.recorded_at.label("touched_recorded_at"),
            counted.recorded_by.label("counted_by"),
        )
        .join(Facility, Facility.id == StockBalance.facility_id)
        .join(Unit, Unit.id == StockBalance.facility_id)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .outerjoin(Equipment, Equipment.id == StockBalance.place_id)
        .outerjoin(touched, touched.id == StockBalance.touched_event_id)
        .outerjoin(counted, counted.id == StockBalance.counted_event_id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ))
    )
    if facility_id is not None:
        query = query.where(StockBalance.facility_id == facility_id)
    if presentation_id is not None:
        query = query.where(Presentation.id == presentation_id)
    return query if with_zero else query.where(StockBalance.vials > 0)


def vials_then(*, as_of: datetime | None, known_at: datetime | None) -> ColumnElement[int]:
    """The vials of a balance's key at `as_of`, by what was known at `known_at`; for use beside StockBalance."""
    conditions = [
        StockEntry.holder_id == StockBalance.holder_id,
        StockEntry.batch_id == StockBalance.batch_id,
        StockEntry.status == StockBalance.status,
        StockEntry.account == StockBalance.account,
    ]
    if as_of is not None:
        conditions.append(StockEntry.occurred_at <= as_of)
    if known_at is not None:
        conditions.append(StockEntry.recorded_at <= known_at)
    total = select(func.coalesce(func.sum(StockEntry.vials), 0)).where(and_(*conditions))
    return total.correlate(StockBalance).scalar_subquery()


def reported_then(*, as_of: datetime | None, known_at: datetime | None) -> ColumnElement[bool]:
    """Whether anything at all had been said of a balance's key then: else it is not zero but unknown."""
    conditions = [
        StockEntry.holder_id == StockBalance.holder_id,
        StockEntry.batch_id == StockBalance.batch_id,
        StockEntry.status == StockBalance.status,
    ]
    if as_of is not None:
        conditions.append(StockEntry.occurred_at <= as_of)
    if known_at is not None:
        conditions.append(StockEntry.recorded_at <= known_at)
    return select(StockEntry.event_id).where(and_(*conditions)).correlate(StockBalance).exists()


def parcels_at(
    db: Session, facility_id: UUID, presentation_id: UUID | None = None, *, place_id: UUID | None = None
) -> list[Parcel]:
    """All vials in places of a facility, for FEFO; of one presentation, or of all. What is decided under a lock is fresh.

    For a session with a `place_id` of its own what lies there; for everybody else, what sessions take along is `apart`.
    """
    query = (
        select(StockBalance, Batch.lot, Batch.expiry, Equipment.code, Equipment.in_service, Equipment.apart)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .where(StockBalance.facility_id == facility_id, StockBalance.vials > 0)
        .execution_options(populate_existing=True)
    )
    if presentation_id is not None:
        query = query.where(Batch.presentation_id == presentation_id)
    if place_id is not None:
        query = query.where(StockBalance.holder_id == place_id)
    return [
        Parcel(
            batch_id=balance.batch_id,
            lot=lot,
            expiry=expiry,
            place_id=balance.holder_id,
            place=place,
            status=balance.status,
            vials=balance.vials,
            vvm_stage=balance.vvm_stage,
            in_service=in_service,
            packed=balance.packed,
            apart=apart and place_id is None,
        )
        for balance, lot, expiry, place, in_service, apart in db.execute(query)
    ]


def taken_along(db: Session, principal: Principal, facility_id: UUID, ref: str | UUID) -> Equipment:
    """Equipment of a facility that sessions take along; raises EquipmentNotFound, NotTakenAlong."""
    found = equipment_by_ref(db, principal, ref)
    if found.facility_id != facility_id:
        raise EquipmentNotFound(field="place", equipment=str(ref))
    if not found.apart:
        raise NotTakenAlong(field="place", place=found.code)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How well the figures of a facility are known: newest and oldest touch, last count, by whom last."""

    facility_id: UUID
    touched_at: datetime | None
    touched_by: str | None
    counted_at: datetime | None
    figures: int


def confidence_of(db: Session, facility_ids: Collection[UUID]) -> dict[UUID, Confidence]:
    """Stock confidence of facilities. One without figures has never reported: that is not zero stock."""
    newest = (
        select(StockEvent.facility_id, StockEvent.recorded_by, StockEvent.occurred_at)
        .where(StockEvent.facility_id.in_(facility_ids))
        .ext(distinct_on(StockEvent.facility_id))
        .order_by(StockEvent.facility_id, StockEvent.occurred_at.desc(), StockEvent.number.desc())
        .subquery()
    )
    rows = db.execute(
        select(
            Facility.id,
            newest.c.occurred_at,
            newest.c.recorded_by,
            func.max(StockBalance.counted_at),
            func.count(StockBalance.batch_id),
        )
        .outerjoin(newest, newest.c.facility_id == Facility.id)
        .outerjoin(StockBalance, StockBalance.facility_id == Facility.id)
        .where(Facility.id.in_(facility_ids))
        .group_by(Facility.id, newest.c.occurred_at, newest.c.recorded_by)
    )
    return {
        row[0]: Confidence(facility_id=row[0], touched_at=row[1], touched_by=row[2], counted_at=row[3], figures=row[4])
        for row in rows
    }


def vials_at(db: Session, holder_id: UUID, batch_id: UUID) -> dict[str, int]:
    """Vials of a batch at one account now, by status; for checks and tests."""
    rows = db.execute(
        select(StockBalance.status, StockBalance.vials).where(
            StockBalance.holder_id == holder_id, StockBalance.batch_id == batch_id
        )
    )
    return {row.status.value: row.vials for row in rows}


def expiring(db: Session, principal: Principal, before: date) -> list[tuple[UUID, UUID, int]]:
    """(facility, batch, usable vials) of what expires before a day, in the caller's subtree, earliest first."""
    rows = db.execute(
        select(StockBalance.facility_id, StockBalance.batch_id, func.sum(StockBalance.vials))
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Unit, Unit.id == StockBalance.facility_id)
        .where(
            visible_to(principal, Unit.path, Permission.STOCK_READ),
            StockBalance.account == Account.PLACE,
            StockBalance.vials > 0,
            Batch.expiry < before,
        )
        .group_by(StockBalance.facility_id, StockBalance.batch_id, Batch.expiry)
        .order_by(Batch.expiry, StockBalance.facility_id)
    )
    return [(row[0], row[1], row[2]) for row in rows if row[0] is not None]
