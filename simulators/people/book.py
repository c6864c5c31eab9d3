"""The book of steps of a phone's page (`/scan`): numbered, each with the hash of the one before, sent as the page sends them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from simulators.people.browser import Browser
from simulators.people.http import Answer

BOOK_NAME = "Ponsel simulasi"
GIVEN_UP = "Simulasi: keadaannya sudah lain."


class Book:
    """One person's book. Whoever starts again finds it where the house has it."""

    def __init__(self, browser: Browser, handset: str, facility: str) -> None:
        self._browser = browser
        self._handset = handset
        self._facility = facility
        self._last: tuple[int, str] | None = None

    def write(self, kind: str, body: Mapping[str, Any]) -> Answer:
        """Write one step down, with its body's id and instant, and send it; what became of it. A refused one is let go at once."""
        if self._last is None:
            begun = self._begin()
            if not begun.ok:
                return begun
        number, before = self._last or (0, "")
        said = {"id": body["id"], "at": body["occurred_at"], "needs": [], "kind": kind, "body": body}
        step = {"number": number + 1, **said}
        text = json.dumps(step)
        line = {"text": text, "hash": hashlib.sha256((before + text).encode()).hexdigest()}
        answer = self._browser.post(f"/api/v1/handsets/{self._handset}/steps", {"steps": [line]})
        self._last = (answer.body["last_number"], answer.body["last_hash"]) if answer.ok else None
        item = answer.items()[-1] if answer.items() else {}
        if not answer.ok or item.get("state") == "done":
            return answer
        self._let_go(item["id"], str(body["id"]))
        return Answer(409, {"code": item.get("code") or item.get("state")})

    def _begin(self) -> Answer:
        mine = {"id": self._handset, "facility": self._facility, "name": BOOK_NAME}
        begun = self._browser.post("/api/v1/handsets", mine)
        if begun.ok:
            self._last = (begun.body["last_number"], begun.body["last_hash"])
        return begun

    def _let_go(self, step: str, decision: str) -> None:
        """A conflict waits for a person: here for the one who made it."""
        settled = {"id": decision, "way": "drop", "reason": GIVEN_UP}
        self._browser.post(f"/api/v1/handsets/steps/{step}/settle", settled)
