"""Rantai's own payload.

`{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":4.2}],"battery_pct":91}`; quantities
may stand in a reading or beside the list, then they belong to the newest reading's instant. Unknown
members are ignored, so that newer devices can say more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ingest.dialects.shapes import (
    ChannelDefaults,
    Decoded,
    Dialect,
    Entry,
    Group,
    Problem,
    Reject,
    instant,
    no_object,
    number,
    parse_json,
)
from tracker.telemetry.rules.words import Quantity

FIELDS: dict[str, str] = {
    "temperature_c": Quantity.TEMPERATURE.value,
    "humidity_pct": Quantity.HUMIDITY.value,
    "door_open_s": Quantity.DOOR_OPEN.value,
    "power_s": Quantity.POWER.value,
    "battery_pct": Quantity.BATTERY.value,
    "lat": Quantity.LATITUDE.value,
    "lon": Quantity.LONGITUDE.value,
}
_INTERVAL_S = 600


def decode(payload: bytes) -> Decoded:
    """Entries of the sender; raises Reject when there is nothing to take."""
    body = parse_json(payload)
    if type(body) is not dict:
        raise Reject(*no_object(body, "not_an_object", "the body is not a JSON object"))
    entries: list[Entry] = []
    problems: list[Problem] = []
    readings = body.get("readings", [])
    if type(readings) is not list:
        raise Reject("bad_readings", "`readings` is not a list", "/readings")
    for index, reading in enumerate(readings):
        _read(reading, index, entries, problems)
    if len(body) > 1 or "readings" not in body:
        _read_beside(body, entries, problems)
    if not entries and not problems:
        raise Reject("no_readings", "the message holds no reading")
    return Decoded(groups=[Group(entries=entries)] if entries else [], problems=problems)


def _read(reading: Any, index: int, entries: list[Entry], problems: list[Problem]) -> None:
    if type(reading) is not dict:
        why = no_object(reading, "bad_reading", "a reading is not an object")
        problems.append(Problem(f"/readings/{index}", *why))
        return
    at: datetime | None = None
    if "at" in reading:
        at = instant(reading["at"])
        if at is None:
            problems.append(Problem(f"/readings/{index}/at", "bad_time", "not an ISO 8601 instant with zone"))
            return
    channel = reading.get("channel")
    if channel is not None and type(channel) is not str:
        problems.append(Problem(f"/readings/{index}/channel", "bad_channel", "a channel's name is text"))
        return
    found = False
    for key, raw in reading.items():
        quantity = FIELDS.get(key)
        if quantity is None:
            continue
        found = True
        value = number(raw)
        if value is None:
            problems.append(Problem(f"/readings/{index}/{key}", "bad_value", "not a number"))
        else:
            entries.append((channel or quantity, quantity, at, value))
    if not found:
        problems.append(Problem(f"/readings/{index}", "no_value", "a reading without a quantity we know"))


def _read_beside(body: dict[str, Any], entries: list[Entry], problems: list[Problem]) -> None:
    newest = max((at for _, _, at, _ in entries if at is not None), default=None)
    for key, raw in body.items():
        quantity = FIELDS.get(key)
        if quantity is None:
            continue
        value = number(raw)
        if value is None:
            problems.append(Problem(f"/{key}", "bad_value", "not a number"))
        else:
            entries.append((quantity, quantity, newest, value))


NATIVE = Dialect(name="native", decode=decode, defaults=ChannelDefaults(roles={}, interval_s=_INTERVAL_S))
