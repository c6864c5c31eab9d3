"""Through the database: episodes do not depend on how and when readings arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.coldchain import START, at, living, minutes, new_channel, send, shapes
from tests.support.world import World
from tracker.coldchain.models import Alarm, ChannelHour, Episode, Limit
from tracker.coldchain.rules.episodes import evaluate
from tracker.coldchain.rules.hours import Stretch, hours_of
from tracker.coldchain.rules.instants import MINUTE, SECOND, to_micros
from tracker.coldchain.rules.limits import SUMS, Mode, Operator, Severity, windows_of
from tracker.coldchain.rules.standing import series_of, until_of
from tracker.coldchain.rules.thermal import COLUMNS
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.coldchain.service.loading import limits_in_force, load_channels
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.models import Channel, Reading
from tracker.telemetry.rules.words import Quantity, Role
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse

STEPS = st.sampled_from([0, 5, 10, 10, 10, 20, 30, 31, 60, 400, 900])
VALUES = st.sampled_from([-1.0, 5.0, 5.0, 9.0, 9.0, 12.0])
# A wrong clock: the device counts from 2000, or is a day ahead; the message is placed at its receipt.
WRONG = st.sampled_from([timedelta(days=-9000), timedelta(days=1, minutes=7)])


@pytest.fixture(autouse=True)
def cumulative_limits(db: Session) -> None:
    """Two limits of the modes the fridge's seed lacks."""
    for number, mode, window in ((91, Mode.WINDOW, 3 * 3600), (92, Mode.FOREVER, None)):
        db.add(
            Limit(
                id=number,
                rule=f"SUM{number}",
                quantity=Quantity.TEMPERATURE,
                operator=Operator.AT_LEAST,
                value=9.0,
                mode=mode,
                duration_s=40 * 60,
                window_s=window,
                place_kind=PlaceKind.FRIDGE,
                severity=Severity.ADVISORY,
                from_at=START - timedelta(days=500),
            )
        )
    db.flush()


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, float]]:
    """Readings with gaps, conflicts, crossings of midnight; (minute after START, value)."""
    minute, points = draw(st.sampled_from([0, 1400])), []
    for step, value in draw(st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=25)):
        minute += step
        points.append((minute, value))
    return points


def from_scratch(
    db: Session, channel: Channel, now: datetime
) -> tuple[list[Any], dict[datetime, np.ndarray[Any, Any]]]:
    """The pure functions on all stored readings of the channel, in one go."""
    rows = db.execute(select(Reading.measured_at, Reading.value).where(Reading.channel_id == channel.id)).all()
    facts = load_channels(db, [channel.id])[channel.id]
    series = series_of([to_micros(row.measured_at) for row in rows], [row.value for row in rows])
    newest = int(series.at[-1])
    windows = windows_of(
        limits_in_force(db),
        [place.placement for place in facts.places.values()],
        quantity=channel.quantity,
        role=channel.role,
    )
    until = until_of(newest, facts.intervals.one(newest), to_micros(now))
    found = evaluate(series, windows, facts.intervals, until=until, sums=channel.quantity in SUMS)
    origin = to_micros(START)

    def minute(instant: int | None) -> float | None:
        return None if instant is None else (instant - origin) / MINUTE

    episodes = [
        (
            one.limit_id,
            minute(one.started_at),
            minute(one.alarmed_at),
            minute(one.ended_at),
            one.peak,
            round(one.exposed / MINUTE, 6),
            round(one.known / MINUTE, 6),
        )
        for one in found.episodes
    ]
    hours = hours_of(
        [
            Stretch(
                channel_id=channel.id, series=series, standing=found.standing, partial=None, cuts=[series.at.size - 1]
            )
        ]
    )
    rows_by_hour = {
        START + timedelta(seconds=(int(hour) - origin) / SECOND): row
        for hour, row in zip(hours.hour, hours.rows, strict=True)
    }
    return sorted(episodes), rows_by_hour


def assert_same(db: Session, channel: Channel, now: datetime) -> None:
    episodes, hours = from_scratch(db, channel, now)
    assert sorted(shapes(db, channel)) == episodes
    if channel.quantity is not Quantity.TEMPERATURE:
        return
    stored = {
        row.hour: np.array([getattr(row, name) for name in COLUMNS])
        for row in db.scalars(
            select(ChannelHour).where(ChannelHour.channel_id == channel.id).execution_options(populate_existing=True)
        )
    }
    assert stored.keys() == hours.keys()
    for hour, row in hours.items():
        np.testing.assert_allclose(stored[hour], row, rtol=1e-9, atol=1e-18)


