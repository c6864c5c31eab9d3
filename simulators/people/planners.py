"""Facility managers plan vaccination sessions, a few days ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from simulators.people.http import Phone
from simulators.people.work import Worker, local_day, refusal

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

    pace_s = 45.0

    def __init__(self, phone: Phone, facility: str, products: Sequence[str], *, seed: str) -> None:
        super().__init__(phone, "plans sessions", seed=seed)
        self._facility = facility
        self._products = products
        self._planned: set[str] = set()

    def rest_s(self) -> float:
        """At once while there is something to plan, so that citizens find it."""
        return super().rest_s() if self._planned else 1.0

    def act(self, now: datetime) -> str | None:
        """Plan what is missing of the next days."""
        today = local_day(now)
        made = 0
        for ahead in range(DAYS_AHEAD):
            if ahead == 0 and today.hour >= LAST_HOUR - 1:
                continue
            day = (today + timedelta(days=ahead)).date()
            for product in self._products:
                session = self.settled_id("session", self._facility, day, product)
                if session in self._planned:
                    continue
                body = {
                    "id": session,
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
                if not answer.ok:
                    return f"planning a session was {refusal(answer)}"
                self._planned.add(session)
                made += answer.status == 201
        return f"planned {made} sessions at {self._facility}" if made else None
