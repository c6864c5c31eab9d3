"""Every event is declared, described and read back as it was written."""

from __future__ import annotations

import ast
import dataclasses
import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import doc_tables
from tracker.events import EVENTS, KINDS
from tracker.feed.contract import Event, Undecodable, decode, names_of, with_old_names
from tracker.feed.models import FeedEvent

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("tracker", "ingest", "dashboard", "rantai", "simulators")
INSTANTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis takes naive bounds
st.register_type_strategy(datetime, INSTANTS)
# What JSON and the database hold exactly.
st.register_type_strategy(int, st.integers(-(2**53), 2**53))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def declared(cls: type[Event]) -> Any:
    """A cached function wants a hashable argument; mypy doubts that of a dataclass's type."""
    return cls


def stored(event: Event, data: Any = None) -> FeedEvent:
    return FeedEvent(kind=event.KIND, data=orjson.loads(orjson.dumps(event)) if data is None else data)


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.KIND)
def test_an_event_is_read_back_as_it_was_told(cls: type[Event]) -> None:
    @settings(max_examples=8)
    @given(st.from_type(cls))
    def holds(event: Event) -> None:
        assert decode(stored(event), cls) == event

    holds()


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.KIND)
def test_rows_stored_under_former_names_are_still_read(cls: type[Event]) -> None:
    """And what leaves the house carries both names."""

    @settings(max_examples=4)
    @given(st.from_type(cls))
    def holds(event: Event) -> None:
        old = orjson.loads(orjson.dumps(event))
        for name, former in names_of(declared(cls)).items():
            if former is not None:
                old[former] = old.pop(name)
        assert decode(stored(event, old), cls) == event
        shown = with_old_names(event)
        assert set(old) <= set(shown)
        assert {field.name for field in dataclasses.fields(event)} <= set(shown)

    holds()


def test_every_event_class_of_every_room_is_in_the_one_list() -> None:
    found: set[type[Event]] = set()
    for file in sorted((ROOT / "tracker").glob("*/events.py")):
        module = import_module(f"tracker.{file.parent.name}.events")
        found |= {
            each
            for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, Event) and "KIND" in vars(each) and each is not Event
        }
    assert found == set(EVENTS)


def test_no_event_is_declared_that_nobody_tells() -> None:
    lists = {ROOT / "tracker/events.py", ROOT / "tracker/reactions.py"}
    used: set[str] = set()
    for file in set((ROOT / "tracker").rglob("*.py")) - lists:
        if file.name != "events.py":
            used |= {
                node.id for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
            }
    assert {cls.__name__ for cls in EVENTS} <= used


def test_kinds_are_named_by_room_and_happening_and_say_when_they_are_told() -> None:
    for cls in EVENTS:
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", cls.KIND), cls
        assert (cls.__doc__ or "").strip().endswith("."), cls
        assert not (cls.__doc__ or "").startswith(cls.__name__ + "("), f"{cls} has no docstring of its own"


def test_nothing_is_appended_to_the_feed_as_a_literal_kind_or_a_dict() -> None:
    for file in sorted(path for program in (*PROGRAMS, "tests") for path in (ROOT / program).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "append":
                literal = [arg for arg in node.args if isinstance(arg, ast.Constant | ast.JoinedStr | ast.Dict)]
                assert not literal, f"{file.relative_to(ROOT)}:{node.lineno}"
                assert "data" not in {word.arg for word in node.keywords}, f"{file.relative_to(ROOT)}:{node.lineno}"


def test_a_row_that_holds_something_else_does_not_decode_and_says_which_field() -> None:
    row = FeedEvent(kind="quota.changed", data={"facility_id": "not an id", "presentation_id": None})
    with pytest.raises(Undecodable, match="facility_id") as caught:
        KINDS.decode(row)
    assert "not an id" not in str(caught.value)
    with pytest.raises(Undecodable, match=r"quota\.chnged"):
        KINDS.decode(FeedEvent(kind="quota.chnged", data={}))


def test_the_document_names_every_kind_and_every_field() -> None:
    written = doc_tables.written("events")
    for cls in EVENTS:
        assert f"### `{cls.KIND}`" in written
        for name in names_of(declared(cls)):
            assert f"| `{name}` |" in written
