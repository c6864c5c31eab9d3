"""The demo's past in its fridges: months of readings that agree with their aggregates, and a few fevers that were answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select

from rantai.world import history
from rantai.world.calendar import Calendar
from rantai.world.fevers import FEVERS
from rantai.world.history import past_of, seed_history
from rantai.world.seed import seed_world
from tests.support import databases
from tests.support.books import check_books
from tests.support.services import Services
from tracker.coldchain.models import Alarm, ChannelHour
from tracker.coldchain.rules.limits import Severity
from tracker.database.engine import transaction
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Equipment, Facility
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.stock.models import StockBalance, StockEvent
from tracker.stock.rules.words import Status
from tracker.telemetry.models import Reading
from tracker.telemetry.rules.words import Role

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize("role", [Role.STORAGE, Role.FREEZER])
def test_a_past_reaches_back_months_keeps_within_limits_and_ends_before_the_loggers_memory(role: Role) -> None:
    at, values = past_of("sensor-x", role, NOW - history.LENGTH, NOW - history.ENDS_BEFORE)
    assert at[0] < (NOW - timedelta(days=150)).timestamp()
    assert (NOW - timedelta(hours=14)).timestamp() < at[-1] < (NOW - history.MEMORY).timestamp()
    low, high = (2.0, 8.0) if role is Role.STORAGE else (-25.0, -15.0)
    assert low < values.min() < values.max() < high
    again = past_of("sensor-x", role, NOW - history.LENGTH, NOW - history.ENDS_BEFORE)
    assert (at == again[0]).all()
    assert (values == again[1]).all()
    assert (values[:50] != past_of("sensor-y", role, NOW - history.LENGTH, NOW - history.ENDS_BEFORE)[1][:50]).any()


@pytest.fixture(scope="module")
def seeded(services: Services, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The world without its people, with both paces of the past in it; the rest of the half year is more of the same."""
    with (
        databases.copied_database(services.postgres.url("postgres"), template) as url,
        databases.engine_of(url) as engine,
    ):
        path = tmp_path_factory.mktemp("world") / "world.json"
        seed_world(engine, path, now=NOW, readings=timedelta(days=40))
        yield engine


def test_the_past_is_stored_once_and_evaluated_whole(seeded: Engine) -> None:
    with transaction(seeded) as db:
        assert (db.scalar(select(func.count()).select_from(Reading)) or 0) > 20_000
    assert _hours_agree(seeded)
    assert seed_history(seeded, now=NOW + timedelta(days=1)) == 0


def test_only_the_fevers_of_the_past_raised_alarms_each_on_its_morning(seeded: Engine) -> None:
    calendar = Calendar(today=local_day(NOW, WESTERN))
    with transaction(seeded) as db:
        rang = db.execute(
            select(Equipment.code, Alarm.rule, Alarm.raised_at, Alarm.ended_at, Alarm.closed_at)
            .join(Equipment, Equipment.id == Alarm.equipment_id)
            .where(Alarm.severity == Severity.ALARM)
        ).all()
        early = db.scalars(select(Alarm).where(Alarm.severity == Severity.ADVISORY)).all()
    assert sorted((row.code, row.rule, local_day(row.raised_at, WESTERN)) for row in rang) == sorted(
        (fever.equipment, fever.rule, calendar.day(fever.morning)) for fever in FEVERS
    )
    assert all(row.ended_at < row.closed_at for row in rang)
    assert {alarm.equipment_id for alarm in early} <= {alarm.equipment_id for alarm in _alarms(seeded)}


def test_the_fevers_of_the_past_held_what_lay_there_and_people_decided_all_of_it(seeded: Engine) -> None:
    with transaction(seeded) as db:
        holds = db.scalars(select(Hold)).all()
        left = db.scalar(
            select(func.sum(StockBalance.vials))
            .join(Equipment, Equipment.id == StockBalance.place_id)
            .where(
                StockBalance.status.in_((Status.HELD, Status.UNUSABLE)),
                Equipment.code.in_({fever.equipment for fever in FEVERS}),
            )
        )
        held = db.scalar(select(func.sum(StockBalance.vials)).where(StockBalance.status == Status.HELD))
        acknowledged = db.scalars(select(Alarm.acknowledged_name).where(Alarm.severity == Severity.ALARM)).all()
    assert {hold.state for hold in holds} == {HoldState.RELEASED, HoldState.DISCARDED}
    assert all(hold.decided_name and hold.reason for hold in holds)
    assert all(acknowledged)
    assert held == 0
    assert left == 0, "what was condemned was destroyed with a document"


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


def test_a_past_that_was_interrupted_goes_on_where_it_ended(
    seeded: Engine, services: Services, template: str, tmp_path: Path
) -> None:
    def end(line: str) -> None:
        if "days to go" in line:
            raise Interrupted

    with (
        databases.copied_database(services.postgres.url("postgres"), template) as url,
        databases.engine_of(url) as engine,
    ):
        path = tmp_path / "world.json"
        for later in range(2):
            with pytest.raises(Interrupted):
                now = NOW + timedelta(hours=20 * later)
                seed_world(engine, path, now=now, readings=timedelta(days=20), tell=end)
        # The next day: the past stays what it was on the first.
        seed_world(engine, path, now=NOW + timedelta(days=1), readings=timedelta(days=20))
        assert _story_of(engine) == _story_of(seeded)
        with transaction(engine) as db:
            check_books(db)


def _story_of(engine: Engine) -> list[tuple[object, ...]]:
    """What happened, without the ids that chance gave; today's shipments go by the hour of the start."""
    today = datetime.combine(local_day(NOW, WESTERN), time(0), tzinfo=ZoneInfo(WESTERN))
    with transaction(engine) as db:
        moved = db.execute(
            select(StockEvent.kind, StockEvent.occurred_at, StockEvent.recorded_at, Facility.code)
            .join(Facility, Facility.id == StockEvent.facility_id)
            .where(StockEvent.occurred_at < today)
        ).all()
        rang = db.execute(select(Alarm.rule, Alarm.raised_at, Alarm.acknowledged_at, Alarm.closed_at)).all()
    return sorted([tuple(row) for row in moved], key=repr) + sorted([tuple(row) for row in rang], key=repr)


def _alarms(engine: Engine) -> list[Alarm]:
    with transaction(engine) as db:
        return list(db.scalars(select(Alarm).where(Alarm.severity == Severity.ALARM)))


def _hours_agree(engine: Engine) -> bool:
    """Lowest and highest of all hours are those of all readings, channel by channel."""
    with transaction(engine) as db:
        readings = db.execute(
            select(Reading.channel_id, func.min(Reading.value), func.max(Reading.value)).group_by(Reading.channel_id)
        ).all()
        hours = db.execute(
            select(ChannelHour.channel_id, func.min(ChannelHour.min_c), func.max(ChannelHour.max_c)).group_by(
                ChannelHour.channel_id
            )
        ).all()
    return bool(readings) and sorted(map(tuple, readings)) == sorted(map(tuple, hours))
