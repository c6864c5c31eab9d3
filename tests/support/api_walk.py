"""A valid life over HTTP: every step is checked against the OpenAPI description, and its ids are kept.

Generated requests seldom get past the first look-up. This walk does what people, devices and other systems do: a
fridge fails, stock is held, a booking is moved, so that every room has something to show.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import requests
from schemathesis import Case
from sqlalchemy import Engine

from simulators.manifest import DeviceEntry
from simulators.sensors.device import Device
from tracker.coldchain.service.evaluation import evaluate_marked
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now
from tracker.reactions import runners

PUSKESMAS, CITY, FRIDGE = "pkm-cipondoh", "kota-tangerang", "pkm-cipondoh-k1"
Checks = Callable[[Case[Any], Any], None]


@dataclass
class Walk:
    """One caller on the way. `checked(case, response)` validates against the description."""

    schema: Any
    session: requests.Session
    headers: dict[str, str]
    checked: Checks
    engine: Engine
    now: datetime
    ids: dict[str, str] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    """Writes that were sent again under their key, and gave the same answer to the byte."""

    def step(self, method: str, path: str, expected: int, body: Any = None, **given: Any) -> Any:
        """Call an operation; `given` are path parameters, `query` the query. Gives the JSON body."""
        query = given.pop("query", {})
        headers = given.pop("headers", self.headers)
        operation = self.schema[path][method]
        more = {} if body is None else {"body": body, "media_type": "application/json"}
        case = operation.Case(path_parameters=given, query=query, **more)
        if method != "GET" and headers is self.headers:
            headers = {**headers, "Idempotency-Key": str(uuid4())}
        response = case.call(session=self.session, headers=headers, timeout=90)
        assert response.status_code == expected, f"{method} {path}: {response.status_code} {response.text[:1000]}"
        if "Idempotency-Key" in headers:
            again = case.call(session=self.session, headers=headers, timeout=90)
            assert (again.status_code, again.content) == (response.status_code, response.content), f"{method} {path}"
            self.repeated.add(f"{method} {path}")
        self.checked(case, response)
        self.visited.add(f"{method} {path}")
        return response.json() if response.content else None

    def react(self) -> None:
        """What the worker does, until nothing is left to do."""
        for _ in range(20):
            number_pending(self.engine)
            done = evaluate_marked(self.engine, now=self.now)
            done += sum(runner.run_once() for runner in runners(self.engine, lambda: self.now))
            if not done:
                return

    def fresh(self, name: str) -> str:
        """A new id, remembered under a name."""
        self.ids[name] = str(uuid4())
        return self.ids[name]

    def whole_life(self) -> None:
        """All chapters in order."""
        self.stock_comes()
        self.people_book()
        self.fridge_fails()
        self.stock_moves()
        self.lot_is_corrected()
        self.batch_is_recalled()
        self.everything_is_read()

    def stock_comes(self) -> None:
        expiry = (self.now + timedelta(days=200)).date().isoformat()
        batch = self.step("POST", "/api/v1/batches", 201, {"product": "az-10", "lot": "WALK1", "expiry": expiry})
        self.ids["batch"] = batch["id"]
        for facility, place, vials in ((PUSKESMAS, FRIDGE, 20), (CITY, "kota-tangerang-r1", 200)):
            event = {
                "id": self.fresh("event"),
                "kind": "supply",
                "facility": facility,
                "occurred_at": (self.now - timedelta(days=2)).isoformat(),
                "lines": [{"batch": batch["id"], "place": place, "vials": vials}],
            }
            self.step("POST", "/api/v1/stock/events", 201, event)
            self.step("POST", "/api/v1/stock/events", 200, event)

    def people_book(self) -> None:
        day = (self.now + timedelta(days=1)).date().isoformat()
        for name, facility in (("session", PUSKESMAS), ("other_session", CITY)):
            session = {
                "id": self.fresh(name),
                "facility": facility,
                "date": day,
                "from": "08:00",
                "to": "14:00",
                "presentation": "az-10",
                "doses": [1, 2],
                "capacity": 40,
            }
            self.step("POST", "/api/v1/sessions", 201, session)
            self.step("POST", "/api/v1/sessions", 200, session)
        for number, name in enumerate(("moved", "vaccinated", "cancelled", "waiting")):
            person = {
                "id": self.fresh(f"person_{name}"),
                "nik": f"367101410190000{number + 1}",
                "name": f"Warga {number}",
                "phone": f"+62860000000{number}",
            }
            self.step("POST", "/api/v1/persons", 201, person)
            session_id = self.ids["session" if name == "moved" else "other_session"]
            booking = {"id": self.fresh(f"booking_{name}"), "person": person["id"], "session": session_id, "dose": 1}
            self.step("POST", "/api/v1/bookings", 201, booking)
            self.step("POST", "/api/v1/bookings", 200, booking)
            if name != "waiting":
                self.step("POST", "/api/v1/bookings/{booking_id}/confirm", 200, booking_id=booking["id"])
        self.ids["booking"], self.ids["person"] = self.ids["booking_waiting"], self.ids["person_waiting"]
        self.step("POST", "/api/v1/bookings/{booking_id}/cancel", 200, booking_id=self.ids["booking_cancelled"])
        given = self.ids["booking_vaccinated"]
        self.step("GET", "/api/v1/bookings/{booking_id}/ticket", 200, booking_id=given)
        self.step("POST", "/api/v1/bookings/{booking_id}/arrive", 200, booking_id=given)
        self.step("POST", "/api/v1/bookings/{booking_id}/screen", 200, {"result": "fit"}, booking_id=given)
        # In most hours of the day the session is tomorrow's at its place.
        word = {"override": "diberikan sehari lebih awal"}
        self.step("POST", "/api/v1/bookings/{booking_id}/vaccinate", 200, word, booking_id=given)
        open_vials = self.step("GET", "/api/v1/stock/open-vials", 200, query={"facility": CITY})
        self.ids["open_vial"] = open_vials["items"][0]["id"]

    def fridge_fails(self) -> None:
        """A gateway delivers the last twelve hours of a fridge without power."""
        gateway = {"code": "GW-WALK", "facility": PUSKESMAS, "kind": "gateway"}
        password = self.step("POST", "/api/v1/devices", 201, gateway)["mqtt_password"]
        logger = {
            "code": "LOG-WALK", "facility": PUSKESMAS, "kind": "logger", "serial": "SN-WALK", "gateway": "GW-WALK",
        }  # fmt: skip
        self.step("POST", "/api/v1/devices", 201, logger)
        channel = {
            "name": "TVC", "role": "storage", "equipment": FRIDGE, "interval_s": 300,
            "from": (self.now - timedelta(days=1)).isoformat(),
        }  # fmt: skip
        self.step("POST", "/api/v1/devices/{device}/channels", 201, channel, device="LOG-WALK")
        entry = DeviceEntry.model_validate(
            {
                "code": "GW-WALK", "password": password, "kind": "ems", "interval_s": 300,
                "appliances": [{"serial": "SN-WALK", "equipment": FRIDGE, "scenario": "late_heat"}],
            }
        )  # fmt: skip
        device = Device(entry, seed="walk", began=self.now, now=self.now)
        device.measure(self.now)
        delivery = device.encode(device.memory.take(10_000), self.now)
        proof = base64.b64encode(f"GW-WALK:{password}".encode()).decode()
        basic = {"Authorization": f"Basic {proof}", "Content-Type": "application/json"}
        url = f"{self.schema.get_base_url().rstrip('/')}/api/v1/ems"
        answer = requests.post(url, data=delivery, headers=basic, timeout=30)
        assert answer.status_code == 200, answer.text[:1000]
        self.react()
        alarms = self.step("GET", "/api/v1/alarms", 200)["items"]
        self.ids["alarm"] = next(alarm["id"] for alarm in alarms)
        self.step("POST", "/api/v1/alarms/{alarm_id}/acknowledge", 200, {"comment": "…"}, alarm_id=self.ids["alarm"])
        holds = self.step("GET", "/api/v1/holds", 200)["items"]
        self.ids["hold"] = holds[0]["id"]
        assert self.step("GET", "/api/v1/displacements", 200)["items"], "the booking at the warm fridge was moved"

    def stock_moves(self) -> None:
        """From the city to a puskesmas, with one vial missing."""
        shipment = {
            "id": self.fresh("shipment"),
            "from": CITY,
            "to": "pkm-tanah-tinggi",
            "lines": [{"product": "az-10", "vials": 6}],
        }
        self.step("POST", "/api/v1/shipments", 201, shipment)
        ref = self.ids["shipment"]
        self.step("POST", "/api/v1/shipments/{ref}/pack", 200, {}, ref=ref)
        self.step("POST", "/api/v1/shipments/{ref}/dispatch", 200, {}, ref=ref)
        line = {
            "batch": self.ids["batch"], "place": "pkm-tanah-tinggi-k1", "accepted": 5, "missing": 1, "reason": "lost",
        }  # fmt: skip
        receipt = {"id": str(uuid4()), "occurred_at": utc_now().isoformat(), "lines": [line], "final": True}
        self.step("POST", "/api/v1/shipments/{ref}/receipts", 201, receipt, ref=ref)
        self.step("POST", "/api/v1/shipments/{ref}/receipts", 200, receipt, ref=ref)
        self.delivery_is_told()

    def delivery_is_told(self) -> None:
        """Two vials came without a word; the city disputes them, and then finds that they are its own."""
        line = {"batch": self.ids["batch"], "place": "pkm-tanah-tinggi-k1", "vials": 2}
        came = {
            "id": str(uuid4()), "from": CITY, "to": "pkm-tanah-tinggi", "arrived_at": utc_now().isoformat(), "lines": [line],
        }  # fmt: skip
        self.step("POST", "/api/v1/shipments/unannounced", 201, came)
        self.step("POST", "/api/v1/shipments/unannounced", 200, came)
        self.step("POST", "/api/v1/shipments/{ref}/dispute", 200, {"reason": "bukan dari kami"}, ref=came["id"])
        self.step("POST", "/api/v1/shipments/{ref}/confirm", 200, {}, ref=came["id"])

    def lot_is_corrected(self) -> None:
        """Of the vials that came last; taken for the walk's own lot, they were another, and then they were not."""
        expiry = (self.now + timedelta(days=200)).date().isoformat()
        other = self.step("POST", "/api/v1/batches", 201, {"product": "az-10", "lot": "WALK3", "expiry": expiry})
        line = {"batch": other["id"], "place": "kota-tangerang-r1", "vials": 3}
        supply = {
            "id": str(uuid4()), "kind": "supply", "facility": CITY, "occurred_at": utc_now().isoformat(), "lines": [line],
        }  # fmt: skip
        self.step("POST", "/api/v1/stock/events", 201, supply)
        named = {"event": supply["id"], "wrong": other["id"], "right": self.ids["batch"]}
        self.step("GET", "/api/v1/stock/lot-corrections/foreseen", 200, query=named)
        correction = {"id": str(uuid4()), "reason": "salah baca label", **named}
        self.step("POST", "/api/v1/stock/lot-corrections", 201, correction)
        self.step("POST", "/api/v1/stock/lot-corrections", 200, correction)
        self.step("GET", "/api/v1/stock/lot-corrections", 200)

    def batch_is_recalled(self) -> None:
        batch = self.step(
            "POST", "/api/v1/batches", 201,
            {"product": "mr-10", "lot": "WALK2", "expiry": (self.now + timedelta(days=90)).date().isoformat()},
        )  # fmt: skip
        self.step("POST", "/api/v1/recalls", 201, {"id": self.fresh("recall"), "batch": batch["id"], "reason": "test"})
        done = {"reason": "nothing left"}
        self.step("POST", "/api/v1/recalls/{recall_id}/close", 200, done, recall_id=self.ids["recall"])
        self.step("POST", "/api/v1/webhooks", 201, {"url": "https://example.org/hook", "kinds": ["quota.*"]})
        self.ids["webhook"] = self.step("GET", "/api/v1/webhooks", 200)["items"][0]["id"]
        for what in ("stop", "start", "secret"):
            self.step("POST", "/api/v1/webhooks/{webhook_id}/" + what, 200, webhook_id=self.ids["webhook"])
        again = "/api/v1/webhooks/{webhook_id}/replay"
        self.step("POST", again, 200, {"after": 0}, webhook_id=self.ids["webhook"])

    def everything_is_read(self) -> None:
        """Every listing, and one of each thing."""
        for listing in (
            "facilities", "equipment", "products", "batches", "sensors", "devices", "dead-letters", "alarms", "holds",
            "areas", "shipments", "sessions", "bookings", "claims", "displacements", "open-places", "stock", "recalls", "quota", "me",
        ):  # fmt: skip
            self.step("GET", f"/api/v1/{listing}", 200)
        sensor = self.step("GET", "/api/v1/sensors", 200)["items"][0]
        self.ids["sensor"] = sensor["id"] if isinstance(sensor["id"], str) else str(sensor["id"])
        window = {"from": (self.now - timedelta(hours=13)).isoformat(), "to": self.now.isoformat()}
        for resolution in ("raw", "hour", "auto"):
            self.step(
                "GET", "/api/v1/sensors/{sensor}/readings", 200,
                sensor=self.ids["sensor"], query={**window, "resolution": resolution},
            )  # fmt: skip
        at_puskesmas = {"facility": PUSKESMAS}
        self.step("GET", "/api/v1/facilities/{ref}", 200, ref=PUSKESMAS)
        self.step("GET", "/api/v1/facilities/{ref}/nearest", 200, ref=PUSKESMAS)
        served = {"areas": ["36.71.05.1001", "36.71.05.1002"]}
        self.step("PUT", "/api/v1/facilities/{ref}/service-areas", 200, served, ref=PUSKESMAS)
        self.step("GET", "/api/v1/facilities/{ref}/service-areas", 200, ref=PUSKESMAS)
        self.step("GET", "/api/v1/batches/{batch}/passport", 200, batch=self.ids["batch"], query=at_puskesmas)
        self.step("GET", "/api/v1/batches/{ref}/trace", 200, ref=self.ids["batch"])
        self.step("GET", "/api/v1/stock/events/{event_id}", 200, event_id=self.ids["event"])
        self.step("GET", "/api/v1/shipments/{ref}", 200, ref=self.ids["shipment"])
        self.step("GET", "/api/v1/sessions/{session_id}", 200, session_id=self.ids["session"])
        self.step("GET", "/api/v1/bookings/{booking_id}", 200, booking_id=self.ids["booking"])
        self.step("GET", "/api/v1/persons/{person_id}", 200, person_id=self.ids["person"])
        self.step("GET", "/api/v1/recalls/{recall_id}", 200, recall_id=self.ids["recall"])
        self.step("GET", "/api/v1/sensors/{ref}/episodes", 200, ref=self.ids["sensor"])
        for leaf in ("days", "told-alarms"):
            self.step("GET", f"/api/v1/sensors/{{sensor}}/{leaf}", 200, sensor=self.ids["sensor"])
        asked = {**at_puskesmas, "product": "az-10"}
        self.step("GET", "/api/v1/stock/availability", 200, query=asked)
        self.step("GET", "/api/v1/stock/pick", 200, query={**asked, "vials": 3})
