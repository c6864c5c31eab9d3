"""Exposure belongs to the place: a watch that passes from one channel to another goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.coldchain import LONG_AFTER, at, living, minutes, new_channel, send, shapes
from tests.support.coldchain_reference import PlainLimit, reference_episodes
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.models import Alarm
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.telemetry.models import Channel
from tracker.telemetry.rules.words import Quantity, Role
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse

HEAT = 1


def move(db: Session, channel: Channel, equipment: str | None, minute: int) -> None:
    """From that minute on the channel watches something else, or nothing."""
    use = ChannelUse(
        device=channel.device_id,
        name=channel.name,
        quantity=channel.quantity,
        role=channel.role,
        equipment=equipment,
        from_at=at(minute),
    )
    use_channel(db, SYSTEM, use, now=LONG_AFTER)


def every(first: int, last: int, value: float = 9.5, step: int = 10) -> list[tuple[float, float]]:
    return [(minute, value) for minute in range(first, last, step)]


def heat_alarms(db: Session) -> list[tuple[float, float, float | None]]:
    alarms = db.scalars(
        select(Alarm)
        .where(Alarm.rule == "HEAT", Alarm.merged_into.is_(None), Alarm.withdrawn_at.is_(None))
        .order_by(Alarm.started_at)
        .execution_options(populate_existing=True)
    )
    return [
        (minutes(one.started_at), minutes(one.alarmed_at), None if one.ended_at is None else minutes(one.ended_at))
        for one in alarms
    ]


def heat_of(db: Session, channel: Channel) -> list[tuple[float, float | None, float | None, float]]:
    return [(one[1], one[2], one[3], one[5]) for one in shapes(db, channel) if one[0] == HEAT]


@pytest.fixture
def second(world: World) -> str:
    return world.fridge2.code


def test_sensors_swapped_in_a_fever_raise_heat_at_both_places(db: Session, world: World, second: str) -> None:
    one, other = new_channel(db, world), new_channel(db, world, equipment=second)
    send(db, one, every(60, 450))
    send(db, other, every(60, 450))
    evaluate_waiting(db, now=at(445))
    move(db, one, second, 450)
    move(db, other, world.fridge.code, 450)
    for minute in range(450, 811, 60):
        send(db, one, every(minute, minute + 60))
        send(db, other, every(minute, minute + 60))
        evaluate_waiting(db, now=at(minute + 55))
    assert heat_alarms(db) == [(60, 660, None)] * 2
    (mine,) = [episode for episode in heat_of(db, one) if episode[1] is not None]
    assert mine == (60, 660, None, 800)


def test_a_sensor_that_is_replaced_hands_its_run_to_the_new_one(db: Session, world: World) -> None:
    old = new_channel(db, world)
    send(db, old, every(0, 400))
    evaluate_waiting(db, now=at(395))
    move(db, old, None, 400)
    new = new_channel(db, world, from_at=at(420))
    send(db, new, [*every(420, 700), (700, 5.0)])
    evaluate_waiting(db, now=at(700))
    assert heat_of(db, new) == [(0, 600, 700, 700)]
    assert heat_alarms(db) == [(0, 600, 700)]


def test_a_clean_first_reading_completes_the_run_before_it(db: Session, world: World) -> None:
    old = new_channel(db, world)
    send(db, old, every(0, 590))
    move(db, old, None, 590)
    new = new_channel(db, world, from_at=at(591))
    send(db, new, [(605, 5.0), (615, 5.0)])
    evaluate_waiting(db, now=at(616))
    assert heat_alarms(db) == [(0, 600, 605)]


def test_a_watch_that_passes_on_after_the_largest_gap_begins_anew(db: Session, world: World) -> None:
    old = new_channel(db, world)
    send(db, old, every(0, 400))
    move(db, old, None, 400)
    new = new_channel(db, world, from_at=at(400))
    send(db, new, every(430, 900))
    evaluate_waiting(db, now=at(890))
    assert heat_of(db, old) == [(0, None, 400, 400)]
    assert heat_of(db, new) == [(430, None, None, 460)]


def test_channels_that_watch_side_by_side_are_judged_each_by_itself(db: Session, world: World) -> None:
    warm, cold = new_channel(db, world), new_channel(db, world)
    send(db, warm, every(0, 400))
    send(db, cold, every(0, 400, 5.0))
    move(db, warm, None, 400)
    send(db, cold, every(400, 1000, 9.5))
    evaluate_waiting(db, now=at(990))
    assert heat_of(db, cold) == [(400, None, None, 590)]
    assert heat_alarms(db) == []


def test_one_that_came_long_before_the_other_went_has_a_run_of_its_own(db: Session, world: World) -> None:
    stays, comes = new_channel(db, world), new_channel(db, world, from_at=at(60))
    send(db, stays, every(0, 400))
    send(db, comes, every(60, 640))
    move(db, stays, None, 400)
    evaluate_waiting(db, now=at(635))
    assert [run[0] for run in heat_of(db, comes)] == [60]
    assert heat_alarms(db) == [], "neither saw ten hours"


def test_a_new_sensor_put_in_before_the_old_one_was_taken_out_goes_on_too(db: Session, world: World) -> None:
    old = new_channel(db, world)
    new = new_channel(db, world, from_at=at(390))
    send(db, old, every(0, 410))
    send(db, new, every(390, 700))
    evaluate_waiting(db, now=at(695))
    move(db, old, None, 410)
    evaluate_waiting(db, now=at(695))
    assert heat_alarms(db) == [(0, 600, None)]


def test_readings_of_the_old_sensor_that_come_late_reach_the_run_of_the_new_one(db: Session, world: World) -> None:
    old = new_channel(db, world)
    move(db, old, None, 400)
    new = new_channel(db, world, from_at=at(400))
    send(db, new, every(400, 700))
    evaluate_waiting(db, now=at(690))
    assert heat_alarms(db) == []
    send(db, old, every(0, 400))
    evaluate_waiting(db, now=at(690))
    assert heat_alarms(db) == [(0, 600, None)]
    send(db, old, [(395, 5.0)])
    evaluate_waiting(db, now=at(690))
    assert heat_alarms(db) == []


def test_a_third_sensor_goes_on_from_the_first(db: Session, world: World) -> None:
    watchers = [new_channel(db, world)]
    for minute in (200, 400, 590):
        move(db, watchers[-1], None, minute)
        watchers.append(new_channel(db, world, from_at=at(minute)))
    for channel, (first, last) in reversed(
        list(zip(watchers, [(0, 200), (200, 400), (400, 590), (590, 700)], strict=True))
    ):
        send(db, channel, every(first, last))
        evaluate_waiting(db, now=at(690))
    assert heat_alarms(db) == [(0, 600, None)]
    assert heat_of(db, watchers[-1]) == [(0, 600, None, 690)]


def test_power_and_doors_go_on_with_the_next_meter(db: Session, world: World) -> None:
    old = new_channel(db, world, quantity=Quantity.POWER, role=Role.POWER)
    send(db, old, every(0, 800, 0.0))
    move(db, old, None, 800)
    new = new_channel(db, world, quantity=Quantity.POWER, role=Role.POWER, from_at=at(800))
    send(db, new, every(800, 1500, 0.0))
    evaluate_waiting(db, now=at(1490))
    assert [(minutes(one.started_at), minutes(one.alarmed_at)) for one in living(db, new) if one.alarmed_at] == [
        (-10, 1430)
    ]


STEPS = st.sampled_from([5, 10, 10, 10, 20, 30, 31, 60])
VALUES = st.sampled_from([5.0, 9.0, 9.0, 9.0, 12.0])


@st.composite
def watches(draw: st.DrawFn) -> tuple[list[tuple[int, float]], list[int]]:
    """Readings of a place, and the minutes at which its watch passes to another sensor."""
    minute, points = 0, []
    for step, value in draw(st.lists(st.tuples(STEPS, VALUES), min_size=4, max_size=60)):
        minute += step
        points.append((minute, value))
    cuts = sorted(draw(st.sets(st.integers(points[1][0], max(points[1][0], minute)), min_size=1, max_size=3)))
    return points, cuts


@settings(max_examples=40)
@given(watches(), st.data())
def test_however_it_arrives_a_watch_of_several_sensors_gives_the_episodes_of_one(
    db: Session, world: World, watch: tuple[list[tuple[int, float]], list[int]], data: st.DataObject
) -> None:
    points, cuts = watch
    edges = [-10, *cuts, 10**6]
    with db.begin_nested() as savepoint:
        channels = [new_channel(db, world, from_at=at(edges[0]))]
        moved = data.draw(st.booleans())
        messages: list[tuple[int, int, float]] = []
        for number in range(len(cuts) + 1):
            messages += [(number, m, v) for m, v in points if edges[number] <= m < edges[number + 1]]

        def place() -> None:
            for minute in cuts:
                move(db, channels[-1], None, minute)
                channels.append(new_channel(db, world, from_at=at(minute)))

        if not moved:
            place()
        else:
            send(db, channels[0], [(m, v) for number, m, v in messages if number == 0])
            evaluate_waiting(db, now=at(points[-1][0]))
            place()
        order = data.draw(st.permutations([*messages, *messages[::3]]))
        while order:
            size = data.draw(st.integers(1, 8))
            for number, minute, value in order[:size]:
                send(db, channels[number], [(minute, value)])
            order = order[size:]
            evaluate_waiting(db, now=at(points[-1][0] + data.draw(st.sampled_from([0, 5000]))))
        end = at(points[-1][0])
        check_silence(db, now=end + timedelta(days=3))
        limit = PlainLimit(violates=lambda value: value > 8.0, upward=True, minutes=600)
        expected = reference_episodes(
            {minute: {value} for minute, value in points}, limit, [(-(10**6), 10)], points[-1][0] + 5000
        )
        told = {one for channel in channels for one in heat_of(db, channel)}
        # Where the next sensor was late, the last reading of the one before stands only while that one was there.
        plain = [one for one in expected if not any(one.ended and one.ended - 10 < cut < one.ended for cut in cuts)]
        for one in plain:
            assert (one.started, one.alarmed, one.ended, one.exposed) in told
        assert {one[:2] for one in heat_alarms(db)} == {(one.started, one.alarmed) for one in expected if one.alarmed}
        savepoint.rollback()
