"""Vaccinators: people arrive, are asked, and get their dose."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulators.people.http import Phone
from simulators.people.work import Worker, refusal, western_clock

DEFERRED = 0.05
"""Share of people that screening sends home for the day (4.8 % in Jakarta in June 2021)."""

WITHOUT_VIAL = {"quota.no_vial", "stock.not_available"}


class Vaccinator(Worker):
    """Brings the bookings of today's sessions one step further at a time, those furthest along first."""

    pace_s = 8.0

    def __init__(self, phone: Phone, facility: str, *, seed: str) -> None:
        super().__init__(phone, "vaccinates", seed=seed)
        self._facility = facility
        self._given = 0

    def act(self, now: datetime) -> str | None:
        """One step of one person."""
        today = western_clock(now).date()
        sessions = self.phone.get(
            "/api/v1/sessions", facility=self._facility, limit=20, **{"from": today, "to": today}
        ).items()
        for state in ("fit", "arrived", "confirmed"):
            waiting = [booking for session in sessions for booking in self._in_state(session, state)]
            # A queue forms first: whoever is alone in the room waits for the next one to come.
            if waiting and (state != "confirmed" or self._may_come(now)):
                return self._next_step(waiting[-1], state, now)
        return None

    def _in_state(self, session: dict[str, Any], state: str) -> list[dict[str, Any]]:
        return self.phone.get("/api/v1/bookings", session=session["id"], state=state, limit=20).items()

    def _may_come(self, now: datetime) -> bool:
        return 7 <= western_clock(now).hour < 21

    def _next_step(self, booking: dict[str, Any], state: str, now: datetime) -> str | None:
        path = f"/api/v1/bookings/{booking['id']}"
        if state == "confirmed":
            answer = self.phone.post(f"{path}/arrive")
        elif state == "arrived":
            result = "deferred" if self.dice.random() < DEFERRED else "fit"
            answer = self.phone.post(f"{path}/screen", {"result": result})
        else:
            answer = self.phone.post(f"{path}/vaccinate", {"occurred_at": now.isoformat()})
            self._given += answer.ok
            if answer.code in WITHOUT_VIAL:
                # Nothing to give any more: the person is sent home with another date, the next one is called.
                self.phone.post(f"{path}/screen", {"result": "deferred", "note": "vaksin tidak tersedia"})
                return f"no usable vial is left at {self._facility}; a person comes another day"
        if not answer.ok:
            return f"a person who is {state} was {refusal(answer)}"
        if state == "fit" and self._given % 5 == 0:
            return f"{self._given} people have their dose at {self._facility}"
        return None
