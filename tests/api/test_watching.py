"""What watches the house finds what it looks for: figures, rules and the dashboard name the same metrics."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.api.app import create_app
from tracker.api.behind import look_behind
from tracker.database.engine import transaction
from tracker.database.partitions import ensure_months
from tracker.delivery.service import queue_message
from tracker.edge.services import Services
from tracker.feed.numbering import number_pending
from tracker.feed.service import append
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.quota.events import BookingDisplaced
from tracker.quota.rules.words import BookingState

WATCHING = Path(__file__).parents[2] / "deploy" / "watching"
RULES = WATCHING / "rantai.rules.yml"
# What Prometheus makes itself of every house it looks at.
OF_PROMETHEUS = {"up"}
FUNCTIONS = {"absent", "by", "delta", "max", "min", "min_over_time", "or"}


@pytest.fixture
def client(app_services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(app_services)) as client:
        yield client


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    panels = json.loads((WATCHING / "grafana.json").read_text())["panels"]
    return [str(rule["expr"]) for rule in rules()] + [shown["expr"] for panel in panels for shown in panel["targets"]]


def named_in(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|by \([^)]*\)|\"[^\"]*\"", " ", expression)
    return set(re.findall(r"[a-z_]{2,}", bare)) - FUNCTIONS


def test_every_metric_that_is_looked_at_is_told_by_a_running_house(client: TestClient) -> None:
    told = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    ours = {name for name in told if name.startswith("rantai_")}
    looked_at = set().union(*map(named_in, expressions())) - OF_PROMETHEUS
    assert looked_at == ours
    parts = {sample.labels["part"] for sample in told["rantai_ready"].samples}
    assert parts == set(client.get("/readyz").json()["checks"])


def test_each_rule_says_whom_to_tell_what_and_the_handbook_what_to_do() -> None:
    handbook = (WATCHING.parents[1] / "docs" / "production.md").read_text()
    for rule in rules():
        assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"}), rule["alert"]
        assert rule["annotations"], rule["alert"]
        assert f"`{rule['alert']}`" in handbook
    loops = set(re.findall(r"loop!=\"(\w+)\"", RULES.read_text()))
    assert loops == {"housekeeping"}, "only what works once an hour may be silent for five minutes"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_reads_rules_and_configuration() -> None:
    for what, file in (("rules", RULES), ("config", WATCHING / "prometheus.yml")):
        subprocess.run(["promtool", "check", what, str(file)], check=True, capture_output=True)


def test_what_is_behind_is_told_with_how_much(client: TestClient, app_services: Services) -> None:
    engine, now = app_services.engine, utc_now()
    before = client.get("/readyz").json()["behind"]
    assert (before["feed_s"], before["reactions_s"], before["messages"], before["readings"]) == (0.0, 0.0, 0, 0)
    late = now - timedelta(minutes=10)
    with transaction(engine) as db:
        db.execute(text("INSERT INTO reading_mark (channel_id, earliest_at) VALUES (1, now()), (2, now())"))
        unit = ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        queue_message(
            db, medium="sms", recipient_ref=str(uuid7()), template="ticket_code", params={}, unit_id=unit.id, now=late
        )
        event = BookingDisplaced(
            booking_id=uuid7(),
            session_id=uuid7(),
            facility_id=unit.id,
            presentation_id=uuid7(),
            dose=1,
            state=BookingState.DISPLACED,
        )
        append(db, event, unit_id=unit.id, subject=str(event.booking_id), occurred_at=late, now=late)
    told = client.get("/readyz").json()["behind"]
    assert told["feed_s"] >= 600
    number_pending(engine)
    told = client.get("/readyz").json()["behind"]
    assert (told["feed_s"], told["readings"], told["messages"]) == (0.0, 2, 1)
    assert told["messages_s"] >= 600
    assert told["reactions_s"] >= 600
    told = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    late_ones = {s.labels["reaction"] for s in told["rantai_reaction_lag_seconds"].samples if s.value >= 600}
    assert late_ones == {"offer"}


def test_the_months_ahead_are_counted_to_the_end_of_the_last(client: TestClient, app_services: Services) -> None:
    now = utc_now()
    with transaction(app_services.engine) as db:
        ensure_months(db, "reading", (now.date(), (now + timedelta(days=31)).date()))
        ahead = look_behind(db, now).months_ahead_days
    assert ahead is not None
    assert 28 <= ahead <= 63
    assert client.get("/readyz").json()["behind"]["months_ahead_days"] == pytest.approx(ahead, abs=1)


def test_the_age_of_the_newest_backup_and_the_free_share_of_named_disks_are_told(
    app_services: Services, tmp_path: Path
) -> None:
    disks = f"database:{tmp_path},broker:{tmp_path / 'away'}"
    api = app_services.settings.api.model_copy(update={"disks": disks})
    watched = Services(engine=app_services.engine, settings=app_services.settings.model_copy(update={"api": api}))

    def figures(client: TestClient) -> dict[str, float]:
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            "".join((sample.name, *sample.labels.values())): sample.value for one in families for sample in one.samples
        }

    with TestClient(create_app(watched)) as client:
        told, shown = client.get("/readyz").json()["behind"], figures(client)
        assert (told["backup_s"], shown["rantai_backup_age_seconds"]) == (None, math.inf), (
            "nobody told of one: it is late"
        )
        assert told["disk_broker_free"] is None
        assert 0 <= told["disk_database_free"] <= 1
        assert shown["rantai_disk_free_ratiodatabase"] == pytest.approx(told["disk_database_free"], abs=0.1)
        assert math.isnan(shown["rantai_disk_free_ratiobroker"])
        with transaction(app_services.engine) as db:
            db.execute(text("SELECT backup_made(:at)"), {"at": utc_now() - timedelta(hours=30)})
        assert client.get("/readyz").json()["behind"]["backup_s"] == pytest.approx(30 * 3600, abs=60)
        assert figures(client)["rantai_backup_age_seconds"] == pytest.approx(30 * 3600, abs=60)
