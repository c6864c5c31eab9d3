"""The worker is killed at random while it tells P-Care of what was given before: each dose is there exactly once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine, func, select

from simulators.outside.pcare import FakePCare
from tests.support.pcare import Clock, PcareHouse, a_pcare, more_doses
from tests.support.quota import Desk
from tests.support.running import ROOT
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.database.engine import transaction
from tracker.pcare.models import PcareRecord
from tracker.pcare.rules.words import State
from tracker.pcare.service.noting import look_for_doses
from tracker.pcare.service.sending import CLAIM

DOSES, KILLS = 120, 3


@contextmanager
def sender(engine: Engine, url: str, clock: Clock) -> Iterator[subprocess.Popen[bytes]]:
    database = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.support.pcare", database, url, clock.now.isoformat()]
    program = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ))
    try:
        yield program
    finally:
        program.kill()
        program.wait(60)


def accepted(engine: Engine) -> int:
    with transaction(engine) as db:
        return db.scalar(select(func.count()).where(PcareRecord.state == State.ACCEPTED)) or 0


def _told(fake: FakePCare, at_least: int) -> bool:
    return sum(fake.doses.added.values()) >= at_least


def test_killed_at_random_while_two_share_the_work_each_dose_is_there_once(
    engine: Engine, committed_world: World
) -> None:
    chance = random.Random(7)
    clock = Clock(committed_world.now)
    with a_pcare(clock) as (fake, url):
        house = PcareHouse(engine, committed_world, fake, None, clock)  # type: ignore[arg-type]  # others send
        first = house.given()
        with transaction(engine) as db:
            more_doses(db, first, DOSES - 1, Desk(db, committed_world, clock.now))
        with transaction(engine) as db:
            look_for_doses(db, now=clock())
        told = fake.doses
        told.slow_s = 0.05
        told.troubles.extend(chance.choices(("", "slow", "lost", "garbled"), (6, 2, 1, 1), k=DOSES))
        for kill in range(KILLS):
            with ExitStack() as running:
                for _ in range(2 if kill % 2 else 1):
                    running.enter_context(sender(engine, url, clock))
                wanted = sum(told.added.values()) + chance.randint(10, 40)
                eventually(partial(_told, fake, wanted), timeout_s=60, every_s=0.01, what="some told")
            # Those under way are asked about when nobody can be at them any more.
            clock.now += CLAIM + timedelta(seconds=5)
        assert accepted(engine) < DOSES, "the killing ended nothing"
        told.troubles.clear()
        clock.now += timedelta(hours=2)
        with sender(engine, url, clock), sender(engine, url, clock):
            eventually(lambda: accepted(engine) == DOSES, timeout_s=60, every_s=0.1, what="all accepted")
    assert len(told.records) == len(told.added) == DOSES
    assert set(told.added.values()) == {1}
    with transaction(engine) as db:
        ours = dict(db.execute(select(PcareRecord.number, PcareRecord.id)).all())
    assert {number: str(ours[number]) for number in told.records} == {
        number: record["noReferensi"] for number, record in told.records.items()
    }
