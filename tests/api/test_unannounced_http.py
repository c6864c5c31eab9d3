"""What came without a word, over HTTP: told once, confirmed once, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from httpx2 import Response

from tests.api.test_shipments_http import Sides, sides
from tracker.access.rules import Role
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

__all__ = ["sides"]

K1 = "pkm-cipondoh-k1"
ROOM = "kota-tangerang-r1"
TELL = "/shipments/unannounced"


def body(**more: Any) -> dict[str, Any]:
    line = {"batch": "az-10/AZ003", "place": K1, "vials": 10}
    said = {"id": str(uuid7()), "from": "kota-tangerang", "to": "pkm-cipondoh", "arrived_at": utc_now().isoformat()}
    return {**said, "lines": [line], **more}


def test_it_is_told_once_and_confirmed_once(sides: Sides) -> None:
    sides.supply(30)
    asked = body(reference="SBBK 17")
    first = sides.post(Role.MANAGER, TELL, asked)
    assert (first.status_code, first.json()["state"], first.json()["kind"]) == (201, "unconfirmed", "unannounced")
    assert sides.post(Role.MANAGER, TELL, asked).status_code == 200
    changed = sides.post(Role.MANAGER, TELL, {**asked, "reference": "SBBK 18"})
    assert (changed.status_code, changed.json()["code"]) == (409, "shipments.other_content")
    path = f"/shipments/{first.json()['code']}"
    [line] = first.json()["told"]["lines"]
    assert (line["lot"], line["product"], line["place"], line["vials"]) == ("AZ003", "az-10", K1, 10)
    assert sides.post(Role.MANAGER, f"{path}/confirm", {}).status_code == 403
    assert sides.post(Role.AUDITOR, f"{path}/dispute", {"reason": "x"}).status_code == 403
    left = {"lines": [{"batch": "az-10/AZ003", "place": ROOM, "vials": 10}]}
    # It came before the city's supply was recorded: the sender is told what lay there then, and nothing moves.
    early = sides.post(Role.WAREHOUSE, f"{path}/confirm", {**left, "left_at": "2021-01-01T00:00:00Z"})
    assert (early.status_code, early.json()["code"], early.json()["params"]["vials"]) == (
        409,
        "shipments.sender_lacks",
        0,
    )
    for _ in range(2):
        answer = sides.post(Role.WAREHOUSE, f"{path}/confirm", left)
        assert (answer.status_code, answer.json()["state"]) == (200, "received"), answer.text
    again = sides.post(Role.WAREHOUSE, f"{path}/confirm", {})
    assert (again.status_code, again.json()["code"]) == (409, "shipments.bad_state")
    stock = sides.get(Role.WAREHOUSE, "/stock?facility=kota-tangerang")["items"]
    assert [one["vials"] for one in stock if one["lot"] == "AZ003"] == [20]


REFUSED: list[tuple[Callable[[Sides], Response], int, str]] = [
    (lambda s: s.post(Role.AUDITOR, TELL, body()), 403, "access.forbidden"),
    (lambda s: s.post(Role.MANAGER, TELL, body(to="pkm-tanah-tinggi")), 404, "network.facility_not_found"),
    (lambda s: s.post(Role.MANAGER, TELL, body(**{"from": "x"})), 404, "network.facility_not_found"),
    (lambda s: s.post(Role.MANAGER, "/shipments", body(kind="unannounced")), 422, "api.invalid"),
    (lambda s: s.post(Role.MANAGER, TELL, body(lines=[])), 422, "api.invalid"),
    (lambda s: s.post(Role.MANAGER, "/shipments/none/confirm", {}), 404, "shipments.not_found"),
    (lambda s: s.post(Role.WAREHOUSE, f"/shipments/{s.order()['code']}/confirm", {}), 409, "shipments.bad_state"),
    (
        lambda s: s.post(Role.WAREHOUSE, f"/shipments/{s.order()['code']}/dispute", {"reason": "x"}),
        409,
        "shipments.bad_state",
    ),
]


def test_what_cannot_be_is_a_problem_with_its_code(sides: Sides) -> None:
    for ask, status, code in REFUSED:
        answer = ask(sides)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
