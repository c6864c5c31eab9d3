"""Topics find their dialect and their sender; bindings add topics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.mqtt.topics import Routes
from tracker.settings import Binding, IngestSettings, SettingsError


def test_own_topics_name_the_sender_by_the_level_the_broker_checks() -> None:
    routes = Routes()
    readings, ems, status = (routes.find(f"rantai/v1/dev-1/{leaf}") for leaf in ("readings", "ems", "status"))
    assert readings is not None
    assert ems is not None
    assert status is not None
    assert (readings.sender, readings.dialect and readings.dialect.name) == ("dev-1", "native")
    assert ems.dialect is not None
    assert ems.dialect.name == "ems"
    assert status.dialect is None


@pytest.mark.parametrize(
    "topic", ["", "rantai", "rantai/v1/a/readings/b", "rantai/v2/a/readings", "/rantai/v1/a/readings"]
)
def test_other_topics_have_no_route(topic: str) -> None:
    assert Routes().find(topic) is None


def test_a_binding_adds_a_filter_and_its_first_plus_is_the_sender() -> None:
    routes = Routes([Binding(filter="lab/+/out/#", dialect="native")])
    route = routes.find("lab/dev-9/out/a/b")
    assert route is not None
    assert route.sender == "dev-9"
    assert routes.filters[-1] == "lab/+/out/#"
    assert routes.find("lab/dev-9/in") is None


def test_a_binding_over_a_native_topic_leaves_it_its_own_dialect() -> None:
    route = Routes([Binding(filter="rantai/v1/+/#", dialect="ems")]).find("rantai/v1/dev-1/readings")
    assert route is not None
    assert route.dialect is not None
    assert route.dialect.name == "native"


@pytest.mark.parametrize(
    ("name", "dialect"),
    [("lab/all", "native"), ("lab/a+/x", "native"), ("lab/+/#/x", "native"), ("lab/+/x", "klingon")],
)
def test_a_binding_that_cannot_work_is_refused_at_start(name: str, dialect: str) -> None:
    with pytest.raises(SettingsError, match="BINDINGS"):
        Routes([Binding(filter=name, dialect=dialect)])


def test_what_is_remembered_of_topics_stays_bounded() -> None:
    routes = Routes(most_remembered=10)
    for number in range(100):
        routes.find(f"x/{number}")
    assert len(routes._met) <= 10


def test_the_example_of_the_documents_is_taken_at_start() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    example = text.split("binds further topics")[1].split("```json")[1].split("```")[0]
    settings = IngestSettings.model_validate({"bindings": json.loads(example)})
    route = Routes(settings.bindings).find("vendor/dev-1/ems")
    assert route is not None
    assert route.sender == "dev-1"
