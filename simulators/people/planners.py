"""Facility managers plan vaccination sessions, a few days ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from simulators.people.browser import Browser
from simulators.people.work import Worker, refusal, western_clock

DAYS_AHEAD = 3
CAPACITY = 120
LAST_HOUR = 21
"""Sessions of the simulation last into the evening, so that a demo has one whenever it is started."""

THE_DAYS_OWN = timedelta(minutes=40)
"""One session a day begins when the simulation finds none, at any hour: whoever watches sees it from its first guest to its end."""

OWN_CAPACITY = 30
SHORTEST = timedelta(minutes=35)
"""Nobody can book from afar in a session's last half hour."""

LINGER = timedelta(minutes=3)
"""So long after its end a session is left open: the desk serves who still waits."""

BUCKETS = (
    {"kind": "kelurahan", "share": 0.3},
    {"kind": "city", "share": 0.3},
    {"kind": "second_dose", "share": 0.2},
)


def days_own(worker: Worker, facility: str, day: date) -> str:
    """The number of the day's own session at a facility."""
    return worker.settled_id("the day's own", facility, day)


class Planner(Worker):
    """Keeps the next days of one facility planned and closes what is over. Planning the same session again is the same act."""

    pace_s = 180.0

    def __init__(self, phone: Browser, facility: str, products: Sequence[str], *, seed: str) -> None:
        super().__init__(phone, "plans sessions", seed=seed)
        self.browser = phone
        self._facility = facility
        self._products = products

    def act(self, now: datetime) -> str | None:
        """Plan what is missing of the next days; a day that has a session of the vaccine has enough."""
        today = western_clock(now)
        made = 0
        for ahead in range(DAYS_AHEAD):
            day = (today + timedelta(days=ahead)).date()
            sessions = self._sessions(day)
            if sessions is None:
                continue
            if ahead == 0:
                self._close(sessions, now)
            lacking = [] if ahead == 0 and today.hour >= LAST_HOUR - 1 else self._missing(sessions, day)
            own = self._own(sessions, today) if ahead == 0 else []
            for body in (*lacking, *own):
                answer = self.phone.post("/api/v1/sessions", body)
                if not answer.ok:
                    return f"planning a session was {refusal(answer)}"
                made += 1
        return f"planned {made} sessions at {self._facility}" if made else None

    def _sessions(self, day: date) -> list[dict[str, Any]] | None:
        known = self.phone.get("/api/v1/sessions", facility=self._facility, limit=100, **{"from": day, "to": day})
        return known.items() if known.ok else None

    def _close(self, sessions: Sequence[dict[str, Any]], now: datetime) -> None:
        """Who has not come to a session that is over is said not to have come."""
        for session in sessions:
            if session["state"] != "closed" and datetime.fromisoformat(session["to"]) + LINGER <= now:
                page = f"/kuota/sesi/{session['id']}"
                self.browser.submit(page, f"{page}/tutup", {})

    def _missing(self, sessions: Sequence[dict[str, Any]], day: date) -> list[dict[str, object]]:
        """The sessions of whole days that a day lacks; a vaccine that has one besides the day's own has enough."""
        own = days_own(self, self._facility, day)
        there = {one["presentation"] for one in sessions if one["state"] != "closed" and one["id"] != own}
        hours: dict[str, object] = {"from": "07:30", "to": f"{LAST_HOUR}:00", "capacity": CAPACITY}
        return [
            self._session(self.settled_id("session", self._facility, day, product), product, day, hours)
            for product in self._products
            if product not in there
        ]

    def _own(self, sessions: Sequence[dict[str, Any]], today: datetime) -> list[dict[str, object]]:
        """The day's own session, from now on, where it was not planned yet."""
        number = days_own(self, self._facility, today.date())
        ends = min(today + THE_DAYS_OWN, today.replace(hour=23, minute=59))
        if ends - today < SHORTEST or number in {one["id"] for one in sessions}:
            return []
        hours: dict[str, object] = {"from": f"{today:%H:%M}", "to": f"{ends:%H:%M}", "capacity": OWN_CAPACITY}
        return [self._session(number, self._products[0], today.date(), hours)]

    def _session(self, number: str, product: str, day: date, hours: dict[str, object]) -> dict[str, object]:
        of_it = {"id": number, "facility": self._facility, "date": day.isoformat(), "presentation": product}
        return {**of_it, **hours, "doses": [1, 2], "buckets": list(BUCKETS)}
