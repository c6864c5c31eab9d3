"""A logger's export becomes readings, once, in the zone of its fridge."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest.files.errors import BadLoggerFile
from ingest.files.importer import import_logger_file
from tests.support.logger_files import fridge_tag
from tests.support.world import World
from tracker.access.rules import Role
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.kit.errors import Forbidden, NotFound
from tracker.network.models import Facility
from tracker.telemetry.models import Assignment, Channel, Device, Reading

NOW = datetime(2026, 4, 1, tzinfo=UTC)
# Thirteen hours at 9 °C from 08:00 local time, every five minutes.
HOT = [(f"2026-03-01 {8 + minute // 60:02}:{minute % 60:02}", "9.0") for minute in range(0, 13 * 60, 5)]


def test_an_import_raises_the_alarms_its_readings_deserve(db: Session, world: World) -> None:
    done = import_logger_file(db, world.who(Role.MANAGER), fridge_tag(HOT), world.fridge.code, NOW)
    assert (done.new, done.readings, done.device_code) == (156, 156, "berlinger-900000000001")
    evaluate_waiting(db, now=NOW)
    (heat,) = db.scalars(select(Episode).where(Episode.rule == "HEAT"))
    # 08:00 in Jakarta is 01:00 UTC.
    assert (heat.started_at, heat.alarmed_at) == (
        datetime(2026, 3, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 11, tzinfo=UTC),
    )
    assert heat.equipment_id == world.fridge.id
    (alarm,) = db.scalars(select(Alarm).where(Alarm.rule == "HEAT"))
    assert alarm.escalate_at is None, "nobody is woken for what was over a month ago"


def test_importing_again_or_a_longer_export_adds_only_what_is_new(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    import_logger_file(db, who, fridge_tag(HOT[50:100]), world.fridge.code, NOW)
    assert import_logger_file(db, who, fridge_tag(HOT[50:100]), world.fridge.code, NOW).new == 0
    assert import_logger_file(db, who, fridge_tag(HOT), world.fridge.code, NOW).new == 106
    assert db.scalar(select(func.count()).select_from(Channel)) == 1
    evaluate_waiting(db, now=NOW)
    # The older readings came second; the watch was dated back to them.
    assert [one.started_at.hour for one in db.scalars(select(Episode).where(Episode.rule == "HEAT"))] == [1]


def test_a_logger_that_moves_takes_along_only_what_it_measures_from_then_on(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    import_logger_file(db, who, fridge_tag(HOT[:60]), world.fridge.code, NOW)
    # Its memory still holds the first fridge's readings.
    import_logger_file(db, who, fridge_tag(HOT), "pkm-cipondoh-k2", NOW)
    watches = db.scalars(select(Assignment).order_by(Assignment.from_at)).all()
    last = datetime(2026, 3, 1, 5, 55, tzinfo=UTC)
    assert [watch.equipment_id for watch in watches] == [world.fridge.id, world.equipment["pkm-cipondoh-k2"].id]
    assert watches[0].to_at == watches[1].from_at
    assert watches[1].from_at > last
    assert db.scalar(select(func.count()).select_from(Reading)) == len(HOT)


def test_the_times_stand_in_the_zone_of_the_facility(db: Session, world: World) -> None:
    db.get_one(Facility, world.puskesmas.id).timezone = "Asia/Jayapura"
    db.flush()
    done = import_logger_file(db, world.who(Role.MANAGER), fridge_tag(HOT), world.fridge.code, NOW)
    assert done.first == datetime(2026, 2, 28, 23, tzinfo=UTC)


def test_a_logger_read_by_file_is_never_a_lost_sensor(db: Session, world: World) -> None:
    import_logger_file(db, world.who(Role.MANAGER), fridge_tag(HOT[:3]), world.fridge.code, NOW)
    evaluate_waiting(db, now=NOW)
    check_silence(db, now=NOW)
    assert db.scalars(select(Alarm).where(Alarm.rule == "SILENT")).all() == []


def test_a_bad_file_changes_nothing_and_names_the_line(db: Session, world: World) -> None:
    with pytest.raises(BadLoggerFile) as problem:
        import_logger_file(db, world.who(Role.MANAGER), b"Device: Toaster\n", world.fridge.code, NOW)
    assert problem.value.params["file_line"] == 1
    with pytest.raises(BadLoggerFile, match="no readings"):
        import_logger_file(db, world.who(Role.MANAGER), fridge_tag(None), world.fridge.code, NOW)
    assert db.scalar(select(func.count()).select_from(Device)) == 0


def test_only_who_may_write_telemetry_there_may_import(db: Session, world: World) -> None:
    with pytest.raises(Forbidden):
        import_logger_file(db, world.who(Role.VACCINATOR), fridge_tag(HOT), world.fridge.code, NOW)
    with pytest.raises(NotFound):
        import_logger_file(db, world.who(Role.MANAGER), fridge_tag(HOT), "pkm-tanah-tinggi-k1", NOW)
