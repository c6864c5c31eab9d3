"""Jobs that the phone's own program does without a network, and what the house makes of the steps they write."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.accounts import signed_in
from tests.support.phone import Phone
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

PLACE, CITY = "pkm-cipondoh", "kota-tangerang"
FRIDGE = f"{PLACE}-k1"
SCRIPT = Path(__file__).resolve().parents[1] / "support" / "phone_jobs.mjs"


@dataclass
class Shift:
    """A phone of the head with the store's holdings on it; the city above."""

    phone: Phone
    api: TestClient
    city: dict[str, str]

    def works(self, *acts: dict[str, Any]) -> list[dict[str, Any]]:
        """Do jobs on the phone, write the steps into its book and send them: what became of each."""
        answer = self.api.get(f"/api/v1/handsets/holdings?facility={PLACE}", headers=self.phone.headers)
        asked = {"told": answer.json(), "facility": PLACE, "at": self.phone.now.isoformat(), "acts": acts}
        node = Path(sys.executable).with_name("node")
        done = subprocess.run([node, SCRIPT], input=json.dumps(asked), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        before = len(self.phone.lines)
        for step in json.loads(done.stdout)["steps"]:
            self.phone.write(step["kind"], step["body"], needs=step["needs"], id=step["id"])
        return self.phone.sent(self.phone.lines[before:])

    def read(self, shipment: str) -> dict[str, Any]:
        answer = self.api.get(f"/api/v1/shipments/{shipment}", headers=self.city)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def stock(self, kind: str, vials: int, **line: Any) -> None:
        self.phone.event(kind, vials, **line)
        assert self.phone.sent()[-1]["state"] == "done"


@pytest.fixture
def shift(api: TestClient, app_services: Services, committed_world: World) -> Shift:
    phone = Phone(api, signed_in(app_services, committed_world, Role.MANAGER), PLACE, utc_now())
    assert phone.enrol().status_code == 201
    return Shift(phone, api, signed_in(app_services, committed_world, Role.WAREHOUSE))


def test_an_order_is_asked_of_the_store_above_and_taken_back(shift: Shift) -> None:
    (made,) = shift.works({"job": "order", "fields": {"wanted": {"az-10": 12, "penta-5": 0}}})
    assert made["state"] == "done", made
    order = shift.read(made["id"])
    assert (order["from"], order["to"], order["kind"], order["state"]) == (CITY, PLACE, "order", "requested")
    assert [(line["product"], line["vials"]) for line in order["lines"]] == [("az-10", 12)]
    again, back = shift.works({"job": "order", "fields": {"wanted": {"az-10": 3}}}, {"back": "tidak jadi"})
    assert [again["state"], back["state"]] == ["done", "done"]
    given_up = shift.read(again["id"])
    assert (given_up["state"], given_up["cancel_reason"]) == ("cancelled", "tidak jadi")
    assert given_up["cancelled_by"] == given_up["created_by"]


def test_what_was_stopped_goes_back_up_in_a_box_and_leaves_before_the_house_has_told_it(shift: Shift) -> None:
    shift.stock("supply", 10)
    shift.stock("status", 4, to_status="held", reason="dicurigai")
    lot = {"job": "return", "scans": ["penta-5/PB001", "penta-5/PB001", "penta-5/PB001"]}
    items = shift.works(lot, {"job": "dispatch"})
    assert [item["state"] for item in items] == ["done"] * 3, items
    sent = shift.read(items[0]["id"])
    assert (sent["kind"], sent["to"], sent["state"]) == ("return", CITY, "in_transit")
    (box,) = sent["boxes"]
    assert [(line["status"], line["vials"]) for line in box["lines"]] == [("held", 3)]


def test_boxes_without_a_word_are_told_to_their_sender_who_confirms(shift: Shift) -> None:
    supply = {"id": str(uuid7()), "kind": "supply", "facility": CITY, "occurred_at": shift.phone.now.isoformat()}
    line = {"batch": "penta-5/PB001", "place": f"{CITY}-r1", "vials": 5}
    shift.api.post("/api/v1/stock/events", json={**supply, "lines": [line]}, headers=shift.city)
    shift.stock("supply", 1)
    (made,) = shift.works({"job": "tell", "scans": ["penta-5/PB001"] * 5 + [FRIDGE]})
    assert made["state"] == "done", made
    assert shift.read(made["id"])["state"] == "unconfirmed"
    answer = shift.api.post(f"/api/v1/shipments/{made['id']}/confirm", json={}, headers=shift.city)
    assert answer.status_code == 200, answer.text
    assert shift.read(made["id"])["state"] == "received"
    told, back = shift.works({"job": "tell", "scans": ["penta-5/PB001", FRIDGE]}, {"back": "salah"})
    assert [told["state"], back["state"]] == ["done", "done"]
    assert shift.read(told["id"])["state"] == "cancelled"


def test_its_sender_confirms_on_the_phone_what_was_told_without_a_word(shift: Shift) -> None:
    shift.stock("supply", 7)
    line = {"batch": "penta-5/PB001", "place": f"{CITY}-r1", "vials": 4}
    # The house's clock is the phone's: what arrives was there before.
    told = {"id": str(uuid7()), "from": PLACE, "to": CITY, "arrived_at": utc_now().isoformat(), "lines": [line]}
    code = shift.api.post("/api/v1/shipments/unannounced", json=told, headers=shift.city).json()["code"]
    (done,) = shift.works({"job": "confirm", "scans": [code]})
    assert (done["state"], shift.read(code)["state"]) == ("done", "received"), done
    answer = shift.api.get(f"/api/v1/handsets/holdings?facility={CITY}", headers=shift.city).json()
    assert answer["shipments"] == []


def test_a_receipt_of_the_wrong_boxes_is_taken_back_and_done_anew(shift: Shift) -> None:
    supply = {"id": str(uuid7()), "kind": "supply", "facility": CITY, "occurred_at": shift.phone.now.isoformat()}
    line = {"batch": "az-10/AZ003", "place": f"{CITY}-r1", "vials": 8}
    shift.api.post("/api/v1/stock/events", json={**supply, "lines": [line]}, headers=shift.city)
    ends = {"id": str(uuid7()), "from": CITY, "to": PLACE, "lines": [{"product": "az-10", "vials": 8}]}
    code = shift.api.post("/api/v1/shipments", json=ends, headers=shift.city).json()["code"]
    for step in ("pack", "dispatch"):
        assert shift.api.post(f"/api/v1/shipments/{code}/{step}", json={}, headers=shift.city).status_code == 200
    receive = {"job": "receive", "scans": [code, FRIDGE]}
    items = shift.works(receive, {"back": "salah kiriman"})
    assert [item["state"] for item in items] == ["done", "done"], items
    (undone,) = shift.read(code)["receipts"]
    assert (undone["taken_back"], undone["taken_back_because"]) == (True, "salah kiriman")
    assert shift.read(code)["state"] == "in_transit"
    for facility, headers in ((PLACE, shift.phone.headers), (CITY, shift.city)):
        told = shift.api.get(f"/api/v1/handsets/holdings?facility={facility}", headers=headers).json()
        (why,) = (row["undone"] for row in told["shipments"] if row["code"] == code)
        assert (why["by"], why["reason"]) == (undone["recorded_by"], "salah kiriman")
    (again,) = shift.works(receive)
    assert again["state"] == "done", again
    assert shift.read(code)["state"] == "received"


def test_what_has_not_come_stays_expected_and_is_taken_with_the_next_delivery_without_a_network(shift: Shift) -> None:
    supply = {"id": str(uuid7()), "kind": "supply", "facility": CITY, "occurred_at": shift.phone.now.isoformat()}
    line = {"batch": "az-10/AZ003", "place": f"{CITY}-r1", "vials": 8}
    shift.api.post("/api/v1/stock/events", json={**supply, "lines": [line]}, headers=shift.city)
    ends = {"id": str(uuid7()), "from": CITY, "to": PLACE, "lines": [{"product": "az-10", "vials": 8}]}
    code = shift.api.post("/api/v1/shipments", json=ends, headers=shift.city).json()["code"]
    for step in ("pack", "dispatch"):
        assert shift.api.post(f"/api/v1/shipments/{code}/{step}", json={}, headers=shift.city).status_code == 200
    part = {"job": "receive", "scans": [code, *["az-10/AZ003"] * 3, FRIDGE]}
    items = shift.works(part, {"job": "receive", "scans": [code, FRIDGE]})
    assert [item["state"] for item in items] == ["done", "done"], items
    found = shift.read(code)
    assert [receipt["final"] for receipt in found["receipts"]] == [False, True]
    (row,) = found["differences"]
    assert (found["state"], row["accepted"], row["missing"], row["on_road"]) == ("received", 8, 0, 0)


def test_a_logger_opens_its_shipment_and_the_receipt_names_it(shift: Shift) -> None:
    supply = {"id": str(uuid7()), "kind": "supply", "facility": CITY, "occurred_at": shift.phone.now.isoformat()}
    line = {"batch": "az-10/AZ003", "place": f"{CITY}-r1", "vials": 8}
    shift.api.post("/api/v1/stock/events", json={**supply, "lines": [line]}, headers=shift.city)
    ends = {"id": str(uuid7()), "from": CITY, "to": PLACE, "lines": [{"product": "az-10", "vials": 8}]}
    code = shift.api.post("/api/v1/shipments", json=ends, headers=shift.city).json()["code"]
    for step, body in (("pack", {"boxes": [{"logger": "LOG-77"}]}), ("dispatch", {})):
        assert shift.api.post(f"/api/v1/shipments/{code}/{step}", json=body, headers=shift.city).status_code == 200
    scans = ["(01)08991234567891(21)LOG-77", FRIDGE, "@logger", "LOG-5"]
    (done,) = shift.works({"job": "receive", "scans": scans})
    assert done["state"] == "done", done
    (receipt,) = shift.read(code)["receipts"]
    assert [(each["number"], each["on_note"]) for each in receipt["loggers"]] == [("LOG-5", False), ("LOG-77", True)]


def test_a_box_is_emptied_again(shift: Shift) -> None:
    shift.stock("supply", 6)
    ends = {"id": str(uuid7()), "from": PLACE, "to": CITY, "lines": [{"product": "penta-5", "vials": 2}]}
    code = shift.api.post("/api/v1/shipments", json=ends, headers=shift.phone.headers).json()["code"]
    items = shift.works({"job": "pick", "scans": [code, "penta-5/PB001", "penta-5/PB001"]}, {"back": "salah kotak"})
    assert [item["state"] for item in items] == ["done", "done"], items
    assert shift.read(code)["state"] == "approved"


def test_the_logger_the_seal_and_the_label_of_a_box_are_scanned(shift: Shift) -> None:
    shift.stock("supply", 6)
    ends = {"id": str(uuid7()), "from": PLACE, "to": CITY, "lines": [{"product": "penta-5", "vials": 2}]}
    code = shift.api.post("/api/v1/shipments", json=ends, headers=shift.phone.headers).json()["code"]
    label = "(00)189912345000000017"
    logger = ["@logger", label, "(01)08991234567891(21)LOG-77", "@seal", "S-1"]
    (packed,) = shift.works({"job": "pick", "scans": [code, "penta-5/PB001", "penta-5/PB001", *logger, label]})
    assert packed["state"] == "done", packed
    (box,) = shift.read(code)["boxes"]
    assert (box["logger"], box["seal"], box["sscc"]) == ("LOG-77", "S-1", "189912345000000017")
