"""Loops of the worker: woken by a ring, started again after a failure, ended when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Engine, select, text

from rantai.supervisor import Loop, Supervisor
from tests.support.waiting import eventually
from tracker.database.engine import transaction
from tracker.database.heartbeat import Heartbeat
from tracker.feed.bell import PENDING, Bell, ring_after_commit


@contextmanager
def running(engine: Engine, *loops: Loop) -> Iterator[Supervisor]:
    supervisor = Supervisor(engine, loops, back_off_s=(0.01, 0.02))
    supervisor.start()
    yield supervisor
    supervisor.stop()


def test_a_loop_runs_on_while_there_is_work_and_then_waits(engine: Engine) -> None:
    work = [3, 2, 1, 0]
    calls: list[float] = []

    def step() -> int:
        calls.append(time.monotonic())
        return work.pop(0) if work else 0

    with running(engine, Loop(name="l", step=step, every_s=60)):
        eventually(lambda: len(calls) == 4)
        time.sleep(0.2)  # nothing may come: that is what is asked here
        assert len(calls) == 4


def test_a_ring_wakes_a_loop_long_before_its_time(engine: Engine) -> None:
    calls: list[float] = []

    def step() -> int:
        calls.append(time.monotonic())
        return 0

    with Bell(engine), running(engine, Loop(name="l", step=step, channels=(PENDING,), every_s=60)):
        eventually(lambda: calls)

        def ring() -> bool:
            with transaction(engine) as db:
                db.execute(text("SELECT 1"))
                ring_after_commit(db)
            return len(calls) > 1

        # The loop listens only a moment after its first step; a ring before that is not for it.
        eventually(ring, timeout_s=10)


def test_a_failing_step_is_tried_again_and_the_others_go_on(engine: Engine) -> None:
    failures: list[int] = []
    steady: list[int] = []

    def falls_thrice() -> int:
        failures.append(1)
        if len(failures) <= 3:
            raise ValueError("a bug")
        return 0

    def works() -> int:
        steady.append(1)
        return 0

    with running(
        engine, Loop(name="falls", step=falls_thrice, every_s=0.01), Loop(name="works", step=works, every_s=0.01)
    ):
        eventually(lambda: len(failures) > 5)
        eventually(lambda: len(steady) > 5)


def test_a_loop_that_works_leaves_a_heartbeat_and_one_that_fails_does_not(engine: Engine) -> None:
    def fails() -> int:
        raise ValueError("a bug")

    def beats() -> set[str]:
        with transaction(engine) as db:
            return set(db.scalars(select(Heartbeat.name)))

    with running(engine, Loop(name="good", step=lambda: 0, every_s=0.01), Loop(name="bad", step=fails, every_s=0.01)):
        eventually(lambda: "good" in beats())
        assert "bad" not in beats()


def test_stop_waits_for_the_step_at_hand_and_begins_no_other(engine: Engine) -> None:
    inside, finish = threading.Event(), threading.Event()
    ended: list[int] = []

    def step() -> int:
        inside.set()
        finish.wait(10)
        ended.append(1)
        return 1

    supervisor = Supervisor(engine, [Loop(name="l", step=step)])
    supervisor.start()
    assert inside.wait(10)
    stopping = threading.Thread(target=supervisor.stop)
    stopping.start()
    finish.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert ended == [1]


def test_a_database_that_goes_away_ends_no_loop(engine: Engine) -> None:
    answers: list[int] = []

    def step() -> int:
        with transaction(engine) as db:
            answers.append(db.scalar(text("SELECT 1")) or 0)
        return 0

    def more_than(count: int) -> bool:
        return len(answers) > count

    with running(engine, Loop(name="l", step=step, channels=(PENDING,), every_s=0.05)):
        eventually(lambda: answers)
        for _ in range(3):
            with engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            before = len(answers)
            eventually(partial(more_than, before + 2))
