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


def asked(
    vial: dict[str, Any], *, lot: dict[str, Any] | None = None, coming: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Of a lot of nine closed vials in the fridge and one opened one, of a product whose codes were changed; five more come."""
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
        "batches": [
            {"id": "b1", "lot": "AZ003", "product": "az-10", "expiry": "2090-12-31", "recalled": None, **(lot or {})}
        ],
        "stock": [{"place": "k1", "batch": "b1", "status": "usable", "vials": 9, "vvm_stage": None}],
        "open_vials": [opened | vial],
        "shipments": [
            {
                "id": "s1",
                "code": "SJ-1",
                "direction": "in",
                "state": "in_transit",
                "from_name": "Kota",
                "boxes": [],
                "on_road": [{"batch": "b1", "status": "usable", "vials": 5}],
                **(coming or {}),
            }
        ],
        "products": [
            {
                "code": "az-10",
                "name": "AZ",
                "gtin": "G2",
                "box_gtin": "B2",
                "nie": "N2",
                "vials_per_box": 10,
                "former": {"gtin": ["G1"], "box_gtin": ["B1"], "nie": ["N1"]},
            }
        ],
    }
    done = subprocess.run(  # our own script, run by the environment's node
        [Path(sys.executable).with_name("node"), SCRIPT],
        input=json.dumps({"told": told, "batch": "b1", "today": "2026-03-02", **more}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


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
    answer = asked(vial)
    assert (answer["verdict"], answer["why"]) == (verdict, why)


@pytest.mark.parametrize(
    ("gtin", "nie", "vials"), [("G2", None, 1), ("G1", None, 1), ("B2", None, 10), ("B1", None, 10), (None, "N1", 1)]
)
def test_labels_with_a_former_code_name_their_lot_on_the_phone(gtin: str | None, nie: str | None, vials: int) -> None:
    scan = {"profile": "gs1", "text": "", "lot": "AZ003", "gtin": gtin, "contentGtin": None, "nie": nie, "count": None}
    answer = asked({}, scan=scan)
    assert (answer["batch"], answer["vials"]) == ("b1", vials)


@pytest.mark.parametrize(
    ("lot", "coming", "bad", "elsewhere"),
    [
        ({}, {}, [], []),
        ({"recalled": "uji"}, {}, [], ["b1"]),
        ({"recalled": "uji"}, {"on_road": [{"batch": "b1", "status": "recalled", "vials": 5}]}, ["b1"], []),
        ({}, {"on_road": [{"batch": "b1", "status": "held", "vials": 5}]}, ["b1"], []),
        ({}, {"kind": "return", "on_road": [{"batch": "b1", "status": "held", "vials": 5}]}, [], []),
        ({"expiry": "2026-03-01"}, {}, ["b1"], []),
    ],
    ids=["good", "recalled elsewhere", "recalled on the road", "held on the road", "sent back held", "expired"],
)
def test_a_note_is_bad_by_what_stopped_its_goods_on_the_road(
    lot: dict[str, Any], coming: dict[str, Any], bad: list[str], elsewhere: list[str]
) -> None:
    answer = asked({}, lot=lot, coming=coming, shipment="SJ-1")
    assert (answer["bad"], answer["elsewhere"]) == (bad, elsewhere)
