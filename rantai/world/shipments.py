"""Shipments of the last days: what the trace of a batch and the page of shipments have to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.stocking import event_id
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.shipments.models import Shipment
from tracker.shipments.queries.finding import sums_by_batch
from tracker.shipments.rules.words import Difference, ShipmentKind
from tracker.shipments.service.commands import CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One shipment; hours count back from the seeding. `arrived_h` None: still on the road; `broken` vials rejected."""

    sender: str
    receiver: str
    product: str
    vials: int
    left_h: float
    arrived_h: float | None
    place: str = "r1"
    broken: int = 0
    expected_h: float = 0

    @property
    def name(self) -> str:
        """What its ids are made of."""
        return f"shipment {self.sender} {self.receiver} {self.product} {self.left_h}"


TRIPS = (
    Trip(sender="biofarma", receiver="dinkes-banten", product="coronavac-10", vials=1_000, left_h=80, arrived_h=74),
    Trip(
        sender="dinkes-banten",
        receiver="dinkes-kota-tangerang",
        product="coronavac-10",
        vials=300,
        left_h=52,
        arrived_h=49,
    ),
    Trip(
        sender="dinkes-kota-tangerang",
        receiver="pkm-cipondoh",
        product="coronavac-10",
        vials=10,
        left_h=31,
        arrived_h=30,
        place="k1",
    ),
    Trip(
        sender="dinkes-kota-tangerang",
        receiver="pkm-ketapang",
        product="coronavac-10",
        vials=12,
        left_h=30,
        arrived_h=29,
        place="k1",
    ),
    Trip(
        sender="dinkes-kota-tangerang",
        receiver="pkm-benda",
        product="pentabio-5",
        vials=20,
        left_h=9,
        arrived_h=8,
        place="k1",
        broken=2,
    ),
    Trip(
        sender="dinkes-kota-tangerang",
        receiver="pkm-gondrong",
        product="astrazeneca-10",
        vials=10,
        left_h=0.5,
        arrived_h=None,
        expected_h=-1,
    ),
    # Three hours late: the page of shipments should say so.
    Trip(sender="biofarma", receiver="dinkes-dki", product="mr-10", vials=500, left_h=10, arrived_h=None, expected_h=3),
)


def seed_shipments(db: Session, *, now: datetime) -> None:
    """Send what was never sent."""
    for trip in TRIPS:
        if db.get(Shipment, event_id(trip.name)) is None:
            _travel(db, trip, now)


def _travel(db: Session, trip: Trip, now: datetime) -> None:
    expected_at = now - timedelta(hours=trip.arrived_h if trip.arrived_h is not None else trip.expected_h)
    order = CreateShipment(
        id=event_id(trip.name),
        from_facility=trip.sender,
        to_facility=trip.receiver,
        lines=(Wanted(product=trip.product, vials=trip.vials),),
        kind=ShipmentKind.DIRECT,
        expected_at=expected_at,
    )
    shipment = create_shipment(db, SYSTEM, order, now=now).shipment
    pack_shipment(db, SYSTEM, shipment.id, (), now=now)
    left_at = now - timedelta(hours=trip.left_h)
    dispatch_shipment(db, SYSTEM, shipment.id, occurred_at=left_at, expected_at=expected_at, now=now)
    if trip.arrived_h is not None:
        receipt = ReceiveShipment(
            id=event_id(f"receipt of {trip.name}"),
            occurred_at=now - timedelta(hours=trip.arrived_h),
            lines=tuple(_received(db, trip, shipment.id)),
            final=True,
        )
        receive_shipment(db, SYSTEM, shipment.id, receipt, now=now)


def _received(db: Session, trip: Trip, shipment_id: UUID) -> list[Received]:
    sent = {batch_id: sums.sent for batch_id, sums in sums_by_batch(db, shipment_id).items()}
    batches = db.scalars(select(Batch).where(Batch.id.in_(sent)).order_by(Batch.lot))
    lines = []
    broken = trip.broken
    for batch in batches:
        rejected = min(broken, sent[batch.id])
        broken -= rejected
        lines.append(
            Received(
                batch=str(batch.id),
                place=f"{trip.receiver}-{trip.place}",
                accepted=sent[batch.id] - rejected,
                rejected=rejected,
                reason=Difference.BROKEN if rejected else None,
            )
        )
    return lines
