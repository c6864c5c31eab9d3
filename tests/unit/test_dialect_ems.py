"""WHO EMS and RTMD deliveries."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.dialects.ems import EMS, decode
from ingest.dialects.ems_schema import shape_problems
from ingest.dialects.shapes import Decoded, Reject, instant, parse_json
from tests.support.ems import ems_body, ems_record, rtmd_body
from tests.support.hostile import HOSTILE_BODIES
from tracker.telemetry.rules.words import Role

AT = datetime(2026, 1, 31, 7, 0, tzinfo=UTC)


def read(body: dict[str, Any]) -> Decoded:
    """Through JSON, as it comes."""
    return decode(json.dumps(body).encode())


def test_a_record_gives_a_channel_an_object_with_its_role() -> None:
    decoded = read(ems_body([ems_record("20260131T070000Z", TVC=4.5, TAMB=27.0)]))
    entries = {(name, at): value for name, _, at, value in decoded.groups[0].entries}
    assert entries["TVC", AT] == 4.5
    assert entries["TAMB", AT] == 27.0
    assert EMS.defaults.roles["TVC", "temperature"] is Role.STORAGE
    assert EMS.defaults.roles["TAMB", "temperature"] is Role.AMBIENT
    assert decoded.problems == []


def test_the_logger_is_asked_before_the_monitoring_device() -> None:
    assert read(ems_body([ems_record("20260131T070000Z")])).groups[0].serials == ("LOG-1", "EMD-1")


def test_rtmd_records_of_one_instant_meet_by_their_instant() -> None:
    records = [
        {"ABST": "20260131T070000Z", "ALRM": None, "BEMD": 14.3, "EERR": None, "TVC": 3.2},
        {"ABST": "20260131T070000Z", "ALRM": None, "BEMD": 14.3, "EERR": None, "TAMB": 21},
    ]
    decoded = read(rtmd_body(records))
    assert {(n, at) for n, _, at, _ in decoded.groups[0].entries} >= {("TVC", AT), ("TAMB", AT)}
    assert "AMID-1" in decoded.groups[0].serials


def test_a_null_temperature_with_an_error_code_is_a_fault_and_without_one_is_nothing() -> None:
    failed = read(ems_body([ems_record("20260131T070000Z", TVC=None, LERR="E5")]))
    absent = read(ems_body([ems_record("20260131T070000Z", TVC=None)]))
    assert [math.isnan(v) for n, _, _, v in failed.groups[0].entries if n == "TVC"] == [True]
    assert [n for n, _, _, _ in absent.groups[0].entries if n == "TVC"] == []


def test_a_value_beyond_the_standard_is_a_problem_with_its_place_and_the_rest_is_taken() -> None:
    decoded = read(ems_body([ems_record("20260131T070000Z", DORV=901), ems_record("20260131T071500Z")]))
    assert [(p.where, p.reason) for p in decoded.problems] == [("/data/0/records/0/DORV", "bad_value")]
    assert len({at for _, _, at, _ in decoded.groups[0].entries}) == 2


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ('"TVC"', '"TVC":50,"TVC"', "/data/0/records/0"),
        ('"LSER"', '"LSER":"other","LSER"', "/data/0"),
        ('"transferId"', '"transferId":"a","transferId"', "/meta"),
    ],
)
def test_an_object_with_a_name_twice_is_a_problem_with_its_place(before: str, after: str, where: str) -> None:
    body = {"meta": {"transferId": "t"}, "data": [{"LSER": "L1", "records": [{"ABST": "20260131T070500Z", "TVC": 5}]}]}
    found = decode(json.dumps(body, separators=(",", ":")).replace(before, after).encode())
    assert [(each.where, each.reason) for each in found.problems] == [(where, "given_twice")]


@pytest.mark.parametrize("abst", ["2026-01-31T07:00:00Z", "20260131T070000", "", None, 5, "20261331T070000Z"])
def test_a_time_not_as_the_standard_writes_it_is_a_problem(abst: object) -> None:
    decoded = read(ems_body([{**ems_record("x"), "ABST": abst}]))
    assert [p.where for p in decoded.problems] == ["/data/0/records/0/ABST"]


def test_a_report_nobody_can_be_blamed_for_is_a_problem() -> None:
    body = ems_body([ems_record("20260131T070000Z")])
    body["data"][0].update(LSER=None, ESER="")
    assert [p.reason for p in read(body).problems] == ["no_serial"]


def test_the_transfer_names_the_message() -> None:
    assert read(ems_body([ems_record("20260131T070000Z")])).message_id == "transfer-1"


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_hostile_bodies_are_rejected(body: bytes) -> None:
    with pytest.raises(Reject):
        decode(body)


@pytest.mark.parametrize("junk", [None, 5, "x", [], {}, [None], [[]], {"LSER": "a", "records": 5}])
def test_junk_in_place_of_reports_never_raises_anything_else(junk: object) -> None:
    decoded = decode(json.dumps({"meta": junk, "data": [junk]}).encode())
    assert decoded.problems
    assert decoded.groups == []


def test_the_schema_names_the_place_of_a_missing_member() -> None:
    body = ems_body([ems_record("20260131T070000Z")])
    assert shape_problems(body) == []
    del body["data"][0]["records"][0]["ALRM"]
    (problem,) = shape_problems(body)
    assert problem.where == "/data/0/records/0"
    assert "ALRM" in problem.detail


def of_alternatives() -> Iterator[tuple[dict[str, Any], str, str]]:
    """A body that meets none of the schema's alternatives, where that is, and what must be said of it."""
    without_version = ems_body([ems_record("20260131T070000Z")])
    del without_version["data"][0]["EMSV"]
    yield without_version, "/data/0", '"EMSV" stands in the report or in each of its records'
    without_power = ems_record("20260131T070000Z")
    del without_power["SVA"]
    yield ems_body([without_power]), "/data/0/records/0", '"SVA"'
    yield ems_body([ems_record("20260131T070000Z", TVC=None)]), "/data/0/records/0", "null with the logger's error"
    silent = {"ABST": "20260131T070000Z", "ALRM": None, "BEMD": 14.3, "EERR": None}
    yield rtmd_body([silent]), "/data/0/records/0", "at least one temperature"


