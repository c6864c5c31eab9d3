"""WHO EMS deliveries and logger files over HTTP: wholly or not at all, with the place of what is wrong."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select

from ingest.http import router
from tests.support.accounts import key_for, make_account
from tests.support.ems import ems_body, ems_record
from tests.support.hostile import HOSTILE_BODIES
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.telemetry.models import Channel, DeadLetter, Device, Reading
from tracker.telemetry.rules.words import DeviceKind
from tracker.telemetry.service.commands import NewDevice
from tracker.telemetry.service.devices import add_device


@pytest.fixture
def client(app_services: Services) -> Iterator[TestClient]:
    """The API with the ingest program's doors."""
    with TestClient(create_app(app_services, more=[router]), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def gateway(app_services: Services, committed_world: World) -> tuple[str, str]:
    """A gateway with one logger behind it; its Basic credentials."""
    now = utc_now()
    with transaction(app_services.engine) as db:
        unit = committed_world.puskesmas.code
        gate = add_device(db, SYSTEM, NewDevice(code="gate", unit=unit, kind=DeviceKind.GATEWAY), now=now)
        logger = NewDevice(code="log-1", unit=unit, kind=DeviceKind.LOGGER, serial="LOG-1", gateway="gate")
        add_device(db, SYSTEM, logger, now=now)
        assert gate.password is not None
        return "gate", gate.password


def key_of(services: Services, username: str, role: Role, unit: str) -> dict[str, str]:
    """The header of an API key."""
    account = make_account(services, username, None, role=role, unit=unit)
    with transaction(services.engine) as db:
        return {"Authorization": f"Bearer {key_for(db, account)}"}


def body_of(records: int = 2, **changes: Any) -> dict[str, Any]:
    """A valid delivery of LOG-1."""
    return ems_body([ems_record(f"20260131T07{n:02d}00Z") for n in range(records)], **changes)


def stored(services: Services) -> int:
    """Readings in the table."""
    with transaction(services.engine) as db:
        return db.scalar(select(func.count()).select_from(Reading)) or 0


def test_a_delivery_is_stored_once_however_often_it_comes(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    first = client.post("/api/v1/ems", json=body_of(), auth=gateway)
    assert first.status_code == 200
    readings = first.json()["readings"]
    assert readings == stored(app_services) == 14
    again = client.post("/api/v1/ems", json=body_of(), auth=gateway).json()
    assert (again["readings"], again["repeats"]) == (0, readings)
    assert stored(app_services) == readings


def test_an_api_key_may_deliver_for_devices_within_its_reach_and_no_others(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    del gateway
    near = key_of(app_services, "supplier", Role.INTEGRATOR, "kota-tangerang")
    far = key_of(app_services, "other", Role.INTEGRATOR, "pkm-neglasari")
    assert client.post("/api/v1/ems", json=body_of(), headers=near).status_code == 200
    assert client.post("/api/v1/ems?gateway=gate", json=body_of(), headers=near).json()["readings"] == 0
    foreign = client.post("/api/v1/ems", json=body_of(), headers=far)
    assert (foreign.status_code, foreign.json()["code"]) == (422, "ingest.unknown_serial")
    assert client.post("/api/v1/ems?gateway=gate", json=body_of(), headers=far).status_code == 404


def test_without_proof_nothing_is_taken(client: TestClient, app_services: Services, gateway: tuple[str, str]) -> None:
    assert client.post("/api/v1/ems", json=body_of()).status_code == 401
    for auth in ((gateway[0], "wrong"), ("nobody", "x"), ("log-1", ""), ("a\0b", "x")):
        assert client.post("/api/v1/ems", json=body_of(), auth=auth).status_code == 401, auth
    # Nor is anything unpacked: a stranger's bomb costs no more than its own bytes.
    bomb = gzip.compress(b" " * 20_000_000)
    for packed in (bomb, b"not gzip"):
        answer = client.post("/api/v1/ems", content=packed, headers={"Content-Encoding": "gzip"}, auth=("nobody", "x"))
        assert answer.status_code == 401
    assert stored(app_services) == 0


def test_a_report_of_a_serial_that_is_not_the_senders_costs_no_other(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    body = body_of()
    body["data"].append(body_of(logger="LOG-X", monitor="EMD-X")["data"][0])
    taken = client.post("/api/v1/ems", json=body, auth=gateway)
    assert (taken.status_code, taken.json()["readings"] > 0) == (200, True)
    assert [(one["where"], one["reason"]) for one in taken.json()["refused"]] == [("/data/1", "unknown_serial")]
    with transaction(app_services.engine) as db:
        (letter,) = db.scalars(select(DeadLetter))
        assert (letter.reason, letter.device_id is not None) == ("unknown_serial", True)
    alone = {**body, "data": body["data"][1:]}
    refused = client.post("/api/v1/ems", json=alone, auth=gateway)
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": "/data/0"}])


@pytest.mark.parametrize(
    ("version", "status"), [("0.7.0", 200), ("0.8.1", 200), ("banana", 422), ("0.9.0", 422), ("", 422)]
)
def test_the_version_of_the_schema_is_judged(
    client: TestClient, gateway: tuple[str, str], version: str, status: int
) -> None:
    body = body_of()
    body["meta"]["schemaVersion"] = version
    for record in body["data"][0]["records"]:
        record["CMPR"] = 10
    answer = client.post("/api/v1/ems", json=body, auth=gateway)
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["errors"] == [{"field": "/meta/schemaVersion"}]


def test_every_wrong_place_is_named(client: TestClient, gateway: tuple[str, str]) -> None:
    body = body_of(3)
    for record in body["data"][0]["records"][:2]:
        record["TVC"] = "warm"
    refused = client.post("/api/v1/ems", json=body, auth=gateway)
    fields = {one["field"] for one in refused.json()["errors"]}
    assert {"/data/0/records/0", "/data/0/records/1"} <= {"/".join(field.split("/")[:5]) for field in fields}


def test_values_beyond_the_channels_of_a_device_are_named(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    with transaction(app_services.engine) as db:
        device = db.scalars(select(Device.id).where(Device.code == "log-1")).one()
        rows = [
            {"device_id": device, "name": f"x{n}", "quantity": "humidity", "role": "other", "created_at": utc_now()}
            for n in range(64)
        ]
        db.execute(insert(Channel), rows)
    answer = client.post("/api/v1/ems", json=body_of(), auth=gateway)
    assert [one["reason"] for one in answer.json()["refused"]] == ["bad_channel"]
    assert "TVC" in answer.json()["refused"][0]["detail"]


def test_a_wrong_member_is_refused_with_its_place_and_changes_nothing(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    body = body_of()
    body["data"][0]["records"][1]["TVC"] = "warm"
    refused = client.post("/api/v1/ems", json=body, auth=gateway)
    assert refused.status_code == 422
    assert refused.json()["params"]["problems"][0]["where"].startswith("/data/0/records/1")
    assert stored(app_services) == 0
    with transaction(app_services.engine) as db:
        assert db.scalars(select(Channel)).all() == []
        assert db.scalars(select(DeadLetter)).all() == []


def test_hostile_bodies_get_a_refusal_and_never_a_crash(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    for name, body in HOSTILE_BODIES.items():
        answer = client.post("/api/v1/ems", content=body, auth=gateway)
        assert answer.status_code in {400, 413, 422}, name
        assert answer.headers["content-type"] == "application/problem+json", name
    assert stored(app_services) == 0


def test_gzip_is_taken(client: TestClient, gateway: tuple[str, str]) -> None:
    packed = gzip.compress(json.dumps(body_of(60)).encode())
    for name in ("gzip", "x-gzip"):  # RFC 9110: the older name means the same
        answer = client.post("/api/v1/ems", content=packed, headers={"Content-Encoding": name}, auth=gateway)
        told = answer.json()
        assert (answer.status_code, told.get("readings", 0) + told.get("repeats", 0) > 400) == (200, True)


def test_members_of_one_gzip_stream_are_read_whole(client: TestClient, gateway: tuple[str, str]) -> None:
    text = json.dumps(body_of(60)).encode()
    packed = gzip.compress(text[:500]) + gzip.compress(text[500:])
    answer = client.post("/api/v1/ems", content=packed, headers={"Content-Encoding": "gzip"}, auth=gateway)
    assert (answer.status_code, answer.json().get("readings", 0) > 400) == (200, True)
    for junk in (b"junk", b"\0", packed[:30]):
        answer = client.post("/api/v1/ems", content=packed + junk, headers={"Content-Encoding": "gzip"}, auth=gateway)
        assert answer.status_code == 400


def test_an_encoding_that_lies_or_bursts_is_refused(client: TestClient, gateway: tuple[str, str]) -> None:
    cases = {
        "no gzip": (b"not gzip", "gzip", 400),
        "cut off": (gzip.compress(b'{"meta":1}')[:-9], "gzip", 400),
        "bomb": (gzip.compress(b" " * 200_000_000, compresslevel=9), "gzip", 413),
        "deflate": (zlib.compress(b"{}"), "deflate", 415),
        "brotli": (b"{}", "br", 415),
        "too large": (b" " * 1_048_577, "identity", 413),
    }
    for name, (content, encoding, status) in cases.items():
        answer = client.post("/api/v1/ems", content=content, headers={"Content-Encoding": encoding}, auth=gateway)
        assert answer.status_code == status, name


def test_a_body_of_the_most_bytes_is_read_whole(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    text = json.dumps(body_of()).encode().ljust(1_048_576)
    for content, encoding in ((text, "identity"), (gzip.compress(text), "gzip")):
        answer = client.post("/api/v1/ems", content=content, headers={"Content-Encoding": encoding}, auth=gateway)
        assert answer.status_code == 200, encoding
        assert stored(app_services) > 0


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ([("equipment", "pkm-cipondoh-k1"), ("fasilitas", "x")], "api.invalid", "body.fasilitas"),
        ([("equipment", "pkm-cipondoh-k1"), ("equipment", "pkm-cipondoh-k2")], "api.given_twice", "equipment"),
    ],
)
def test_a_field_that_is_not_known_or_given_twice_is_named(
    client: TestClient,
    app_services: Services,
    gateway: tuple[str, str],
    data: list[tuple[str, str]],
    code: str,
    field: str,
) -> None:
    key = key_of(app_services, "petugas", Role.MANAGER, "pkm-cipondoh")
    parts: list[tuple[str, tuple[str | None, bytes]]] = [("file", ("a.txt", b"x"))]
    parts += [(name, (None, value.encode())) for name, value in data]
    answer = client.post("/api/v1/logger-files", files=parts, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert field in str(answer.json())
    for path, proof in (("ems", {"auth": gateway}), ("logger-files", {"headers": key})):
        told = client.post(f"/api/v1/{path}?facilty=x", **proof)
        assert told.status_code == 422
        assert "query.facilty" in [one["field"] for one in told.json()["errors"]], path


def test_a_logger_file_that_is_none_is_refused(
    client: TestClient, app_services: Services, gateway: tuple[str, str]
) -> None:
    del gateway
    key = key_of(app_services, "petugas", Role.MANAGER, "pkm-cipondoh")
    files = {"file": ("export.txt", b"not an export", "text/plain")}
    refused = client.post("/api/v1/logger-files", files=files, data={"equipment": "pkm-cipondoh-k1"}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "ingest.logger_file")
    assert client.post("/api/v1/logger-files", headers=key).status_code == 422
