"""What pages need to have something to show: the small world with stock, sensors and a fridge that got warm.

Everything goes through the use cases, so it breaks when they change and never shows what cannot happen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support import databases
from tests.support.quota import Desk
from tests.support.services import Services
from tests.support.world import PASSWORD, World, small_world
from tracker.access.principal import SYSTEM
from tracker.catalog.service import NewBatch, add_batch
from tracker.coldchain.models import Episode
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.passport.service.holding import hold_for_episode
from tracker.shipments.rules.words import Difference, ShipmentKind
from tracker.shipments.service.commands import Box, CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, WasteReason
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import Quantity, Role, TimeSource
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device
from tracker.telemetry.service.writer import Arrival, store_readings

INTERVAL = timedelta(minutes=10)


@contextmanager
def page_template(services: Services, template: str) -> Iterator[tuple[str, PageWorld]]:
    """The name of a database that holds the world, its stock on hold: copies of it cost a moment, the world seconds."""
    with databases.copied_database(services.postgres.url("postgres"), template) as url:
        with databases.engine_of(url) as engine:
            with transaction(engine) as db:
                world = page_world(db, now=utc_now())
            with transaction(engine) as db:
                hold(db, now=utc_now())
        yield urlsplit(url).path.lstrip("/"), world


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWorld:
    """The world and the channels of its fridges by the fridge's code."""

    world: World
    channels: dict[str, ChannelRef]
    now: datetime
    sessions: list[UUID]
    booking: UUID
    """A confirmed one, in the second session."""
    shipment: str


def page_world(db: Session, *, now: datetime) -> PageWorld:
    """Make it in the session's transaction; its newest readings are at `now`."""
    world = small_world(db, now=now - timedelta(days=30), password=PASSWORD)
    # This one was heard five hours ago and never since: only then does it count as silent. The others are installed
    # later, for a watch that has never been heard is silent too.
    lost = "pkm-tanah-tinggi-k1"
    channels = {lost: _sensor(db, world, lost, now=now)}
    feel(db, channels[lost], now - timedelta(hours=5), hours=30, curve=_calm)
    evaluate_waiting(db, now=now - timedelta(hours=5))
    for code in ("pkm-cipondoh-k1", "pkm-cipondoh-k2", "pkm-cipondoh-f1", "biofarma-r1"):
        channels[code] = _sensor(db, world, code, now=now)
    for product, lot, days in (("coronavac-1", "CV101", 240), ("mr-10", "MR101", 9), ("az-10", "AZ101", 45)):
        # The small world's lots have fixed expiries; a page lives at the real clock.
        batch = NewBatch(presentation=product, lot=lot, expiry=(now + timedelta(days=days)).date())
        world.batches[f"{product}/{lot}"] = add_batch(db, SYSTEM, batch, now=now)
    _stock(db, world, now)
    feel(db, channels["pkm-cipondoh-k1"], now, hours=48, curve=_warming)
    feel(db, channels["pkm-cipondoh-k2"], now, hours=48, curve=_calm, gap=(20, 26))
    feel(db, channels["pkm-cipondoh-f1"], now, hours=48, curve=lambda hours: -20.0 + 1.2 * math.sin(hours / 2))
    feel(db, channels["biofarma-r1"], now, hours=48, curve=_calm)
    evaluate_waiting(db, now=now)
    check_silence(db, now=now)
    sessions, booking = _sessions(db, world, now)
    shipment = _shipments(db, world, now)
    return PageWorld(world=world, channels=channels, now=now, sessions=sessions, booking=booking, shipment=shipment)


def hold(db: Session, *, now: datetime) -> None:
    """What the worker does with the alarm of the warm fridge."""
    hot = select(Episode.id).where(Episode.rule == "HEAT", Episode.alarmed_at.is_not(None))
    for episode_id in db.scalars(hot):
        hold_for_episode(db, SYSTEM, episode_id, now=now)


def _sessions(db: Session, world: World, now: datetime) -> tuple[list[UUID], UUID]:
    """Tomorrow's and next week's sessions at the puskesmas; tomorrow's has people."""
    desk = Desk(db, replace(world, now=now), now)
    facility = world.facilities["pkm-cipondoh"]
    first = desk.session(product="penta-5", ahead=1, capacity=60, doses=(1,), facility=facility)
    second = desk.session(product="coronavac-1", ahead=3, capacity=80, doses=(1, 2), facility=facility)
    shared = desk.session(product="penta-5", ahead=2, capacity=40, doses=(1,), facility=facility)
    desk.booked(first, 14)
    booked = desk.booked(second, 9)
    return [first, second, shared], booked[0].id


def _shipments(db: Session, world: World, now: datetime) -> str:
    """One on the road and late, one received; answers the late one's code."""
    codes = []
    for vials, left, due in ((40, 30, -4), (20, 60, -50)):
        command = CreateShipment(
            id=uuid7(),
            from_facility="kota-tangerang",
            to_facility="pkm-neglasari",
            lines=(Wanted(product="penta-5", vials=vials),),
            kind=ShipmentKind.DIRECT,
            expected_at=now + timedelta(hours=due),
        )
        shipment = create_shipment(db, SYSTEM, command, now=now - timedelta(hours=left)).shipment
        pack_shipment(db, SYSTEM, shipment.id, (Box(),), now=now - timedelta(hours=left))
        dispatch_shipment(db, SYSTEM, shipment.id, occurred_at=now - timedelta(hours=left), now=now)
        codes.append(shipment.code)
    received = ReceiveShipment(
        id=uuid7(),
        occurred_at=now - timedelta(hours=48),
        lines=(
            Received(
                batch="penta-5/PB002",
                place="pkm-neglasari-k1",
                accepted=18,
                missing=2,
                reason=Difference.NOT_RECEIVED,
                vvm_stage=1,
            ),
        ),
        final=True,
    )
    receive_shipment(db, SYSTEM, codes[1], received, now=now)
    return codes[0]


