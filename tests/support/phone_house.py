"""The house as a phone hears it: it keeps a chain of steps and proves it, says what it is told to say.

It stands in for `/api/v1/handsets` where the bad lines between phone and house are tested, not the ledger behind them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route

ZERO = "0" * 64


@dataclass
class PhoneHouse:
    """`steps` are those it took, by handset; `refuses` names kinds of events that become conflicts."""

    holdings: dict[str, Any]
    steps: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hashes: dict[str, list[str]] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    cut_off: bool = False
    ahead: timedelta = timedelta(0)
    reachable: bool = True
    broken: list[str] = field(default_factory=list)
    """What no phone may do: a gap, a wrong hash, another text under a number."""

    def now(self) -> str:
        """By its own clock."""
        return (datetime.now(UTC) + self.ahead).isoformat()

    def answer(self, route: Route) -> None:
        """One call."""
        if not self.reachable:
            route.abort()
            return
        status, body = self.act(route.request.method, urlsplit(route.request.url), route.request.post_data_json)
        try:
            route.fulfill(status=status, content_type="application/json", body=json.dumps(body))
        except Exception:  # noqa: BLE001  # the reply was dropped on purpose: the act stands
            return

    def act(self, method: str, url: Any, body: Any) -> tuple[int, dict[str, Any]]:
        if url.path.endswith("/cut-off"):
            return 200, {"cut_off": self.cut_off, "now": self.now()}
        if self.cut_off:  # the account's log-ins ended with it
            return 401, {"code": "access.unauthenticated", "detail": "Masuk dulu."}
        if url.path.endswith("/holdings"):
            since = parse_qs(url.query).get("since")
            held = self.holdings if since is None else {"gone": {}}
            return 200, {**held, "as_of": self.now(), "token": "t", "whole": since is None, "timezone": "Asia/Jakarta"}
        if url.path.endswith("/handsets"):
            self.steps.setdefault(body["id"], [])
            self.hashes.setdefault(body["id"], [])
            return 201, {**body, "last_number": 0, "last_hash": ZERO, "now": self.now()}
        return self._take(url.path.split("/")[-2], body["steps"])

    def _take(self, handset: str, lines: list[dict[str, str]]) -> tuple[int, dict[str, Any]]:
        kept, hashes = self.steps[handset], self.hashes[handset]
        items = []
        for line in lines:
            step = json.loads(line["text"])
            number = step["number"]
            before = hashes[number - 2] if number > 1 else ZERO
            if number > len(kept) + 1:
                self.broken.append(f"gap before {number}")
            if hashlib.sha256((before + line["text"]).encode()).hexdigest() != line["hash"]:
                self.broken.append(f"hash of {number}")
            if number <= len(kept):
                if hashes[number - 1] != line["hash"]:
                    self.broken.append(f"another {number}")
            else:
                kept.append(step)
                hashes.append(line["hash"])
            items.append(self._judged(step))
        return 200, {"now": self.now(), "last_number": len(kept), "items": items}

    def _judged(self, step: dict[str, Any]) -> dict[str, Any]:
        known = {"number": step["number"], "id": step["id"], "kind": step["kind"]}
        if step["body"].get("kind", step["kind"]) in self.refuses:
            said = {"code": "stock.too_few", "message_id": "Tidak cukup vial.", "message": "Too few vials."}
            return {**known, "state": "conflict", **said}
        waits = step["kind"] == "stock.count" and any("reason" in line for line in step["body"]["lines"])
        return {**known, "state": "done", "result_id": None if waits else step["id"]}
