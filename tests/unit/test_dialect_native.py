"""Rantai's own payload: what is taken, what is said of the rest, and what never does harm."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dialects.native import decode
from ingest.dialects.shapes import Decoded, Reject
from tests.support.hostile import HOSTILE_BODIES

AT = datetime(2026, 1, 31, 7, 5, tzinfo=UTC)


def one(**reading: object) -> Decoded:
    """A message of one reading."""
    return decode(json.dumps({"readings": [reading]}).encode())


def test_the_documented_example_gives_a_temperature_and_the_battery_at_its_instant() -> None:
    decoded = decode(
        b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":4.2}],"battery_pct":91}'
    )
    assert decoded.groups[0].entries == [("t1", "temperature", AT, 4.2), ("battery", "battery", AT, 91.0)]
    assert decoded.problems == []


def test_the_battery_belongs_to_the_newest_reading_whatever_the_order() -> None:
    body = {
        "battery_pct": 50,
        "readings": [
            {"at": "2026-01-31T07:05:00Z", "channel": "t1", "temperature_c": 4},
            {"at": "2026-01-31T06:05:00Z", "channel": "t1", "temperature_c": 5},
        ],
    }
    assert ("battery", "battery", AT, 50.0) in decode(json.dumps(body).encode()).groups[0].entries


def test_an_offset_other_than_utc_is_the_same_instant() -> None:
    entry = one(at="2026-01-31T14:05:00+07:00", channel="t1", temperature_c=4).groups[0].entries[0]
    assert entry[2] == AT


@pytest.mark.parametrize(
    "at", ["2026-01-31T07:05:00", "yesterday", "", None, 1769843100, True, [], "2026-13-01T00:00Z"]
)
def test_a_time_without_zone_or_sense_is_a_problem_with_its_place(at: object) -> None:
    decoded = one(at=at, channel="t1", temperature_c=4)
    assert [(p.where, p.reason) for p in decoded.problems] == [("/readings/0/at", "bad_time")]
    assert decoded.groups == []


def test_a_reading_without_any_time_has_none() -> None:
    assert one(channel="t1", temperature_c=4).groups[0].entries == [("t1", "temperature", None, 4.0)]


@pytest.mark.parametrize("value", [True, False, "4.2", [], {}])
def test_what_is_no_number_is_a_problem(value: object) -> None:
    assert one(at=AT.isoformat(), channel="t1", temperature_c=value).problems[0].reason == "bad_value"


@pytest.mark.parametrize("value", [None, "--.-"])
def test_the_loggers_word_for_no_reading_becomes_a_fault_and_no_temperature(value: object) -> None:
    entry = one(at=AT.isoformat(), channel="t1", temperature_c=value).groups[0].entries[0]
    assert math.isnan(entry[3])


def test_good_readings_survive_beside_bad_ones() -> None:
    body = {"readings": [{"at": AT.isoformat(), "channel": "t1", "temperature_c": 4}, 7, {"channel": 8}, {}]}
    decoded = decode(json.dumps(body).encode())
    assert len(decoded.groups[0].entries) == 1
    assert [p.where for p in decoded.problems] == ["/readings/1", "/readings/2/channel", "/readings/3"]


@pytest.mark.parametrize("colon", [":", ": ", " :", "\n: "])
def test_of_two_values_under_one_name_none_is_taken_and_its_reading_says_so(colon: str) -> None:
    twice = '{"at":"2026-01-31T07:05:00Z","temperature_c":4.2,"temperature_c":14.2}'.replace('e_c":', f'e_c"{colon}')
    good = '{"at":"2026-01-31T07:15:00Z","temperature_c":5,"note":"\\":"}'
    found = decode(f'{{"readings":[{twice},{good}]}}'.encode())
    assert [entry[3] for entry in found.groups[0].entries] == [5.0]
    assert [(each.where, each.reason) for each in found.problems] == [("/readings/0", "given_twice")]
    for body in (
        b'{"readings":[],"readings":[]}',
        b'{"readings" :[],"x":1,"x":2}',
        b'{"readings":[],"note":"\\u0022\\u0022","note":""}',
    ):
        with pytest.raises(Reject) as refused:
            decode(body)
        assert refused.value.reason == "given_twice"


@pytest.mark.parametrize("depth", [250, 300, 900, 1000])
def test_a_body_as_deep_as_may_be_is_read_or_rejected_whatever_looks_for_names_twice(depth: int) -> None:
    for beside in (b"", b'"note":"\\n",', b'"x" :1,'):
        with suppress(Reject):
            decode(b"{" + beside + b'"readings":' + b"[" * depth + b"]" * depth + b"}")


def test_quantities_of_one_entry_share_channel_and_instant() -> None:
    entries = one(at=AT.isoformat(), channel="t1", temperature_c=4, humidity_pct=60, door_open_s=5, power_s=600)
    assert {(e[0], e[1], e[3]) for e in entries.groups[0].entries} == {
        ("t1", "temperature", 4.0),
        ("t1", "humidity", 60.0),
        ("t1", "door_open", 5.0),
        ("t1", "power", 600.0),
    }


def test_a_position_alone_is_a_message() -> None:
    entries = decode(b'{"lat":-6.2,"lon":106.8}').groups[0].entries
    assert {(e[1], e[3]) for e in entries} == {("latitude", -6.2), ("longitude", 106.8)}


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_hostile_bodies_are_rejected_or_read_and_nothing_else(body: bytes) -> None:
    try:
        decoded = decode(body)
    except Reject as reject:
        assert reject.reason  # noqa: PT017 - either way is right; no other exception is
    else:
        assert decoded.groups or decoded.problems


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
READING = st.fixed_dictionaries(
    {},
    optional={
        "at": JSON_VALUES | st.datetimes().map(lambda at: at.isoformat() + "Z"),
        "channel": JSON_VALUES | st.just("t1"),
        "temperature_c": JSON_VALUES,
        "lat": JSON_VALUES,
    },
)


@given(
    st.fixed_dictionaries({}, optional={"readings": st.lists(READING | JSON_VALUES) | JSON_VALUES, "lat": JSON_VALUES})
)
def test_any_json_is_rejected_or_read(body: dict[str, object]) -> None:
    try:
        decoded = decode(json.dumps(body).encode("utf-8", "surrogatepass"))
    except Reject:
        return
    for group in decoded.groups:
        for name, quantity, at, value in group.entries:
            assert isinstance(name, str)
            assert quantity
            assert at is None or at.tzinfo is not None
            assert isinstance(value, float)
