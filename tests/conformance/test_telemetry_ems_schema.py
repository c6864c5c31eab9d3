"""Our reading of the delivery schema against the published one, and the labelled series through the reader."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from ingest.dialects.ems import decode
from ingest.dialects.ems_schema import shape_problems
from tests.support.ems import ems_body, ems_record, rtmd_body

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ems"
SCHEMA = DATA / "cce-interop-0.8.1.schema.json"

pytestmark = pytest.mark.skipif(not SCHEMA.is_file(), reason=f"reference data is not at {DATA}")

RTMD_RECORD = {"ABST": "20260131T070000Z", "ALRM": None, "BEMD": 14.3, "EERR": None, "TVC": 3.2}
BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "ems": lambda: ems_body([ems_record("20260131T070000Z"), ems_record("20260131T071500Z")]),
    "rtmd": lambda: rtmd_body([dict(RTMD_RECORD)]),
}


@pytest.fixture(scope="module")
def published() -> jsonschema_rs.Draft202012Validator:
    """The schema as published."""
    return jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("kind", BODIES)
def test_complete_bodies_please_both(kind: str, published: jsonschema_rs.Draft202012Validator) -> None:
    assert published.is_valid(BODIES[kind]())
    assert shape_problems(BODIES[kind]()) == []


def broken(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Bodies with one member missing or wrong, named."""
    found = []
    member: Any
    members: Any
    whole = BODIES[kind]()
    for name in whole["data"][0]:
        body = copy.deepcopy(whole)
        del body["data"][0][name]
        found.append((f"report without {name}", body))
    for name in whole["data"][0]["records"][0]:
        body = copy.deepcopy(whole)
        del body["data"][0]["records"][0][name]
        found.append((f"record without {name}", body))
        for member in (None, "x", -1000, 1e6, 9999.5, True, []):
            body = copy.deepcopy(whole)
            body["data"][0]["records"][0][name] = member
            found.append((f"{name} = {member!r}", body))
    for name in whole["meta"]:
        body = copy.deepcopy(whole)
        del body["meta"][name]
        found.append((f"meta without {name}", body))
        body = copy.deepcopy(whole)
        body["meta"][name] = 5
        found.append((f"meta {name} = 5", body))
    for members in (None, [], {}, [5], "x"):
        body = copy.deepcopy(whole)
        body["data"] = members
        found.append((f"data = {members!r}", body))
    return found


@pytest.mark.parametrize("kind", BODIES)
def test_one_wrong_member_is_seen_by_us_exactly_where_the_published_schema_sees_it(
    kind: str, published: jsonschema_rs.Draft202012Validator
) -> None:
    cases = broken(kind)
    differing = [name for name, body in cases if published.is_valid(body) != (shape_problems(body) == [])]
    assert differing == []
    assert sum(not published.is_valid(body) for _, body in cases) > 40


@pytest.mark.parametrize("series", ["mains_normal", "compressor_failure", "power_outage", "stuck_door"])
def test_the_labelled_series_are_read_without_loss(series: str) -> None:
    records = json.loads((DATA / f"sim_{series}.json").read_text(encoding="utf-8"))["records"]
    decoded = decode(json.dumps(ems_body(records)).encode())
    assert decoded.problems == []
    entries = decoded.groups[0].entries
    assert len([1 for name, _, _, _ in entries if name == "TVC"]) == len(records)
    assert [v for name, _, _, v in entries if name == "TVC"] == [record["TVC"] for record in records]
