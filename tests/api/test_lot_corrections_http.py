"""The wrong lot over HTTP: counted, confirmed, done once; who may; and what is refused says what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.counting import counted
from tests.support.network_api import Door
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

PATH = "/api/v1/stock/lot-corrections"


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def event(door: Door, kind: str, lot: str = "az-10/AZ002", vials: int = 10, **more: Any) -> str:
    body = {
        "id": str(uuid7()),
        "kind": kind,
        "facility": "pkm-cipondoh",
        "occurred_at": (utc_now() - timedelta(minutes=more.pop("ago", 60))).isoformat(),
        "lines": [{"batch": lot, "vials": vials, "place": "pkm-cipondoh-k1", **more}],
    }
    answer = door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def said(event_id: str, **more: Any) -> dict[str, Any]:
    named = {"event": event_id, "wrong": "az-10/AZ002", "right": "AZ003"}
    return {"id": str(uuid7()), "reason": "salah baca label", **named, **more}


def test_a_lot_is_corrected_once_and_the_list_shows_both(door: Door) -> None:
    came = event(door, "supply")
    event(door, "waste", vials=2, ago=30, reason="broken")
    named = {"event": came, "wrong": "AZ002", "right": "AZ003"}
    foreseen = door.get(f"{PATH}/foreseen", Role.MANAGER, **named)
    assert (foreseen["vials"], foreseen["on_hand"], foreseen["opened"], foreseen["doses"]) == (10, 8, 0, 0)
    body = said(came)
    first = door.ask("POST", PATH, Role.MANAGER, json=body)
    again = door.ask("POST", PATH, Role.MANAGER, json=body)
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    assert (first.json()["wrong"], first.json()["right"], len(first.json()["events"])) == ("AZ002", "AZ003", 4)
    other = door.ask("POST", PATH, Role.MANAGER, json={**body, "reason": "lain sekali"})
    assert (other.status_code, other.json()["code"]) == (409, "stock.other_content")
    assert door.get(PATH, Role.MANAGER, facility="pkm-cipondoh")["items"] == [first.json()]
    told = door.get(f"/api/v1/stock/events/{first.json()['events'][0]}", Role.MANAGER)
    assert (told["kind"], told["reason"]) == ("relabel", "salah baca label")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"right": "AZ002"}, "stock.same_lot"),
        ({"right": "mr-10/MR001"}, "stock.other_product"),
        ({"right": "TIDAK-ADA"}, "catalog.batch_not_found"),
        ({"vials": 11}, "stock.too_few_of_lot"),
        ({"event": "0190c0de-0000-7000-8000-000000000000"}, "stock.event_not_found"),
        ({"reason": ""}, None),
        ({"vials": True}, None),
        ({"lot": "AZ003"}, None),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(door: Door, more: dict[str, Any], code: str | None) -> None:
    came = event(door, "supply")
    refused = door.ask("POST", PATH, Role.MANAGER, json=said(came, **more))
    assert 400 <= refused.status_code < 500, refused.text
    assert code in (None, refused.json()["code"])
    assert door.get(PATH, Role.MANAGER)["items"] == []


def test_a_count_since_names_the_way_out(door: Door) -> None:
    came = event(door, "supply")
    event(door, "count", vials=9, ago=10)
    refused = door.ask("POST", PATH, Role.MANAGER, json=said(came), headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.json()["code"]) == (409, "stock.counted_since")
    assert "count again" in refused.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [(Role.AUDITOR, 403), (Role.INTEGRATOR, 403), (Role.WAREHOUSE, 404)])
def test_only_who_writes_stock_there_corrects_it(door: Door, role: Role, status: int) -> None:
    came = event(door, "supply")
    if role is Role.WAREHOUSE:
        came = str(uuid7())
    assert door.ask("POST", PATH, role, json=said(came)).status_code == status
    named = {"event": came, "wrong": "AZ002", "right": "AZ003"}
    assert door.ask("GET", f"{PATH}/foreseen", role, params=named).status_code == status


def test_the_list_asks_as_often_for_five_corrections_as_for_one(door: Door) -> None:
    def statements() -> tuple[int, int]:
        with counted(door.services.engine) as asked:
            listed = door.get(PATH, Role.MANAGER, facility="pkm-cipondoh")["items"]
        assert all(len(one["events"]) == 2 for one in listed)
        return len(listed), len(asked)

    def corrected() -> None:
        assert door.ask("POST", PATH, Role.MANAGER, json=said(event(door, "supply", vials=1))).status_code == 201

    corrected()
    statements()  # what is read once for all is known now
    one, few = statements()
    for _ in range(4):
        corrected()
    five, many = statements()
    assert (one, five) == (1, 5)
    assert many == few > 1


def test_two_spellings_of_a_lot_are_joined_by_the_nation_and_a_repeat_is_a_repeat(door: Door) -> None:
    right = door.get("/api/v1/batches/az-10/AZ003", Role.NATIONAL)
    twin = {"product": "az-10", "lot": "AZOO3", "expiry": right["expiry"]}
    assert door.ask("POST", "/api/v1/batches", Role.NATIONAL, json=twin).status_code == 201
    event(door, "supply", "az-10/AZOO3", 6)
    body, path = {"into": "AZ003", "reason": "satu label"}, "/api/v1/batches/az-10/AZOO3/join"
    assert door.ask("POST", path, Role.MANAGER, json=body).status_code == 403
    counted_there = event(door, "count", "az-10/AZOO3", 6, ago=30)
    refused = door.ask("POST", path, Role.NATIONAL, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "stock.not_joined")
    assert "pkm-cipondoh" in refused.json()["detail"]
    undo = {"id": str(uuid7()), "reason": "keliru"}
    assert (
        door.ask("POST", f"/api/v1/stock/events/{counted_there}/reversal", Role.MANAGER, json=undo).status_code == 201
    )
    for _ in range(2):
        answer = door.ask("POST", path, Role.NATIONAL, json=body)
        assert (answer.status_code, answer.json()["lot"]) == (200, "AZ003"), answer.text
    assert [each["field"] for each in answer.json()["history"]] == ["joined"]
    event(door, "waste", "az-10/AZOO3", 1, ago=20, reason="broken")
    stock = door.get("/api/v1/stock", Role.MANAGER, facility="pkm-cipondoh")["items"]
    assert {item["lot"]: item["vials"] for item in stock} == {"AZOO3": 0, "AZ003": 5}
    part = {"lot": "AZOO3", "reason": "dua label"}
    way = "/api/v1/batches/az-10/AZ003/part"
    assert door.ask("POST", way, Role.MANAGER, json=part).status_code == 403
    for _ in range(2):
        answer = door.ask("POST", way, Role.NATIONAL, json=part)
        assert (answer.status_code, answer.json()["lot"]) == (200, "AZOO3"), answer.text
    assert (
        door.ask("POST", way, Role.NATIONAL, json={**part, "lot": "AZ999"}).json()["code"] == "catalog.not_joined_here"
    )
    event(door, "supply", "az-10/AZOO3", 2, ago=10)
    stock = door.get("/api/v1/stock", Role.MANAGER, facility="pkm-cipondoh")["items"]
    assert {item["lot"]: item["vials"] for item in stock} == {"AZOO3": 2, "AZ003": 5}
