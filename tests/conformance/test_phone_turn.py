"""What may leave a shelf and whose turn it is: the phone and the server give the same answers of the same shelves."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tracker.stock.rules.fefo import Parcel, first_of, pick, reason_to_skip
from tracker.stock.rules.use import Skip
from tracker.stock.rules.words import Status

SCRIPT = Path(__file__).resolve().parents[1] / "support" / "pick_shelf.mjs"
DAY = date(2026, 3, 2)
PLACES = {"k1": {}, "k2": {}, "k3": {"in_service": False}, "b1": {"apart": True}}
LOTS = ("A1", "a1", "A-1", "B2", "É3", "Z9")


def shelf(dice: random.Random) -> list[Parcel]:
    """A few lots in a few places, many of them alike in what decides their turn."""
    expiry = {lot: DAY + timedelta(days=dice.choice([-1, 0, 3, 3, 90])) for lot in LOTS}
    found = {}
    for _ in range(dice.randint(1, 14)):
        lot, place, status = (
            dice.choice(LOTS),
            dice.choice(["k1", "k2", *PLACES]),
            dice.choice([Status.USABLE] * 5 + [*Status]),
        )
        found[lot, place, status] = Parcel(
            batch_id=UUID(int=LOTS.index(lot) + 1),
            lot=lot,
            expiry=expiry[lot],
            place_id=UUID(int=list(PLACES).index(place) + 1),
            place=place,
            status=status,
            vials=dice.randint(1, 9),
            vvm_stage=dice.choice([None, None, 1, 2, 2, 3]),
            in_service=bool(PLACES[place].get("in_service", True)),
            apart=bool(PLACES[place].get("apart", False)),
            packed=dice.choice([0, 0, 0, 2, 9]),
        )
    return list(found.values())


def as_told(parcels: list[Parcel]) -> dict[str, Any]:
    """The shelf as a phone is told of it."""
    batches = {p.lot: {"id": str(p.batch_id), "lot": p.lot, "expiry": p.expiry.isoformat()} for p in parcels}
    return {
        "whole": True,
        "token": "t",
        "as_of": "2026-03-02T00:00:00+00:00",
        "places": [
            {"code": code, "name": code, "in_service": True, "apart": False, **more} for code, more in PLACES.items()
        ],
        # A recall elsewhere is told of every lot: what lies here is stopped by its own status alone.
        "batches": [
            {**batch, "product": "az-10", "recalled": "partikel asing" if lot == "B2" else None}
            for lot, batch in batches.items()
        ],
        "stock": [
            {
                "place": p.place,
                "batch": str(p.batch_id),
                "status": p.status.value,
                "vials": p.vials,
                "packed": p.packed,
                "vvm_stage": p.vvm_stage,
            }
            for p in parcels
        ],
    }


def test_phone_and_server_say_alike_what_may_leave_or_be_opened_and_whose_turn_it_is() -> None:
    dice = random.Random(20260302)
    shelves = [shelf(dice) for _ in range(400)]
    asked = [{"told": as_told(parcels), "product": "az-10", "day": DAY.isoformat()} for parcels in shelves]
    done = subprocess.run(  # our own script, run by the environment's node
        [Path(sys.executable).with_name("node"), SCRIPT],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    passing = 0
    for parcels, said in zip(shelves, json.loads(done.stdout), strict=True):
        lines = pick(parcels, 10_000, DAY).lines
        assert said["order"] == [[line.parcel.lot, line.parcel.place, line.vials] for line in lines], parcels
        # Vials that are packed, or taken along to a session, may be opened.
        fit = [p for p in parcels if reason_to_skip(p, DAY) in (None, Skip.PACKED, Skip.TAKEN_ALONG)]
        assert said["opened"] == sorted([p.lot, p.place, p.vials] for p in fit), parcels
        firsts = [first_of(parcels, DAY, before=line.parcel) for line in lines]
        assert said["firsts"] == [first.lot if first else None for first in firsts], parcels
        passing += sum(first is not None for first in firsts)
    assert passing > 100, "hardly a lot stands behind another: the shelves ask nothing"
