"""Over HTTP: promises follow a fridge at once, a count says of what it is, numbers are numbers, and every event has its time."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.accounts import signed_in
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

LOT = "az-10/AZ003"


class Door:
    """The manager of the puskesmas."""

    def __init__(self, client: TestClient, services: Services, world: World) -> None:
        self.client, self.headers = client, signed_in(services, world, Role.MANAGER)

    def event(self, kind: str, vials: Any = 1, **more: Any) -> tuple[int, dict[str, Any]]:
        line = {"batch": LOT, "place": "pkm-cipondoh-k1", "vials": vials} | more.pop("line", {})
        body = {
            "id": str(uuid7()),
            "kind": kind,
            "facility": "pkm-cipondoh",
            "occurred_at": utc_now().isoformat(),
            "lines": [line],
        } | more
        body = {name: value for name, value in body.items() if value is not ...}
        answer = self.client.post("/api/v1/stock/events", json=body, headers=self.headers)
        return answer.status_code, answer.json()

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers).json()

    def service(self, on: bool) -> None:
        answer = self.client.put(
            "/api/v1/equipment/pkm-cipondoh-k1/service", json={"in_service": on}, headers=self.headers
        )
        assert (answer.status_code, answer.json()["in_service"]) == (200, on)

    def bears(self) -> int:
        return int(self.get("/stock/availability?facility=pkm-cipondoh&product=az-10")["bears"])


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(api, app_services, committed_world)


def test_promises_picking_and_opening_follow_a_fridge_at_once(door: Door) -> None:
    assert door.event("supply", 3)[0] == 201
    assert door.bears() == 3
    door.service(False)
    picked = door.get("/stock/pick?facility=pkm-cipondoh&product=az-10&vials=3")
    assert (door.bears(), picked["missing"], picked["skipped"][0]["reason"]) == (0, 3, "out_of_service")
    status, refused = door.event("opening")
    assert (status, refused["code"]) == (422, "stock.out_of_service")
    door.service(True)
    assert door.bears() == 3
    assert door.event("opening")[0] == 201


def test_a_count_where_several_statuses_lie_is_asked_for_its_status(door: Door) -> None:
    assert door.event("supply", 10)[0] == 201
    assert door.event("status", 4, line={"to_status": "held"})[0] == 201
    status, refused = door.event("count", 10)
    assert (status, refused["code"]) == (422, "stock.count_needs_status")
    assert door.event("count", 6, line={"status": "usable"})[0] == 201
    assert door.event("count", 4, line={"status": "held"})[0] == 201
    rows = door.get("/stock?facility=pkm-cipondoh")["items"]
    assert {row["status"]: (row["vials"], row["packed"]) for row in rows} == {"usable": (6, 0), "held": (4, 0)}


@pytest.mark.parametrize("vials", [True, "3", 3.0, 3.5, None])
def test_vials_are_whole_numbers_and_nothing_that_could_be_read_as_one(door: Door, vials: Any) -> None:
    assert door.event("supply", vials)[0] == 422
    stage = door.event("supply", 1, line={"vvm_stage": True})
    assert stage[0] == 422


@pytest.mark.parametrize("path", ["approve", "pack", "receipts"])
def test_numbers_of_shipments_are_numbers_too(door: Door, path: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "approve": {"vials": {"0": True}},
        "pack": {"boxes": [{"lines": [{"batch": LOT, "place": "pkm-cipondoh-k1", "vials": True}]}]},
        "receipts": {
            "id": str(uuid7()),
            "occurred_at": utc_now().isoformat(),
            "lines": [{"batch": LOT, "place": "pkm-cipondoh-k1", "accepted": True}],
        },
    }
    answer = door.client.post(f"/api/v1/shipments/{uuid7()}/{path}", json=bodies[path], headers=door.headers)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("occurred_at", ["2026-03-02", "2026-03-02T10:00:00", ..., None])
def test_every_event_tells_its_time_and_zone(door: Door, occurred_at: Any) -> None:
    assert door.event("supply", 3, occurred_at=occurred_at)[0] == 422
