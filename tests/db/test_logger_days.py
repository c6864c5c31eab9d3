"""Exports of days without readings: kept once, judged, at the right place, and corrected like others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ingest.files.errors import BadLoggerFile
from ingest.files.importer import CountedElsewhere, import_logger_file
from tests.support.logger_files import fridge_tag_2
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.telemetry.errors import AssignmentOverlap
from tracker.telemetry.models import Assignment, DayFigures, Reading
from tracker.telemetry.service.assigning import correct_watch
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, CorrectWatch
from tracker.telemetry.service.devices import retire_device

NOW = datetime(2026, 4, 1, tzinfo=UTC)
COOL = ("+3.1", "+6.2", 0, "", 0, "")
# Above 8 from the evening of the 10th to the morning of the 12th.
FEVER = [
    ("2026-03-12", "+4.0", "+14.0", 0, "", 400, "00:00"),
    ("2026-03-11", "+9.0", "+15.0", 0, "", 1440, "05:30"),
    ("2026-03-10", "+3.0", "+9.5", 0, "", 270, ""),
    ("2026-03-09", *COOL),
]


def spoken(db: Session) -> list[Episode]:
    """Alarmed episodes that stand."""
    evaluate_waiting(db, now=NOW)
    query = select(Episode).where(Episode.alarmed_at.is_not(None), Episode.void_at.is_(None), Episode.rule == "HEAT")
    return list(db.scalars(query.order_by(Episode.started_at)))


def test_the_loggers_own_alarm_holds_as_the_days_say(db: Session, world: World) -> None:
    done = import_logger_file(db, world.who(Role.MANAGER), fridge_tag_2(FEVER), world.fridge.code, NOW)
    assert (done.days, done.new, done.readings, done.device_code) == (4, 4, 0, "berlinger-910000000001")
    (heat,) = spoken(db)
    # Days begin at 17:00 UTC of the day before in Jakarta.
    assert heat.started_at == datetime(2026, 3, 9, 17, tzinfo=UTC)
    assert heat.alarmed_at == datetime(2026, 3, 10, 22, 30, tzinfo=UTC)
    assert heat.ended_at == datetime(2026, 3, 12, 17, tzinfo=UTC)
    assert (heat.peak, heat.exposed_s) == (15.0, (270 + 1440 + 400) * 60)
    assert heat.equipment_id == world.fridge.id
    (alarm,) = db.scalars(select(Alarm).where(Alarm.rule == "HEAT"))
    assert alarm.equipment_id == world.fridge.id
    assert db.scalar(select(func.count()).select_from(Reading)) == 0
    check_silence(db, now=NOW)
    assert db.scalars(select(Alarm).where(Alarm.rule == "SILENT")).all() == []


def test_exports_in_any_order_and_again_leave_the_same_days(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    early = [("2026-03-11", "+9.0", "+12.0", 0, "", 480, "05:30"), *FEVER[2:]]
    whole = fridge_tag_2(FEVER, reported="2026-03-12 12:00")
    part = fridge_tag_2(early, reported="2026-03-11 08:00")
    states = []
    for order in ((part, whole), (whole, part), (whole, whole), (part, whole, part)):
        with db.begin_nested() as step:
            news = [import_logger_file(db, who, file, world.fridge.code, NOW).new for file in order]
            rows = db.execute(
                text("SELECT day, to_at, min_c, max_c, minutes_above, above_alarm_at FROM day_figures ORDER BY day")
            )
            states.append([tuple(row) for row in rows])
            alarms = [(one.started_at, one.ended_at, one.alarmed_at, one.peak) for one in spoken(db)]
            assert len(alarms) == 1
            states[-1].append(alarms[0])
            assert news[-1] == (2 if order == (part, whole) else 0)
            step.rollback()
        db.expire_all()
    assert all(state == states[0] for state in states)


def test_what_a_longer_export_tells_extends_the_episode(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    import_logger_file(db, who, fridge_tag_2(FEVER[1:], reported="2026-03-11 08:00"), world.fridge.code, NOW)
    (heat,) = spoken(db)
    assert heat.ended_at == datetime(2026, 3, 11, 1, tzinfo=UTC)
    first = heat.id
    import_logger_file(db, who, fridge_tag_2(FEVER), world.fridge.code, NOW)
    (heat,) = spoken(db)
    assert (heat.id, heat.ended_at) == (first, datetime(2026, 3, 12, 17, tzinfo=UTC))


def test_frost_by_the_loggers_own_hour(db: Session, world: World) -> None:
    days = [("2026-03-09", "-2.0", "+5.0", 75, "03:10", 0, ""), ("2026-03-08", "-0.6", "+5.0", 40, "", 0, "")]
    import_logger_file(db, world.who(Role.MANAGER), fridge_tag_2(days), world.fridge.code, NOW)
    evaluate_waiting(db, now=NOW)
    frost = db.scalars(select(Episode).where(Episode.rule == "FRZE").order_by(Episode.started_at)).all()
    assert [one.alarmed_at for one in frost] == [None, datetime(2026, 3, 8, 20, 10, tzinfo=UTC)]
    cold = db.scalars(select(Episode).where(Episode.rule == "COLD")).all()
    assert all(one.alarmed_at is not None for one in cold)


def test_days_of_the_wrong_fridge_are_refused_and_corrected(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    done = import_logger_file(db, who, fridge_tag_2(FEVER), world.fridge.code, NOW)
    right = world.equipment["pkm-cipondoh-k2"]
    with pytest.raises(CountedElsewhere) as said:
        import_logger_file(db, who, fridge_tag_2(FEVER), right.code, NOW)
    assert said.value.params["channel"] == "days"
    spoken(db)
    command = CorrectWatch(device=done.device_code, name="days", equipment=right.code, reason="ditulis terbalik")
    correct_watch(db, world.who(Role.CITY), command, now=NOW)
    assert [one.equipment_id for one in spoken(db)] == [right.id]


def test_a_watch_that_holds_days_is_not_pushed_aside_by_one_said_to_begin_before_it(db: Session, world: World) -> None:
    done = import_logger_file(db, world.who(Role.MANAGER), fridge_tag_2(FEVER), world.fridge.code, NOW)
    before = ChannelUse(
        device=done.device_code, name="days", equipment=world.fridge2.code, from_at=datetime(2026, 2, 1, tzinfo=UTC)
    )
    with pytest.raises(AssignmentOverlap):
        use_channel(db, SYSTEM, before, now=NOW)
    assert [one.equipment_id for one in spoken(db)] == [world.fridge.id]


def test_the_last_export_of_a_retired_logger_counts_where_it_lay_and_wakes_no_watch(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    early = fridge_tag_2(FEVER[2:], reported="2026-03-10 20:00")
    code = import_logger_file(db, who, early, world.fridge.code, NOW).device_code
    retire_device(db, who, code, now=NOW)
    import_logger_file(db, who, fridge_tag_2(FEVER), world.fridge.code, NOW + timedelta(days=1))
    assert [one.equipment_id for one in spoken(db)] == [world.fridge.id]
    assert db.scalars(select(Assignment.to_at)).all() == [NOW]


def test_a_logger_that_moves_takes_along_what_its_newest_day_tells_beyond(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    import_logger_file(db, who, fridge_tag_2(FEVER[2:], reported="2026-03-10 20:00"), world.fridge.code, NOW)
    import_logger_file(db, who, fridge_tag_2(FEVER), "pkm-cipondoh-k2", NOW)
    watches = db.scalars(select(Assignment).order_by(Assignment.from_at)).all()
    assert [watch.from_at for watch in watches] == [
        datetime(2026, 3, 8, 17, tzinfo=UTC),
        datetime(2026, 3, 10, 13, tzinfo=UTC),
    ]
    assert [one.equipment_id for one in spoken(db)] == [world.equipment["pkm-cipondoh-k2"].id]


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([], "no day with figures"),
        ([("2026-03-09", "--.-", "--.-", 0, "", 0, "")], "no day with figures"),
        ([("2027-03-09", *COOL)], "its clock is wrong"),
        ([("2001-03-09", *COOL)], "its clock is wrong"),
        ([("2026-03-09", *COOL), ("2026-03-09", *COOL)], "twice"),
        ([("2026-03-09", "+7.0", "+3.0", 0, "", 0, "")], "above its highest"),
        ([("2026-03-09", "+3.0", "+9.0", 0, "", 60, "25:61")], "time of day"),
    ],
)
def test_what_cannot_be_is_refused_as_a_whole(
    db: Session, world: World, days: list[tuple[str, str, str, int, str, int, str]], why: str
) -> None:
    with pytest.raises(BadLoggerFile) as said:
        import_logger_file(db, world.who(Role.MANAGER), fridge_tag_2(days), world.fridge.code, NOW)
    assert why in str(said.value.params["detail"])
    assert db.scalar(select(func.count()).select_from(DayFigures)) == 0


def test_the_first_day_begins_with_the_logger_and_the_newest_ends_with_the_report(db: Session, world: World) -> None:
    file = fridge_tag_2(FEVER, activated="2026-03-09 10:00", reported="2026-03-12 09:00")
    import_logger_file(db, world.who(Role.MANAGER), file, world.fridge.code, NOW)
    days = db.scalars(select(DayFigures).order_by(DayFigures.day)).all()
    assert days[0].day == date(2026, 3, 9)
    assert days[0].from_at == datetime(2026, 3, 9, 3, tzinfo=UTC)
    assert days[-1].to_at == datetime(2026, 3, 12, 2, tzinfo=UTC)
