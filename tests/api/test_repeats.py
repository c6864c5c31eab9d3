"""A repeat is a repeat: one effect and the first answer, whatever has changed since, and however many come at once.

Red where a name is looked for before the work and written after it (`edge/idempotency.py::once`).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ingest.http import router as readings_router
from tests.support.accounts import bearer
from tests.support.network_api import Door
from tests.support.world import World
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.edge.deps import Caller, Db
from tracker.edge.hop import Router
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

trial = Router(prefix="/api/v1/trial")


@trial.post("/count", status_code=201)
def count(db: Db, caller: Caller, body: dict[str, int]) -> dict[str, int]:
    """Counts how often the work was really done."""
    del caller
    return {"n": int(db.scalar(text("INSERT INTO trial_count DEFAULT VALUES RETURNING n")) or 0), **body}


@trial.post("/fail")
def fail(db: Db, caller: Caller) -> dict[str, int]:
    """Fails the first time, after it has written."""
    del caller
    tries = db.scalar(text("SELECT nextval('trial_tries')"))
    db.execute(text("INSERT INTO trial_count DEFAULT VALUES"))
    if tries == 1:
        raise RuntimeError
    return {"try": int(tries or 0)}


@pytest.fixture
def app(app_services: Services) -> FastAPI:
    with app_services.engine.begin() as connection:
        connection.execute(text("CREATE TABLE trial_count (n serial)"))
        connection.execute(text("CREATE SEQUENCE trial_tries"))
    return create_app(app_services, more=[trial, readings_router])


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def test_every_write_of_the_api_takes_a_key(app: FastAPI) -> None:
    without = {
        f"{method} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if method != "get" and "Idempotency-Key" not in {one["name"] for one in operation.get("parameters", ())}
    }
    # A token is no record: asked for twice there are two, and both are good. Of a card that is looked at nothing is kept.
    assert without == {"post /api/v1/tokens", "post /api/v1/cards/check"}


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=st.lists(st.integers(0, 3), min_size=6, max_size=14))
def test_the_same_key_sent_by_many_at_once_has_one_effect_and_one_answer(
    client: TestClient, app_services: Services, order: list[int]
) -> None:
    login = bearer(client, app_services)
    run = str(uuid7())

    def send(number: int) -> tuple[int, int, str]:
        headers = {**login, "Idempotency-Key": f"{run} {number}"}
        answer = client.post("/api/v1/trial/count", json={"number": number}, headers=headers)
        return number, answer.status_code, answer.text

    before = _counted(app_services)
    with ThreadPoolExecutor(len(order)) as crowd:
        answers = set(crowd.map(send, order))
    assert {status for _, status, _ in answers} == {201}
    assert len(answers) == len(set(order)) == _counted(app_services) - before


def _counted(services: Services) -> int:
    with services.engine.begin() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM trial_count")) or 0)


def test_a_key_whose_work_failed_is_free_again(client: TestClient, app_services: Services) -> None:
    headers = {**bearer(client, app_services), "Idempotency-Key": "k"}
    assert client.post("/api/v1/trial/fail", headers=headers).status_code == 500
    assert client.post("/api/v1/trial/fail", headers=headers).json() == {"try": 2}
    assert client.post("/api/v1/trial/fail", headers=headers).json() == {"try": 2}
    assert _counted(app_services) == 1


def test_the_order_of_names_in_a_body_makes_no_other_request_but_another_address_does(
    client: TestClient, app_services: Services
) -> None:
    headers = {**bearer(client, app_services), "Idempotency-Key": "k", "Content-Type": "application/json"}
    first = client.post("/api/v1/trial/count", content=b'{"a": 1, "b": 2}', headers=headers)
    again = client.post("/api/v1/trial/count", content=b'{"b":2,"a":1}', headers=headers)
    assert (first.status_code, again.text) == (201, first.text)
    assert client.post("/api/v1/trial/fail", headers=headers).json()["code"] == "api.idempotency_mismatch"


def test_anothers_key_is_not_mine(client: TestClient, app_services: Services) -> None:
    for name in ("satu", "dua"):
        headers = {**bearer(client, app_services, name, "kata-sandi-mereka"), "Idempotency-Key": "k"}
        assert client.post("/api/v1/trial/count", json={}, headers=headers).status_code == 201
    assert _counted(app_services) == 2


def test_a_kept_answer_cannot_be_read_in_the_database(client: TestClient, app_services: Services) -> None:
    headers = {**bearer(client, app_services), "Idempotency-Key": "k"}
    client.post("/api/v1/trial/count", json={"rahasia": 70707}, headers=headers)
    with app_services.engine.begin() as connection:
        assert "70707" not in str(connection.execute(text("SELECT * FROM stored_answer")).all())


def event(kind: str, vials: int, **line: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "kind": kind,
        "facility": "pkm-cipondoh",
        "occurred_at": (utc_now() - timedelta(minutes=5)).isoformat(),
        "lines": [{"place": "pkm-cipondoh-k1", "vials": vials, **line}],
    }


def send(door: Door, body: dict[str, Any], role: Role = Role.MANAGER) -> Any:
    return door.ask("POST", "/api/v1/stock/events", role, json=body)


def test_an_event_sent_again_gets_its_first_answer_when_its_lots_name_has_become_ambiguous(door: Door) -> None:
    counted = event("count", 7, batch="AZ003")
    first = send(door, counted)
    assert first.status_code == 201, first.text
    other = {"product": "mr-10", "lot": "AZ003", "expiry": "2027-01-31"}
    assert door.ask("POST", "/api/v1/batches", json=other).status_code == 201
    again = send(door, counted)
    assert (again.status_code, again.json()) == (200, first.json())
    # Another event under the id, and the same words under another id, find no shelter in it.
    assert send(door, {**counted, "lines": [{**counted["lines"][0], "vials": 8}]}).status_code in (409, 422)
    assert send(door, {**counted, "id": str(uuid7())}).status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM role_grant WHERE account_id = (SELECT id FROM account WHERE username = 'kepala')",
        "UPDATE equipment SET code = 'renamed' WHERE code = 'pkm-cipondoh-k1'",
        "UPDATE batch SET lot = 'renamed' WHERE lot = 'AZ003'",
    ],
)
def test_an_event_sent_again_gets_its_first_answer_when_a_right_or_a_name_is_gone(door: Door, change: str) -> None:
    supplied = event("supply", 5, batch="az-10/AZ003")
    first = send(door, supplied)
    assert first.status_code == 201, first.text
    with door.services.engine.begin() as connection:
        assert connection.execute(text(change)).rowcount >= 1
    again = send(door, supplied)
    assert (again.status_code, again.json()) == (200, first.json())


def test_an_event_is_known_again_by_its_words_so_no_answer_is_kept_under_its_id(door: Door) -> None:
    def kept() -> int:
        with door.services.engine.begin() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM stored_answer")) or 0)

    supplied = event("supply", 5, batch="az-10/AZ003")
    first, again = send(door, supplied), send(door, supplied)
    assert (first.status_code, again.status_code, again.content) == (201, 200, first.content)
    assert kept() == 0
    keyed = {"json": event("supply", 5, batch="az-10/AZ003"), "headers": {"Idempotency-Key": "k"}}
    first, again = (door.ask("POST", "/api/v1/stock/events", Role.MANAGER, **keyed) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert kept() == 1
