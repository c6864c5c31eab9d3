"""Citizens who look for a dose, book it and confirm: through another system's door, as a JAKI would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from simulators.chance import dice
from simulators.manifest import World
from simulators.people.http import Phone
from simulators.people.ids import make_up_person
from simulators.people.work import Worker, refusal, western_clock

LOOKS_AHEAD = timedelta(days=3)
MOST_SEEN = 500
"""Sessions a phone is shown to choose among: the next ones."""
RUSH = 15
"""So many people come at the beginning, one every few seconds; then it grows calm."""

LEAST_LEFT = 8
"""A session with fewer free places is left alone: a full world has nothing more to show."""

MEDIA = ("web", "app", "whatsapp")
SOON = 0.5
"""Share of people who come today still, where there is a desk: to the session that fills first, so that one has its day."""

UNDECIDED = 0.08
"""Share of people who reserve and never confirm; their place comes back after ten minutes."""


class Citizens(Worker):
    """Everybody who books, one after another. `tickets`: what they have in their hands then, by booking."""

    def __init__(
        self, phone: Phone, world: World, products: Sequence[str], *, seed: str, tickets: dict[str, str]
    ) -> None:
        super().__init__(phone, "citizens", seed=seed)
        self._tickets = tickets
        self._products = products
        self._residence = {one.code: one.residence for one in world.facilities}
        self._told_of = {one.facility for one in world.devices if one.scenario == "late_heat"}
        served = {one.facility for one in world.staff if one.role == "vaccinator"}
        self._desks = served - self._told_of
        self._booked = 0
        self._met = 0

    def rest_s(self) -> float:
        """A small rush at first, then somebody three or four times a minute."""
        return self.dice.uniform(2, 4) if self._booked < RUSH else self.dice.uniform(10, 25)

    def act(self, now: datetime) -> str | None:
        """One person: look, register, reserve, confirm."""
        place = self._look(now)
        if place is None:
            return None
        self._met += 1
        # Keyed by the instant: after a restart other people come, not the same ones again.
        made_up = make_up_person(dice("person", self.seed, now.isoformat(), self._met), western_clock(now).date())
        person = self.fresh_id(now)
        registered = self.phone.post(
            "/api/v1/persons",
            {
                "id": person,
                "nik": made_up.nik,
                "name": made_up.name,
                "phone": made_up.phone,
                "residence": self._residence.get(place["facility"]) or None,
            },
        )
        if not registered.ok:
            return f"registering was {refusal(registered)}"
        refused = self._book(place, registered.body["id"], now)
        self._booked += 1
        if refused is None and self._booked % 10 == 0:
            return f"{self._booked} people have booked; the last one {place['product']} at {place['facility']}"
        return refused

    def _book(self, place: dict[str, Any], person: str, now: datetime) -> str | None:
        """Reserve and confirm; a sentence only if it was refused."""
        booking = self.fresh_id(now)
        medium = self.dice.choice(MEDIA)
        wish = {"id": booking, "person": person, "session": place["session"], "dose": 1, "medium": medium}
        reserved = self.phone.post("/api/v1/bookings", wish)
        if not reserved.ok:
            return f"a booking at {place['facility']} was {refusal(reserved)}"
        if self.dice.random() < UNDECIDED:
            return None
        confirmed = self.phone.post(f"/api/v1/bookings/{booking}/confirm")
        if not confirmed.ok:
            return f"a confirmation was {refusal(confirmed)}"
        ticket = self.phone.get(f"/api/v1/bookings/{booking}/ticket")
        if ticket.ok:
            self._tickets[booking] = ticket.body["ticket"]
        return None

    def _look(self, now: datetime) -> dict[str, Any] | None:
        """A session with room for a first dose."""
        today = western_clock(now).date()
        answer = self.phone.get("/api/v1/quota", **{"from": today, "to": today + LOOKS_AHEAD, "limit": MOST_SEEN})
        rooms = [
            item
            for item in answer.items()
            if item["dose"] == 1
            and item["bucket"] in ("kelurahan", "city", "general")
            and item["available"] > 0
            and item["capacity_left"] >= LEAST_LEFT
            and item["product"] in self._products
        ]
        soon = [item for item in rooms if item["facility"] in self._desks and item["date"] == today.isoformat()]
        if soon and self.dice.random() < SOON:
            return min(soon, key=lambda item: item["capacity_left"])
        # Most go where the demo's story happens: only what was promised there can be moved.
        near = [item for item in rooms if item["facility"] in self._told_of]
        if near and self.dice.random() < 0.6:
            rooms = near
        return self.dice.choice(rooms) if rooms else None
