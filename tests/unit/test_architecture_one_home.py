"""Rules that are easily written again where they are needed stand once; and the check would notice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# `now.date()` is the day in UTC, and a zone's day made by hand is the rule of tracker/kit/days.py written again.
DAY = re.compile(
    r"\bnow\.date\(\)|\butc_now\(\)\.date\(\)|date\.today\(\)|astimezone\([^\n]*\)\.date\(\)|func\.timezone\("
)
HOMES = {"tracker/kit/days.py", "tracker/network/queries.py"}
# Partitions are cut at midnight UTC, wherever a reading comes from.
PARTITIONS = {"tracker/telemetry/service/misplaced.py"}


def test_the_day_is_reckoned_in_one_place() -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for program in ("tracker", "ingest")
        for file in (ROOT / program).rglob("*.py")
        if (lines := DAY.findall(file.read_text()))
    }
    assert set(found) == HOMES | PARTITIONS, found


@pytest.mark.parametrize(
    "planted",
    [
        "today = now.date()",
        "today = utc_now().date()",
        "today = date.today()",
        "today = now.astimezone(ZoneInfo(facility.timezone)).date()",
        "today = cast(func.timezone(Facility.timezone, now), Date)",
    ],
)
def test_a_planted_day_is_found(planted: str) -> None:
    assert DAY.search(planted)
