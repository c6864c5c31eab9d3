"""Stock as pages show it: per facility and product, per batch and place, and what expires soon."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed, newest
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.coldchain.queries.alarms import rules_ringing
from tracker.kit.days import local_day
from tracker.network.models import Equipment, Facility
from tracker.network.queries import coordinates, local_today
from tracker.stock.errors import OpenVialNotFound
from tracker.stock.models import OpenVial, OpenVialChange, StockBalance
from tracker.stock.queries.products import ProductStock, products_at
from tracker.stock.rules.states import WORST_FIRST, worst
from tracker.stock.rules.words import Account, Status

EXPIRING_WITHIN = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityStock:
    """One facility with its products; none of them: nothing was ever reported."""

    id: UUID
    code: str
    name: str
    kind: str
    zone: str
    lat: float | None
    lon: float | None
    synthetic: bool
    state: str
    products: tuple[ProductStock, ...]
    ringing: tuple[str, ...]
    """Rules of alarms that go on here now; however many vials lie there, they are in danger."""

    @property
    def touched_at(self) -> datetime | None:
        """When stock here was last recorded."""
        return max((p.touched_at for p in self.products if p.touched_at), default=None)

    @property
    def held(self) -> int:
        """Vials on hold."""
        return sum(product.held for product in self.products)

    def worst_first(self) -> list[ProductStock]:
        """The products, those that need a hand first."""
        return sorted(self.products, key=lambda product: (WORST_FIRST.index(product.state), product.product))

    def names(self, state: str) -> list[str]:
        """The products in a state."""
        return [product.product for product in self.products if product.state == state]


def facilities_with_stock(
    db: Session, principal: Principal, now: datetime, facilities: Collection[UUID]
) -> list[FacilityStock]:
    """Those of these facilities that keep stock in the caller's subtree, by name; never more than a page of them is asked for."""
    seen = visible_to(principal, Unit.path, Permission.STOCK_READ)
    query = (
        select(Facility, *coordinates())
        .join(Unit, Unit.id == Facility.id)
        .where(seen, Facility.id.in_(facilities))
        .where(select(Equipment.id).where(Equipment.facility_id == Facility.id).exists())
        .order_by(Facility.name)
    )
    found = db.execute(query).all()
    ids = [row[0].id for row in found]
    ringing = rules_ringing(db, principal, ids)
    by_facility: dict[UUID, list[ProductStock]] = {}
    for product in products_at(db, ids, now):
        by_facility.setdefault(product.facility_id, []).append(product)
    return [
        FacilityStock(
            id=facility.id,
            code=facility.code,
            name=facility.name,
            kind=facility.kind.value,
            zone=facility.timezone,
            lat=lat,
            lon=lon,
            synthetic=facility.synthetic,
            state=worst(product.state for product in by_facility.get(facility.id, ())),
            products=tuple(by_facility.get(facility.id, ())),
            ringing=tuple(ringing.get(facility.id, ())),
        )
        for facility, lon, lat in found
    ]


