"""What packed vials mean to the stock room: set aside here, until they leave or are unpacked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch
from tracker.shipments.models import PackedLine, Shipment, ShipmentLine
from tracker.shipments.rules.words import ShipmentState
from tracker.stock.models import StockBalance
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
    """Vials that this shipment has set aside, where they lie now, as long as it is packed and has not left.

    They lie where and as what they were packed, or where somebody carried them since and as what they were stopped or freed: one
    packed vial of a batch is as good as another. Whoever acts upon it has locked the sender's pools.
    """
    if shipment.state is not ShipmentState.PACKED:
        return Counter()
    named = keys_of(db.scalars(select(PackedLine).where(PackedLine.shipment_id == shipment.id)))
    batches = {key.batch_id for key in named}
    rows = db.execute(
        select(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status, StockBalance.packed)
        .where(
            StockBalance.facility_id == shipment.from_facility_id,
            StockBalance.batch_id.in_(batches),
            StockBalance.packed > 0,
        )
        .order_by(StockBalance.holder_id, StockBalance.status)
    )
    lying = Counter({Key(row.holder_id, row.batch_id, row.status): row.packed for row in rows})
    return _where_they_lie(named, lying)


def all_lie_as_packed(db: Session, shipment: Shipment) -> bool:
    """Whether nothing that this shipment has set aside was lost, stopped or freed since."""
    mine = +packed_vials(db, shipment)
    lacking = select(StockBalance.holder_id).where(_at(mine), StockBalance.vials < StockBalance.packed)
    return not as_something_else(db, shipment, mine) and not db.scalars(lacking).first()


def as_something_else(db: Session, shipment: Shipment, mine: Counter[Key]) -> Counter[Key]:
    """Of what this shipment has set aside, what has another status than it was packed with."""
    named = select(PackedLine.batch_id, PackedLine.status).where(PackedLine.shipment_id == shipment.id)
    as_packed = {tuple(row) for row in db.execute(named)}
    return Counter({key: vials for key, vials in mine.items() if (key.batch_id, key.status) not in as_packed})


def set_aside_at(db: Session, keys: Collection[Key]) -> int:
    """Vials that are set aside at these balances."""
    if not keys:
        return 0
    return int(db.scalar(select(func.coalesce(func.sum(StockBalance.packed), 0)).where(_at(keys))) or 0)


def _at(keys: Collection[Key]) -> ColumnElement[bool]:
    which = tuple_(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status)
    return which.in_([tuple(key) for key in keys])


def _where_they_lie(named: Counter[Key], lying: Counter[Key]) -> Counter[Key]:
    found = Counter[Key]()
    for key, vials in named.items():
        found[key] = min(vials, lying[key])
    for key, vials in named.items():
        missing = vials - found[key]
        for other in sorted(lying, key=lambda one: one.status is not key.status):
            if other.batch_id == key.batch_id and other != key:
                taken = min(missing, lying[other] - found[other])
                if taken > 0:
                    found[other] += taken
                    missing -= taken
        found[key] += missing
    return found


def packed_batches(db: Session, shipment: Shipment) -> set[UUID]:
    """What is in the shipment's boxes."""
    return set(db.scalars(select(PackedLine.batch_id).where(PackedLine.shipment_id == shipment.id)))


def lock_sender(db: Session, shipment: Shipment, batches: Collection[UUID], *, on_the_road: bool = False) -> None:
    """Take the sender's pools of what is ordered and of these batches, before its shelves are looked at.

    `on_the_road`: those of the shipment's transit too, since all that is locked is locked at once.
    """
    ordered = select(ShipmentLine.presentation_id).where(ShipmentLine.shipment_id == shipment.id)
    named = select(Batch.presentation_id).where(Batch.id.in_(batches))
    owners = [shipment.from_facility_id, *([shipment.id] if on_the_road else [])]
    lock_anchors(db, {(owner, each) for each in db.scalars(ordered.union(named)) for owner in owners})


def unpack(db: Session, shipment: Shipment, *, now: datetime) -> None:
    """Give the vials packed for a shipment that will not leave back to the sender's promises."""
    lock_sender(db, shipment, packed_batches(db, shipment))
    mine = packed_vials(db, shipment)
    if mine:
        set_aside(db, shipment.from_facility_id, {key: -vials for key, vials in mine.items()}, now=now)
