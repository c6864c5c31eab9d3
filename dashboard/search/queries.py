"""What a few letters find within the caller's subtree."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Facility
from tracker.shipments.models import Shipment
from tracker.shipments.queries.finding import shipments_of
from tracker.stock.models import StockBalance
from tracker.telemetry.models import Device

LEAST_LETTERS = 2
MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing with its page."""

    name: str
    note: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Things of one kind; `cut` when there are more than are shown."""

    kind: str
    found: list[Found]
    cut: bool


def search(db: Session, principal: Principal, text: str) -> list[Group]:
    """Facilities, batches, shipments and sensors whose name or code holds the text; kinds without any are left out."""
    if len(text) < LEAST_LETTERS:
        return []
    kinds = (
        ("facility", _facilities(db, principal, text)),
        ("batch", _batches(db, principal, text)),
        ("shipment", _shipments(db, principal, text)),
        ("sensor", _sensors(db, principal, text)),
    )
    return [Group(kind=kind, found=found[:MOST], cut=len(found) > MOST) for kind, found in kinds if found]


def _holds(text: str, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _facilities(db: Session, principal: Principal, text: str) -> list[Found]:
    query = (
        select(Facility.name, Facility.code)
        .join(Unit, Unit.id == Facility.id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ), _holds(text, Facility.name, Facility.code))
        .order_by(Facility.name)
        .limit(MOST + 1)
    )
    return [Found(name=name, note=code, href=f"/fasilitas/{code}") for name, code in db.execute(query)]


def _batches(db: Session, principal: Principal, text: str) -> list[Found]:
    """Batches of which the caller's subtree has or had vials."""
    seen = (
        select(StockBalance.batch_id)
        .join(Unit, Unit.id == StockBalance.facility_id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ))
    )
    query = (
        select(Presentation.name, Batch.lot, Batch.id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(_holds(text, Batch.lot, Presentation.name, Presentation.code), Batch.id.in_(seen))
        .order_by(Presentation.name, Batch.lot)
        .limit(MOST + 1)
    )
    return [Found(name=lot, note=name, href=f"/batch/{id_}") for name, lot, id_ in db.execute(query)]


def _shipments(db: Session, principal: Principal, text: str) -> list[Found]:
    query = (
        shipments_of(db, principal)
        .where(_holds(text, Shipment.code))
        .with_only_columns(Shipment.code, Shipment.created_at)
        .order_by(Shipment.created_at.desc())
        .limit(MOST + 1)
    )
    return [Found(name=row.code, note="", href=f"/pengiriman/{row.code}") for row in db.execute(query)]


def _sensors(db: Session, principal: Principal, text: str) -> list[Found]:
    query = (
        select(Device.code, Unit.name)
        .join(Unit, Unit.id == Device.unit_id)
        .where(visible_to(principal, Unit.path, Permission.TELEMETRY_READ), _holds(text, Device.code))
        .order_by(Device.code)
        .limit(MOST + 1)
    )
    return [Found(name=code, note=unit, href=f"/suhu/{code}") for code, unit in db.execute(query)]
