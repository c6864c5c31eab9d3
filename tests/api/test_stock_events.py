"""Stock over HTTP: what a phone and another system meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.support.accounts import signed_in
from tests.support.counting import counted
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7


class Caller:
    """One account over HTTP."""

    def __init__(self, client: TestClient, services: Services, world: World, role: Role) -> None:
        self.client = client
        self.headers = signed_in(services, world, role)

    def post(self, what: str, *lines: dict[str, Any], **more: Any) -> Response:
        body = {
            "id": str(uuid7()),
            "kind": what,
            "facility": "pkm-cipondoh",
            "occurred_at": utc_now().isoformat(),
            "lines": list(lines),
            **more,
        }
        return self.client.post("/api/v1/stock/events", json=body, headers=self.headers)

    def stock(self, **query: str) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/stock", params={"facility": "pkm-cipondoh", **query}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
def manager(api: TestClient, app_services: Services, committed_world: World) -> Caller:
    return Caller(api, app_services, committed_world, Role.MANAGER)


def line(batch: str = "az-10/AZ003", vials: int = 10, place: str = "pkm-cipondoh-k1", **more: Any) -> dict[str, Any]:
    return {"batch": batch, "vials": vials, "place": place, **more}


def test_an_event_is_created_once_and_repeats_answer_the_same(manager: Caller) -> None:
    body = {"id": str(uuid7()), "occurred_at": utc_now().isoformat()}
    first = manager.post("supply", line(), **body)
    again = manager.post("supply", line(), **body)
    other = manager.post("supply", line(vials=11), **body)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["code"] == "stock.other_content"
    assert [(s["lot"], s["vials"], s["touched_kind"]) for s in manager.stock()] == [("AZ003", 10, "supply")]


def test_a_lot_alone_and_a_batch_id_name_the_same_batch(manager: Caller, committed_world: World) -> None:
    assert manager.post("supply", line("AZ003")).status_code == 201
    assert manager.post("supply", line(str(committed_world.batches["az-10/AZ003"].id))).status_code == 201
    assert [s["vials"] for s in manager.stock()] == [20]


def test_a_barcode_names_the_batch_and_registers_what_comes_in(manager: Caller, committed_world: World) -> None:
    gtin = committed_world.presentations["az-10"].gtin
    known = {"barcode": f"(01){gtin}(17)291231(10)AZ003", "vials": 4, "place": "pkm-cipondoh-k1"}
    fresh = {"barcode": f"(01){gtin}(17)270131(10)AZ900", "vials": 5, "place": "pkm-cipondoh-k1"}
    assert manager.post("supply", known, fresh).status_code == 201
    assert {s["lot"]: s["vials"] for s in manager.stock(product="az-10")} == {"AZ003": 4, "AZ900": 5}


def test_a_wrong_barcode_names_its_line_and_position(manager: Caller) -> None:
    answer = manager.post("supply", line(), {"barcode": "(01)08990000000011", "vials": 1, "place": "pkm-cipondoh-k1"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "stock.bad_barcode")
    assert problem["errors"] == [{"field": "barcode", "line": 1}]
    assert "position" in problem["params"]
    assert manager.stock() == []


def test_a_label_that_contradicts_the_catalogue_is_refused(manager: Caller, committed_world: World) -> None:
    gtin = committed_world.presentations["az-10"].gtin
    wrong = {"barcode": f"(01){gtin}(17)271231(10)AZ003", "vials": 4, "place": "pkm-cipondoh-k1"}
    problem = manager.post("supply", wrong).json()
    assert (problem["code"], problem["params"]["scan_code"]) == ("stock.bad_barcode", "expiry_differs")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("dispatch", "stock.use_shipment"),
        ("receipt", "stock.use_shipment"),
        ("use", "stock.only_follows"),
        ("reversal", "stock.only_follows"),
        ("relabel", "stock.only_follows"),
    ],
)
def test_what_is_told_elsewhere_or_follows_is_no_event_by_itself(manager: Caller, kind: str, code: str) -> None:
    manager.post("supply", line(vials=2))
    assert manager.post("opening", line(vials=1)).status_code == 201
    answer = manager.post(kind, line(vials=1))
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_first_negative_instant_is_named(manager: Caller) -> None:
    now = utc_now()
    manager.post("supply", line(vials=5), occurred_at=(now - timedelta(hours=3)).isoformat())
    answer = manager.post("waste", line(vials=6, reason="heat"), occurred_at=(now - timedelta(hours=2)).isoformat())
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "stock.history_negative")
    assert problem["params"]["at"] == (now - timedelta(hours=2)).isoformat()
    assert problem["params"]["line"] == 0


def test_a_time_far_ahead_is_refused_with_the_servers_time(manager: Caller) -> None:
    answer = manager.post("supply", line(), occurred_at=(utc_now() + timedelta(minutes=6)).isoformat())
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.too_far_ahead")
    assert "server_time" in answer.json()["params"]


def test_an_event_of_another_subtree_is_not_found(
    manager: Caller, api: TestClient, app_services: Services, committed_world: World
) -> None:
    city = Caller(api, app_services, committed_world, Role.CITY)
    posted = city.post("supply", line(place="pkm-tanah-tinggi-k1"), facility="pkm-tanah-tinggi")
    assert posted.status_code == 201
    path = f"/api/v1/stock/events/{posted.json()['id']}"
    assert api.get(path, headers=city.headers).status_code == 200
    assert api.get(path, headers=manager.headers).status_code == 404
    there = manager.post("supply", line(place="pkm-tanah-tinggi-k1"), facility="pkm-tanah-tinggi")
    assert there.status_code == 404
    for place in ("pkm-tanah-tinggi-k1", "no such place"):
        by_id = manager.post("supply", line(place=place), facility=str(committed_world.neighbour.id))
        assert (by_id.status_code, by_id.json()["code"]) == (404, there.json()["code"])
    assert api.post(f"{path}/reversal", json={"id": str(uuid7())}, headers=manager.headers).status_code == 404
    assert api.get("/api/v1/stock?facility=pkm-tanah-tinggi", headers=manager.headers).status_code == 404


def test_an_event_is_reversed_once(manager: Caller) -> None:
    event_id = manager.post("supply", line()).json()["id"]
    path = f"/api/v1/stock/events/{event_id}/reversal"
    body = {"id": str(uuid7()), "reason": "typed twice"}
    codes = [
        manager.client.post(path, json=each, headers=manager.headers).status_code
        for each in (body, body, {"id": str(uuid7())})
    ]
    assert codes == [201, 200, 409]
    shown = manager.client.get(f"/api/v1/stock/events/{event_id}", headers=manager.headers).json()
    assert shown["reversed_by"] == body["id"]
    assert [s["vials"] for s in manager.stock()] == [0]


def test_stock_is_asked_as_it_was_and_as_known_then(manager: Caller) -> None:
    now = utc_now()
    manager.post("supply", line(vials=8), occurred_at=(now - timedelta(days=3)).isoformat())
    manager.post("waste", line(vials=3, reason="broken"), occurred_at=(now - timedelta(days=1)).isoformat())
    two_days_ago, before_all = (now - timedelta(days=2)).isoformat(), (now - timedelta(days=4)).isoformat()
    assert [s["vials"] for s in manager.stock(as_of=two_days_ago)] == [8]
    assert manager.stock(as_of=before_all) == []
    manager.post("count", line(vials=5))
    told = ("touched_at", "touched_by", "touched_kind", "counted_at", "counted_by", "vvm_stage")
    (today,), (past,) = manager.stock(), manager.stock(as_of=two_days_ago)
    assert None not in [today[name] for name in told[:-1]]
    assert {past[name] for name in told} == {None}
    assert manager.stock(known_at=two_days_ago) == []


def test_held_by_hand_is_released_with_a_reason_by_who_may(
    manager: Caller, api: TestClient, app_services: Services, committed_world: World
) -> None:
    vaccinator = Caller(api, app_services, committed_world, Role.VACCINATOR)
    manager.post("supply", line(vials=8))
    hold = line(vials=8, status="usable", to_status="held")
    free = line(vials=8, status="held", to_status="usable")
    assert vaccinator.post("status", hold, reason="label torn").status_code == 201
    assert manager.post("waste", line(vials=1, reason="heat")).json()["code"] == "stock.history_negative"
    assert vaccinator.post("status", free, reason="looked at").status_code == 403
    assert manager.post("status", free).json()["code"] == "stock.missing_field"
    assert manager.post("status", free, reason="looked at").status_code == 201


def test_availability_and_pick_say_what_may_be_promised_and_what_was_skipped(manager: Caller) -> None:
    manager.post("supply", line("az-10/AZ003", 6), line("az-10/AZ002", 4))
    manager.post("status", line("az-10/AZ003", 2, to_status="held"))
    pool = manager.client.get(
        "/api/v1/stock/availability?facility=pkm-cipondoh&product=az-10", headers=manager.headers
    ).json()
    assert [step["short"] for step in pool["steps"]] == [0] * len(pool["steps"])
    pick = manager.client.get(
        "/api/v1/stock/pick?facility=pkm-cipondoh&product=az-10&vials=9&day=2026-06-30", headers=manager.headers
    ).json()
    assert [(each["lot"], each["vials"]) for each in pick["lines"]] == [("AZ002", 4), ("AZ003", 4)]
    assert (pick["missing"], [each["reason"] for each in pick["skipped"]]) == (1, ["held"])


def test_an_open_vial_is_listed_and_discarded(manager: Caller) -> None:
    manager.post("supply", line("mr-10/MR001", 3))
    manager.post("opening", line("mr-10/MR001", 1))
    listed = manager.client.get("/api/v1/stock/open-vials?facility=pkm-cipondoh", headers=manager.headers).json()
    vial = listed["items"][0]
    answer = manager.client.post(
        f"/api/v1/stock/open-vials/{vial['id']}/discard",
        json={"occurred_at": utc_now().isoformat(), "reason": "session_end"},
        headers={**manager.headers, "Idempotency-Key": "k1"},
    )
    assert (answer.status_code, answer.json()["remaining"], answer.json()["discarded"]) == (200, 0, 10)


@pytest.mark.parametrize(
    "change", [{"lines": []}, {"kind": "issue"}, {"occurred_at": "2026-01-01T00:00:00"}, {"extra": 1}, {"id": "x"}]
)
def test_a_wrong_shape_is_refused_before_anything_happens(manager: Caller, change: dict[str, Any]) -> None:
    answer = manager.post("supply", line(), **change)
    assert (answer.status_code, answer.json()["code"]) == (422, "api.invalid")
    assert manager.stock() == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"])
def test_an_instant_beyond_the_calendar_is_named(manager: Caller, at: str) -> None:
    answer = manager.post("supply", line(), occurred_at=at)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["body.occurred_at"])


def test_a_way_there_and_back_is_told_as_one(manager: Caller) -> None:
    def event(hours: float, kind: str, *lines: dict[str, Any]) -> dict[str, Any]:
        at = (utc_now() - timedelta(hours=hours)).isoformat()
        return {"id": str(uuid7()), "kind": kind, "facility": "pkm-cipondoh", "occurred_at": at, "lines": list(lines)}

    there, here = "pkm-cipondoh-k2", "pkm-cipondoh-k1"
    for told in (event(9, "supply", line(vials=6)), event(3, "waste", line(vials=4, reason="broken"))):
        assert manager.client.post("/api/v1/stock/events", json=told, headers=manager.headers).status_code == 201
    both = {
        "events": [
            event(6, "transfer", line(vials=4, to_place=there)),
            event(5, "transfer", line(vials=4, place=there, to_place=here)),
        ]
    }
    codes = []
    for body in (
        both,
        both,
        {"events": [event(6, "transfer", line(to_place=there)), event(5, "opening", line(vials=1))]},
        {"events": both["events"][:1]},
    ):
        answer = manager.client.post("/api/v1/stock/events/together", json=body, headers=manager.headers)
        codes.append((answer.status_code, answer.json()["code"] if answer.status_code > 201 else len(answer.json())))
    assert codes == [(201, 2), (200, 2), (422, "stock.not_together"), (422, "api.invalid")]
    assert {(item["place"], item["vials"]) for item in manager.stock()} == {(here, 2), (there, 0)}


def test_an_event_over_http_takes_six_statements(manager: Caller, app_services: Services) -> None:
    """Who asks, what the words name, facts, lock, state, and all that is written."""
    assert manager.post("supply", line()).status_code == 201
    with counted(app_services.engine) as statements:
        assert manager.post("supply", line()).status_code == 201
    assert len(statements) == 6, statements
