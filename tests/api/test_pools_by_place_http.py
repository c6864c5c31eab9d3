"""What sessions take along, asked over HTTP: a pool of its own, passed over by everybody else."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.network_api import Door
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7

BOX = "pkm-cipondoh-b1"
HERE: dict[str, Any] = {"facility": "pkm-cipondoh", "product": "az-10"}


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def supply(door: Door, place: str, vials: int) -> None:
    batch = door.world.batches["az-10/AZ003"]
    body = {
        "id": str(uuid7()),
        "kind": "supply",
        "facility": "pkm-cipondoh",
        "occurred_at": utc_now().isoformat(),
        "lines": [{"batch": str(batch.id), "vials": vials, "place": place}],
    }
    assert door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=body).status_code == 201


def plan(door: Door, place: str | None = BOX) -> Any:
    body = {
        "id": str(uuid7()),
        "facility": "pkm-cipondoh",
        "date": local_day(utc_now(), "Asia/Jakarta").isoformat(),
        "from": "00:01",
        "to": "23:59",
        "presentation": "az-10",
        "doses": [1],
        "capacity": 50,
        "buckets": [{"kind": "general", "share": 1}],
        "place": place,
    }
    return door.ask("POST", "/api/v1/sessions", Role.MANAGER, json=body)


def test_a_carrier_of_a_session_is_a_pool_of_its_own(door: Door) -> None:
    supply(door, "pkm-cipondoh-k1", 3)
    supply(door, BOX, 2)
    refused = door.ask("GET", "/api/v1/stock/availability", params=HERE | {"place": BOX})
    assert (refused.status_code, refused.json()["code"]) == (422, "stock.not_taken_along")
    planned = plan(door)
    assert planned.status_code == 201, planned.json()
    stores = door.get("/api/v1/stock/availability", **HERE)
    along = door.get("/api/v1/stock/availability", **HERE, place=BOX)
    assert [(one["place"], one["bears"]) for one in (stores, along)] == [(None, 3), (BOX, 2)]
    home = door.get("/api/v1/stock/pick", **HERE, vials=5)
    assert [(line["place"], line["vials"]) for line in home["lines"]] == [("pkm-cipondoh-k1", 3)]
    assert [(each["place"], each["reason"]) for each in home["skipped"]] == [(BOX, "taken_along")]
    out = door.get("/api/v1/stock/pick", **HERE, vials=5, place=BOX)
    assert ([(line["place"], line["vials"]) for line in out["lines"]], out["missing"]) == ([(BOX, 2)], 3)
    other = door.ask("GET", "/api/v1/stock/availability", params=HERE | {"place": "pkm-tanah-tinggi-k1"})
    assert other.status_code == 404
    plan(door, place=None)
    pools = {item["pool"]: item["pool_vials"] for item in door.get("/api/v1/quota", **HERE)["items"]}
    assert pools == {"pkm-cipondoh:az-10": 3, f"pkm-cipondoh:az-10:{BOX}": 2}
