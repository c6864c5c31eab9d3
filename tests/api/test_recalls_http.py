"""Recalls over HTTP: started from a label, refused where it leaves a doubt, closed with a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.network_api import Door
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def recall(door: Door, **said: Any) -> Any:
    body = {"id": str(uuid7()), "reason": "partikel asing", **said}
    return door.ask("POST", "/api/v1/recalls", Role.CITY, json=body)


def label(door: Door, lot: str, expiry: str | None = None) -> str:
    gtin = door.world.presentations["az-10"].gtin
    known = door.world.batches["az-10/AZ003"].expiry
    return f"01{gtin}17{expiry or known.strftime('%y%m%d')}10{lot}"


def test_a_batch_is_called_back_by_the_label_in_the_hand(door: Door) -> None:
    made = recall(door, barcode=label(door, "AZ003"), recall_class=1)
    assert made.status_code == 201, made.text
    assert (made.json()["lot"], made.json()["recall_class"]) == ("AZ003", 1)


@pytest.mark.parametrize(
    ("lot", "expiry", "code"),
    [
        ("AZ00321A0002", None, "stock.separator_missing"),
        ("AZ0039", None, "stock.unknown_batch"),
        ("AZ003", "301231", "stock.bad_barcode"),
        ("", None, "stock.bad_barcode"),
    ],
)
def test_a_label_that_leaves_a_doubt_calls_nothing_back(door: Door, lot: str, expiry: str | None, code: str) -> None:
    refused = recall(door, barcode=label(door, lot, expiry))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert door.get("/api/v1/recalls", Role.NATIONAL)["items"] == []


@pytest.mark.parametrize("said", [{}, {"batch": None}, {"batch": "AZ003", "recall_class": 4}, {"barcode": "\x00"}])
def test_a_recall_of_nothing_is_refused_with_a_sentence(door: Door, said: dict[str, Any]) -> None:
    assert recall(door, **said).status_code == 422


def test_the_facilities_of_a_recall_are_told_page_by_page_and_its_vials_at_once(door: Door) -> None:
    now = utc_now()
    with transaction(door.services.engine) as db:
        desk = Desk(db, replace(door.world, now=now), now)
        for place in ("pkm-cipondoh-k1", "pkm-tanah-tinggi-k1"):
            desk.stock("az-10/AZ003", 1, place=place)
    made = recall(door, batch="AZ003").json()
    path = f"/api/v1/recalls/{made['id']}"
    whole = door.get(path, Role.CITY)
    assert (len(whole["facilities"]), whole["next_cursor"]) == (2, None)
    first = door.get(path, Role.CITY, limit=1)
    rest = door.get(path, Role.CITY, cursor=first["next_cursor"])
    assert first["facilities"] + rest["facilities"] == whole["facilities"]
    assert (first["vials_found"], rest["next_cursor"]) == (whole["vials_found"], None)
    assert door.ask("GET", f"{path}?cursor=x", Role.CITY).status_code == 422


def test_a_recall_is_closed_with_a_reason_that_stays(door: Door) -> None:
    made = recall(door, batch="AZ003").json()
    path = f"/api/v1/recalls/{made['id']}/close"
    assert door.ask("POST", path, Role.CITY).status_code == 422
    assert door.ask("POST", path, Role.CITY, json={"reason": " "}).status_code == 422
    closed = door.ask("POST", path, Role.CITY, json={"reason": "tidak ada vial"})
    assert closed.status_code == 200, closed.text
    assert (closed.json()["close_reason"], closed.json()["closed_by"]) == ("tidak ada vial", "Kota")
    assert door.ask("POST", path, Role.CITY, json={"reason": "tidak ada vial"}).status_code == 200
    other = door.ask("POST", path, Role.CITY, json={"reason": "salah hitung"})
    assert (other.status_code, other.json()["code"]) == (409, "trace.recall_closed")
    assert (other.json()["params"]["name"], other.json()["params"]["because"]) == ("Kota", "tidak ada vial")


def test_a_recall_is_withdrawn_with_a_reason_and_said_again_it_is_the_same(door: Door) -> None:
    made = recall(door, batch="AZ003").json()
    path = f"/api/v1/recalls/{made['id']}/withdraw"
    assert door.ask("POST", path, Role.CITY, json={"reason": " "}).status_code == 422
    assert door.ask("POST", path, Role.VACCINATOR, json={"reason": "lot keliru"}).status_code == 403
    for _ in range(2):
        withdrawn = door.ask("POST", path, Role.CITY, json={"reason": "lot keliru"})
        assert withdrawn.status_code == 200, withdrawn.text
        told = withdrawn.json()
        assert (told["withdraw_reason"], told["withdrawn_by"], told["reason"]) == (
            "lot keliru",
            "Kota",
            "partikel asing",
        )
        assert told["withdrawn_at"]
    other = door.ask("POST", path, Role.CITY, json={"reason": "lain"})
    assert (other.status_code, other.json()["code"]) == (409, "trace.recall_withdrawn")
    closing = door.ask("POST", f"/api/v1/recalls/{made['id']}/close", Role.CITY, json={"reason": "selesai"})
    assert (closing.status_code, closing.json()["code"]) == (409, "trace.recall_withdrawn")
    assert recall(door, batch="AZ003").status_code == 201, "the lot may be called back again"
