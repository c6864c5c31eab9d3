"""A watch without a voice is silent from its start, and its alarm ends with the watch."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.coldchain import LONG_AFTER, at, minutes, minutes_or_none, new_channel, send
from tests.support.counting import counted
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.events import SensorSilent
from tracker.coldchain.models import Alarm, AlarmStep
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.feed.models import FeedPending
from tracker.telemetry.models import Channel
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse


def alarms(db: Session) -> list[tuple[float, float, float | None]]:
    rows = db.scalars(
        select(Alarm).where(Alarm.rule == "SILENT").order_by(Alarm.started_at).execution_options(populate_existing=True)
    )
    return [(minutes(one.started_at), minutes(one.alarmed_at), minutes_or_none(one.ended_at)) for one in rows]


def watch(db: Session, channel: Channel, equipment: str | None, minute: float) -> None:
    use = ChannelUse(device=channel.device_id, name=channel.name, equipment=equipment, from_at=at(minute))
    use_channel(db, SYSTEM, use, now=LONG_AFTER)
    evaluate_waiting(db, now=at(minute))


@pytest.mark.parametrize(("interval_s", "due"), [(60, 30), (600, 30), (3600, 180)])
def test_a_channel_that_never_spoke_is_silent_three_intervals_after_its_watch_began(
    db: Session, world: World, interval_s: int, due: int
) -> None:
    new_channel(db, world, from_at=at(0), interval_s=interval_s)
    evaluate_waiting(db, now=at(0))
    assert check_silence(db, now=at(due)) == 0
    assert check_silence(db, now=at(due + 1)) == 1
    assert check_silence(db, now=at(due + 2)) == 0
    assert alarms(db) == [(0, due, None)]


def test_its_first_word_ends_the_alarm(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    evaluate_waiting(db, now=at(40))
    assert alarms(db) == [(0, 30, None)]
    send(db, channel, [(50, 5.0)])
    evaluate_waiting(db, now=at(50))
    assert alarms(db) == [(0, 30, 50)]


def test_an_alarm_of_silence_ends_when_the_device_is_taken_away(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    send(db, channel, [(0, 5.0)])
    evaluate_waiting(db, now=at(0))
    check_silence(db, now=at(60))
    assert alarms(db) == [(0, 30, None)]
    watch(db, channel, None, 90)
    assert alarms(db) == [(0, 30, 90)]
    assert check_silence(db, now=at(900)) == 0


def test_a_channel_that_never_spoke_ends_its_alarm_with_the_watch_too(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    evaluate_waiting(db, now=at(40))
    watch(db, channel, None, 90)
    assert alarms(db) == [(0, 30, 90)]
    assert check_silence(db, now=at(900)) == 0


def test_a_dumb_sensor_put_elsewhere_is_silent_there_anew(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    send(db, channel, [(0, 5.0)])
    evaluate_waiting(db, now=at(0))
    check_silence(db, now=at(60))
    watch(db, channel, world.fridge2.code, 100)
    assert alarms(db) == [(0, 30, 100)]
    assert check_silence(db, now=at(130)) == 0
    assert check_silence(db, now=at(131)) == 1
    assert alarms(db) == [(0, 30, 100), (100, 130, None)]


def test_one_dead_probe_of_a_device_that_speaks_is_told_and_stays_told(db: Session, world: World) -> None:
    alive = new_channel(db, world, from_at=at(0))
    device = str(alive.device_id)
    new_channel(db, world, from_at=at(0), name="t2", device=device)
    for minute in range(0, 100, 10):
        send(db, alive, [(minute, 5.0)])
        evaluate_waiting(db, now=at(minute))
        check_silence(db, now=at(minute))
    assert alarms(db) == [(0, 30, None)]


def test_two_probes_of_one_device_in_two_fridges_are_told_each_at_its_own(db: Session, world: World) -> None:
    first = new_channel(db, world, from_at=at(0))
    second = new_channel(db, world, from_at=at(0), name="t2", device=str(first.device_id), equipment=world.fridge2.code)

    def silent_places() -> list[tuple[UUID | None, float | None]]:
        rows = select(Alarm.equipment_id, Alarm.ended_at).where(Alarm.rule == "SILENT").order_by(Alarm.raised_at)
        return [(row.equipment_id, minutes_or_none(row.ended_at)) for row in db.execute(rows)]

    for minute in range(0, 100, 10):
        if minute < 50:
            send(db, second, [(minute, 5.0)])
        evaluate_waiting(db, now=at(minute))
        check_silence(db, now=at(minute))
    assert silent_places() == [(world.fridge.id, None), (world.fridge2.id, None)]
    send(db, first, [(100, 5.0)])
    evaluate_waiting(db, now=at(100))
    assert silent_places() == [(world.fridge.id, 100), (world.fridge2.id, None)]


def test_what_is_assigned_to_nothing_is_not_silent(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    watch(db, channel, None, 10)
    check_silence(db, now=at(900))
    assert alarms(db) == []


def test_many_that_fall_silent_at_once_cost_no_more_statements_and_each_has_its_alarm(
    db: Session, world: World
) -> None:
    spent = []
    for number, devices in enumerate((1, 12)):
        for one in range(devices):
            new_channel(db, world, from_at=at(200 * number), name=f"n{number}-{one}")
        evaluate_waiting(db, now=at(200 * number))
        with counted(db.connection()) as seen:
            assert check_silence(db, now=at(200 * number + 31)) == devices
            db.flush()
        spent.append(len(seen))
    assert spent[1] <= spent[0] + 1
    assert len(alarms(db)) == 13
    told = db.scalars(select(FeedPending).where(FeedPending.kind == SensorSilent.KIND)).all()
    assert len({row.id for row in told}) == 13
    assert db.scalar(select(func.count()).select_from(AlarmStep).where(AlarmStep.kind == "raised")) == 13
