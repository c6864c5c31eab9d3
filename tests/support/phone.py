"""A phone that keeps a book of steps and sends it, as the wire says it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from tracker.handsets.rules import NOTHING, hash_of
from tracker.kit.ids import uuid7

Line = dict[str, str]


@dataclass(slots=True)
class Phone:
    """Writes steps down first; what is sent when is the test's matter."""

    client: TestClient
    headers: dict[str, str]
    facility: str
    now: datetime
    id: str = field(default_factory=lambda: str(uuid7()))
    lines: list[Line] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def enrol(self, **changes: Any) -> Response:
        """Begin the book."""
        body = {"id": self.id, "facility": self.facility, "name": "Ponsel gudang", **changes}
        return self.client.post("/api/v1/handsets", json=body, headers=self.headers)

    def write(self, kind: str, body: dict[str, Any], *, needs: list[str] | None = None, **changes: Any) -> str:
        """Write a step down; returns its id. `changes` are a phone's own mistakes."""
        step_id = str(changes.pop("id", uuid7()))
        step = {
            "number": len(self.lines) + 1,
            "id": step_id,
            "at": self.now.isoformat(),
            "needs": needs or [],
            "kind": kind,
            "body": body,
            **changes,
        }
        self.write_text(json.dumps(step))
        self.ids.append(step_id)
        return step_id

    def write_text(self, text: str) -> None:
        """Write any text down, chained."""
        before = self.lines[-1]["hash"] if self.lines else NOTHING
        self.lines.append({"text": text, "hash": hash_of(before, text)})

    def event(self, kind: str, vials: int, *, needs: list[str] | None = None, **line: Any) -> str:
        """Write a stock event of one line down; returns the step's id, which is the event's too."""
        step_id = str(uuid7())
        body = {
            "id": step_id,
            "kind": kind,
            "facility": self.facility,
            "occurred_at": self.now.isoformat(),
            "lines": [{"batch": "penta-5/PB001", "place": f"{self.facility}-k1", "vials": vials, **line}],
        }
        return self.write("stock.event", body, needs=needs, id=step_id)

    def send(self, lines: list[Line] | None = None) -> Response:
        """Send lines (all when none are given)."""
        body = {"steps": self.lines if lines is None else lines}
        return self.client.post(f"/api/v1/handsets/{self.id}/steps", json=body, headers=self.headers)

    def sent(self, lines: list[Line] | None = None) -> list[dict[str, Any]]:
        """Send, and what became of each."""
        answer = self.send(lines)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def settle(self, step_id: str, way: str, **more: Any) -> Response:
        """A person decides."""
        body = {"id": str(uuid7()), "way": way, "reason": "dicek di rak", **more}
        return self.client.post(f"/api/v1/handsets/steps/{step_id}/settle", json=body, headers=self.headers)
