"""From a fridge's fever to the citizen's booking: the real broker, the real programs, the real road, once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, select

from ingest.mqtt.link import BrokerAddress
from rantai.local.ports import free_port
from tests.conftest import SECRET
from tests.support.quota import Desk
from tests.support.services import Services
from tests.support.waiting import eventually
from tests.support.world import PASSWORD, World, small_world
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.kit.clock import utc_now
from tracker.quota.rules.words import BookingState
from tracker.telemetry.rules.words import Quantity
from tracker.telemetry.rules.words import Role as ChannelRole
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device

ROOT = Path(__file__).parents[2]
DEVICE = "suhu-cipondoh"
BATCH = "penta-5/HEART"
PERSONS = 12


@dataclass(frozen=True, slots=True)
class Town:
    """Two puskesmas with vaccine and sessions, twelve people booked at the first."""

    world: World
    session: UUID
    neighbours_session: UUID
    bookings: tuple[UUID, ...]


@pytest.fixture
def town(engine: Engine) -> Town:
    now = utc_now()
    with transaction(engine) as db:
        world = small_world(db, now=now, password=PASSWORD)
        batch = NewBatch(presentation="penta-5", lot="HEART", expiry=now.date() + timedelta(days=300))
        world.batches[BATCH] = add_batch(db, SYSTEM, batch, now=now)
        desk = Desk(db, world, now)
        desk.stock(BATCH, 20)
        desk.stock(BATCH, 20, place="pkm-tanah-tinggi-k1")
        session = desk.session(product="penta-5", ahead=2)
        other = desk.session(product="penta-5", ahead=2, facility=world.neighbour)
        bookings = tuple(booking.id for booking in desk.booked(session, PERSONS))
        add_device(db, SYSTEM, NewDevice(code=DEVICE, unit="pkm-cipondoh"), now=now)
        use = ChannelUse(
            device=DEVICE,
            name="t1",
            quantity=Quantity.TEMPERATURE,
            role=ChannelRole.STORAGE,
            equipment=world.fridge.code,
            from_at=now - timedelta(days=2),
            interval_s=300,
        )
        use_channel(db, SYSTEM, use, now=now)
    return Town(world, session, other, bookings)


@pytest.fixture
def address(engine: Engine, services: Services, tmp_path: Path) -> Iterator[str]:
    """The API's address, with ingester and worker running beside it."""
    port = free_port()
    environment = {
        **os.environ,
        "RANTAI_DATABASE_URL": engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "RANTAI_MQTT_URL": services.mqtt_url,
        "RANTAI_SECRET_KEY": SECRET,
        "RANTAI_API__PORT": str(port),
        # The broker is shared with other tests, and a session belongs to a client id.
        "RANTAI_INGEST__CLIENT_ID": f"heart-{port}",
    }
    programs = []
    for name in ("api", "ingest", "worker"):
        with (tmp_path / f"{name}.log").open("wb") as log:
            programs.append(
                subprocess.Popen(
                    [sys.executable, "-m", "rantai", name], env=environment, cwd=ROOT, stdout=log, stderr=log
                )
            )
    yield f"http://127.0.0.1:{port}"
    for program in programs:
        program.terminate()
    assert [program.wait(30) for program in programs] == [0, 0, 0]


class Phone:
    """One account at the API."""

    def __init__(self, address: str, username: str) -> None:
        self._address = address
        body = {"username": username, "password": PASSWORD}
        answer = httpx2.post(f"{address}/api/v1/tokens", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def get(self, path: str, **query: str) -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self._address}/api/v1/{path}", params=query, headers=self._headers, timeout=20)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def post(self, path: str, body: dict[str, Any], expect: int = 200) -> dict[str, Any]:
        answer = httpx2.post(f"{self._address}/api/v1/{path}", json=body, headers=self._headers, timeout=20)
        assert answer.status_code == expect, answer.text
        found: dict[str, Any] = answer.json()
        return found


def ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def publish(services: Services, readings: list[tuple[datetime, float]]) -> None:
    broker = BrokerAddress.of(services.broker.add_user(DEVICE, "sandi-perangkat"))
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(broker.username, broker.password)
    client.connect(broker.host, broker.port)
    client.loop_start()
    body = {
        "readings": [
            {"at": at.astimezone(UTC).isoformat(), "channel": "t1", "temperature_c": value} for at, value in readings
        ]
    }
    client.publish(f"rantai/v1/{DEVICE}/readings", json.dumps(body), qos=1).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


def vials(phone: Phone, facility: str) -> int:
    return int(phone.get("quota", facility=facility, product="penta-5")[0]["pool_vials"])


def test_frost_holds_the_vaccine_shrinks_the_quota_and_moves_the_booked_people(
    engine: Engine, services: Services, town: Town, address: str
) -> None:
    eventually(lambda: ready(address), timeout_s=90, every_s=0.3, what="the programs")
    city = Phone(address, town.world.usernames[Role.CITY])
    assert (vials(city, "pkm-cipondoh"), vials(city, "pkm-tanah-tinggi")) == (20, 20)

    # The frost began an hour before the vials came and goes on: what enters while it lasts is held too.
    start = utc_now() - timedelta(minutes=70)
    frost = [(start + timedelta(minutes=minute), -1.5) for minute in range(0, 71, 5)]
    publish(services, frost)

    eventually(lambda: vials(city, "pkm-cipondoh") == 0, timeout_s=60, what="the quota without the held vials")
    assert vials(city, "pkm-tanah-tinggi") == 20
    (quota,) = [item for item in city.get("quota", facility="pkm-cipondoh") if item["dose"] == 1]
    assert quota["available"] == 0

    (hold,) = city.get("holds", state="held")
    assert (hold["place"], hold["vials"], hold["harm"], hold["lot"]) == (town.world.fridge.code, 20, "freeze", "HEART")
    assert hold["evidence"]["device"] == DEVICE
    assert hold["evidence"]["peak_c"] == -1.5

    def offered() -> bool:
        rows = city.get("displacements")
        return len(rows) == PERSONS and all(row["state"] == "offered" for row in rows)

    eventually(offered, timeout_s=60, what="an offer for each of the twelve")
    moved = {row["booking"]: row["offer"] for row in city.get("displacements")}
    assert set(moved) == {str(booking) for booking in town.bookings}
    offers = {item["id"]: item for item in city.get("bookings", session=str(town.neighbours_session))}
    assert {offers[offer]["state"] for offer in moved.values()} == {"reserved"}
    (pool,) = [item for item in city.get("quota", facility="pkm-cipondoh") if item["dose"] == 1]
    assert (pool["pool_needed"], pool["pool_short"]) == (0, 0)
    with transaction(engine) as db:
        told = db.scalars(select(OutMessage.template)).all()
    assert told == ["quota_offer"] * PERSONS

    accepted = city.post(f"bookings/{next(iter(moved.values()))}/confirm", {})
    assert accepted["state"] == BookingState.CONFIRMED.value

    # Nothing frees the vials but a person who answers for it.
    city.post(f"holds/{hold['id']}/release", {"reason": "dilihat"}, expect=422)
    city.post(f"holds/{hold['id']}/release", {"reason": "uji kocok lulus", "shake_test": "passed"})
    eventually(lambda: vials(city, "pkm-cipondoh") == 20, timeout_s=20, what="the quota with the released vials")
