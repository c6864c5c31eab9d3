"""What the phone says waits for hands: each job once, the most pressing first, and none that this phone has done already."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tracker.stock.rules.counting import COUNT_EVERY, count_due

SCRIPT = Path(__file__).resolve().parents[1] / "support" / "phone_home.mjs"
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
HOUR = timedelta(hours=1)


def waits(*asked: dict[str, Any]) -> list[list[list[Any]]]:
    node = Path(sys.executable).with_name("node")
    done = subprocess.run([node, SCRIPT], input=json.dumps(asked), capture_output=True, text=True, check=True)
    said: list[list[list[Any]]] = json.loads(done.stdout)
    return said


def shipment(code: str, direction: str, state: str) -> dict[str, Any]:
    return {"id": code, "code": code, "direction": direction, "state": state, "lines": [], "boxes": [], "on_road": []}


def store(**told: Any) -> dict[str, Any]:
    whole = {"whole": True, "token": "t", "as_of": NOW.isoformat(), "timezone": "Asia/Jakarta", **told}
    return {"told": whole, "steps": [], "now": NOW.isoformat()}


def place(code: str, counted: list[datetime | None]) -> dict[str, Any]:
    due = count_due(counted)
    return {"code": code, "name": code, "in_service": True, "count_due": due.isoformat() if due else None}


def vial(name: str, discard_by: datetime) -> dict[str, Any]:
    return {"id": name, "batch": "b1", "place": "k1", "remaining": 3, "discard_by": discard_by.isoformat()}


def full() -> dict[str, Any]:
    return store(
        places=[
            place("k1", [NOW - COUNT_EVERY, NOW]),
            place("k2", [NOW - COUNT_EVERY + HOUR]),
            place("k3", [NOW, None]),
            place("k4", []),
        ],
        batches=[
            {"id": "b1", "lot": "B1", "product": "p", "expiry": TODAY.isoformat()},
            {"id": "b2", "lot": "B2", "product": "p", "expiry": (TODAY - timedelta(days=1)).isoformat()},
        ],
        stock=[
            {"place": "k1", "batch": "b1", "status": "usable", "vials": 9},
            {"place": "k1", "batch": "b2", "status": "usable", "vials": 2},
            {"place": "k2", "batch": "b2", "status": "usable", "vials": 2},
        ],
        shipments=[
            shipment("A", "in", "in_transit"),
            shipment("B", "in", "partly_received"),
            shipment("C", "in", "requested"),
            shipment("D", "out", "requested"),
            shipment("E", "out", "approved"),
            shipment("F", "out", "packed"),
            shipment("G", "out", "in_transit"),
        ],
        open_vials=[vial("v1", NOW), vial("v2", NOW + HOUR)],
        sessions=[{"id": "s1", "closes": (NOW + HOUR).isoformat()}, {"id": "s2", "closes": NOW.isoformat()}],
    )


def step(job: str, **more: Any) -> dict[str, Any]:
    shown = {"job": job, "text": "", "undoable": False, **more.pop("shown", {})}
    return {"id": job, "number": 1, "state": "waiting", "effects": [], "shown": shown, **more}


def test_what_waits_stands_above_with_its_number_the_most_pressing_first() -> None:
    assert waits(full(), store()) == [
        [
            ["desk", 1, "ok"],
            ["discard", 1, "out"],
            ["receive", 2, "low"],
            ["approve", 1, "low"],
            ["pick", 1, "low"],
            ["dispatch", 1, "low"],
            ["waste", 1, "low"],
            ["count", 2, "low"],
        ],
        [],
    ]


def test_what_this_phone_did_without_a_network_waits_no_more() -> None:
    counted = step("count", effects=[{"place": "k1", "batch": "b1", "status": "usable", "vials": 0}])
    received = step("receive", shown={"shipment": "A"})
    approved = step("approve", shown={"shipment": "D", "becomes": "approved"})
    thrown = step("discard", shown={"openVial": "v1"})
    told = [{**full(), "steps": [each]} for each in (counted, received, approved, thrown)]
    by_count, by_receipt, by_approval, by_discard = ({job: n for job, n, _ in found} for found in waits(*told))
    assert by_count["count"] == 1
    assert by_receipt["receive"] == 1
    assert "approve" not in by_approval
    assert by_approval["pick"] == 2
    assert "discard" not in by_discard
