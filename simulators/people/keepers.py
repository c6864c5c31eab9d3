"""Storekeepers: take shipments in, send some on, count a shelf, and now and then break a vial."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from simulators.people.book import Book
from simulators.people.browser import Browser
from simulators.people.hands import DeskHands, Hands, PhoneHands
from simulators.people.work import Worker, refusal

MISCOUNT = 0.1
"""Share of counts that find one vial fewer than the books say."""

BREAKAGE = 0.08
"""Share of acts that are a broken vial; of boxes that arrive with one."""

SENDS = 0.3
SHIPMENT_VIALS = (4, 12)
ON_THE_ROAD = timedelta(seconds=75)
"""The simulation's roads are short: whoever watches should see a shipment arrive."""


class Keeper(Worker):
    """One storekeeper. `sends_to`: facilities that get vaccine from this store."""

    pace_s = 40.0

    def __init__(self, phone: Browser, facility: str, *, seed: str, sends_to: Sequence[str] = ()) -> None:
        super().__init__(phone, "keeps the store", seed=seed)
        self.browser = phone
        self.facility = facility
        self._sends_to = sends_to
        self._desk = DeskHands(phone, facility)
        # A store that sends has a desk; the others do all with the phone in their hands.
        book = Book(phone, self.settled_id("handset", phone.username), facility)
        self._hands: Hands = self._desk if sends_to else PhoneHands(book)

    def act(self, now: datetime) -> str | None:
        """One piece of work: what arrived comes first."""
        shelf = self._shelf()
        if not shelf:
            return None
        arrived = self._arrived(now)
        if arrived is not None:
            return self._receive(arrived, shelf, now)
        if self._sends_to and self.dice.random() < SENDS:
            return self._send(self.dice.choice(shelf), now)
        if self.dice.random() < BREAKAGE:
            return self._waste(self.dice.choice(shelf), now)
        return self._count(self.dice.choice(shelf), now)

    def _shelf(self) -> list[dict[str, Any]]:
        """Usable vials lying in places of the own facility."""
        rows = self.phone.get("/api/v1/stock", facility=self.facility, limit=200).items()
        return [
            row
            for row in rows
            if row["account"] == "place" and row["status"] == "usable" and row["vials"] > 1 and not row["expired"]
        ]

    def _arrived(self, now: datetime) -> dict[str, Any] | None:
        """A shipment to this store that has been on the road long enough."""
        coming = self.phone.get("/api/v1/shipments", facility=self.facility, state="in_transit", limit=50).items()
        for shipment in coming:
            left_at = shipment["dispatched_at"]
            if shipment["to"] == self.facility and left_at and datetime.fromisoformat(left_at) + ON_THE_ROAD <= now:
                return shipment
        return None

    def _receive(self, shipment: dict[str, Any], shelf: list[dict[str, Any]], now: datetime) -> str | None:
        detail = self.phone.get(f"/api/v1/shipments/{shipment['id']}")
        if not detail.ok:
            return f"reading a shipment was {refusal(detail)}"
        place_of = {row["product"]: row["place"] for row in shelf}
        lines = []
        broken = 0
        for sent in detail.body["differences"]:
            bad = 1 if sent["on_road"] > 1 and self.dice.random() < BREAKAGE else 0
            line: dict[str, Any] = {
                "batch": sent["batch_id"],
                "place": place_of.get(sent["product"], shelf[0]["place"]),
                "accepted": sent["on_road"] - bad,
            }
            if bad:
                line |= {"rejected": bad, "reason": "broken"}
            broken += bad
            lines.append(line)
        receipt = {"id": self.fresh_id(now), "occurred_at": now.isoformat(), "lines": lines}
        answer = self._hands.receive(shipment["code"], receipt)
        if not answer.ok:
            return f"taking in {shipment['code']} was {refusal(answer)}"
        vials = sum(line["accepted"] for line in lines)
        return f"took in {shipment['code']}: {vials} vials" + (f", {broken} broken" if broken else "")

    def _send(self, row: dict[str, Any], now: datetime) -> str | None:
        """Pack and let leave in one go, of the lot whose turn it is."""
        to = self.dice.choice(self._sends_to)
        answer = self._desk.send(to, row["product"], self.dice.randint(*SHIPMENT_VIALS), self.fresh_id(now))
        if not answer.ok:
            return f"sending {row['product']} to {to} was {refusal(answer)}"
        return f"sent {answer.body['vials']} vials of {row['product']} to {to}"

    def _count(self, row: dict[str, Any], now: datetime) -> str | None:
        found = row["vials"] - (1 if self.dice.random() < MISCOUNT else 0)
        line = {"batch": row["batch_id"], "place": row["place"], "vials": found, "status": "usable"}
        done = self._post("count", line, now)
        if done or found == row["vials"]:
            return done
        return f"counted {found} vials of {row['product']} {row['lot']} in {row['place']}, one fewer than booked"

    def _waste(self, row: dict[str, Any], now: datetime) -> str | None:
        line = {"batch": row["batch_id"], "place": row["place"], "vials": 1, "status": "usable", "reason": "broken"}
        return self._post("waste", line, now) or f"broke a vial of {row['product']} in {row['place']}"

    def _post(self, kind: str, line: dict[str, Any], now: datetime) -> str | None:
        """Post one event; a sentence only if it was refused."""
        body = {
            "id": self.fresh_id(now),
            "kind": kind,
            "facility": self.facility,
            "occurred_at": now.isoformat(),
            "lines": [line],
        }
        answer = self._hands.record(body)
        return None if answer.ok else f"a {kind} was {refusal(answer)}"
