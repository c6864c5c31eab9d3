"""Facilities, equipment, products, batches, scans over HTTP."""

from __future__ import annotations

import io
from typing import Any

import pytest
import zxingcpp
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.network_api import Door
from tests.support.world import World, gtin_of
from tracker.access.rules import Role
from tracker.edge.services import Services


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def every_item(door: Door, path: str, role: Role = Role.NATIONAL, **params: Any) -> list[dict[str, Any]]:
    """All pages, two rows at a time."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = door.get(path, role, limit=2, **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def test_listings_come_in_pages_and_within_the_subtree(door: Door) -> None:
    assert [each["code"] for each in every_item(door, "/api/v1/facilities")] == sorted(door.world.facilities)
    assert {each["code"] for each in every_item(door, "/api/v1/facilities", Role.MANAGER)} == {"pkm-cipondoh"}
    below = every_item(door, "/api/v1/facilities", parent="kota-tangerang", kind="puskesmas")
    assert len(below) == 3
    assert len(every_item(door, "/api/v1/equipment", Role.MANAGER)) == 4
    assert len(every_item(door, "/api/v1/equipment", facility="biofarma")) == 2
    assert len(every_item(door, "/api/v1/products", Role.VACCINATOR)) == len(door.world.presentations)
    batches = every_item(door, "/api/v1/batches", Role.VACCINATOR)
    assert [each["expiry"] for each in batches] == sorted(each["expiry"] for each in batches)
    assert len(batches) == len(door.world.batches)


def test_ids_and_codes_name_the_same_thing(door: Door) -> None:
    facility = door.world.puskesmas
    by_code = door.get(f"/api/v1/facilities/{facility.code}")
    assert by_code == door.get(f"/api/v1/facilities/{facility.id}")
    assert (by_code["parent"], by_code["longitude"], by_code["latitude"]) == ("kota-tangerang", 106.6853, -6.1867)
    product = door.world.presentations["az-10"]
    assert door.get(f"/api/v1/products/{product.gtin}")["code"] == "az-10"
    assert door.get("/api/v1/batches/AZ001")["product"] == "az-10"
    assert door.get(f"/api/v1/batches/{door.world.batches['az-10/AZ001'].id}")["lot"] == "AZ001"


def test_out_of_reach_is_not_found(door: Door) -> None:
    for path in ("/api/v1/facilities/pkm-tanah-tinggi", "/api/v1/equipment/pkm-tanah-tinggi-k1"):
        answer = door.ask("GET", path, Role.MANAGER)
        assert answer.status_code == 404, answer.text
        assert answer.json()["code"].startswith("network.")


def test_the_nearest_facilities_are_those_one_may_see(door: Door) -> None:
    near = door.get("/api/v1/facilities/pkm-cipondoh/nearest", Role.CITY)["items"]
    assert [each["code"] for each in near] == ["pkm-tanah-tinggi", "pkm-neglasari"]
    assert door.get("/api/v1/facilities/pkm-cipondoh/nearest", Role.MANAGER)["items"] == []


def test_a_city_adds_a_facility_and_a_fridge_and_takes_it_out_of_service(door: Door) -> None:
    facility = {"code": "pkm-baru", "name": "Puskesmas Baru", "kind": "puskesmas", "parent": "kota-tangerang"}
    answer = door.ask("POST", "/api/v1/facilities", Role.CITY, json=facility)
    assert answer.status_code == 201, answer.text
    fridge = {"code": "pkm-baru-k1", "name": "Kulkas", "facility": "pkm-baru", "kind": "fridge"}
    assert door.ask("POST", "/api/v1/equipment", Role.CITY, json=fridge).json()["place_kind"] == "fridge"
    out = door.ask("PUT", "/api/v1/equipment/pkm-baru-k1/service", Role.CITY, json={"in_service": False})
    assert out.json()["in_service"] is False
    again = door.ask("POST", "/api/v1/facilities", Role.CITY, json=facility | {"kind": "hospital"})
    assert (again.status_code, again.json()["code"]) == (409, "network.code_taken")


def test_products_are_changed_by_the_nation_only(door: Door) -> None:
    body = {
        "code": "ipv-5",
        "name": "IPV",
        "vaccine": "pentabio",
        "storage_class": "cold-freeze-sensitive",
        "manufacturer": "Bio Farma",
        "doses_per_vial": 5,
        "vials_per_box": 10,
        "gtin": gtin_of(77),
        "open_vial_days": 28,
    }
    assert door.ask("POST", "/api/v1/products", Role.CITY, json=body).status_code == 403
    assert door.ask("POST", "/api/v1/products", json=body).status_code == 201
    taken = door.ask("POST", "/api/v1/products", json=body | {"code": "lain"})
    assert (taken.status_code, taken.json()["errors"]) == (409, [{"field": "gtin"}])
    wrong = door.ask("PUT", "/api/v1/products/ipv-5", json={"gtin": gtin_of(77)[:-1] + "0"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "catalog.bad_gtin")
    changed = door.ask(
        "PUT", "/api/v1/products/ipv-5", json={"nie": "DKL1234567890A1", "why": {"reason": "baru terbit"}}
    )
    assert (changed.json()["nie"], changed.json()["gtin"]) == ("DKL1234567890A1", gtin_of(77))


def test_a_lot_is_registered_once_and_another_expiry_is_a_conflict(door: Door) -> None:
    body = {"product": "az-10", "lot": "AZ9", "expiry": "2027-01-31"}
    first = door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json=body)
    assert first.status_code == 201, first.text
    assert door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json=body).json() == first.json()
    other = door.ask("POST", "/api/v1/batches", Role.WAREHOUSE, json=body | {"expiry": "2027-02-28"})
    assert (other.status_code, other.json()["code"]) == (409, "catalog.batch_differs")
    assert door.ask("POST", "/api/v1/batches", Role.AUDITOR, json=body).status_code == 403
    assert door.ask("POST", "/api/v1/batches", json=body | {"lot": "lot baru"}).json()["code"] == "catalog.bad_lot"
    fixed = door.ask("PUT", "/api/v1/batches/AZ9", json={"manufacturer": "Catalent"})
    assert fixed.json()["manufacturer"] == "Catalent"


def test_a_scan_tells_product_batch_and_what_is_odd(door: Door) -> None:
    gtin = door.world.presentations["az-10"].gtin
    text = f"]d201{gtin}1726031010AZ001\x1d21S1"
    found = door.ask("POST", "/api/v1/scans", Role.VACCINATOR, json={"text": text, "facility": "pkm-cipondoh"}).json()
    assert (found["product"]["code"], found["batch"]["lot"], found["pack"], found["vials"]) == (
        "az-10",
        "AZ001",
        "vial",
        1,
    )
    assert found["scan"]["serial"] == "S1"
    # The small world's batches expired long before the day this test runs, if it runs after 2026-03-10.
    odd = door.ask("POST", "/api/v1/scans", json={"text": f"(01){gtin}(17)200101(10)AZ001"}).json()
    assert "expiry_differs" in odd["warnings"]
    unknown = door.ask("POST", "/api/v1/scans", json={"text": f"(01){gtin_of(999)}(10)X"}).json()
    assert (unknown["product"], unknown["warnings"]) == (None, ["unknown_product"])


def test_a_box_holds_vials_and_a_bpom_code_finds_its_product(door: Door) -> None:
    penta = door.world.presentations["penta-5"]
    box = door.ask("POST", "/api/v1/scans", json={"text": f"(01){penta.box_gtin}(10)PB001"}).json()
    assert (box["pack"], box["vials"]) == ("box", 10)
    sscc = "189912345000000017"
    label = door.ask("POST", "/api/v1/scans", json={"text": f"(00){sscc}(02){penta.box_gtin}(37)4(10)PB001"}).json()
    assert (label["pack"], label["vials"], label["scan"]["sscc"]) == ("logistic", 40, sscc)
    bpom = door.ask("POST", "/api/v1/scans", json={"text": f"(90){penta.nie}(10)PB001(17)300131"}).json()
    assert (bpom["scan"]["profile"], bpom["product"]["code"], bpom["batch"]["lot"]) == ("bpom", "penta-5", "PB001")


def test_a_code_that_breaks_the_rules_is_refused_with_its_place(door: Door) -> None:
    answer = door.ask("POST", "/api/v1/scans", json={"text": "(01)12345678901234"})
    assert answer.status_code == 422
    body = answer.json()
    assert (body["code"], body["params"]["scan_code"], body["params"]["position"]) == (
        "catalog.scan_unreadable",
        "scan.check_digit",
        17,
    )
    assert body["detail"].startswith("Digit pemeriksa")


def photo(*texts: str, kind: str = "PNG") -> bytes:
    """Codes drawn below one another on white paper."""
    sheet = Image.new("L", (500, 420 * len(texts)), 255)
    for index, text in enumerate(texts):
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)
        drawn = Image.fromarray(code.to_image(scale=8))
        sheet.paste(drawn, (60, 420 * index + 60))
    file = io.BytesIO()
    sheet.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_photo_with_two_vials_reads_both(door: Door, kind: str) -> None:
    gtin = door.world.presentations["az-10"].gtin
    picture = photo(f"(01){gtin}(10)AZ001(21)A", f"(01){gtin}(10)AZ002(21)B", kind=kind)
    answer = door.ask("POST", "/api/v1/scans/image", Role.VACCINATOR, files={"file": ("vial", picture)})
    assert answer.status_code == 200, answer.text
    assert [each["batch"]["lot"] for each in answer.json()["items"]] == ["AZ001", "AZ002"]


def test_a_photo_of_a_carton_gives_the_gtin_in_its_itf_code(door: Door) -> None:
    file = io.BytesIO()
    Image.fromarray(zxingcpp.create_barcode("18991234567898", zxingcpp.BarcodeFormat.ITF).to_image(scale=4)).save(
        file, "PNG"
    )
    answer = door.ask("POST", "/api/v1/scans/image", Role.VACCINATOR, files={"file": ("carton", file.getvalue())})
    assert [each["scan"]["gtin"] for each in answer.json()["items"]] == ["18991234567898"]


@pytest.mark.parametrize(
    ("names", "code"), [(["facilty"], "api.invalid"), (["facility", "facility"], "api.given_twice")]
)
def test_a_photo_is_not_read_for_a_place_that_was_not_understood(door: Door, names: list[str], code: str) -> None:
    """Trap: the misspelt place is dropped, and held vials of the one that was meant look good."""
    parts = [("file", ("vial", photo("(01)08991234567891"))), *((name, (None, "pkm-cipondoh")) for name in names)]
    answer = door.ask("POST", "/api/v1/scans/image", Role.VACCINATOR, files=parts)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert names[0] in str(answer.json())


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"])
def test_what_is_no_picture_is_refused(door: Door, data: bytes) -> None:
    answer = door.ask("POST", "/api/v1/scans/image", files={"file": ("x", data)})
    assert answer.status_code == 422
    assert answer.json()["code"] in {"catalog.image_unreadable", "api.invalid"}


def test_a_picture_of_too_many_pixels_is_not_decoded(door: Door) -> None:
    bomb = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(bomb, "PNG")
    answer = door.ask("POST", "/api/v1/scans/image", files={"file": ("x.png", bomb.getvalue())})
    assert (answer.status_code, answer.json()["code"]) == (422, "catalog.image_too_large")


def test_a_photo_of_several_megabytes_is_read_where_other_bodies_stay_small(door: Door) -> None:
    picture = photo(f"(01){door.world.presentations['az-10'].gtin}(10)AZ001(21)A", kind="PNG") + bytes(3_000_000)
    answer = door.ask("POST", "/api/v1/scans/image", Role.VACCINATOR, files={"file": ("vial", picture)})
    assert answer.status_code == 200, answer.text
    answer = door.ask("POST", "/api/v1/scans/image", files={"file": ("vial", bytes(13_000_000))})
    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_large")
