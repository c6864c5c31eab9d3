"""A doubtful reading of a label never becomes master data."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.network_api import Door
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

EXPIRY = "270831"


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    door = Door(client=api, services=app_services, world=committed_world)
    known = {"product": "az-10", "lot": "QA77", "expiry": "2027-08-31"}
    assert door.ask("POST", "/api/v1/batches", json=known).status_code == 201
    return door


def supplied(door: Door, barcode: str, role: Role = Role.MANAGER) -> Any:
    body = {
        "id": str(uuid7()),
        "kind": "supply",
        "facility": "pkm-cipondoh",
        "occurred_at": utc_now().isoformat(),
        "lines": [{"barcode": barcode, "vials": 5, "place": "pkm-cipondoh-k1"}],
    }
    return door.ask("POST", "/api/v1/stock/events", role, json=body)


def lots(door: Door) -> set[str]:
    return {each["lot"] for each in door.get("/api/v1/batches", limit=100)["items"]}


@pytest.mark.parametrize(
    "label",
    [
        "01{gtin}17{expiry}10QA7721A0002",
        "01{gtin}10QA7717{expiry}",
        "01{gtin}10QA7717{expiry}21A0002",
        "01{gtin}17{expiry}10QA7711260101",
        "01{gtin}17{expiry}10QA77240TYPE7",
        "01{gtin}17{expiry}10QA77305",
        "01{gtin}17{expiry}21A000210QA77",
        "01{gtin}17{expiry}10QA77?21A0002",
        "]d201{gtin}17{expiry}10QA7721A0002",
        "01{gtin}10QA77(17){expiry}",
        "01{gtin}17{expiry}21A0002(10)QA77",
        "01{gtin}17{expiry}10qa7721A0002",
        "01{gtin}17{expiry}10QA-7721A0002",
        "10QA7701{gtin}17{expiry}",
        "]d210QA7701{gtin}17{expiry}",
        "]d217{expiry}10QA7701{gtin}",
        "21A000110QA7701{gtin}17{expiry}",
        "]d221A000110QA7701{gtin}17{expiry}",
        "10QA77?01{gtin}17{expiry}",
        "]C110qa7701{gtin}17{expiry}\x1d21A0002",
    ],
)
def test_a_lot_that_swallowed_what_stood_behind_it_makes_no_batch(door: Door, label: str) -> None:
    barcode = label.format(gtin=door.world.presentations["az-10"].gtin, expiry=EXPIRY)
    before = lots(door)
    answer = supplied(door, barcode)
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.separator_missing")
    assert "QA77" in answer.json()["detail"]
    assert lots(door) == before
    looked_up = door.ask("POST", "/api/v1/scans", Role.VACCINATOR, json={"text": barcode}).json()
    assert "separator_missing" in looked_up["warnings"]
    assert "unknown_batch" not in looked_up["warnings"]
    assert looked_up["begins_with"]["lot"] == "QA77"


def test_a_bpom_label_without_separators_is_no_plain_number(door: Door) -> None:
    nie = door.world.presentations["penta-5"].nie
    looked_up = door.ask("POST", "/api/v1/scans", json={"text": f"90{nie}10PB00117300131"}).json()
    assert "separator_missing" in looked_up["warnings"]
    answer = supplied(door, f"90{nie}10PB00117300131")
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.separator_missing")


def test_an_unknown_lot_that_holds_the_expiry_of_its_label_is_run_together_too(door: Door) -> None:
    gtin = door.world.presentations["az-10"].gtin
    looked_up = door.ask("POST", "/api/v1/scans", json={"text": f"01{gtin}10QA8817{EXPIRY}"}).json()
    assert "separator_missing" in looked_up["warnings"]
    assert supplied(door, f"01{gtin}10QA8817{EXPIRY}").json()["code"] == "stock.separator_missing"
    typed = {"product": "az-10", "lot": f"QA8817{EXPIRY}", "expiry": "2027-08-31"}
    assert door.ask("POST", "/api/v1/batches", json=typed).json()["code"] == "catalog.separator_missing"


def test_a_lot_that_is_really_printed_so_is_registered_by_the_national_level(door: Door) -> None:
    body = {"product": "az-10", "lot": "QA7721A", "expiry": "2027-08-31"}
    refused = door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "catalog.separator_missing")
    assert door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json=body | {"as_printed": True}).status_code == 403
    made = door.ask("POST", "/api/v1/batches", json=body | {"as_printed": True})
    assert (made.status_code, made.json()["warnings"]) == (201, ["looks_like QA77"])
    gtin = door.world.presentations["az-10"].gtin
    assert supplied(door, f"01{gtin}17{EXPIRY}10QA7721A").status_code == 201


@pytest.mark.parametrize("dates", ["(11)280101(17)270101", "(11)290101(17)300101", "(17)290831(7003)2909301530"])
def test_a_label_whose_days_cannot_all_be_true_makes_no_batch(door: Door, dates: str) -> None:
    gtin = door.world.presentations["az-10"].gtin
    before = lots(door)
    answer = supplied(door, f"(01){gtin}{dates}(10)QB90")
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.bad_barcode")
    assert answer.json()["params"]["scan_code"] == "dates_disagree"
    assert lots(door) == before
    # Of a lot that is known the catalogue's day counts, whatever was misprinted beside it.
    assert supplied(door, f"(01){gtin}(11)290101(17){EXPIRY}(10)QA77").status_code == 201


def test_separators_that_are_there_make_the_batch_as_ever(door: Door) -> None:
    gtin = door.world.presentations["az-10"].gtin
    assert supplied(door, f"01{gtin}17{EXPIRY}10QA77\x1d21A0002").status_code == 201
    assert supplied(door, f"01{gtin}17{EXPIRY}10QA78<GS>21A0002").status_code == 201
    assert {"QA77", "QA78"} <= lots(door)


def test_lots_that_look_alike_are_kept_apart_and_told(door: Door) -> None:
    def made(lot: str) -> Any:
        return door.ask("POST", "/api/v1/batches", json={"product": "az-10", "lot": lot, "expiry": "2027-08-31"})

    assert made("AB12c").json()["warnings"] == []
    second = made("AB12C")
    assert (second.status_code, second.json()["warnings"]) == (201, ["looks_like AB12c"])
    assert made("AB-12C").json()["warnings"] == ["looks_like AB12C", "looks_like AB12c"]
    assert len(made("ABI2C").json()["warnings"]) == 3
    assert made("AB12D").json()["warnings"] == []
    assert made("A812C").json()["warnings"]
    gtin = door.world.presentations["az-10"].gtin
    came = supplied(door, f"01{gtin}17{EXPIRY}10ab12c")
    assert came.status_code == 201
    assert "looks_like AB12C" in came.json()["warnings"]
    unknown = door.ask("POST", "/api/v1/scans", json={"text": f"(01){gtin}(10)AB_12C"}).json()
    assert {"unknown_batch", "looks_like AB12C"} <= set(unknown["warnings"])


def test_the_same_lot_of_another_product_looks_like_nothing(door: Door) -> None:
    body = {"product": "penta-5", "lot": "qa77", "expiry": "2027-08-31"}
    assert door.ask("POST", "/api/v1/batches", json=body).json()["warnings"] == []


def test_who_may_make_a_lot_known_is_decided_by_role(door: Door) -> None:
    body = {"product": "az-10", "lot": "QB1", "expiry": "2027-08-31"}
    gtin = door.world.presentations["az-10"].gtin
    for role in (Role.VACCINATOR, Role.AUDITOR, Role.INTEGRATOR):
        assert door.ask("POST", "/api/v1/batches", role, json=body).status_code == 403
    assert supplied(door, f"01{gtin}17{EXPIRY}10QB1", Role.VACCINATOR).status_code == 403
    assert "QB1" not in lots(door)
    for role in (Role.MANAGER, Role.WAREHOUSE):
        assert door.ask("POST", "/api/v1/batches", role, json=body).status_code == 201


@pytest.mark.parametrize("expiry", ["9999-12-31", "2076-01-01", "1999-12-31"])
def test_an_expiry_that_no_vaccine_has_is_refused(door: Door, expiry: str) -> None:
    body = {"product": "az-10", "lot": "QB2", "expiry": expiry}
    answer = door.ask("POST", "/api/v1/batches", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "catalog.implausible_expiry")


def test_an_implausible_expiry_on_a_label_makes_no_batch(door: Door) -> None:
    gtin = door.world.presentations["az-10"].gtin
    assert supplied(door, f"01{gtin}1775123110QB3").json()["code"] == "catalog.implausible_expiry"
    assert "QB3" not in lots(door)
