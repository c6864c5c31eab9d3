"""The seeded world of the demo."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from rantai.world.people import PEOPLE
from rantai.world.places import facility_rows, puskesmas_rows
from rantai.world.seed import seed_world
from rantai.world.sensors import SCENARIOS, STORY_SENSOR
from rantai.world.shipments import TRIPS
from rantai.world.vaccines import PRODUCTS
from simulators.manifest import read_world
from simulators.scenarios import SCENARIOS as KNOWN_SCENARIOS
from tests.support import databases
from tests.support.services import Services
from tracker.access.models import RoleGrant
from tracker.access.rules import Role
from tracker.access.service import check_password
from tracker.catalog.models import Batch, Presentation, StorageClass
from tracker.catalog.rules.storage import bands_from_json
from tracker.database.engine import transaction
from tracker.network.models import Equipment, Facility
from tracker.people.models import Person
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import ShipmentState
from tracker.stock.models import StockBalance, StockEvent
from tracker.telemetry.models import Assignment, Device
from tracker.telemetry.rules.credentials import matches

SECRET = "a secret for tests only, at least 32 characters"
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


@dataclass
class Seeded:
    """One seeded database for the whole file: seeding is the expensive part."""

    engine: Engine
    path: Path
    shown: list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def seeded(services: Services, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    path = tmp_path_factory.mktemp("world") / "world.json"
    maintenance = services.postgres.url("postgres")
    with databases.copied_database(maintenance, template) as url, databases.engine_of(url) as engine:
        yield Seeded(engine, path, seed_world(engine, path, secret_key=SECRET, now=NOW))


def counts(engine: Engine) -> dict[str, int]:
    with transaction(engine) as db:
        models = (
            Facility,
            Equipment,
            Presentation,
            Batch,
            Device,
            Assignment,
            RoleGrant,
            StockEvent,
            StockBalance,
            Booking,
            Person,
        )
        return {model.__name__: db.scalar(select(func.count()).select_from(model)) or 0 for model in models}


def test_the_world_is_made_once_and_again_changes_nothing(seeded: Seeded) -> None:
    first, written = counts(seeded.engine), seeded.path.read_text()
    assert seed_world(seeded.engine, seeded.path, secret_key=SECRET, now=NOW + timedelta(hours=7)) == seeded.shown
    assert counts(seeded.engine) == first
    assert seeded.path.read_text() == written
    assert first["Facility"] == len(facility_rows())
    assert len(puskesmas_rows()) == 38


def test_every_role_is_there_and_its_password_opens(seeded: Seeded) -> None:
    assert {person.role for person in PEOPLE} == set(Role)
    username, password, _who = seeded.shown[0]
    with transaction(seeded.engine) as db:
        assert check_password(db, username, password).username == username


def test_the_simulators_read_the_manifest_and_only_its_owner_may(seeded: Seeded) -> None:
    path = seeded.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    world = read_world(path)
    story = next(device for device in world.devices if device.code == STORY_SENSOR)
    assert (story.scenario, story.equipment) == ("late_heat", "pkm-cipondoh-k1")
    assert set(SCENARIOS.values()) <= set(KNOWN_SCENARIOS)
    assert set(SCENARIOS) <= {device.code for device in world.devices}
    with transaction(seeded.engine) as db:
        hashed = db.scalar(select(Device.password_hash).where(Device.code == story.code))
    assert matches(story.password, hashed)


def test_a_lost_manifest_gives_new_keys_that_work(seeded: Seeded) -> None:
    old = json.loads(seeded.path.read_text())
    before = {row[0]: row[1] for row in seeded.shown}
    seeded.path.unlink()
    seeded.shown = after = seed_world(seeded.engine, seeded.path, secret_key=SECRET, now=NOW)
    assert all(before[username] != password for username, password, _who in after)
    new = json.loads(seeded.path.read_text())
    assert {d["code"] for d in new["devices"]} == {d["code"] for d in old["devices"]}
    device = new["devices"][0]
    with transaction(seeded.engine) as db:
        hashed = db.scalar(select(Device.password_hash).where(Device.code == device["code"]))
        username, password, _who = after[0]
        check_password(db, username, password)
    assert matches(device["password"], hashed)


def test_stock_and_sensors_were_there_before_the_heat(seeded: Seeded) -> None:
    long_ago = NOW - timedelta(hours=24)
    with transaction(seeded.engine) as db:
        here = select(Facility.id).where(Facility.code == "pkm-cipondoh").scalar_subquery()
        newest = db.scalar(select(func.max(StockEvent.occurred_at)).where(StockEvent.facility_id == here))
        assert newest is not None
        assert newest < long_ago
        assert (db.scalar(select(func.max(Assignment.from_at))) or NOW) < long_ago
        fridge = db.scalar(select(Equipment.id).where(Equipment.code == "pkm-cipondoh-k1"))
        vials = db.scalar(select(func.sum(StockBalance.vials)).where(StockBalance.holder_id == fridge))
    assert (vials or 0) > 30


def test_every_product_has_bands_and_two_codes(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        for storage in db.scalars(select(StorageClass)):
            assert bands_from_json(storage.bands)
        found = list(db.scalars(select(Presentation)))
    assert len(found) == len(PRODUCTS) == 8
    assert all(each.gtin and each.box_gtin and each.synthetic for each in found)


def test_people_have_booked_what_lies_in_the_storys_fridge(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        rows = db.execute(
            select(Facility.code, VaccinationSession.day, func.count())
            .join(Facility, Facility.id == VaccinationSession.facility_id)
            .join(Booking, Booking.session_id == VaccinationSession.id)
            .where(Booking.state == BookingState.CONFIRMED)
            .group_by(Facility.code, VaccinationSession.day)
        ).all()
    story = {day: count for code, day, count in rows if code == "pkm-cipondoh"}
    assert sum(story.values()) == 40
    assert min(story) > NOW.date()
    assert {code for code, _day, _count in rows} >= {"pkm-ketapang", "pkm-gondrong"}


def test_the_next_day_adds_the_next_days_sessions(seeded: Seeded) -> None:
    def last_day() -> date | None:
        with transaction(seeded.engine) as db:
            return db.scalar(select(func.max(VaccinationSession.day)))

    before = last_day()
    seed_world(seeded.engine, seeded.path, secret_key=SECRET, now=NOW + timedelta(days=1))
    assert before is not None
    assert last_day() == before + timedelta(days=1)


def test_shipments_have_arrived_are_on_the_road_and_late(seeded: Seeded) -> None:
    with transaction(seeded.engine) as db:
        shipments = list(db.scalars(select(Shipment)))
    assert len(shipments) == len(TRIPS)
    on_road = [each for each in shipments if each.state is ShipmentState.IN_TRANSIT]
    assert len(on_road) == 2
    assert sum(each.expected_at is not None and each.expected_at < NOW for each in on_road) == 1
    assert all(each.received_at is not None for each in shipments if each not in on_road)
