"""One facility's trouble delays no other's reactions: its events wait in order, those of others go on."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.support.coldchain import at, new_channel, send
from tests.support.feed import ToldHere
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.coldchain.service.evaluation import evaluate_marked
from tracker.database.engine import make_engine, transaction
from tracker.feed.aside import count_aside
from tracker.feed.models import FeedWaiting
from tracker.feed.numbering import number_pending
from tracker.feed.reacting import TRIES, Reaction, Runner
from tracker.feed.service import append
from tracker.feed.waiting import count_waiting
from tracker.reactions import BY_NAME
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.reading import lock_anchors

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)
Act = Callable[[Session, ToldHere, datetime], object]


@dataclass(slots=True)
class Time:
    """A clock that is set forward."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float = 60) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def house(engine: Engine) -> Engine:
    """Two units with a row each, which reactions lock, and a table to which they write."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (n int)"))
        connection.execute(text("CREATE TABLE shelf (unit int PRIMARY KEY)"))
        connection.execute(text("INSERT INTO shelf VALUES (1), (2)"))
    return engine


def takes_the_shelf(db: Session, event: ToldHere, now: datetime) -> None:
    del now
    db.execute(text("SELECT 1 FROM shelf WHERE unit = :unit FOR UPDATE"), {"unit": event.n // 100})
    db.execute(text("INSERT INTO note VALUES (:n)"), {"n": event.n})


def runner(engine: Engine, clock: Time, act: Act = takes_the_shelf) -> Runner:
    return Runner(engine, Reaction(name="test", on=(ToldHere,), act=act), clock)


def happens(engine: Engine, *numbers: int) -> None:
    """Numbers of a hundred and something happen in unit A, of two hundred in B."""
    for n in numbers:
        with transaction(engine) as db:
            append(db, ToldHere(n=n), unit_id=UUID(int=n // 100), subject=str(n), occurred_at=NOW, now=NOW)
    number_pending(engine)


def noted(engine: Engine) -> list[int]:
    with transaction(engine) as db:
        return list(db.scalars(text("SELECT n FROM note ORDER BY ctid")))


def waiting(engine: Engine) -> list[tuple[int, int, str]]:
    with transaction(engine) as db:
        rows = db.scalars(select(FeedWaiting).order_by(FeedWaiting.position))
        return [(row.position, row.tries, row.error) for row in rows]


@contextmanager
def locked(engine: Engine, unit: int) -> Iterator[None]:
    with transaction(engine) as db:
        db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        db.execute(text("SELECT 1 FROM shelf WHERE unit = :unit FOR UPDATE"), {"unit": unit})
        yield


def test_events_of_a_locked_unit_wait_in_order_while_those_of_others_go_on(house: Engine) -> None:
    clock = Time()
    one = runner(house, clock)
    with locked(house, 1):
        happens(house, 101, 201, 102, 202)
        one.run_once()
        assert noted(house) == [201, 202]
        assert waiting(house) == [(1, 1, "LockNotAvailable"), (3, 0, "")]
        happens(house, 103, 203)
        one.run_once()
        assert noted(house) == [201, 202, 203]
        for _ in range(TRIES + 3):  # a lock is no mistake of the event's, however long it lasts
            clock.passes()
            one.run_once()
        assert [tries for _, tries, _ in waiting(house)] == [TRIES + 4, 0, 0]
    clock.passes()
    one.run_once()
    assert noted(house) == [201, 202, 203, 101, 102, 103]
    assert waiting(house) == []
    happens(house, 104)
    assert one.run_once() == 1
    assert noted(house)[-1] == 104
    with transaction(house) as db:
        assert count_aside(db) == 0


def test_what_waits_is_tried_again_later_and_later(house: Engine) -> None:
    clock = Time()
    one = runner(house, clock)
    happens(house, 101)
    gaps = []
    with locked(house, 1):
        one.run_once()
        for _ in range(6):
            with transaction(house) as db:
                gaps.append((db.scalars(select(FeedWaiting.again_at)).one() - clock.now).total_seconds())
            one.run_once()  # too early
            clock.passes(gaps[-1])
            one.run_once()
    assert gaps == [0.5, 1, 2, 5, 10, 10]


def test_two_workers_and_no_event_twice_nor_out_of_order(house: Engine) -> None:
    clock = Time()
    with locked(house, 1):
        happens(house, *(100 + n for n in range(1, 9)), *(200 + n for n in range(1, 9)))
        workers = [runner(house, clock) for _ in range(2)]
        _at_once(*(one.run_once for one in workers))
    clock.passes()
    for _ in range(3):
        _at_once(*(one.run_once for one in workers))
        clock.passes()
    done = noted(house)
    assert [n for n in done if n < 200] == list(range(101, 109))
    assert [n for n in done if n > 200] == list(range(201, 209))
    assert waiting(house) == []


def _at_once(*work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ends_at_101(url: str, seconds: float) -> None:
    def act(db: Session, event: ToldHere, now: datetime) -> None:
        takes_the_shelf(db, event, now)
        if event.n == 101:
            os._exit(9)

    clock = Time()
    clock.passes(seconds)
    engine = make_engine(url)
    runner(engine, clock, act).run_once()
    engine.dispose()


def test_a_worker_killed_while_it_tries_again_leaves_the_event_to_the_next_and_one_that_always_ends_it_is_set_aside(
    house: Engine,
) -> None:
    with locked(house, 1):
        happens(house, 101, 102)
        runner(house, Time()).run_once()
    url = house.url.render_as_string(hide_password=False)
    codes = []
    for n in range(1, TRIES + 2):
        worker = multiprocessing.get_context("spawn").Process(target=_ends_at_101, args=(url, 60.0 * n))
        worker.start()
        worker.join(60)
        codes.append(worker.exitcode)
        if n == 1:
            assert noted(house) == []
            assert len(waiting(house)) == 2
    assert codes == [9] * TRIES + [0]
    assert noted(house) == [102]
    with transaction(house) as db:
        assert count_aside(db) == 1


def test_a_mistake_of_ours_in_an_event_that_waited_is_set_aside_and_its_unit_goes_on(house: Engine) -> None:
    def fails(db: Session, event: ToldHere, now: datetime) -> None:
        takes_the_shelf(db, event, now)
        if event.n == 101:
            raise ValueError("a bug")

    clock = Time()
    one = runner(house, clock, fails)
    with locked(house, 1):
        happens(house, 101, 102)
        one.run_once()
    for _ in range(TRIES):
        clock.passes()
        one.run_once()
    assert noted(house) == [102]
    with transaction(house) as db:
        assert (count_aside(db), count_waiting(db)) == (1, 0)


def test_the_fever_of_one_puskesmas_holds_its_vials_while_rows_of_another_are_locked(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    here, there = world.facilities["pkm-cipondoh"], world.facilities["pkm-tanah-tinggi"]
    fridges = {here.id: world.equipment["pkm-cipondoh-k1"], there.id: world.equipment["pkm-tanah-tinggi-k1"]}
    batch = "az-10/AZ003"
    with transaction(engine) as db:
        for facility in (here, there):
            ledger = Ledger(db, world)
            line = ledger.line(batch, 7, place=fridges[facility.id])
            ledger.post(Kind.SUPPLY, line, facility=facility, at=at(-600), now=at(-600))
            channel = new_channel(db, world, equipment=fridges[facility.id].code, name=f"t-{facility.code}")
            send(db, channel, [(minute, 12.0) for minute in range(0, 720, 10)], received=at(720))
    clock = Time(at(730))
    while evaluate_marked(engine, now=clock.now):
        pass
    number_pending(engine)
    holds = Runner(engine, BY_NAME["hold"], clock)

    def held(facility_id: UUID) -> int:
        with transaction(engine) as db:
            return Ledger(db, world).vials(batch, place=fridges[facility_id], status=Status.HELD)

    with transaction(engine) as db:
        db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        lock_anchors(db, [(here.id, world.batches[batch].presentation_id)])
        holds.run_once()
        assert (held(here.id), held(there.id)) == (0, 7)
        with transaction(engine) as mine:
            assert count_waiting(mine) > 0
    clock.passes()
    holds.run_once()
    assert (held(here.id), held(there.id)) == (7, 7)
    with transaction(engine) as db:
        assert (count_waiting(db), count_aside(db)) == (0, 0)
