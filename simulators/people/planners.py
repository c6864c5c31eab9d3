"""Facility managers plan vaccination sessions, a few days ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from simulators.people.http import Phone
from simulators.people.work import Worker, refusal, western_clock

DAYS_AHEAD = 3
CAPACITY = 120
LAST_HOUR = 21
"""Sessions of the simulation last into the evening, so that a demo has one whenever it is started."""

BUCKETS = (
    {"kind": "kelurahan", "share": 0.3},
    {"kind": "city", "share": 0.3},
    {"kind": "second_dose", "share": 0.2},
)


class Planner(Worker):
    """Keeps the next days of one facility planned. Planning the same session again is the same act."""

    pace_s = 300.0

    def __init__(self, phone: Phone, facility: str, products: Sequence[str], *, seed: str) -> None:
        super().__init__(phone, "plans sessions", seed=seed)
        self._facility = facility
        self._products = products

    def act(self, now: datetime) -> str | None:
        """Plan what is missing of the next days; a day that has a session of the vaccine has enough."""
        today = western_clock(now)
        made = 0
        for ahead in range(DAYS_AHEAD):
            if ahead == 0 and today.hour >= LAST_HOUR - 1:
                continue
            day = (today + timedelta(days=ahead)).date()
            for product in self._missing(day):
                refused = self._plan(product, day)
                if refused:
                    return refused
                made += 1
        return f"planned {made} sessions at {self._facility}" if made else None

    def _missing(self, day: date) -> list[str]:
        known = self.phone.get("/api/v1/sessions", facility=self._facility, limit=100, **{"from": day, "to": day})
        if not known.ok:
            return []
        there = {session["presentation"] for session in known.items() if session["state"] != "closed"}
        return [product for product in self._products if product not in there]

    def _plan(self, product: str, day: date) -> str | None:
        """One session; a sentence only if it was refused."""
        body = {
            "id": self.settled_id("session", self._facility, day, product),
            "facility": self._facility,
            "date": day.isoformat(),
            "from": "07:30",
            "to": f"{LAST_HOUR}:00",
            "presentation": product,
            "doses": [1, 2],
            "capacity": CAPACITY,
            "buckets": list(BUCKETS),
        }
        answer = self.phone.post("/api/v1/sessions", body)
        return None if answer.ok else f"planning a session was {refusal(answer)}"