@settings(max_examples=40)
@given(
    histories(),
    st.sampled_from([(Quantity.TEMPERATURE, Role.STORAGE), (Quantity.POWER, Role.POWER)]),
    st.data(),
)
def test_any_order_duplication_and_batching_give_the_same_episodes_and_hours(
    db: Session, world: World, points: list[tuple[int, float]], kind: tuple[Quantity, Role], data: st.DataObject
) -> None:
    if kind[0] is Quantity.POWER:
        points = [(minute, max(0.0, value)) for minute, value in points]
    arriving = data.draw(st.permutations([*points, *points[:: data.draw(st.integers(1, 5))]]))
    batches = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=len(arriving)))
    with db.begin_nested() as savepoint:
        channel = new_channel(db, world, quantity=kind[0], role=kind[1])
        moved = data.draw(st.sampled_from([None, 45, 200]))
        if moved is not None:
            use = ChannelUse(
                device=channel.device_id,
                name=channel.name,
                quantity=kind[0],
                role=kind[1],
                equipment=world.equipment["pkm-tanah-tinggi-k1"].code,
                from_at=at(moved),
            )
            use_channel(db, _system(), use, now=at(99_999))
        position = 0
        while position < len(arriving):
            size = batches[position % len(batches)]
            batch = arriving[position : position + size]
            position += size
            send(db, channel, batch)
            # Sometimes the worker comes while readings are fresh, sometimes when the channel has long been silent.
            newest = max(minute for minute, _ in arriving[:position])
            evaluate_waiting(db, now=at(newest + data.draw(st.sampled_from([0, 20, 5000]))))
            if data.draw(st.booleans()):
                check_silence(db, now=at(newest + 5000))
        end = at(max(minute for minute, _ in points))
        evaluate_waiting(db, now=end)
        silent = data.draw(st.booleans())
        now = end + timedelta(days=3) if silent else end
        check_silence(db, now=now)
        if not silent:
            # The state may still say silent from an earlier look into the future: a reading ends that.
            send(db, channel, [(minutes(end) + 10, 5.0)])
            now = end + timedelta(minutes=10)
            evaluate_waiting(db, now=now)
        assert_same(db, channel, now)
        assert_nothing_doubled(db, channel)
        savepoint.rollback()


def _system() -> Any:
    from tracker.access.principal import SYSTEM

    return SYSTEM


def assert_nothing_doubled(db: Session, channel: Channel) -> None:
    """No two living alarms speak of one episode, and every alarmed episode has exactly one living alarm."""
    for episode in living(db, channel):
        if episode.alarmed_at is not None:
            alarm = db.get_one(Alarm, episode.alarm_id)
            assert alarm.merged_into is None
            assert alarm.withdrawn_at is None


@settings(max_examples=25)
@given(histories(), WRONG, st.data())
def test_readings_of_a_wrong_clock_are_judged_where_they_were_placed(
    db: Session, world: World, points: list[tuple[int, float]], wrong: timedelta, data: st.DataObject
) -> None:
    received = at(max(minute for minute, _ in points) + 15)
    first, later = points[: len(points) // 2], points[len(points) // 2 :]
    skewed = [(minute + wrong / timedelta(minutes=1), value) for minute, value in first]
    messages: list[tuple[Sequence[tuple[float, float]], datetime]] = [(later, received), (skewed, received)]
    with db.begin_nested() as savepoint:
        channel = new_channel(db, world)
        for message, when in data.draw(st.permutations(messages)):
            send(db, channel, message, received=when)
            evaluate_waiting(db, now=received)
        # The device sends everything again, hours later: nothing new.
        repeated = sum(send(db, channel, message, received=received + timedelta(hours=5)) for message, _ in messages)
        evaluate_waiting(db, now=received)
        assert repeated == 0
        assert_same(db, channel, received)
        savepoint.rollback()


def test_an_acknowledged_alarm_is_extended_split_and_merged_but_never_doubled(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    first = [(minute, 9.0) for minute in range(0, 660, 10)]
    second = [(minute, 9.0) for minute in range(720, 1400, 10)]
    send(db, channel, [*first, *second])
    evaluate_waiting(db, now=at(1390))
    heat = [one for one in living(db, channel) if one.rule == "HEAT"]
    assert len(heat) == 2
    alarms = {one.alarm_id for one in heat}
    assert len(alarms) == 2
    for alarm_id in alarms:
        alarm = db.get_one(Alarm, alarm_id)
        alarm.acknowledged_at, alarm.acknowledged_name, alarm.comment = at(1390), "Sari", "pintu ditutup"
    db.flush()
    # The readings of the hole arrive late: both were one.
    send(db, channel, [(minute, 9.0) for minute in range(660, 720, 10)])
    evaluate_waiting(db, now=at(1390))
    (one,) = [episode for episode in living(db, channel) if episode.rule == "HEAT"]
    assert one.id == heat[0].id
    assert db.scalar(select(Episode.merged_into).where(Episode.id == heat[1].id)) == one.id
    kept = db.scalars(select(Alarm).where(Alarm.rule == "HEAT", Alarm.merged_into.is_(None))).all()
    assert [(alarm.id, alarm.acknowledged_name) for alarm in kept] == [(one.alarm_id, "Sari")]
    # A clean reading from in between arrives later still: it splits, and stays one matter for people.
    send(db, channel, [(685, 5.0)])
    evaluate_waiting(db, now=at(1390))
    parts = [episode for episode in living(db, channel) if episode.rule == "HEAT"]
    assert [minutes(part.started_at) for part in parts] == [0, 690]
    assert {part.alarm_id for part in parts} == {one.alarm_id}
    assert parts[1].split_from == one.id


def test_splitting_an_episode_whose_alarm_is_closed_opens_no_new_matter(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    send(db, channel, [*[(minute, 9.0) for minute in range(0, 1400, 10)], (1400, 5.0)])
    evaluate_waiting(db, now=at(1400))
    (alarm,) = db.scalars(select(Alarm).where(Alarm.rule == "HEAT"))
    alarm.closed_at = at(1400)
    db.flush()
    send(db, channel, [(685, 5.0)])
    evaluate_waiting(db, now=at(1400))
    parts = [episode for episode in living(db, channel) if episode.rule == "HEAT"]
    assert [minutes(part.started_at) for part in parts] == [0, 690]
    assert {part.alarm_id for part in parts} == {alarm.id}
