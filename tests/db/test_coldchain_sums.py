"""Sums that fill their interval are continuous, however long the interval is."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.support.coldchain import at, living, minutes, minutes_or_none, new_channel, send
from tests.support.world import World
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.telemetry.rules.words import Quantity, Role


def door(
    db: Session, world: World, interval_s: int, points: list[tuple[float, float]]
) -> list[tuple[float, float | None, float | None]]:
    channel = new_channel(db, world, quantity=Quantity.DOOR_OPEN, role=Role.DOOR, interval_s=interval_s)
    # In two halves, as it comes in life.
    for part in (points[: len(points) // 2], points[len(points) // 2 :]):
        send(db, channel, part)
        evaluate_waiting(db, now=at(points[-1][0]))
    return [
        (minutes(one.started_at), minutes_or_none(one.alarmed_at), minutes_or_none(one.ended_at))
        for one in living(db, channel)
    ]


@pytest.mark.parametrize(
    ("interval_s", "step", "value"), [(300, 5, 300.0), (60, 1, 60.0), (600, 1, 60.0), (900, 15, 900.0)]
)
def test_a_door_that_stays_open_is_one_episode_met_after_five_minutes(
    db: Session, world: World, interval_s: int, step: int, value: float
) -> None:
    shut = [(float(minute), 0.0) for minute in range(-60, 1, step)]
    found = door(
        db, world, interval_s, [*shut, *((minute, value) for minute in range(step, 301, step)), (300 + step, 0.0)]
    )
    assert found == [(0, 5, 300)]


def test_a_clock_that_drifts_and_a_device_that_rounds_still_count_as_open(db: Session, world: World) -> None:
    found = door(db, world, 60, [(0, 0.0), *((1 + n * 61 / 60, 59.0) for n in range(30)), (40, 0.0)])
    assert [(started, alarmed) for started, alarmed, _ in found] == [(0, 5)]


def test_a_door_opened_often_and_briefly_is_no_episode(db: Session, world: World) -> None:
    assert door(db, world, 60, [(minute, 45.0) for minute in range(300)]) == []
    assert door(db, world, 900, [(minute, 300.0) for minute in range(0, 300, 15)]) == []


def test_four_minutes_open_are_an_episode_without_alarm(db: Session, world: World) -> None:
    found = door(db, world, 60, [(0, 0.0), *((minute, 60.0) for minute in range(1, 5)), (5, 0.0), (6, 0.0)])
    assert found == [(0, None, 4)]


def test_more_than_five_minutes_within_one_long_sum_are_an_alarm(db: Session, world: World) -> None:
    assert [one[:2] for one in door(db, world, 900, [(0, 0.0), (15, 455.0), (30, 0.0)])] == [(0, 5)]


@pytest.mark.parametrize("step", [1, 15, 60])
def test_a_day_without_power_is_one_episode_at_any_interval(db: Session, world: World, step: int) -> None:
    channel = new_channel(db, world, quantity=Quantity.POWER, role=Role.POWER, interval_s=step * 60)
    send(db, channel, [(0, step * 60.0), *((minute, 0.0) for minute in range(step, 1500, step))])
    evaluate_waiting(db, now=at(1499))
    assert [(minutes(one.started_at), minutes_or_none(one.alarmed_at)) for one in living(db, channel)] == [(0, 1440)]
