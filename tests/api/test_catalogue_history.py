"""The catalogue is put right: with a reason, in the open, and with all that follows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.network_api import Door
from tests.support.world import World, gtin_of
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.stock.queries.availability import read_steps
from tracker.stock.rules import availability as rule
from tracker.stock.rules.availability import Step
from tracker.stock.service.availability import reserve

REASON = {"reason": "salah ketik dari dus"}
OFFICIAL = {
    "cause": "official",
    "reason": "masa simpan diperpanjang",
    "source": "Surat BPOM 123/2026",
    "source_date": "2026-11-01",
}


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    door = Door(client=api, services=app_services, world=committed_world)
    body = {"product": "az-10", "lot": "EXP1", "expiry": str(day(30))}
    assert door.ask("POST", "/api/v1/batches", json=body).status_code == 201
    assert supply(door, {"batch": "az-10/EXP1"}).status_code == 201
    return door


def day(ahead: int) -> date:
    return (utc_now() + timedelta(hours=7)).date() + timedelta(days=ahead)


def supply(door: Door, named: dict[str, str], vials: int = 5, place: str = "pkm-cipondoh-k1") -> Any:
    body = {
        "id": str(uuid7()),
        "kind": "supply",
        "facility": place.removesuffix("-k1"),
        "occurred_at": utc_now().isoformat(),
        "lines": [{**named, "vials": vials, "place": place}],
    }
    return door.ask("POST", "/api/v1/stock/events", json=body)


def label(door: Door, expiry: date, gtin: str | None = None) -> str:
    return f"(01){gtin or door.world.presentations['az-10'].gtin}(17){expiry:%y%m%d}(10)EXP1"


def steps(door: Door) -> list[Step]:
    with transaction(door.services.engine) as db:
        return list(read_steps(db, door.world.puskesmas.id, door.world.presentations["az-10"].id))


def bears(door: Door, on: date) -> int:
    """Vials that can still be promised for a day."""
    return rule.bears(steps(door), on, day(0))


def promise(door: Door, on: date, vials: int) -> None:
    with transaction(door.services.engine) as db:
        reserve(db, door.world.puskesmas.id, door.world.presentations["az-10"].id, {on: vials}, today=day(0))


def test_only_the_national_level_corrects_and_only_with_a_reason(door: Door) -> None:
    wanted = {"expiry": str(day(60)), "why": REASON}
    for role in (Role.VACCINATOR, Role.WAREHOUSE, Role.MANAGER, Role.CITY, Role.PROVINCE):
        assert door.ask("PUT", "/api/v1/batches/EXP1", role, json=wanted).status_code == 403
    bare = door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(60))})
    assert (bare.status_code, bare.json()["code"]) == (422, "catalog.correction_incomplete")
    sourceless = door.ask("PUT", "/api/v1/batches/EXP1", json={**wanted, "why": {**REASON, "cause": "official"}})
    assert sourceless.json()["code"] == "catalog.correction_incomplete"
    wild = door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": "9999-12-31", "why": REASON})
    assert wild.json()["code"] == "catalog.implausible_expiry"
    assert door.get("/api/v1/batches/EXP1")["expiry"] == str(day(30))


def test_an_extended_lot_keeps_its_history_and_its_old_label_scans_with_a_word(door: Door) -> None:
    done = door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(200)), "why": OFFICIAL})
    assert (done.status_code, done.json()["expiry"]) == (200, str(day(200)))
    assert door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(200)), "why": OFFICIAL}).status_code == 200
    (change,) = door.get("/api/v1/batches/EXP1")["history"]
    assert (change["before"], change["after"], change["cause"]) == (str(day(30)), str(day(200)), "official")
    assert (change["source"], change["source_date"]) == (OFFICIAL["source"], OFFICIAL["source_date"])
    old = door.ask("POST", "/api/v1/scans", json={"text": label(door, day(30)), "facility": "pkm-cipondoh"}).json()
    assert (old["warnings"], old["verdict"]) == (["old_label"], "ask")
    assert old["expiry"] == {"label": str(day(30)), "catalogue": str(day(200)), "rules": "catalogue"}
    assert supply(door, {"barcode": label(door, day(30))}).status_code == 201
    assert supply(door, {"barcode": label(door, day(200))}).status_code == 201
    other = door.ask("POST", "/api/v1/scans", json={"text": label(door, day(31))}).json()
    assert other["warnings"] == ["expiry_differs"]
    assert supply(door, {"barcode": label(door, day(31))}).status_code == 422


def test_a_lot_registered_again_by_its_former_day_is_the_lot(door: Door) -> None:
    door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(200)), "why": OFFICIAL})
    body = {"product": "az-10", "lot": "EXP1", "expiry": str(day(30))}
    again = door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json=body)
    assert (again.status_code, again.json()["warnings"]) == (201, ["old_label"])
    assert again.json()["expiry"] == str(day(200))
    other = door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json={**body, "expiry": str(day(31))})
    assert (other.status_code, other.json()["code"]) == (409, "catalog.batch_differs")


def test_promises_follow_a_later_expiry_at_once(door: Door) -> None:
    assert (bears(door, day(20)), bears(door, day(100))) == (5, 0)
    door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(200)), "why": OFFICIAL})
    assert (bears(door, day(20)), bears(door, day(100)), bears(door, day(201))) == (5, 5, 0)
    promise(door, day(100), 5)
    assert bears(door, day(20)) == 0


def test_promises_follow_an_earlier_expiry_and_fall_short(door: Door) -> None:
    promise(door, day(25), 3)
    door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(10)), "why": REASON})
    assert (bears(door, day(5)), bears(door, day(25))) == (2, 0)
    assert max(step.short for step in steps(door)) == 3
    back = door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(30)), "why": REASON})
    assert len(back.json()["history"]) == 2
    assert bears(door, day(25)) == 2


def test_a_lot_that_was_registered_as_past_is_picked_again(door: Door) -> None:
    door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(-3)), "why": REASON})
    assert bears(door, day(0)) == 0
    assert "expired" in door.ask("POST", "/api/v1/scans", json={"text": "az-10/EXP1"}).json()["warnings"]
    door.ask("PUT", "/api/v1/batches/EXP1", json={"expiry": str(day(40)), "why": REASON})
    assert bears(door, day(39)) == 5


def test_labels_with_a_former_gtin_stay_known(door: Door) -> None:
    former = str(door.world.presentations["az-10"].gtin)
    bare = door.ask("PUT", "/api/v1/products/az-10", json={"gtin": gtin_of(770)})
    assert bare.json()["code"] == "catalog.correction_incomplete"
    done = door.ask("PUT", "/api/v1/products/az-10", json={"gtin": gtin_of(770), "why": OFFICIAL})
    assert (done.status_code, [each["before"] for each in done.json()["history"]]) == (200, [former])
    for gtin, warnings in ((former, ["old_label"]), (gtin_of(770), [])):
        text = label(door, day(30), gtin)
        found = door.ask("POST", "/api/v1/scans", json={"text": text, "facility": "pkm-cipondoh"}).json()
        assert (found["batch"]["lot"], found["warnings"]) == ("EXP1", warnings)
        assert supply(door, {"barcode": text}).status_code == 201
    assert door.get(f"/api/v1/products/{former}")["code"] == "az-10"
    assert door.get("/api/v1/stock", product=former)["items"]
    told = door.get("/api/v1/handsets/holdings", Role.MANAGER, facility="pkm-cipondoh")["products"]
    (held,) = (product for product in told if product["code"] == "az-10")
    assert held["former"] == {"gtin": [former]}
    taken = door.ask("PUT", "/api/v1/products/penta-5", json={"gtin": former, "why": REASON})
    assert (taken.status_code, taken.json()["code"]) == (409, "catalog.code_taken")


def test_a_code_typed_by_mistake_may_become_its_owners(door: Door) -> None:
    wrong = gtin_of(771)
    assert door.ask("PUT", "/api/v1/products/az-10", json={"gtin": wrong, "why": REASON}).status_code == 200
    assert door.ask("PUT", "/api/v1/products/az-10", json={"gtin": gtin_of(772), "why": REASON}).status_code == 200
    assert door.ask("PUT", "/api/v1/products/penta-5", json={"gtin": wrong, "why": REASON}).status_code == 200
    found = door.ask("POST", "/api/v1/scans", json={"text": f"(01){wrong}(10)PB001"}).json()
    assert found["product"]["code"] == "penta-5"


def test_a_recall_names_look_alikes_that_hold_stock(door: Door) -> None:
    for lot in ("exp1", "EXP-1", "EXPI", "EXP121A7", "EXP2"):
        body = {"product": "az-10", "lot": lot, "expiry": str(day(30)), "as_printed": True}
        assert door.ask("POST", "/api/v1/batches", json=body).status_code == 201
    for lot in ("exp1", "EXP121A7", "EXP2"):
        assert supply(door, {"batch": f"az-10/{lot}"}).status_code == 201
    body = {"id": str(uuid7()), "batch": "az-10/EXP1", "reason": "partikel"}
    started = door.ask("POST", "/api/v1/recalls", json=body)
    assert started.status_code == 201, started.text
    alike = {each["lot"]: each["vials"] for each in started.json()["look_alikes"]}
    assert alike == {"exp1": 5, "EXP121A7": 5}
    assert door.get(f"/api/v1/recalls/{body['id']}")["look_alikes"] == started.json()["look_alikes"]


def test_a_repeat_is_a_repeat_whatever_its_names_mean_by_now(door: Door) -> None:
    former = str(door.world.presentations["az-10"].gtin)

    def said(named: dict[str, str], **more: Any) -> dict[str, Any]:
        line = {**named, "vials": 4, "place": "pkm-cipondoh-k1"}
        body = {"id": str(uuid7()), "facility": "pkm-cipondoh", "occurred_at": utc_now().isoformat(), "lines": [line]}
        return {**body, "kind": "supply", **more}

    def post(body: dict[str, Any], role: Role = Role.MANAGER) -> Any:
        return door.ask("POST", "/api/v1/stock/events", role, json=body)

    by_lot = said({"batch": "EXP1"})
    by_code = said({"barcode": f"(01){former}(10)EXP1"})
    first = {body["id"]: post(body) for body in (by_lot, by_code)}
    assert {answer.status_code for answer in first.values()} == {201}
    twin = {"product": "penta-5", "lot": "EXP1", "expiry": str(day(30))}
    assert door.ask("POST", "/api/v1/batches", json=twin).status_code == 201
    assert door.ask("PUT", "/api/v1/products/az-10", json={"gtin": gtin_of(773), "why": REASON}).status_code == 200
    assert door.ask("PUT", "/api/v1/products/penta-5", json={"gtin": former, "why": REASON}).status_code == 200
    for body in (by_lot, by_code):
        again = post(body)
        assert (again.status_code, again.json()) == (200, first[body["id"]].json())
    assert post(said({"batch": "EXP1"})).json()["code"] == "stock.ambiguous_batch"
    assert post({**by_lot, "reason": "lain"}).status_code in (409, 422)
    assert post(by_lot, Role.NATIONAL).status_code in (409, 422), "another's event is not answered as one's own"
