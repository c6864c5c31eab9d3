"""Readings become episodes and alarms, in whatever order they arrive."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.coldchain import at, living, new_channel, send, shapes
from tests.support.world import World
from tracker.coldchain.models import Alarm
from tracker.coldchain.service.evaluation import evaluate_waiting

HEAT, FRZE, COLD, WARM = 1, 2, 12, 13


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
