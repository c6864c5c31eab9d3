"""Readings become episodes and alarms, in whatever order they arrive."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from tests.support.coldchain import START, at, living, new_channel, send, shapes
from tests.support.world import World, small_world
from tracker.access.rules import Role as AccountRole
from tracker.coldchain.models import Alarm, EpisodeVersion
from tracker.coldchain.service.commands import AcknowledgeAlarm
from tracker.coldchain.service.evaluation import check_silence, evaluate_marked, evaluate_waiting
from tracker.coldchain.service.handling import acknowledge_alarm, escalate_alarms
from tracker.database.engine import transaction
from tracker.database.partitions import ensure_months, month_of
from tracker.feed.models import FeedPending
from tracker.telemetry.models import Device, ReadingMark
from tracker.telemetry.service.writer import mark

HEAT = 1


def hot(first: int, last: int, value: float = 9.0) -> list[tuple[float, float]]:
    return [(minute, value) for minute in range(first, last, 10)]


def test_ten_hours_above_eight_degrees_raise_one_heat_alarm(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    send(db, channel, [(0, 5.0), *hot(10, 620), (620, 5.0), (630, 5.0)])
    evaluate_waiting(db, now=at(631))
    assert [shape for shape in shapes(db, channel) if shape[0] == HEAT] == [
        (HEAT, 10, 610, 620, 9.0, 610, 610),
    ]
    alarms = db.scalars(select(Alarm).where(Alarm.rule == "HEAT")).all()
    assert [(alarm.started_at, alarm.alarmed_at, alarm.ended_at) for alarm in alarms] == [(at(10), at(610), at(620))]
    assert [episode.alarm_id for episode in living(db, channel) if episode.limit_id == HEAT] == [alarms[0].id]


ROWS_READ = "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"


def rows_read(db: Session) -> dict[str, int]:
    """Rows fetched from each table by this connection and not yet reported to the statistics."""
    return {name: count for name, count in db.execute(text(ROWS_READ)) if count}


def test_the_next_reading_of_a_channel_hot_for_six_months_reads_few_rows(engine: Engine) -> None:
    with transaction(engine) as db:
        channel = new_channel(db, small_world(db), from_at=at(-10))
        months = {month_of((START + timedelta(days=day)).date()) for day in range(185)}
        ensure_months(db, "reading", months)
        last = 183 * 144
        db.execute(
            text(
                "INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags) "
                "SELECT :channel, cast(:start AS timestamptz) + make_interval(mins => 10 * n), 12, now(), 0, 0 "
                "FROM generate_series(0, :last - 1) n"
            ),
            {"channel": channel.id, "start": START, "last": last},
        )
        db.execute(text("DELETE FROM reading_mark"))
        mark(db, channel.id, START)
        evaluate_waiting(db, now=at(10 * (last - 1)))
    with transaction(engine) as db:
        send(db, channel, [(10 * last, 12.0)])
    with transaction(engine) as db:
        before = rows_read(db)
        assert evaluate_waiting(db, now=at(10 * last)) == 1
        after = rows_read(db)
        heat = [shape for shape in shapes(db, channel) if shape[0] == HEAT]
    read = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}
    assert heat == [(HEAT, 0, 600, None, 12.0, 10 * last, 10 * last)]
    assert sum(count for name, count in read.items() if name.startswith("reading_y")) <= 4, read
    assert sum(read.values()) <= 100, read


def test_a_late_reading_in_the_middle_costs_its_days_and_not_the_history(engine: Engine) -> None:
    with transaction(engine) as db:
        channel = new_channel(db, small_world(db), from_at=at(-10))
        send(db, channel, hot(0, 60 * 24 * 60))
        evaluate_waiting(db, now=at(60 * 24 * 60))
    with transaction(engine) as db:
        send(db, channel, [(58 * 24 * 60 + 5, 5.0)])
    with transaction(engine) as db:
        before = rows_read(db)
        evaluate_waiting(db, now=at(60 * 24 * 60))
        after = rows_read(db)
        heat = [shape for shape in shapes(db, channel) if shape[0] == HEAT]
    read = sum(count - before.get(name, 0) for name, count in after.items() if name.startswith("reading_y"))
    assert [shape[1:4] for shape in heat] == [(0, 600, 83525), (83530, 84130, None)]
    assert read <= 3 * 144


def test_two_workers_at_once_take_every_mark_once_and_raise_one_alarm_per_fridge(engine: Engine) -> None:
    with transaction(engine) as db:
        world = small_world(db)
        channels = [new_channel(db, world, from_at=at(-10), name="t1") for _ in range(20)]
        for channel in channels:
            send(db, channel, hot(0, 700))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while evaluate_marked(engine, now=at(690), limit=3):
                pass
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    with transaction(engine) as db:
        assert db.scalar(select(func.count()).select_from(ReadingMark)) == 0
        assert all(
            [shape[:3] for shape in shapes(db, channel) if shape[0] == HEAT] == [(HEAT, 0, 600)] for channel in channels
        )
        # All twenty hang in one fridge: one matter for people, whatever worker saw which.
        assert db.scalar(select(func.count()).select_from(Alarm).where(Alarm.rule == "HEAT")) == 1


def test_a_failing_evaluation_leaves_the_marks_for_the_next(engine: Engine) -> None:
    with transaction(engine) as db:
        channel = new_channel(db, small_world(db))
        send(db, channel, hot(0, 700))
    with pytest.raises(RuntimeError, match="killed"), transaction(engine) as db:
        evaluate_waiting(db, now=at(690))
        raise RuntimeError("killed before the commit")
    assert evaluate_marked(engine, now=at(690)) == 1
    with transaction(engine) as db:
        assert [shape[:3] for shape in shapes(db, channel) if shape[0] == HEAT] == [(HEAT, 0, 600)]


def test_a_device_that_delivers_what_it_stored_is_not_lost(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    send(db, channel, [(m, 5.0) for m in range(0, 100, 10)])
    evaluate_waiting(db, now=at(600))
    assert check_silence(db, now=at(601)) == 0
    send(db, channel, [(m, 5.0) for m in range(100, 200, 10)])
    evaluate_waiting(db, now=at(602))
    assert check_silence(db, now=at(632)) == 0
    assert db.scalars(select(Alarm)).all() == []
    assert check_silence(db, now=at(633)) == 1, "then it went quiet again"
    (alarm,) = db.scalars(select(Alarm))
    assert (alarm.rule, alarm.started_at) == ("SILENT", at(190))


def test_a_lost_sensor_raises_one_alarm_until_it_speaks_again(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    other = new_channel(db, world, device=db.get_one(Device, channel.device_id).code, name="t2")
    for one in (channel, other):
        send(db, one, [(0, 5.0), (10, 5.0)])
    evaluate_waiting(db, now=at(20))
    assert check_silence(db, now=at(40)) == 0
    assert check_silence(db, now=at(41)) == 2
    assert check_silence(db, now=at(50)) == 0
    (alarm,) = db.scalars(select(Alarm).where(Alarm.rule == "SILENT"))
    assert (alarm.started_at, alarm.alarmed_at, alarm.ended_at) == (at(10), at(40), None)
    send(db, channel, [(20, 5.0)])
    evaluate_waiting(db, now=at(52))
    db.refresh(alarm)
    assert alarm.ended_at is None, "a late reading does not end the silence"
    send(db, channel, [(53, 5.0)])
    evaluate_waiting(db, now=at(53))
    db.refresh(alarm)
    assert alarm.ended_at is None, "the other probe of the device is silent still"
    send(db, other, [(54, 5.0)])
    evaluate_waiting(db, now=at(54))
    db.refresh(alarm)
    assert alarm.ended_at == at(54)


def test_an_alarm_that_late_readings_disprove_is_withdrawn_and_says_so(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    send(db, channel, [(minute, 9.0) for minute in range(0, 630, 30)])
    evaluate_waiting(db, now=at(600))
    (alarm,) = db.scalars(select(Alarm).where(Alarm.rule == "HEAT"))
    assert alarm.ended_at is None
    send(db, channel, [(305, 5.0)])
    evaluate_waiting(db, now=at(600))
    db.refresh(alarm)
    assert alarm.withdrawn_at == at(600)
    assert [shape[:3] for shape in shapes(db, channel) if shape[0] == HEAT] == [(HEAT, 0, None), (HEAT, 330, None)]
    kinds = db.scalars(
        select(FeedPending.kind).where(FeedPending.subject == str(alarm.id)).order_by(FeedPending.id)
    ).all()
    assert kinds[0] == "coldchain.alarm_raised"
    assert {"coldchain.alarm_ended", "coldchain.episode_changed"} <= set(kinds)


def test_an_alarm_nobody_answers_climbs_to_the_province_and_an_answered_one_stays(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    send(db, channel, hot(0, 700))
    evaluate_waiting(db, now=at(690))
    (alarm,) = db.scalars(select(Alarm).where(Alarm.rule == "HEAT"))
    assert [escalate_alarms(db, now=at(690 + passed)) for passed in (59, 60, 61, 299, 300, 9000)] == [0, 1, 0, 0, 1, 0]
    assert alarm.level == 2
    other = new_channel(db, world, equipment=world.equipment["pkm-cipondoh-k2"].code)
    send(db, other, hot(0, 700))
    evaluate_waiting(db, now=at(690))
    waiting = db.scalars(select(Alarm).where(Alarm.rule == "HEAT", Alarm.level == 0)).one()
    command = AcknowledgeAlarm(alarm_id=waiting.id, comment="vaksin dipindah ke kulkas 2")
    acknowledge_alarm(db, world.who(AccountRole.MANAGER), command, now=at(700))
    assert escalate_alarms(db, now=at(9999)) == 0


def test_versions_tell_what_was_known_when(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    send(db, channel, hot(0, 700))
    evaluate_waiting(db, now=at(690))
    send(db, channel, [(700, 5.0)])
    evaluate_waiting(db, now=at(705))
    (heat,) = [episode for episode in living(db, channel) if episode.rule == "HEAT"]
    versions = db.scalars(
        select(EpisodeVersion).where(EpisodeVersion.episode_id == heat.id).order_by(EpisodeVersion.known_from)
    ).all()
    assert [(version.known_from, version.ended_at) for version in versions] == [(at(690), None), (at(705), at(700))]
