"""What a scan answers the one who holds the vial."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from tests.api.test_quota_over_http import session_body
from tests.support.network_api import Door
from tests.support.quota import fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.registration.service.tickets import TicketOffice
from tracker.sealing.keyring import Keyring
from tracker.stock.models import OpenVial
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import PostEvent, StatusChange, StatusLine
from tracker.stock.service.posting import post_event

LOT = "SCAN1"


class Shelf(Door):
    """Ten vials of a batch in the fridge of the puskesmas."""

    def scan(self, text: str = "", role: Role = Role.VACCINATOR, **more: Any) -> dict[str, Any]:
        gtin = self.world.presentations["az-10"].gtin
        body = {"text": text or f"(01){gtin}(10){LOT}", "facility": "pkm-cipondoh", **more}
        answer = self.ask("POST", "/api/v1/scans", role, json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def turn(self, status: Status, vials: int | None = None) -> None:
        """Some of the vials get another status, as a hold or a recall gives it."""
        with transaction(self.services.engine) as db:
            line = StatusLine(
                batch_id=self.world.batches[f"az-10/{LOT}"].id,
                holder_id=self.world.equipment["pkm-cipondoh-k1"].id,
                from_status=Status.USABLE,
                to_status=status,
                vials=vials,
                account=Account.PLACE,
            )
            change = StatusChange(id=uuid7(), facility_id=self.world.puskesmas.id, lines=(line,), cause=uuid7())
            change_status(db, SYSTEM, change, now=utc_now())


@pytest.fixture
def shelf(api: TestClient, app_services: Services, committed_world: World) -> Shelf:
    now = utc_now()
    with transaction(app_services.engine) as db:
        batch = add_batch(
            db,
            SYSTEM,
            NewBatch(presentation="az-10", lot=LOT, expiry=now.date() + timedelta(days=200)),
            now=now,
        )
        committed_world.batches[f"az-10/{LOT}"] = batch
        supply = PostEvent(
            id=uuid7(),
            kind=Kind.SUPPLY,
            facility_id=committed_world.puskesmas.id,
            occurred_at=now - timedelta(hours=1),
            lines=(Line(batch_id=batch.id, vials=10, place_id=committed_world.equipment["pkm-cipondoh-k1"].id),),
        )
        post_event(db, SYSTEM, supply, now=now)
    return Shelf(client=api, services=app_services, world=committed_world)


def test_a_usable_vial_is_good_and_says_where_the_others_lie(shelf: Shelf) -> None:
    found = shelf.scan()
    assert (found["verdict"], found["warnings"]) == ("good", [])
    assert [(e["place"], e["status"], e["vials"]) for e in found["here"]] == [("pkm-cipondoh-k1", "usable", 10)]


@pytest.mark.parametrize(
    ("status", "vials"), [(Status.HELD, None), (Status.HELD, 3), (Status.RECALLED, None), (Status.UNUSABLE, 1)]
)
def test_vials_that_are_stopped_here_are_never_good(shelf: Shelf, status: Status, vials: int | None) -> None:
    shelf.turn(status, vials)
    found = shelf.scan()
    assert found["verdict"] == "stop"
    assert status.value in found["warnings"]
    assert {(e["status"], e["vials"]) for e in found["here"] if e["status"] == status} == {(status.value, vials or 10)}


def test_a_recalled_lot_is_never_good_even_where_none_of_it_lies(shelf: Shelf) -> None:
    body = {"id": str(uuid7()), "batch": f"az-10/{LOT}", "reason": "partikel asing"}
    assert shelf.ask("POST", "/api/v1/recalls", json=body).status_code == 201
    found = shelf.scan(facility="pkm-tanah-tinggi", role=Role.CITY)
    assert (found["verdict"], found["recall"]) == ("stop", "partikel asing")
    assert {"recalled", "not_here"} <= set(found["warnings"])


def test_what_the_books_do_not_know_here_is_asked_about(shelf: Shelf) -> None:
    found = shelf.scan(facility="pkm-tanah-tinggi", role=Role.CITY)
    assert (found["verdict"], found["warnings"], found["here"]) == ("ask", ["not_here"], [])


def test_a_scan_shows_only_what_its_caller_may_see(shelf: Shelf) -> None:
    assert (
        shelf.ask("POST", "/api/v1/scans", Role.VACCINATOR, json={"text": "x", "facility": "biofarma"}).status_code
        == 404
    )
    anywhere = shelf.scan(facility=None, role=Role.CITY)
    assert [each["facility"] for each in anywhere["here"]] == ["pkm-cipondoh"]


@pytest.mark.parametrize("text", ["(01)08991234567891(10)X", "Rak atas", "08991234567891", "]Q1www.example.id"])
def test_what_is_not_known_is_never_good(shelf: Shelf, text: str) -> None:
    assert shelf.scan(text)["verdict"] == "stop"


def test_a_label_with_another_day_shows_both_and_which_counts(shelf: Shelf) -> None:
    known = shelf.world.batches[f"az-10/{LOT}"].expiry
    gtin = shelf.world.presentations["az-10"].gtin
    found = shelf.scan(f"(01){gtin}(10){LOT}(17)291231")
    assert found["expiry"] == {"label": "2029-12-31", "catalogue": known.isoformat(), "rules": "catalogue"}
    assert (found["verdict"], found["warnings"]) == ("stop", ["expiry_differs"])


def test_a_monitor_that_is_spent_is_never_good(shelf: Shelf) -> None:
    body = {
        "id": str(uuid7()),
        "kind": "supply",
        "facility": "pkm-cipondoh",
        "occurred_at": utc_now().isoformat(),
        "lines": [{"batch": "penta-5/PB002", "vials": 4, "place": "pkm-cipondoh-k1", "vvm_stage": 3}],
    }
    answer = shelf.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=body)
    assert answer.status_code == 201, answer.text
    found = shelf.scan("penta-5/PB002")
    assert found["verdict"] == "stop"
    assert {"unusable", "vvm_spent"} <= set(found["warnings"])


def test_an_opened_vial_past_its_time_is_never_good(shelf: Shelf) -> None:
    now = utc_now()
    body = {
        "id": str(uuid7()),
        "kind": "opening",
        "facility": "pkm-cipondoh",
        "occurred_at": (now - timedelta(minutes=50)).isoformat(),
        "lines": [{"batch": f"az-10/{LOT}", "vials": 1, "place": "pkm-cipondoh-k1"}],
    }
    assert shelf.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=body).status_code == 201
    assert shelf.scan()["verdict"] == "good"
    (vial,) = shelf.get("/api/v1/stock/open-vials", facility="pkm-cipondoh")["items"]
    with transaction(shelf.services.engine) as db:
        db.get_one(OpenVial, UUID(vial["id"])).discard_by = now - timedelta(minutes=5)
    found = shelf.scan()
    assert (found["verdict"], found["warnings"]) == ("ask", ["open_too_long"])
    assert shelf.scan(facility=None, role=Role.CITY)["warnings"] == ["open_too_long"]
    rest = {"occurred_at": now.isoformat(), "reason": "time_limit"}
    thrown = shelf.ask("POST", f"/api/v1/stock/open-vials/{vial['id']}/discard", Role.MANAGER, json=rest)
    assert thrown.status_code == 200, thrown.text
    assert shelf.scan()["verdict"] == "good"


def test_a_place_a_facility_and_a_typed_lot_open_what_they_are(shelf: Shelf) -> None:
    place = shelf.scan("]Q1PKM-CIPONDOH-K1")
    assert (place["opens"]["thing"], place["opens"]["ref"]) == ("place", "pkm-cipondoh-k1")
    assert shelf.scan("pkm-cipondoh")["opens"]["thing"] == "facility"
    assert shelf.scan("pkm-tanah-tinggi-k1")["opens"] is None
    typed = shelf.scan(LOT)
    assert (typed["batch"]["lot"], typed["verdict"]) == (LOT, "good")


def test_a_lot_that_several_products_have_says_how_to_say_which(shelf: Shelf) -> None:
    now = utc_now()
    with transaction(shelf.services.engine) as db:
        other = NewBatch(presentation="mr-10", lot=LOT, expiry=now.date() + timedelta(days=200))
        add_batch(db, SYSTEM, other, now=now)
    body = shelf.scan(LOT)
    assert (body["batch"], body["verdict"], body["warnings"]) == (None, "stop", ["several_products"])
    assert shelf.scan(f"az-10/{LOT}")["batch"]["lot"] == LOT


def test_a_sensor_opens_by_code_and_by_serial(shelf: Shelf) -> None:
    body = {"code": "qr-sensor-1", "kind": "native", "facility": "pkm-cipondoh", "serial": "SN-4711"}
    made = shelf.ask("POST", "/api/v1/devices", json=body)
    assert made.status_code == 201, made.text
    for text in ("qr-sensor-1", "sn-4711", "]d1QR-SENSOR-1"):
        assert shelf.scan(text)["opens"] == {
            "thing": "sensor",
            "ref": "qr-sensor-1",
            "name": "qr-sensor-1",
            "facility": None,
            "state": None,
            "day": None,
            "dose": None,
        }


def test_a_box_opens_its_shipment_for_either_end_and_for_nobody_else(shelf: Shelf) -> None:
    ship = {
        "id": str(uuid7()),
        "from": "pkm-cipondoh",
        "to": "pkm-tanah-tinggi",
        "lines": [{"product": "az-10", "vials": 2}],
    }
    made = shelf.ask("POST", "/api/v1/shipments", Role.CITY, json=ship)
    assert made.status_code == 201, made.text
    code = made.json()["code"]
    packed = shelf.ask("POST", f"/api/v1/shipments/{code}/pack", Role.CITY, json={"boxes": [{}]})
    assert packed.status_code in (200, 201), packed.text
    sscc = shelf.get(f"/api/v1/shipments/{code}")["boxes"][0]["sscc"]
    for text in (sscc, f"(00){sscc}", f"]C100{sscc}", f"00{sscc}"):
        found = shelf.scan(text)
        assert (found["opens"]["thing"], found["opens"]["ref"]) == ("shipment", code)
    assert shelf.scan(code)["opens"]["thing"] == "shipment"
    hidden = shelf.scan("(00)189912345000000017")
    assert (hidden["opens"], hidden["verdict"], hidden["warnings"]) == (None, "stop", ["unknown_sscc"])


def test_a_citizens_ticket_opens_its_booking_for_those_who_may_see_it(shelf: Shelf) -> None:
    session = {**session_body(presentation="az-10"), "id": str(uuid7())}
    assert shelf.ask("POST", "/api/v1/sessions", Role.CITY, json=session).status_code == 201
    person = {"id": str(uuid7()), "nik": fresh_nik(), "name": "Warga Rekaan"}
    assert shelf.ask("POST", "/api/v1/persons", Role.CITY, json=person).status_code == 201
    booking = {"id": str(uuid7()), "person": person["id"], "session": session["id"], "dose": 1, "medium": "app"}
    assert shelf.ask("POST", "/api/v1/bookings", Role.CITY, json=booking).status_code == 201
    code = shelf.get(f"/api/v1/bookings/{booking['id']}/ticket", Role.CITY)["ticket"]
    settings = shelf.services.settings
    office = TicketOffice.of(Keyring.of(settings), settings.api.public_url)
    link = office.link(office.sealed(UUID(booking["id"])))
    for text in (code, f"]Q1{code}", link):
        opened = shelf.scan(text)["opens"]
        assert (opened["thing"], opened["ref"], opened["dose"]) == ("ticket", booking["id"], 1)
        assert (opened["day"], opened["facility"], opened["state"]) == (session["date"], "pkm-cipondoh", "reserved")
    assert shelf.scan(code, role=Role.WAREHOUSE, facility=None)["opens"] is None
    forged = f"{code[:-2]}{'B' if code[-2] == 'A' else 'A'}{code[-1]}"
    assert shelf.scan(forged)["opens"] is None
    changing = f"/api/v1/bookings/{booking['id']}/ticket/change-address"
    assert shelf.ask("POST", changing, Role.WAREHOUSE, json={}).status_code == 403
    assert shelf.ask("POST", f"/api/v1/bookings/{uuid7()}/ticket/change-address", Role.CITY, json={}).status_code == 404
    assert shelf.scan(link)["opens"] is not None
    assert shelf.ask("POST", changing, Role.CITY, json={}).status_code == 204
    changed = shelf.ask("POST", "/api/v1/scans", Role.CITY, json={"text": link, "facility": "pkm-cipondoh"})
    assert (changed.status_code, changed.json()["code"]) == (404, "registration.ticket_not_found")
    assert shelf.scan(code)["opens"] is not None  # the code for the door stays good
