"""Two phones at the same work at the same time: nothing is doubled, and whoever came second is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from tests.support.accounts import signed_in
from tests.support.phone import Phone
from tests.support.world import World
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.stock.models import StockBalance

PLACE = "pkm-cipondoh"
FRIDGE = f"{PLACE}-k1"
ROUNDS = 3


class Store:
    """The puskesmas with two phones: its head's and its vaccinator's; and the city's store that sends."""

    def __init__(self, api: TestClient, services: Services, world: World) -> None:
        self.api, self.services, self.world = api, services, world
        self.city = signed_in(services, world, Role.WAREHOUSE)
        heads = signed_in(services, world, Role.MANAGER)
        hands = signed_in(services, world, Role.VACCINATOR)
        # Both phones of the head receive: a vaccinator may count, not receive.
        self.receivers = [self.phone(heads), self.phone(heads)]
        self.counters = [self.phone(heads), self.phone(hands)]

    def phone(self, headers: dict[str, str]) -> Phone:
        found = Phone(self.api, headers, PLACE, self.world.now)
        assert found.enrol().status_code == 201
        return found

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.post(f"/api/v1{path}", json=body, headers=self.city)
        assert answer.status_code in {200, 201}, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def coming(self, vials: int) -> str:
        """The code of a shipment on its way here."""
        now = self.world.now.isoformat()
        line = {"batch": "az-10/AZ003", "place": "kota-tangerang-r1", "vials": vials}
        supply = {"id": str(uuid7()), "kind": "supply", "facility": "kota-tangerang", "occurred_at": now}
        self.post("/stock/events", {**supply, "lines": [line]})
        ends = {"from": "kota-tangerang", "to": PLACE}
        lines = [{"product": "az-10", "vials": vials}]
        code: str = self.post("/shipments", {"id": str(uuid7()), **ends, "lines": lines})["code"]
        for step in ("pack", "dispatch"):
            self.post(f"/shipments/{code}/{step}", {})
        return code

    def on_road(self, code: str) -> list[dict[str, Any]]:
        """What a phone is told to be on the road."""
        phone = self.receivers[0]
        told = self.api.get(f"/api/v1/handsets/holdings?facility={PLACE}", headers=phone.headers).json()
        (rows,) = (each["on_road"] for each in told["shipments"] if each["code"] == code)
        return list(rows)

    def lying(self) -> int:
        with transaction(self.services.engine) as db:
            here = select(func.sum(StockBalance.vials)).where(StockBalance.account == "place", StockBalance.vials > 0)
            return int(db.scalar(here.where(StockBalance.facility_id == self.world.facilities[PLACE].id)) or 0)


@pytest.fixture
def store(api: TestClient, app_services: Services, committed_world: World) -> Store:
    return Store(api, app_services, committed_world)


def together(phones: list[Phone]) -> list[dict[str, Any]]:
    """What became of the newest step of each, sent at the same moment, and again where a phone was told to come again."""

    def send(phone: Phone) -> dict[str, Any]:
        for _ in range(5):
            answer = phone.send(phone.lines[-1:])
            if answer.status_code != 503:
                break
        assert answer.status_code == 200, answer.text
        item: dict[str, Any] = answer.json()["items"][0]
        return item

    with ThreadPoolExecutor(len(phones)) as crowd:
        return list(crowd.map(send, phones))


def test_two_phones_that_receive_the_same_shipment_put_it_away_once_and_the_second_is_told(store: Store) -> None:
    for _ in range(ROUNDS):
        had, code = store.lying(), store.coming(10)
        assert [(row["status"], row["vials"]) for row in store.on_road(code)] == [("usable", 10)]
        for phone in store.receivers:
            receipt = {"shipment": code, "id": str(uuid7()), "occurred_at": utc_now().isoformat(), "final": True}
            phone.write("shipment.receipt", {**receipt, "lines": [{"batch": "AZ003", "place": FRIDGE, "accepted": 10}]})
        items = together(store.receivers)
        assert sorted(item["state"] for item in items) == ["conflict", "done"], items
        (second,) = (item for item in items if item["state"] == "conflict")
        assert second["code"].startswith("shipments."), second
        assert second["message_id"]
        assert store.lying() == had + 10
        (late,) = (phone for phone, item in zip(store.receivers, items, strict=True) if item is second)
        assert late.settle(second["id"], "drop").json()["state"] == "dropped"
        assert store.lying() == had + 10


def test_two_phones_that_receive_half_a_shipment_each_put_away_the_whole(store: Store) -> None:
    had, code = store.lying(), store.coming(10)
    for phone in store.receivers:
        receipt = {"shipment": code, "id": str(uuid7()), "occurred_at": utc_now().isoformat(), "final": False}
        phone.write("shipment.receipt", {**receipt, "lines": [{"batch": "AZ003", "place": FRIDGE, "accepted": 5}]})
    assert [item["state"] for item in together(store.receivers)] == ["done", "done"]
    assert store.lying() == had + 10


@pytest.mark.parametrize("difference", [0, -2], ids=["as in the books", "two fewer"])
def test_two_phones_that_count_the_same_fridge_correct_it_once(store: Store, difference: int) -> None:
    first = store.counters[0]
    first.event("supply", 30)
    assert first.sent()[-1]["state"] == "done"
    for turn in range(ROUNDS):
        had = store.lying()
        # Blind: both look into the same fridge, and see the same.
        seen = had + (difference if turn == 0 else 0)
        for phone in store.counters:
            tally = str(uuid7())
            line = {"batch": "penta-5/PB001", "vials": seen, **({"reason": "pecah"} if seen != had else {})}
            count = {"id": tally, "facility": PLACE, "place": FRIDGE, "counted_at": phone.now.isoformat()}
            phone.write("stock.count", {**count, "lines": [line]}, id=tally)
        items = together(store.counters)
        assert {item["state"] for item in items} <= {"done", "conflict"}, items
        assert "done" in {item["state"] for item in items}, items
        assert all(item["message_id"] for item in items if item["state"] == "conflict")
        assert store.lying() == seen


def test_many_calls_of_one_receipt_at_once_put_it_away_once(store: Store) -> None:
    head = store.receivers[0].headers

    def calls(path: str, bodies: list[dict[str, Any]]) -> list[tuple[int, str]]:
        def call(body: dict[str, Any]) -> tuple[int, str]:
            answer = store.api.post(f"/api/v1/shipments/{path}", json=body, headers=head)
            return answer.status_code, answer.json().get("code", "")

        with ThreadPoolExecutor(len(bodies)) as crowd:
            return sorted(crowd.map(call, bodies))

    had, code = store.lying(), store.coming(10)
    line = {"batch": "AZ003", "place": FRIDGE, "accepted": 10}
    receipt = {"occurred_at": utc_now().isoformat(), "final": True, "lines": [line]}
    # Two phones, each with its own receipt, each sending it three times.
    ids = [str(uuid7()), str(uuid7())] * 3
    found = calls(f"{code}/receipts", [{**receipt, "id": each} for each in ids])
    refused = (409, "shipments.bad_state")
    assert found == [(200, code)] * 2 + [(201, code)] + [refused] * 3
    assert store.lying() == had + 10
    (kept,) = store.api.get(f"/api/v1/shipments/{code}", headers=head).json()["receipts"]
    back = {"receipt": kept["id"], "reason": "salah kiriman"}
    found = calls(f"{code}/receipt-reversals", [{**back, "id": each} for each in (str(uuid7()), str(uuid7()))] * 3)
    assert [status for status, _ in found] == [200, 200, 201, 409, 409, 409], found
    assert store.lying() == had
