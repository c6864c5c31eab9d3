"""What the phone says of a lot without a network, beside what the server says of the same shelf."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "support" / "judge_lot.mjs"


def judged(**vial: Any) -> tuple[str, list[str]]:
    """Of a lot of nine closed vials in the fridge and one opened one."""
    now = datetime.now(UTC)
    opened = {
        "id": "v1",
        "batch": "b1",
        "place": "k1",
        "status": "usable",
        "remaining": 4,
        "doses_per_vial": 10,
        "opened_at": (now - timedelta(hours=1)).isoformat(),
        "discard_by": (now + timedelta(hours=5)).isoformat(),
    }
    told = {
        "whole": True,
        "token": "t",
        "as_of": now.isoformat(),
        "places": [{"code": "k1", "name": "Kulkas 1", "in_service": True}],
        "batches": [{"id": "b1", "lot": "AZ003", "product": "az-10", "expiry": "2090-12-31", "recalled": None}],
        "stock": [{"place": "k1", "batch": "b1", "status": "usable", "vials": 9, "vvm_stage": None}],
        "open_vials": [opened | vial],
    }
    done = subprocess.run(  # our own script, run by the environment's node
        [Path(sys.executable).with_name("node"), SCRIPT],
        input=json.dumps({"told": told, "batch": "b1", "today": "2026-03-02"}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    return answer["verdict"], answer["why"]


@pytest.mark.parametrize(
    ("vial", "verdict", "why"),
    [
        ({}, "good", []),
        ({"discard_by": "2026-01-01T00:00:00+00:00"}, "ask", ["open_too_long"]),
        ({"discard_by": "2026-01-01T00:00:00+00:00", "remaining": 0}, "good", []),
        ({"status": "held"}, "stop", ["held"]),
        ({"status": "recalled"}, "stop", ["recalled"]),
    ],
)
def test_an_opened_vial_that_may_not_be_used_is_never_good(vial: dict[str, Any], verdict: str, why: list[str]) -> None:
    assert judged(**vial) == (verdict, why)
