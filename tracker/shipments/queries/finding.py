"""Shipments as both of their sides may see them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import few_units, visible_to
from tracker.access.rules import Permission
from tracker.database.types import any_of
from tracker.network.models import Facility
from tracker.network.queries import as_id
from tracker.shipments.errors import ShipmentNotFound
from tracker.shipments.models import PackedLine, ReceiptLine, Shipment, ShipmentReceipt
from tracker.shipments.rules.receiving import Sums, Taken, sums_of
from tracker.stock.models import StockEvent


def shipments_visible_to(principal: Principal) -> Select[*tuple[Any, ...]]:
    """A select of (shipment, sender's code, receiver's code, sender's path, receiver's path), not ordered.

    Who may see either end sees the shipment, with all its differences.
    """
    # Made at each call: an alias that threads share may be read half made, and then asks another table's column.
    from_unit, to_unit = aliased(Unit, name="from_unit"), aliased(Unit, name="to_unit")
    sender, receiver = aliased(Facility, name="from_facility"), aliased(Facility, name="to_facility")
    return (
        select(Shipment, sender.code, receiver.code, from_unit.path, to_unit.path)
        .join(sender, sender.id == Shipment.from_facility_id)
        .join(receiver, receiver.id == Shipment.to_facility_id)
        .join(from_unit, from_unit.id == Shipment.from_facility_id)
        .join(to_unit, to_unit.id == Shipment.to_facility_id)
        .where(
            or_(
                visible_to(principal, from_unit.path, Permission.STOCK_READ),
                visible_to(principal, to_unit.path, Permission.STOCK_READ),
            )
        )
    )


def shipments_of(db: Session, principal: Principal) -> Select[*tuple[Any, ...]]:
    """The same for listings: who sees few units finds their shipments by either end's index."""
    query = shipments_visible_to(principal)
    few = few_units(db, principal, Permission.STOCK_READ)
    if few is None:
        return query
    return query.where(any_of(Shipment.from_facility_id, few) | any_of(Shipment.to_facility_id, few))


def matches(ref: str | UUID) -> ColumnElement[bool]:
    """The condition that a shipment has this id or code."""
    as_uuid = as_id(ref)
    condition: ColumnElement[bool] = Shipment.id == as_uuid if as_uuid is not None else Shipment.code == ref
    return condition


def stands(event_id: Any) -> ColumnElement[bool]:
    """The condition that an event, or the receipt that has its id, was not taken back."""
    reversal = aliased(StockEvent)
    return ~exists().where(reversal.reverses_id == event_id)


def shipment_by_ref(db: Session, principal: Principal, ref: str | UUID) -> Shipment:
    """A shipment by id or code that the caller sees from either end; raises ShipmentNotFound."""
    row = db.execute(shipments_visible_to(principal).where(matches(ref))).one_or_none()
    if row is None:
        raise ShipmentNotFound(shipment=str(ref)[:80])
    shipment: Shipment = row[0]
    return shipment


def sums_by_batch(db: Session, shipment_id: UUID) -> dict[UUID, Sums]:
    """What was sent and what arrived, by batch; sent counts once the shipment has left."""
    sent = db.execute(select(PackedLine.batch_id, PackedLine.vials).where(PackedLine.shipment_id == shipment_id))
    received = db.execute(
        select(
            ReceiptLine.batch_id,
            ReceiptLine.accepted,
            ReceiptLine.rejected,
            ReceiptLine.missing,
            ReceiptLine.surplus,
            ReceiptLine.recovered,
            ShipmentReceipt.returned,
        )
        .join(ShipmentReceipt, ShipmentReceipt.id == ReceiptLine.receipt_id)
        .where(ShipmentReceipt.shipment_id == shipment_id, stands(ShipmentReceipt.id))
    ).mappings()
    return sums_of(
        [(row.batch_id, row.vials) for row in sent],
        [Taken(**row) for row in received],
    )
