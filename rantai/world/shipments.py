"""Shipments of the last weeks and of today: what the trace of a batch and the page of shipments have to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.calendar import MANAGERS, Act, Calendar, Staff, local
from rantai.world.names import CITY_STORE, STORY, event_id
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
class Delivery:
    """One shipment of the past that arrived on the day it left, `back` days ago."""

    sender: str
    receiver: str
    product: str
    vials: int
    back: int
    left: time
    arrived: time
    place: str = "k1"
    broken: int = 0
    who: tuple[str, str] = ("gudang", "kota")

    @property
    def name(self) -> str:
        """What its ids are made of."""
        return f"shipment {self.sender} {self.receiver} {self.product} {self.back}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One shipment of today; hours count back from the seeding. `arrived_h` None: still on the road; `broken` vials rejected."""

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


def _to(receiver: str, product: str, vials: int, back: int, left: time, *, broken: int = 0) -> Delivery:
    """From the city's store to one of its puskesmas, within the hour."""
    arrived = time(left.hour + 1, left.minute)
    return Delivery(
        sender=CITY_STORE,
        receiver=receiver,
        product=product,
        vials=vials,
        back=back,
        left=left,
        arrived=arrived,
        broken=broken,
        who=("gudang", local(MANAGERS, receiver)),
    )


DELIVERIES = (
    _to(STORY, "coronavac-10", 10, 12, time(7, 5)),
    _to("pkm-ketapang", "coronavac-10", 6, 11, time(7, 10), broken=1),
    _to("pkm-poris-plawad", "coronavac-10", 6, 10, time(7, 0)),
    _to("pkm-gondrong", "coronavac-10", 6, 9, time(7, 20)),
    _to("pkm-batuceper", "coronavac-10", 10, 9, time(12, 40)),
    _to("pkm-sukasari", "ipv-5", 6, 7, time(13, 5)),
    _to(STORY, "coronavac-10", 10, 6, time(7, 0)),
    Delivery(
        sender="biofarma",
        receiver="dinkes-banten",
        product="coronavac-10",
        vials=1_000,
        back=4,
        left=time(5, 30),
        arrived=time(11, 20),
        place="r1",
        who=("biofarma", "banten"),
    ),
    Delivery(
        sender="dinkes-banten",
        receiver=CITY_STORE,
        product="coronavac-10",
        vials=300,
        back=3,
        left=time(7, 30),
        arrived=time(10, 10),
        place="r1",
        who=("banten", "gudang"),
    ),
    _to("pkm-ketapang", "coronavac-10", 4, 2, time(7, 15)),
    _to(STORY, "coronavac-10", 8, 1, time(7, 0)),
)
TRIPS = (
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
    """Send what of today was never sent."""
    for trip in TRIPS:
        if db.get(Shipment, event_id(trip.name)) is None:
            _travel(db, trip, now)


def deliveries_on(calendar: Calendar, back: int) -> list[Act]:
    """What was sent and taken in that day."""
    acts = []
    for delivery in DELIVERIES:
        if delivery.back == back:
            acts.append(Act(at=calendar.at(back, delivery.left), do=partial(_send, delivery)))
            acts.append(Act(at=calendar.at(back, delivery.arrived), do=partial(_take_in, delivery)))
    return acts


def _send(delivery: Delivery, db: Session, staff: Staff, now: datetime) -> None:
    sender = staff(db, delivery.who[0])
    order = CreateShipment(
        id=event_id(delivery.name),
        from_facility=delivery.sender,
        to_facility=delivery.receiver,
        lines=(Wanted(product=delivery.product, vials=delivery.vials),),
        kind=ShipmentKind.DIRECT,
        expected_at=now + timedelta(hours=6 if delivery.place == "r1" else 2),
    )
    shipment = create_shipment(db, sender, order, now=now).shipment
    pack_shipment(db, sender, shipment.id, (), now=now)
    dispatch_shipment(db, sender, shipment.id, occurred_at=now, expected_at=order.expected_at, now=now)


def _take_in(delivery: Delivery, db: Session, staff: Staff, now: datetime) -> None:
    receipt = ReceiveShipment(
        id=event_id(f"receipt of {delivery.name}"),
        occurred_at=now,
        lines=tuple(_received(db, delivery, event_id(delivery.name))),
        final=True,
    )
    receive_shipment(db, staff(db, delivery.who[1]), event_id(delivery.name), receipt, now=now)


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


def _received(db: Session, trip: Trip | Delivery, shipment_id: UUID) -> list[Received]:
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
