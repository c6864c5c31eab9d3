"""How much a phone is told at once."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from dashboard.handsets.words import phone_name
from tracker.handsets.holdings import Told
from tracker.handsets.presenting import holdings_out
from tracker.kit.ids import uuid7
from tracker.network.models import Facility


def test_what_the_nations_store_tells_a_phone_stays_below_a_hundred_kilobytes() -> None:
    """Three thousand lots with ids as they are made, packed as they are sent."""
    now, dice = datetime(2026, 11, 27, 3, 0, tzinfo=UTC), Random(7)
    batches, stock = {}, {}
    for number in range(3_000):
        made = int(now.timestamp() * 1000) - dice.randrange(730 * 86_400_000)
        lot = UUID(int=made << 80 | 7 << 76 | dice.getrandbits(12) << 64 | 2 << 62 | dice.getrandbits(62))
        expiry = (now.date() + timedelta(days=dice.randrange(700))).isoformat()
        batches[str(lot)] = {
            "id": str(lot),
            "lot": f"L{number:05d}",
            "product": f"vaksin-{number % 10}",
            "expiry": expiry,
            "recalled": None,
        }
        lying = {"vials": dice.randrange(5_000), "packed": 0, "vvm_stage": dice.choice((None, 1))}
        stock[str(lot)] = {"place": f"biofarma-k{number % 2}", "batch": str(lot), "status": "usable", **lying}
    lists = {name: list[Any]() for name in ("places", "products", "shipments", "open_vials")}
    told = Told(
        token=uuid7(),
        whole=True,
        lists={**lists, "batches": [batches[one] for one in sorted(batches)], "stock": list(stock.values())},
        gone={},
    )
    place = Facility(code="biofarma", timezone="Asia/Jakarta")
    sizes = [
        len(gzip.compress(holdings_out(place, told, now, nested=nested).model_dump_json().encode()))
        for nested in (False, True)
    ]
    assert sizes[1] < 100_000 < sizes[0]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Mozilla/5.0 (Linux; Android 13; SM-A045F) AppleWebKit/537.36 (KHTML, like Gecko) Chr", "Android 13 SM-A045F"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131", "Android 10 · Chrome"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Windows · Firefox"),
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("Ponsel gudang", "Ponsel gudang"),
    ],
)
def test_a_phone_is_called_by_what_a_person_knows_it_by(told: str, name: str) -> None:
    assert phone_name(told) == name
