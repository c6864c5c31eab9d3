"""What devices say of themselves, over HTTP and on the pages: own alarms beside ours, days of loggers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from ingest.files.outline import MAX_BYTES
from ingest.http import router
from tests.support.accounts import key_for, make_account
from tests.support.ems import ems_body, ems_record
from tests.support.logger_files import fridge_tag, fridge_tag_2
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.telemetry.models import DayFigures, Device, Reading, ToldAlarm
from tracker.telemetry.rules.words import DeviceKind
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device


@pytest.fixture
def client(app_services: Services) -> Iterator[TestClient]:
    """The API with the ingest program's doors."""
    with TestClient(create_app(app_services, more=[router]), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def fridge(app_services: Services, committed_world: World) -> tuple[str, str]:
    """A fridge whose EMS speaks for itself; its Basic credentials."""
    now = utc_now()
    command = NewDevice(code="ems-1", unit=committed_world.puskesmas.code, kind=DeviceKind.NATIVE, serial="LOG-1")
    with transaction(app_services.engine) as db:
        added = add_device(db, SYSTEM, command, now=now)
        watch = ChannelUse(
            device="ems-1", name="TVC", equipment=committed_world.fridge.id, from_at=now - timedelta(days=30)
        )
        use_channel(db, SYSTEM, watch, now=now)
        assert added.password is not None
        return "ems-1", added.password


def key_of(services: Services, username: str, role: Role, unit: str) -> dict[str, str]:
    """The header of an API key."""
    account = make_account(services, username, None, role=role, unit=unit)
    with transaction(services.engine) as db:
        return {"Authorization": f"Bearer {key_for(db, account)}"}


def test_own_alarms_are_kept_once_shown_as_stretches_and_judge_nothing(
    client: TestClient, app_services: Services, committed_world: World, fridge: tuple[str, str]
) -> None:
    begin = (utc_now() - timedelta(hours=20)).replace(minute=0, second=0, microsecond=0)

    def record(quarter: int, alarm: str | None) -> dict[str, Any]:
        return ems_record(f"{begin + timedelta(minutes=15 * quarter):%Y%m%dT%H%M%SZ}", ALRM=alarm, TVC=4.5)

    records = [record(n, "HEAT" if n < 4 else None) for n in range(8)] + [record(20, "HEAT POWR")]
    for _ in range(2):
        assert client.post("/api/v1/ems", json=ems_body(records), auth=fridge).status_code == 200
    manager = key_of(app_services, "gudang-2", Role.MANAGER, committed_world.puskesmas.code)
    told = client.get("/api/v1/sensors/ems-1.TVC/told-alarms", headers=manager).json()
    assert [(one["code"], one["times"]) for one in told["items"]] == [("POWR", 1), ("HEAT", 1), ("HEAT", 4)]
    turned: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/sensors/ems-1.TVC/told-alarms", params=asked, headers=manager).json()
        turned += page["items"]
        cursor = page["next_cursor"]
    assert turned == told["items"]
    with transaction(app_services.engine) as db:
        evaluate_waiting(db, now=utc_now())
        assert db.scalar(select(func.count()).select_from(ToldAlarm)) == 6
        assert db.scalar(select(func.count()).select_from(Alarm)) == 0
        assert db.scalar(select(func.count()).select_from(Episode)) == 0
    elsewhere = key_of(app_services, "lain", Role.MANAGER, "pkm-tanah-tinggi")
    assert client.get("/api/v1/sensors/ems-1.TVC/told-alarms", headers=elsewhere).status_code == 404


def test_an_own_alarm_of_a_wrong_clock_stands_where_it_was_received(
    client: TestClient, app_services: Services, fridge: tuple[str, str]
) -> None:
    body = ems_body([ems_record("20991231T000000Z", ALRM="HEAT")])
    assert client.post("/api/v1/ems", json=body, auth=fridge).status_code == 200
    with transaction(app_services.engine) as db:
        told = db.scalars(select(ToldAlarm)).one()
    assert told.at == told.received_at
    assert told.claimed_at.year == 2099


def test_days_are_uploaded_listed_and_repeated(
    client: TestClient, app_services: Services, committed_world: World
) -> None:
    today = utc_now().date()
    rows = [((today - timedelta(days=n)).isoformat(), "+3.0", "+9.0", 0, "", 700, "11:00") for n in range(1, 6)]
    manager = key_of(app_services, "gudang-2", Role.MANAGER, committed_world.puskesmas.code)
    form = {"equipment": committed_world.fridge.code}
    for new in (5, 0):
        sent = client.post(
            "/api/v1/logger-files", headers=manager, data=form, files={"file": ("a.txt", fridge_tag_2(rows))}
        )
        assert sent.status_code == 201, sent.text
        assert (sent.json()["days"], sent.json()["new"], sent.json()["readings"]) == (5, new, 0)
    days = []
    path = f"/api/v1/sensors/{sent.json()['sensor_id']}/days"
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = client.get(path, headers=manager, params=query).json()
        days += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [one["day"] for one in days] == [row[0] for row in rows]
    assert days[0]["above_alarm_at"].endswith("Z")
    assert days[0]["minutes_above"] == 700


@pytest.mark.parametrize("cut", [0, 40])
def test_a_logger_file_of_sixteen_megabytes_is_taken_or_refused_whole(
    client: TestClient, app_services: Services, committed_world: World, cut: int
) -> None:
    """A year of one-minute readings; the last one damaged, nothing of it is kept."""
    day = utc_now().date() - timedelta(days=400)
    lines, length = [], 0
    minute = 0
    head = len(fridge_tag([("2025-01-01 00:00", "4.0")]))
    while length + head < MAX_BYTES - 60_000:
        at = f"{day + timedelta(days=minute // 1440)} {minute // 60 % 24:02}:{minute % 60:02}"
        lines.append((at, "4.0" + " " * 20))
        length += len(at) + 28
        minute += 1
    content = fridge_tag(lines, interval=1)
    content = content[: len(content) - cut * 2000] if cut else content
    if cut:
        content += b"\n\tnonsense\n"
    assert 15_000_000 < len(content) <= MAX_BYTES
    manager = key_of(app_services, "gudang-2", Role.MANAGER, committed_world.puskesmas.code)
    sent = client.post(
        "/api/v1/logger-files",
        headers=manager,
        data={"equipment": committed_world.fridge.code},
        files={"file": ("a.txt", content)},
    )
    with transaction(app_services.engine) as db:
        kept = db.scalar(select(func.count()).select_from(Reading))
        devices = db.scalar(select(func.count()).select_from(Device).where(Device.code.like("berlinger%")))
    if cut:
        assert sent.status_code == 422, sent.text
        assert "line" in sent.json()["title"]
        assert (kept, devices) == (0, 0)
    else:
        assert sent.status_code == 201, sent.text
        assert kept == sent.json()["new"] == len(lines)


def test_a_file_beyond_the_limit_is_refused_with_a_sentence(
    client: TestClient, app_services: Services, committed_world: World
) -> None:
    manager = key_of(app_services, "gudang-2", Role.MANAGER, committed_world.puskesmas.code)
    content = b"x" * (MAX_BYTES + 30_000_000)
    sent = client.post(
        "/api/v1/logger-files",
        headers=manager,
        data={"equipment": committed_world.fridge.code},
        files={"file": ("a.txt", content)},
    )
    assert sent.status_code in {413, 422}, sent.text
    assert sent.json()["title"]
    with transaction(app_services.engine) as db:
        assert db.scalar(select(func.count()).select_from(DayFigures)) == 0
        assert db.scalar(select(func.count()).select_from(Device).where(Device.code.like("berlinger%"))) == 0