def _calm(hours_ago: float) -> float:
    return 4.6 + 0.7 * math.sin(hours_ago * 2.1) + 0.3 * math.sin(hours_ago / 3)


def _warming(hours_ago: float) -> float:
    """Normal, then twelve hours of a failing compressor, still going on."""
    return _calm(hours_ago) if hours_ago > 13 else _calm(hours_ago) + min(9.0, (13 - hours_ago) * 4.5)


def feel(
    db: Session,
    channel: ChannelRef,
    until: datetime,
    *,
    hours: float,
    curve: Callable[[float], float],
    gap: tuple[float, float] | None = None,
) -> None:
    """Readings each ten minutes; `curve` takes hours before `until`, `gap` is left out, in the same hours."""
    measured = []
    for step in range(int(hours * 6), -1, -1):
        ago = step / 6
        if gap is None or not gap[0] <= ago <= gap[1]:
            measured.append((channel, until - step * INTERVAL, round(curve(ago), 2)))
    store_readings(
        db, [Arrival(received_at=until, time_source=TimeSource.DEVICE, measured=measured, message_id=str(uuid7()))]
    )


def _sensor(db: Session, world: World, equipment: str, *, now: datetime) -> ChannelRef:
    facility = equipment.rsplit("-", 1)[0]
    device = f"S-{equipment}"
    add_device(db, SYSTEM, NewDevice(code=device, unit=facility, make="Rantai", model="peraga"), now=now)
    role = Role.FREEZER if equipment.endswith("f1") else Role.STORAGE
    channel = use_channel(
        db,
        SYSTEM,
        ChannelUse(
            device=device,
            name="t1",
            role=role,
            equipment=world.equipment[equipment].id,
            from_at=now - timedelta(days=20),
            interval_s=int(INTERVAL.total_seconds()),
        ),
        now=now,
    )
    return ChannelRef(channel.id, Quantity.TEMPERATURE, role)


def move(
    db: Session,
    world: World,
    kind: Kind,
    place: str,
    batch: str,
    vials: int,
    at: datetime,
    *,
    now: datetime,
    reason: str | None = None,
) -> UUID:
    """Post one event of one line; the facility is the place's."""
    event = uuid7()
    line = Line(
        batch_id=world.batches[batch].id,
        vials=vials,
        place_id=world.equipment[place].id,
        vvm_stage=1 if world.presentations[batch.split("/", maxsplit=1)[0]].uses_vvm and kind is Kind.SUPPLY else None,
        reason=reason,
    )
    facility = world.facilities[place.rsplit("-", 1)[0]]
    command = PostEvent(id=event, kind=kind, facility_id=facility.id, occurred_at=at, lines=(line,))
    post_event(db, SYSTEM, command, now=now)
    return event


def _stock(db: Session, world: World, now: datetime) -> None:
    """A month of supply and use at the puskesmas, some waste, one product run out at the neighbour's."""
    start = now - timedelta(days=18)
    for place, batch, vials in (
        ("biofarma-r1", "penta-5/PB002", 4000),
        ("biofarma-r1", "coronavac-1/CV101", 12000),
        ("kota-tangerang-r1", "penta-5/PB002", 900),
        ("kota-tangerang-r1", "mr-10/MR101", 320),
        ("pkm-cipondoh-k1", "penta-5/PB002", 60),
        ("pkm-cipondoh-k1", "mr-10/MR101", 24),
        ("pkm-cipondoh-k2", "coronavac-1/CV101", 240),
        ("pkm-cipondoh-k2", "az-10/AZ101", 30),
        ("pkm-cipondoh-f1", "bopv-20/OP001", 30),
        ("pkm-tanah-tinggi-k1", "coronavac-1/CV101", 20),
    ):
        move(db, world, Kind.SUPPLY, place, batch, vials, start, now=now)
    for day in range(16, 0, -2):
        at = now - timedelta(days=day)
        move(db, world, Kind.OPENING, "pkm-cipondoh-k1", "penta-5/PB002", 2, at, now=now)
        move(db, world, Kind.OPENING, "pkm-cipondoh-k2", "coronavac-1/CV101", 24, at, now=now)
        if day > 10:
            move(db, world, Kind.OPENING, "pkm-tanah-tinggi-k1", "coronavac-1/CV101", 5, at, now=now)
    move(
        db,
        world,
        Kind.WASTE,
        "pkm-cipondoh-k1",
        "mr-10/MR101",
        2,
        now - timedelta(days=3),
        now=now,
        reason=WasteReason.BROKEN.value,
    )
    move(db, world, Kind.COUNT, "pkm-cipondoh-k1", "penta-5/PB002", 44, now - timedelta(days=1), now=now)
