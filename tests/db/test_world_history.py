"""The demo's past: months of readings that agree with their aggregates and raise no alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from rantai.world import history
from rantai.world.history import past_of, seed_history
from rantai.world.seed import seed_world
from tests.support import databases
from tests.support.services import Services
from tracker.coldchain.models import Alarm, ChannelHour, Episode
from tracker.database.engine import transaction
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


def test_the_past_is_stored_once_evaluated_whole_and_raises_no_alarm(
    services: Services, template: str, tmp_path: Path
) -> None:
    with (
        databases.copied_database(services.postgres.url("postgres"), template) as url,
        databases.engine_of(url) as engine,
    ):
        seed_world(engine, tmp_path / "world.json", now=NOW)
        # Both paces are in it; the rest of the half year is more of the same.
        stored = seed_history(engine, now=NOW, length=timedelta(days=40))
        assert stored > 20_000
        assert _hours_agree(engine)
        with transaction(engine) as db:
            assert db.scalar(select(func.count()).select_from(Episode)) == 0
            assert db.scalar(select(func.count()).select_from(Alarm)) == 0
        assert seed_history(engine, now=NOW + timedelta(days=1)) == 0


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
