"""Storekeepers: take shipments in, send some on, count a shelf, and now and then break a vial."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulators.people.http import Phone
from simulators.people.work import Worker, refusal

MISCOUNT = 0.1
"""Share of counts that find one vial fewer than the books say."""

BREAKAGE = 0.08


class Keeper(Worker):
    """One storekeeper. `sends_to`: facilities that get vaccine from this store."""

    pace_s = 50.0

    def __init__(self, phone: Phone, facility: str, *, seed: str, sends_to: Sequence[str] = ()) -> None:
        super().__init__(phone, "keeps the store", seed=seed)
        self._facility = facility
        self._sends_to = sends_to

    def act(self, now: datetime) -> str | None:
        """One piece of work: count, or throw away a broken vial."""
        shelf = self._shelf()
        if not shelf:
            return None
        if self.dice.random() < BREAKAGE:
            return self._waste(self.dice.choice(shelf), now)
        return self._count(self.dice.choice(shelf), now)

    def _shelf(self) -> list[dict[str, Any]]:
        """Usable vials lying in places of the own facility."""
        rows = self.phone.get("/api/v1/stock", facility=self._facility, limit=200).items()
        return [row for row in rows if row["account"] == "place" and row["status"] == "usable" and row["vials"] > 1]

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
            "facility": self._facility,
            "occurred_at": now.isoformat(),
            "lines": [line],
        }
        answer = self.phone.post("/api/v1/stock/events", body)
        return None if answer.ok else f"a {kind} was {refusal(answer)}"