def worst_facilities_first(facilities: list[FacilityStock]) -> list[FacilityStock]:
    """Where something rings first, then by stock state, then by name: as `areas.worst_facilities` chose them."""
    return sorted(facilities, key=lambda f: (not f.ringing, WORST_FIRST.index(f.state), f.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Vials of one batch in one status at one place."""

    batch_id: UUID
    lot: str
    expiry: date
    product: str
    doses_per_vial: int
    place: str
    place_code: str
    facility: str
    facility_code: str
    status: str
    vials: int
    packed: int
    vvm_stage: int | None
    touched_at: datetime
    counted_at: datetime | None
    days_left: int

    @property
    def key(self) -> str:
        """What tells it from the other parcels of a list."""
        return f"{self.batch_id}-{self.place_code}-{self.status}"


def select_parcels() -> Any:
    """A select of (balance, batch, presentation, place, facility) of all vials in places, for lists to refine."""
    return (
        select(StockBalance, Batch, Presentation, Equipment, Facility)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .join(Facility, Facility.id == StockBalance.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .where(StockBalance.account == Account.PLACE, StockBalance.vials > 0)
    )


def parcel_of(row: Any, now: datetime) -> Parcel:
    """A row of `select_parcels` as pages show it."""
    balance, batch, presentation, place, facility = row
    today = local_day(now, facility.timezone)
    return Parcel(
        batch_id=batch.id,
        lot=batch.lot,
        expiry=batch.expiry,
        product=presentation.name,
        doses_per_vial=presentation.doses_per_vial,
        place=place.name,
        place_code=place.code,
        facility=facility.name,
        facility_code=facility.code,
        status=balance.status.value,
        vials=balance.vials,
        packed=balance.packed,
        vvm_stage=balance.vvm_stage,
        touched_at=balance.touched_at,
        counted_at=balance.counted_at,
        days_left=(batch.expiry - today).days,
    )


def parcels_at(
    db: Session,
    facility: Facility,
    now: datetime,
    *,
    statuses: Collection[Status] = frozenset(Status),
    product: str = "",
    limit: int | None = None,
) -> tuple[list[Parcel], int]:
    """What lies at a facility, by product and expiry, and of how many parcels these are the first. The caller has checked that
    it may be seen. `product`: of this code alone.
    """
    query = select_parcels().add_columns(func.count().over().label("total")).where(Facility.id == facility.id)
    query = query.where(StockBalance.status.in_(statuses))
    if product:
        query = query.where(Presentation.code == product)
    order = (Presentation.name, Batch.expiry, Batch.lot, Equipment.name, StockBalance.status)
    rows = db.execute(query.order_by(*order).limit(limit)).all()
    return [parcel_of(row[:-1], now) for row in rows], rows[0].total if rows else 0


def parcel_list(db: Session, facility: Facility, now: datetime, *, most: int, after: str) -> Listed[Parcel]:
    """What lies at a facility, by product and expiry, from where the page before ended; raises BadCursor."""
    found = listed(
        db,
        [select_parcels().where(Facility.id == facility.id)],
        keys=[Presentation.name, Batch.expiry, Batch.lot, Equipment.code, StockBalance.batch_id, StockBalance.status],
        key_of=lambda row: [row[2].name, row[1].expiry, row[1].lot, row[3].code, row[1].id, row[0].status.value],
        most=most,
        after=after,
    )
    rows = [parcel_of(row, now) for row in found.rows]
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


def expiring(
    db: Session, principal: Principal, now: datetime, *, limit: int = 12, facility_id: UUID | None = None
) -> list[Parcel]:
    """Usable vials whose last day is near or past, soonest first; only of one facility when an id is given."""
    query = (
        select_parcels()
        .where(
            visible_to(principal, Unit.path, Permission.STOCK_READ),
            StockBalance.status == Status.USABLE,
            Batch.expiry <= local_today(now) + EXPIRING_WITHIN.days,
        )
        .order_by(Batch.expiry, Facility.name, Batch.lot)
        .limit(limit)
    )
    if facility_id is not None:
        query = query.where(Facility.id == facility_id)
    return [parcel_of(row, now) for row in db.execute(query)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedVial:
    """One vial that is open now."""

    id: UUID
    product: str
    lot: str
    batch_id: UUID
    status: str
    remaining: int
    doses_per_vial: int
    opened_at: datetime
    discard_by: datetime


def open_vial_list(db: Session, facility: Facility, *, most: int, after: str = "") -> Listed[OpenedVial]:
    """Vials open at a facility, the most urgent first; raises BadCursor."""
    query = (
        select(OpenVial, Batch, Presentation)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(OpenVial.facility_id == facility.id, OpenVial.closed_at.is_(None))
    )
    found = listed(
        db,
        [query],
        keys=[OpenVial.discard_by, OpenVial.id],
        key_of=lambda row: [row[0].discard_by.isoformat(), row[0].id],
        most=most,
        after=after,
    )
    rows = [
        OpenedVial(
            id=vial.id,
            product=presentation.name,
            lot=batch.lot,
            batch_id=batch.id,
            status=vial.status.value,
            remaining=vial.remaining,
            doses_per_vial=vial.doses_per_vial,
            opened_at=vial.opened_at,
            discard_by=vial.discard_by,
        )
        for vial, batch, presentation in found.rows
    ]
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedVial:
    """Doses of an opened vial that were thrown away; `reason` in the words of open waste."""

    id: UUID
    product: str
    lot: str
    discarded: int
    reason: str | None
    opened_at: datetime


def discard_list(
    db: Session, facility: Facility, now: datetime, *, most: int, after: str = ""
) -> Listed[DiscardedVial]:
    """Vials of a facility of which doses were thrown away in the last week, the newest first; raises BadCursor."""
    taken_at = func.coalesce(OpenVial.last_taken_at, OpenVial.opened_at)
    query = (
        select(OpenVial, Presentation.name, Batch.lot)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(
            OpenVial.facility_id == facility.id,
            OpenVial.discarded > 0,
            taken_at >= now - timedelta(days=7),
        )
    )
    found = listed(
        db,
        [query],
        keys=[taken_at, OpenVial.id],
        key_of=lambda row: [(row[0].last_taken_at or row[0].opened_at).isoformat(), row[0].id],
        most=most,
        after=after,
        descending=True,
    )
    rows = [
        DiscardedVial(
            id=vial.id,
            product=product,
            lot=lot,
            discarded=vial.discarded,
            reason=None if vial.discard_reason is None else vial.discard_reason.value,
            opened_at=vial.opened_at,
        )
        for vial, product, lot in found.rows
    ]
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVialPage:
    """An opened vial, whose it is, and how it stood before it was set right."""

    vial: OpenVial
    product: str
    lot: str
    facility: Facility
    changes: Listed[OpenVialChange]
    may_take_back: bool


def open_vial_page(db: Session, principal: Principal, vial_id: UUID, *, after: str = "") -> OpenVialPage:
    """What the page of a vial shows; raises OpenVialNotFound."""
    row = db.execute(
        select(OpenVial, Presentation.name, Batch.lot, Facility, Unit.path)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Facility, Facility.id == OpenVial.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .where(OpenVial.id == vial_id, visible_to(principal, Unit.path, Permission.STOCK_READ))
    ).one_or_none()
    if row is None:
        raise OpenVialNotFound(open_vial=str(vial_id))
    vial: OpenVial = row[0]
    db.refresh(vial)
    told = select(OpenVialChange).where(OpenVialChange.open_vial_id == vial_id)
    keys = [OpenVialChange.recorded_at, OpenVialChange.id]
    return OpenVialPage(
        vial=vial,
        product=row[1],
        lot=row[2],
        facility=row[3],
        changes=newest(db, told, keys, most=20, after=after, field="riwayat"),
        may_take_back=principal.may(Permission.STOCK_WRITE, str(row[4])),
    )
