"""A shipment over HTTP, as both of its sides see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import text

from tests.support.accounts import signed_in
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7


class Sides:
    """The city that sends, the puskesmas that orders and receives, and a stranger."""

    def __init__(self, client: TestClient, services: Services, world: World) -> None:
        self.world = world
        self.client = client
        self.headers = {role: signed_in(services, world, role) for role in (Role.WAREHOUSE, Role.MANAGER, Role.AUDITOR)}

    def post(self, role: Role, path: str, body: dict[str, Any] | None = None) -> Response:
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers[role])

    def get(self, role: Role, path: str) -> Any:
        answer = self.client.get(f"/api/v1{path}", headers=self.headers[role])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def supply(self, vials: int) -> None:
        body = {
            "id": str(uuid7()),
            "kind": "supply",
            "facility": "kota-tangerang",
            "occurred_at": utc_now().isoformat(),
            "lines": [{"batch": "az-10/AZ003", "place": "kota-tangerang-r1", "vials": vials}],
        }
        assert self.post(Role.WAREHOUSE, "/stock/events", body).status_code == 201

    def order(self, role: Role = Role.WAREHOUSE, **more: Any) -> dict[str, Any]:
        body = {
            "id": str(uuid7()),
            "from": "kota-tangerang",
            "to": "pkm-cipondoh",
            "lines": [{"product": "az-10", "vials": 10}],
            **more,
        }
        answer = self.post(role, "/shipments", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture
def sides(api: TestClient, app_services: Services, committed_world: World) -> Sides:
    return Sides(api, app_services, committed_world)


def test_from_order_to_receipt_with_a_difference_that_both_sides_see(sides: Sides) -> None:
    sides.supply(30)
    order = sides.order(Role.MANAGER)
    assert (order["state"], order["kind"]) == ("requested", "order")
    path = f"/shipments/{order['code']}"
    assert sides.post(Role.MANAGER, f"{path}/approve", {}).status_code == 403
    assert sides.post(Role.WAREHOUSE, f"{path}/approve", {}).json()["state"] == "approved"
    packed = sides.post(Role.WAREHOUSE, f"{path}/pack", {"boxes": [{"seal": "S-7", "logger": "Q-1"}]})
    assert packed.status_code == 200, packed.text
    assert (len(packed.json()["boxes"][0]["sscc"]), packed.json()["not_found"]) == (18, {})
    due = (utc_now() + timedelta(hours=3)).isoformat()
    assert sides.post(Role.WAREHOUSE, f"{path}/dispatch", {"expected_at": due}).json()["state"] == "in_transit"
    receipt = {
        "id": str(uuid7()),
        "occurred_at": utc_now().isoformat(),
        "lines": [
            {"batch": "AZ003", "place": "pkm-cipondoh-k1", "accepted": 8},
            {"batch": "AZ003", "missing": 2, "reason": "lost"},
        ],
    }
    first = sides.post(Role.MANAGER, f"{path}/receipts", receipt)
    assert (first.status_code, first.json()["state"]) == (201, "received"), first.text
    assert sides.post(Role.MANAGER, f"{path}/receipts", receipt).status_code == 200
    assert sides.post(Role.MANAGER, f"{path}/receipts", {**receipt, "final": True}).status_code == 409
    for role in sides.headers:
        difference = sides.get(role, path)["differences"][0]
        assert {name: difference[name] for name in ("sent", "accepted", "missing", "on_road")} == {
            "sent": 10,
            "accepted": 8,
            "missing": 2,
            "on_road": 0,
        }
    stock = sides.get(Role.MANAGER, "/stock?facility=pkm-cipondoh")["items"]
    assert [(item["lot"], item["vials"]) for item in stock] == [("AZ003", 8)]


def test_a_receipt_names_the_loggers_in_its_boxes_and_whose_they_are_by_the_notes(sides: Sides) -> None:
    sides.supply(30)
    codes = []
    for logger in ("Q-1", "Q-2"):
        code = sides.order()["code"]
        for step, body in (("pack", {"boxes": [{"logger": logger}]}), ("dispatch", {})):
            assert sides.post(Role.WAREHOUSE, f"/shipments/{code}/{step}", body).status_code == 200
        codes.append(code)
    line = {"batch": "AZ003", "place": "pkm-cipondoh-k1", "accepted": 10}
    receipt = {"id": str(uuid7()), "occurred_at": utc_now().isoformat(), "lines": [line]}
    named = {**receipt, "loggers": ["Q-2", "Q-1", "X-9", "Q-2"]}
    answer = sides.post(Role.MANAGER, f"/shipments/{codes[0]}/receipts", named)
    assert answer.status_code == 201, answer.text
    assert answer.json()["receipts"][0]["loggers"] == [
        {"number": "Q-1", "on_note": True, "elsewhere": False, "of_shipment": None},
        {"number": "Q-2", "on_note": False, "elsewhere": True, "of_shipment": codes[1]},
        {"number": "X-9", "on_note": False, "elsewhere": False, "of_shipment": None},
    ]
    assert sides.post(Role.MANAGER, f"/shipments/{codes[0]}/receipts", named).status_code == 200
    assert sides.post(Role.MANAGER, f"/shipments/{codes[0]}/receipts", receipt).status_code == 409


def test_an_answer_about_lines_that_are_not_there_or_about_none_is_refused(sides: Sides) -> None:
    path = f"/shipments/{sides.order(Role.MANAGER)['code']}"
    answer = sides.post(Role.WAREHOUSE, f"{path}/approve", {"vials": {"1": 5}})
    assert (answer.status_code, answer.json()["code"]) == (422, "shipments.no_such_line")
    assert sides.get(Role.WAREHOUSE, path)["state"] == "requested"
    for line in (" 0", "00", "-0", "+0", "0.0", "٠"):
        answer = sides.post(Role.WAREHOUSE, f"{path}/approve", {"vials": {line: 5, "0": 7}})
        assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[:2]) == (422, ["body", "vials"]), (
            line
        )
    assert sides.get(Role.WAREHOUSE, path)["state"] == "requested"
    on_road = under_way(sides)
    nothing = receipt_of(batch="AZ003") | {"lines": []}
    for end, role in (("receipts", Role.MANAGER), ("returns", Role.WAREHOUSE)):
        answer = sides.post(role, f"{on_road}/{end}", nothing)
        assert (answer.status_code, answer.json()["code"]) == (422, "shipments.empty_receipt")
    lost = sides.post(Role.MANAGER, f"{on_road}/receipts", nothing | {"final": True})
    assert (lost.status_code, lost.json()["state"]) == (201, "received")


def test_late_shipments_are_listed_and_others_are_not(sides: Sides) -> None:
    sides.supply(30)
    for hours in (-1, 5):
        path = f"/shipments/{sides.order()['id']}"
        assert sides.post(Role.WAREHOUSE, f"{path}/pack").status_code == 200
        due = (utc_now() + timedelta(hours=hours)).isoformat()
        assert sides.post(Role.WAREHOUSE, f"{path}/dispatch", {"expected_at": due}).status_code == 200
    assert [item["late"] for item in sides.get(Role.MANAGER, "/shipments?late=true")["items"]] == [True]
    page = sides.get(Role.MANAGER, "/shipments?limit=1")
    rest = sides.get(Role.MANAGER, f"/shipments?limit=1&cursor={page['next_cursor']}")
    assert [page["items"][0]["late"], rest["items"][0]["late"], rest["next_cursor"]] == [False, True, None]


def test_what_neither_end_shows_is_not_found(sides: Sides) -> None:
    elsewhere = sides.order(to="pkm-tanah-tinggi")
    path = f"/shipments/{elsewhere['id']}"
    answer = sides.client.get(f"/api/v1{path}", headers=sides.headers[Role.MANAGER])
    assert (answer.status_code, answer.json()["code"]) == (404, "shipments.not_found")
    assert sides.post(Role.MANAGER, f"{path}/pack", {}).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"to": "nowhere"}, 404, "network.facility_not_found"),
        ({"lines": [{"product": "none", "vials": 1}]}, 404, "catalog.presentation_not_found"),
        ({"lines": [{"product": "az-10", "vials": 0}]}, 422, "stock.bad_vials"),
        ({"lines": []}, 422, "api.invalid"),
        ({"to": "kota-tangerang"}, 422, "shipments.no_route"),
    ],
)
def test_a_refused_order_leaves_nothing_behind(sides: Sides, change: dict[str, Any], status: int, code: str) -> None:
    body = {
        "id": str(uuid7()),
        "from": "kota-tangerang",
        "to": "pkm-cipondoh",
        "lines": [{"product": "az-10", "vials": 10}],
        **change,
    }
    answer = sides.post(Role.WAREHOUSE, "/shipments", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert sides.get(Role.WAREHOUSE, "/shipments")["items"] == []


def under_way(sides: Sides) -> str:
    """Ten vials packed by the name of their lot, and sent; the path of their shipment."""
    sides.supply(30)
    path = f"/shipments/{sides.order()['code']}"
    assert sides.post(Role.WAREHOUSE, f"{path}/pack", by_lot()).status_code == 200
    assert sides.post(Role.WAREHOUSE, f"{path}/dispatch").status_code == 200
    return path


def by_lot() -> dict[str, Any]:
    return {"boxes": [{"lines": [{"batch": "AZ003", "place": "kota-tangerang-r1", "vials": 10}]}]}


def receipt_of(**line: Any) -> dict[str, Any]:
    lines = [{"place": "pkm-cipondoh-k1", "accepted": 10, **line}]
    return {"id": str(uuid7()), "occurred_at": utc_now().isoformat(), "lines": lines}


CHANGES = {
    "the lot became another product's too": "INSERT INTO batch (id, presentation_id, lot, expiry, manufacturer) "
    "SELECT gen_random_uuid(), p.id, b.lot, b.expiry, b.manufacturer "
    "FROM batch b, presentation p WHERE b.lot = 'AZ003' AND p.code = 'mr-10'",
    "the lot has another name": "UPDATE batch SET lot = 'renamed' WHERE lot = 'AZ003'",
    "the place has another code": "UPDATE equipment SET code = code || 'x' WHERE code IN ('pkm-cipondoh-k1', 'kota-tangerang-r1')",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_receipt_and_a_packing_told_again_are_repeats_whatever_their_words_mean_by_now(
    sides: Sides, app_services: Services, change: str
) -> None:
    path = under_way(sides)
    packed = sides.post(Role.WAREHOUSE, f"{path}/pack", by_lot())
    assert packed.status_code == 200
    receipt = receipt_of(batch="AZ003")
    first = sides.post(Role.MANAGER, f"{path}/receipts", receipt)
    assert first.status_code == 201, first.text
    with app_services.engine.begin() as connection:
        assert connection.execute(text(CHANGES[change])).rowcount >= 1
    again = sides.post(Role.MANAGER, f"{path}/receipts", receipt)
    assert (again.status_code, again.json()["state"]) == (200, "received")
    assert [one["id"] for one in again.json()["receipts"]] == [receipt["id"]]
    repacked = sides.post(Role.WAREHOUSE, f"{path}/pack", by_lot())
    assert (repacked.status_code, repacked.json()["not_found"]) == (200, packed.json()["not_found"])


def test_packing_told_again_says_again_what_was_not_found(sides: Sides) -> None:
    sides.supply(3)
    path = f"/shipments/{sides.order(lines=[{'product': 'az-10', 'vials': 5_000}])['code']}"
    first, again = (sides.post(Role.WAREHOUSE, f"{path}/pack", {}).json() for _ in range(2))
    assert first["not_found"]["0"] > 0
    assert again["not_found"] == first["not_found"]


def test_a_receipt_warns_of_lots_that_one_could_take_for_its_own(sides: Sides, app_services: Services) -> None:
    path = under_way(sides)
    headers = signed_in(app_services, sides.world, Role.NATIONAL)
    for lot in ("AZ0O3", "az003"):
        other = {"product": "az-10", "lot": lot, "expiry": "2027-08-31"}
        assert sides.client.post("/api/v1/batches", json=other, headers=headers).status_code == 201
    receipt = receipt_of(batch="az-10/AZ003")
    first = sides.post(Role.MANAGER, f"{path}/receipts", receipt)
    assert (first.status_code, first.json()["warnings"]) == (201, ["looks_like AZ0O3", "looks_like az003"])
    assert sides.post(Role.MANAGER, f"{path}/receipts", receipt).json()["warnings"] == first.json()["warnings"]


def test_a_label_without_its_separators_is_not_received(sides: Sides) -> None:
    path = under_way(sides)
    gtin = sides.world.presentations["az-10"].gtin
    run_together = receipt_of(barcode=f"01{gtin}10AZ00321A0002")
    refused = sides.post(Role.MANAGER, f"{path}/receipts", run_together)
    assert (refused.status_code, refused.json()["code"]) == (422, "stock.separator_missing")


class Turns:
    """An order of ten vials at a city that has two lots: SOON is to go before LATE."""

    def __init__(self, sides: Sides, services: Services, first: int) -> None:
        self.sides = sides
        catalogue = signed_in(services, sides.world, Role.NATIONAL)
        for lot, vials, days in (("SOON", first, 40), ("LATE", 30, 400)):
            known = {"product": "penta-5", "lot": lot, "expiry": f"{utc_now() + timedelta(days=days):%Y-%m-%d}"}
            assert sides.client.post("/api/v1/batches", json=known, headers=catalogue).status_code == 201
            body = {
                "id": str(uuid7()),
                "kind": "supply",
                "facility": "kota-tangerang",
                "occurred_at": utc_now().isoformat(),
                "lines": [{"batch": f"penta-5/{lot}", "place": "kota-tangerang-r1", "vials": vials}],
            }
            assert sides.post(Role.WAREHOUSE, "/stock/events", body).status_code == 201
        self.path = f"/shipments/{sides.order(lines=[{'product': 'penta-5', 'vials': 10}])['code']}"

    def pack(self, *lines: dict[str, Any]) -> Response:
        return self.sides.post(Role.WAREHOUSE, f"{self.path}/pack", {"boxes": [{"lines": list(lines)}]})

    def packed(self) -> list[tuple[Any, ...]]:
        """Lot, vials, reason, note and the lot whose turn it was, of each packed line, as the receiver sees them."""
        names = ("lot", "vials", "reason", "note", "instead_of")
        boxes = self.sides.get(Role.MANAGER, self.path)["boxes"]
        return [tuple(line[name] for name in names) for box in boxes for line in box["lines"]]


def of_lot(lot: str, vials: int, **more: Any) -> dict[str, Any]:
    return {"batch": f"penta-5/{lot}", "place": "kota-tangerang-r1", "vials": vials, **more}


@pytest.fixture
def lots(sides: Sides, app_services: Services) -> Callable[[int], Turns]:
    """The order, with so many vials of the lot whose turn it is."""
    return lambda first: Turns(sides, app_services, first)


def test_another_lot_than_the_first_to_expire_is_not_packed_without_a_reason(
    sides: Sides, lots: Callable[[int], Turns]
) -> None:
    turns = lots(20)
    refused = turns.pack(of_lot("SOON", 4), of_lot("LATE", 6))
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "shipments.earlier_first")
    assert problem["errors"] == [{"line": 1, "field": "reason"}]
    said = {"lot": "LATE", "first": "SOON", "place": "kota-tangerang-r1"}
    assert said.items() <= problem["params"].items()
    assert all(word in problem[name] for name in ("title", "detail_id") for word in said.values())
    assert turns.packed() == []
    assert sides.get(Role.MANAGER, turns.path)["state"] == "approved"


def test_the_reason_for_another_lot_stands_in_the_shipment_for_both_ends(
    sides: Sides, lots: Callable[[int], Turns]
) -> None:
    turns = lots(20)
    lines = (of_lot("SOON", 4), of_lot("LATE", 6, reason="not_found", note="rak kiri kosong"))
    assert turns.pack(*lines).status_code == 200
    said = [("SOON", 4, None, None, None), ("LATE", 6, "not_found", "rak kiri kosong", "SOON")]
    assert turns.packed() == said
    assert turns.pack(*lines).status_code == 200
    assert turns.packed() == said
    assert sides.post(Role.WAREHOUSE, f"{turns.path}/dispatch").status_code == 200
    assert turns.packed() == said


def test_a_later_lot_needs_no_reason_once_the_first_is_all_packed(lots: Callable[[int], Turns]) -> None:
    turns = lots(4)
    assert turns.pack(of_lot("LATE", 6), of_lot("SOON", 4)).status_code == 200
    assert turns.packed() == [("LATE", 6, None, None, None), ("SOON", 4, None, None, None)]


def test_the_rest_by_first_expiry_counts_for_what_is_named(sides: Sides, lots: Callable[[int], Turns]) -> None:
    turns = lots(4)
    body = {"boxes": [{"lines": [of_lot("LATE", 6)]}, {}]}
    assert sides.post(Role.WAREHOUSE, f"{turns.path}/pack", body).status_code == 200
    assert [line[:2] for line in turns.packed()] == [("LATE", 6), ("SOON", 4)]


def test_no_more_is_packed_by_name_than_was_approved_whatever_lots_it_is_of(
    sides: Sides, lots: Callable[[int], Turns]
) -> None:
    turns = lots(4)
    refused = turns.pack(of_lot("SOON", 4), of_lot("LATE", 7))
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "shipments.more_than_approved")
    assert problem["errors"] == [{"line": 1, "field": "vials"}]
    assert {"lot": "LATE", "most": 10, "vials": 11}.items() <= problem["params"].items()
    assert turns.packed() == []
    assert sides.post(Role.WAREHOUSE, f"{turns.path}/approve", {"vials": {"0": 11}}).status_code == 200
    assert turns.pack(of_lot("SOON", 4), of_lot("LATE", 7)).status_code == 200


def test_a_product_nobody_approved_is_not_packed_by_name(sides: Sides, lots: Callable[[int], Turns]) -> None:
    turns = lots(4)
    sides.supply(5)
    refused = turns.pack({"batch": "AZ003", "place": "kota-tangerang-r1", "vials": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "shipments.more_than_approved")
    assert refused.json()["params"]["most"] == 0


def test_another_reason_is_said_in_words(lots: Callable[[int], Turns]) -> None:
    turns = lots(20)
    refused = turns.pack(of_lot("LATE", 10, reason="other"))
    assert (refused.status_code, refused.json()["code"]) == (422, "shipments.reason_unsaid")
    assert refused.json()["errors"] == [{"line": 0, "field": "note"}]
    assert turns.packed() == []
    assert turns.pack(of_lot("LATE", 10, reason="because")).status_code == 422
    assert turns.pack(of_lot("LATE", 10, reason="other", note="pintu macet")).status_code == 200


def test_a_late_copy_of_emptying_or_leaving_touches_no_boxes_that_were_packed_since(sides: Sides) -> None:
    sides.supply(30)
    path, other = (f"/shipments/{sides.order()['code']}" for _ in range(2))
    first, second = ({"id": str(uuid7())} for _ in range(2))
    empty = {"reason": "salah kotak", "box": first["id"]}
    assert sides.post(Role.WAREHOUSE, f"{path}/pack", {"boxes": [first]}).status_code == 200
    assert sides.post(Role.WAREHOUSE, f"{path}/unpack", empty).json()["state"] == "approved"
    assert sides.post(Role.WAREHOUSE, f"{path}/pack", {"boxes": [second]}).status_code == 200
    late = sides.post(Role.WAREHOUSE, f"{path}/unpack", empty)
    assert (late.status_code, late.json()["state"]) == (200, "packed")
    assert [box["id"] for box in late.json()["boxes"]] == [second["id"]]
    assert sides.post(Role.WAREHOUSE, f"{path}/unpack", {"reason": "yang mana"}).status_code == 422
    left = sides.post(Role.WAREHOUSE, f"{path}/dispatch", {"box": first["id"]})
    assert (left.status_code, left.json()["code"]) == (409, "shipments.packed_since")
    taken = sides.post(Role.WAREHOUSE, f"{other}/pack", {"boxes": [second]})
    assert (taken.status_code, taken.json()["code"]) == (409, "shipments.other_content")
    assert sides.post(Role.WAREHOUSE, f"{path}/dispatch", {"box": second["id"]}).json()["state"] == "in_transit"
