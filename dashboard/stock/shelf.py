"""What lies in one place of a store: what its forms list, first expiry first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from dashboard.frame.choices import Choices, choices
from dashboard.stock.queries import Parcel, parcel_of, select_parcels
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Account, Status


def places_with_stock(facility_id: UUID, statuses: Collection[Status] = frozenset(Status)) -> Select[Equipment]:
    """The places of a facility where vials of these statuses lie."""
    lies = select(StockBalance.batch_id).where(
        StockBalance.holder_id == Equipment.id, StockBalance.vials > 0, StockBalance.status.in_(statuses)
    )
    return select(Equipment).where(Equipment.facility_id == facility_id, lies.exists())


def parcels_in(
    db: Session,
    facility: Facility,
    place: Equipment,
    statuses: Collection[Status],
    now: datetime,
    *,
    product: str = "",
    limit: int,
) -> tuple[list[Parcel], int]:
    """What lies in a place, by product, what must go first on top (monitor, then expiry); and how many lines there are in all."""
    query = select_parcels().where(*_there(place), StockBalance.status.in_(statuses), Facility.id == facility.id)
    if product:
        query = query.where(Presentation.code == product)
    order = (
        Presentation.name,
        StockBalance.vvm_stage.desc().nulls_last(),
        Batch.expiry,
        Batch.lot,
        StockBalance.status,
    )
    rows = db.execute(query.add_columns(func.count().over().label("total")).order_by(*order).limit(limit)).all()
    return [parcel_of(row[:-1], now) for row in rows], rows[0].total if rows else 0


def products_in(db: Session, facility: Facility, place: Equipment, said: str = "") -> Choices[Presentation]:
    """The products that lie in a place."""
    return _products(db, facility, _there(place), said)


def products_at(db: Session, facility: Facility, said: str = "") -> Choices[Presentation]:
    """The products that lie anywhere in a store."""
    return _products(db, facility, (StockBalance.account == Account.PLACE,), said)


def _products(
    db: Session, facility: Facility, where: tuple[ColumnElement[bool], ...], said: str
) -> Choices[Presentation]:
    lying = (
        select(Batch.presentation_id)
        .join(StockBalance, StockBalance.batch_id == Batch.id)
        .where(*where, StockBalance.facility_id == facility.id, StockBalance.vials > 0)
    )
    return choices(db, select(Presentation).where(Presentation.id.in_(lying)), Presentation, said=said)


@dataclass(frozen=True, slots=True)
class Product:
    """What a batch is, in words for a paper."""

    name: str
    expiry: date
    uses_vvm: bool


def products_of(db: Session, batch_ids: Collection[UUID]) -> dict[UUID, Product]:
    """What these batches are."""
    rows = db.execute(
        select(Batch.id, Presentation.name, Batch.expiry, Presentation.uses_vvm)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.id.in_(batch_ids))
    )
    return {row.id: Product(row.name, row.expiry, row.uses_vvm) for row in rows}


def _there(place: Equipment) -> tuple[ColumnElement[bool], ...]:
    return StockBalance.holder_id == place.id, StockBalance.account == Account.PLACE
