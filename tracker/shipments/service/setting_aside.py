"""What packed vials mean to the stock room: set aside here, until they leave or are unpacked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch
from tracker.shipments.models import PackedLine, Shipment, ShipmentLine
from tracker.shipments.rules.words import ShipmentState
from tracker.stock.rules.entries import Key
from tracker.stock.rules.words import Status
from tracker.stock.service.places import set_aside
from tracker.stock.service.reading import lock_anchors


class Taken(Protocol):
    """Vials of a batch from a place."""

    @property
    def batch_id(self) -> UUID: ...
    @property
    def place_id(self) -> UUID: ...
    @property
    def status(self) -> Status: ...
    @property
    def vials(self) -> int: ...


def keys_of(lines: Iterable[Taken]) -> Counter[Key]:
    """Vials by the balance they are taken from."""
    found = Counter[Key]()
    for line in lines:
        found[Key(line.place_id, line.batch_id, line.status)] += line.vials
    return found


def packed_vials(db: Session, shipment: Shipment) -> Counter[Key]:
    """Vials that this shipment has set aside, as long as it is packed and has not left."""
    if shipment.state is not ShipmentState.PACKED:
        return Counter()
    return keys_of(db.scalars(select(PackedLine).where(PackedLine.shipment_id == shipment.id)))


def lock_sender(db: Session, shipment: Shipment, batches: Collection[UUID]) -> None:
    """Take the sender's pools of what is ordered and of these batches, before its shelves are looked at."""
    ordered = select(ShipmentLine.presentation_id).where(ShipmentLine.shipment_id == shipment.id)
    named = select(Batch.presentation_id).where(Batch.id.in_(batches))
    lock_anchors(db, {(shipment.from_facility_id, each) for each in db.scalars(ordered.union(named))})


def unpack(db: Session, shipment: Shipment, *, now: datetime) -> None:
    """Give the vials packed for a shipment that will not leave back to the sender's promises."""
    mine = packed_vials(db, shipment)
    if mine:
        lock_sender(db, shipment, {key.batch_id for key in mine})
        set_aside(db, shipment.from_facility_id, {key: -vials for key, vials in mine.items()}, now=now)
