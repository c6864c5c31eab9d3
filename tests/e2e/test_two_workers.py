"""Two workers at once, and the one that leads is killed: nothing is done twice, nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from tests.conftest import SECRET
from tests.support.quota import Desk
from tests.support.running import ROOT
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.database.engine import transaction

PERSONS = 40


@contextmanager
def worker(engine: Engine, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "RANTAI_DATABASE_URL": engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "RANTAI_SECRET_KEY": SECRET,
    }
    with log.open("wb") as sink:
        program = subprocess.Popen(
            [sys.executable, "-m", "rantai", "worker"], env=environment, cwd=ROOT, stdout=sink, stderr=sink
        )
    try:
        yield program
    finally:
        program.terminate()
        program.wait(60)


def count(engine: Engine, query: str) -> int:
    with transaction(engine) as db:
        return int(db.scalar(text(query)) or 0)


def test_one_of_two_workers_is_killed_and_each_person_gives_way_is_offered_and_told_once(
    engine: Engine, committed_world: World, tmp_path: Path
) -> None:
    with ExitStack() as running:
        first, second = (running.enter_context(worker(engine, tmp_path / f"{name}.log")) for name in ("one", "two"))
        logs = [tmp_path / "one.log", tmp_path / "two.log"]
        eventually(
            lambda: all("worker started" in log.read_text() for log in logs),
            timeout_s=120,
            every_s=0.3,
            what="two workers",
        )
        with transaction(engine) as db:
            desk = Desk(db, committed_world, committed_world.now)
            desk.stock("az-10/AZ003", 4)
            session = desk.session()
            desk.booked(session, PERSONS)
        displaced = "SELECT count(*) FROM displacement"
        with transaction(engine) as db:
            Desk(db, committed_world, committed_world.now).lose("az-10/AZ003", 2)
        eventually(lambda: count(engine, displaced) > 0, timeout_s=60, every_s=0.02, what="somebody gives way")
        first.kill()
        # What happens while one is dead and the other does not know it yet.
        with transaction(engine) as db:
            Desk(db, committed_world, committed_world.now).lose("az-10/AZ003", 2)
        eventually(lambda: count(engine, displaced) == PERSONS, timeout_s=60, every_s=0.2, what="all gave way")
        waiting = "SELECT (SELECT count(*) FROM feed_pending) + (SELECT count(*) FROM feed_event) - (SELECT max(position) FROM feed_event)"
        eventually(lambda: count(engine, waiting) == 0, timeout_s=60, every_s=0.2, what="the feed numbered")
        told = "SELECT count(*) FROM out_message"
        eventually(lambda: count(engine, told) >= PERSONS, timeout_s=60, every_s=0.2, what="everybody told")
        assert second.poll() is None
    assert count(engine, told) == count(engine, "SELECT count(DISTINCT recipient_ref) FROM out_message") == PERSONS
    assert count(engine, "SELECT count(*) FROM feed_event WHERE kind = 'quota.displaced'") == PERSONS
    assert count(engine, "SELECT count(DISTINCT subject) FROM feed_event WHERE kind = 'quota.displaced'") == PERSONS
    assert count(engine, "SELECT short FROM availability ORDER BY short DESC LIMIT 1") == 0
    assert count(engine, "SELECT count(*) FROM feed_set_aside") == 0
