"""What the facilities hold of each product, and the state that follows: asked anew of those that are named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Presentation
from tracker.kit.days import earliest_day
from tracker.network.models import Equipment, Facility
from tracker.network.queries import local_today
from tracker.stock.models import Availability, StockBalance, StockDay
from tracker.stock.queries.availability import binds
from tracker.stock.queries.use import bearing_vials
from tracker.stock.rules.states import days_of_stock, product_state
from tracker.stock.rules.words import Account, Status

USE_WINDOW = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductStock:
    """One product at one facility; counts are whole closed vials. Usable are those that may be used where they lie."""

    facility_id: UUID
    presentation_id: UUID
    product: str
    doses_per_vial: int
    usable: int
    held: int
    expired: int
    short: int
    days: float | None
    touched_at: datetime | None
    counted_at: datetime | None
    state: str


def products_at(db: Session, facilities: Collection[UUID], now: datetime) -> list[ProductStock]:
    """The products of these facilities, by name; the caller has chosen what may be seen.

    Which facilities is said of the facility as well as of the row that names it: a list is not passed on by the planner as one value
    is, and without it every facility of the nation is read for its zone.
    """
    usable = case((Batch.expiry >= local_today(now), bearing_vials()), else_=0)
    expired = and_(StockBalance.status == Status.USABLE, Batch.expiry < local_today(now))
    query = (
        select(
            StockBalance.facility_id,
            Presentation.id,
            Presentation.name,
            Presentation.doses_per_vial,
            func.coalesce(func.sum(usable), 0).label("usable"),
            _vials(StockBalance.status == Status.HELD).label("held"),
            _vials(expired).label("expired"),
            func.max(StockBalance.touched_at).label("touched_at"),
            func.max(StockBalance.counted_at).label("counted_at"),
        )
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Facility, Facility.id == StockBalance.facility_id)
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .where(
            StockBalance.account == Account.PLACE, StockBalance.facility_id.in_(facilities), Facility.id.in_(facilities)
        )
        .group_by(StockBalance.facility_id, Presentation.id)
        .order_by(Presentation.name)
    )
    use = _use(db, facilities, now)
    short = _short(db, facilities, now)
    found = []
    for row in db.execute(query):
        key = (row.facility_id, row.id)
        used, history = use.get(key, (0, 0.0))
        days = days_of_stock(int(row.usable), used, history)
        found.append(
            ProductStock(
                facility_id=row.facility_id,
                presentation_id=row.id,
                product=row.name,
                doses_per_vial=row.doses_per_vial,
                usable=int(row.usable),
                held=int(row.held),
                expired=int(row.expired),
                short=short.get(key, 0),
                days=days,
                touched_at=row.touched_at,
                counted_at=row.counted_at,
                state=product_state(
                    usable=int(row.usable), short=short.get(key, 0), days=days, touched_at=row.touched_at, now=now
                ),
            )
        )
    return found


def _vials(which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((which, StockBalance.vials), else_=0)), 0)


def _use(db: Session, facilities: Collection[UUID], now: datetime) -> dict[tuple[UUID, UUID], tuple[int, float]]:
    """(vials opened or sent on, days of history) in the window, by facility and product."""
    query = (
        select(
            StockDay.facility_id,
            StockDay.presentation_id,
            func.sum(StockDay.used).label("used"),
            func.max(local_today(now) - StockDay.day).label("history"),
        )
        .join(Facility, Facility.id == StockDay.facility_id)
        .where(
            StockDay.facility_id.in_(facilities),
            Facility.id.in_(facilities),
            # Said as a day, too: an index finds it, and years of days before are not read to be left out.
            StockDay.day >= earliest_day(now) - USE_WINDOW,
            StockDay.day >= local_today(now) - USE_WINDOW.days,
            StockDay.moves > 0,
        )
        .group_by(StockDay.facility_id, StockDay.presentation_id)
    )
    return {
        (row.facility_id, row.presentation_id): (int(row.used), float(max(0, row.history))) for row in db.execute(query)
    }


def _short(db: Session, facilities: Collection[UUID], now: datetime) -> dict[tuple[UUID, UUID], int]:
    """Vials promised without vials behind them, by facility and product (the worst step that still binds)."""
    query = (
        select(Availability.facility_id, Availability.presentation_id, func.max(Availability.short))
        .join(Facility, Facility.id == Availability.facility_id)
        .where(
            Availability.facility_id.in_(facilities),
            Facility.id.in_(facilities),
            Availability.short > 0,
            binds(local_today(now)),
        )
        .group_by(Availability.facility_id, Availability.presentation_id)
    )
    return {(row[0], row[1]): int(row[2]) for row in db.execute(query)}