@pytest.mark.parametrize(("body", "where", "said"), list(of_alternatives()))
def test_who_met_none_of_several_ways_is_told_which_there_are(body: dict[str, Any], where: str, said: str) -> None:
    (problem,) = shape_problems(body)
    assert problem.where == where
    assert said in problem.detail
    assert "AMFR" not in problem.detail, "it is not the report itself that is wanted back"


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_the_shape_of_hostile_bodies_is_refused_without_a_crash(body: bytes) -> None:
    try:
        value = parse_json(body)
    except Reject:
        return
    assert shape_problems(value)


def _read(version: str, **members: object) -> dict[str, float]:
    record = {"ABST": "20260301T000000Z", "TVC": 5.0, **members}
    body = {"meta": {"schemaVersion": version}, "data": [{"LSER": "L1", "records": [record]}]}
    (group,) = read(body).groups
    return {name: value for name, _, _, value in group.entries}


def test_old_schemas_tell_the_compressors_run_in_minutes() -> None:
    assert [_read(version, CMPR=10)["CMPR"] for version in ("0.7.0", "0.7.2", "0.7.3", "0.8.1")] == [600, 600, 10, 10]


def test_a_word_that_says_no_fault_is_none() -> None:
    assert "TAMB" not in _read("0.8.1", TAMB=None, EERR="none", LERR="")
    assert "TAMB" in _read("0.8.1", TAMB=None, EERR="E12")
    for word in ("No error", "N/A", "-", "nil"):
        assert "TAMB" not in _read("0.8.1", TAMB=None, EERR=word)


def test_a_solar_fridges_panel_tells_its_power() -> None:
    assert _read("0.8.1", DCSV=17.2, DCCD=4.1) == {"TVC": 5.0, "DCSV": 17.2, "DCCD": 4.1, "DC": 900.0}
    assert _read("0.8.1", DCSV=0, DCCD=0)["DC"] == 0.0


def test_instants_are_read_in_either_case_and_with_a_leap_second() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert instant("2026-03-01t00:00:00z") == at
    assert instant("2026-02-28T23:59:60Z") == at
    assert instant("20260228T235960Z") == at
    assert instant("2026-02-28T23:59:60.5+00:00") == at + timedelta(seconds=0.5)
    assert [instant(text) for text in ("2026-02-28T23:59:60", "2026-02-28T60:00:00Z", "60", "z", "")] == [None] * 5


@pytest.mark.parametrize("told", ["20260131t070000z", "20260131T065960Z"])
def test_a_record_s_instant_is_read_so_too(told: str) -> None:
    body = ems_body([ems_record(told)])
    assert shape_problems(body) == []
    decoded = decode(json.dumps(body).encode())
    assert decoded.problems == []
    (group,) = decoded.groups
    assert {entry[2] for entry in group.entries} == {datetime(2026, 1, 31, 7, tzinfo=UTC)}


def test_a_devices_own_alarms_are_its_words_and_change_no_value() -> None:
    told = ("HEAT DOOR", None, "none", "HEATACK  HEAT HEAT", 7, "  ", "x" * 40 + " caf\u00e9\0")
    records = [ems_record(f"20260131T07{n:02d}00Z", ALRM=word) for n, word in enumerate(told)]
    decoded = decode(json.dumps(ems_body(records)).encode())
    assert decoded.problems == []
    (group,) = decoded.groups
    assert [(code, at.minute) for code, at in group.alarms] == [
        ("HEAT", 0), ("DOOR", 0), ("HEATACK", 3), ("HEAT", 3), ("x" * 16, 6), ("caf", 6),
    ]  # fmt: skip
    assert sum(1 for name, *_ in group.entries if name == "TVC") == len(told)


def test_a_record_that_holds_an_alarm_alone_is_kept() -> None:
    body = ems_body([{"ABST": "20260131T070000Z", "ALRM": "POWR"}])
    (group,) = decode(json.dumps(body).encode()).groups
    assert (group.entries, [code for code, _ in group.alarms]) == ([], ["POWR"])
