"""Many at once: no deadlock, nothing lost, nothing twice. These tests commit, on a database of their own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.kit.errors import Conflict, DomainError
from tracker.kit.ids import uuid7
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.availability import release, reserve
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import Posted, PostEvent, StatusChange, StatusLine
from tracker.stock.service.posting import post_event
from tracker.stock.service.reading import lock_anchors

WORKERS = 6
BATCHES = ("az-10/AZ002", "az-10/AZ003", "penta-5/PB001", "mr-10/MR001")


def event(world: World, kind: Kind, *lines: Line, event_id: UUID | None = None, minutes_ago: int = 0) -> PostEvent:
    return PostEvent(
        id=event_id or uuid7(),
        kind=kind,
        facility_id=world.puskesmas.id,
        occurred_at=world.now - timedelta(minutes=minutes_ago),
        lines=lines,
    )


def line(world: World, batch: str, vials: int, **more: object) -> Line:
    values: dict[str, object] = {"batch_id": world.batches[batch].id, "place_id": world.fridge.id, "vials": vials}
    return Line(**{**values, **more})  # type: ignore[arg-type]  # keyword names are checked at run time


def post(engine: Engine, world: World, command: PostEvent) -> Posted:
    with transaction(engine) as db:
        return post_event(db, SYSTEM, command, now=world.now)


def together(work: list[Callable[[], object]]) -> list[object]:
    """Run all at once; results or domain errors in order. Anything else is raised."""
    gate = threading.Barrier(len(work))

    def run(each: Callable[[], object]) -> object:
        gate.wait(10)
        try:
            return each()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result(60) for future in [pool.submit(run, each) for each in work]]


def test_mixed_work_on_the_same_pools_neither_deadlocks_nor_loses_a_vial(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    post(engine, world, event(world, Kind.SUPPLY, *(line(world, batch, 200) for batch in BATCHES), minutes_ago=600))
    today = world.now.date()
    refused: list[str] = []

    def worker(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(25):
            batches = dice.sample(BATCHES, 3)
            try:
                choice = dice.randrange(5)
                if choice == 0:
                    lines = [line(world, b, 2, to_place_id=world.fridge2.id) for b in batches]
                    post(engine, world, event(world, Kind.TRANSFER, *lines, minutes_ago=dice.randrange(300)))
                elif choice == 1:
                    lines = [line(world, b, 1, reason="heat") for b in batches]
                    post(engine, world, event(world, Kind.WASTE, *lines, minutes_ago=dice.randrange(300)))
                elif choice == 2:
                    lines = [line(world, b, dice.randrange(100, 200)) for b in batches]
                    post(engine, world, event(world, Kind.COUNT, *lines, minutes_ago=dice.randrange(300)))
                elif choice == 3:
                    hold(batches, dice)
                else:
                    promise(batches, dice)
            except Conflict as error:
                refused.append(error.code)

    def hold(batches: list[str], dice: random.Random) -> None:
        sides = dice.choice([(Status.USABLE, Status.HELD), (Status.HELD, Status.USABLE)])
        lines = tuple(
            StatusLine(
                batch_id=world.batches[b].id,
                holder_id=world.fridge2.id,
                from_status=sides[0],
                to_status=sides[1],
                vials=1,
            )
            for b in batches
        )
        command = StatusChange(id=uuid7(), facility_id=world.puskesmas.id, lines=lines, cause=uuid7())
        with transaction(engine) as db:
            change_status(db, SYSTEM, command, now=world.now)

    def promise(batches: list[str], dice: random.Random) -> None:
        day = today + timedelta(days=dice.randrange(20))
        pools = {(world.puskesmas.id, world.batches[b].presentation_id) for b in batches}
        with transaction(engine) as db:
            lock_anchors(db, pools)
            for facility, presentation in dice.sample(sorted(pools), len(pools)):
                reserve(db, facility, presentation, {day: 3}, today=today)
                release(db, facility, presentation, {day: 1}, today=today)

    together([partial(worker, seed) for seed in range(WORKERS)])
    assert set(refused) <= {"stock.history_negative", "stock.not_available"}
    with transaction(engine) as db:
        check_books(db)
        assert db.execute(text("SELECT count(*) FROM stock_event")).scalar_one() > WORKERS * 5


def test_the_same_event_sent_by_many_at_once_is_written_once(engine: Engine, committed_world: World) -> None:
    command = event(committed_world, Kind.SUPPLY, line(committed_world, "az-10/AZ002", 5))
    results = together([lambda: post(engine, committed_world, command)] * WORKERS)
    assert sorted(result.fresh for result in results if isinstance(result, Posted)) == [False] * (WORKERS - 1) + [True]


def test_one_id_for_different_events_at_once_is_written_once_and_refused_otherwise(
    engine: Engine, committed_world: World
) -> None:
    event_id = uuid7()
    commands = [
        event(committed_world, Kind.SUPPLY, line(committed_world, batch, 5), event_id=event_id) for batch in BATCHES
    ]
    results = together([partial(post, engine, committed_world, c) for c in commands])
    assert sum(isinstance(result, Posted) and result.fresh for result in results) == 1
    assert {r.code for r in results if isinstance(r, DomainError)} == {"stock.other_content"}
    with transaction(engine) as db:
        check_books(db)


def test_the_last_vials_go_to_one_of_two(engine: Engine, committed_world: World) -> None:
    post(
        engine,
        committed_world,
        event(committed_world, Kind.SUPPLY, line(committed_world, "az-10/AZ002", 5), minutes_ago=5),
    )
    waste = [
        event(committed_world, Kind.WASTE, line(committed_world, "az-10/AZ002", 4, reason="heat"))
        for _ in range(WORKERS)
    ]
    results = together([partial(post, engine, committed_world, c) for c in waste])
    assert sum(isinstance(result, Posted) for result in results) == 1
    assert {r.code for r in results if isinstance(r, DomainError)} == {"stock.history_negative"}


def test_the_last_promise_goes_to_one_of_many(engine: Engine, committed_world: World) -> None:
    post(
        engine,
        committed_world,
        event(committed_world, Kind.SUPPLY, line(committed_world, "az-10/AZ002", 5), minutes_ago=5),
    )
    facility, presentation = committed_world.puskesmas.id, committed_world.presentations["az-10"].id
    today = committed_world.now.date()

    def promise() -> bool:
        with transaction(engine) as db:
            reserve(db, facility, presentation, {today + timedelta(days=3): 3}, today=today)
        return True

    results = together([promise] * WORKERS)
    assert results.count(True) == 1
    assert {r.code for r in results if isinstance(r, DomainError)} == {"stock.not_available"}


def test_first_events_of_untouched_pools_do_not_deadlock(engine: Engine, committed_world: World) -> None:
    """Anchors are made by whoever comes first; the lines come in opposite orders."""
    lines = [line(committed_world, batch, 5) for batch in BATCHES]
    commands = [event(committed_world, Kind.SUPPLY, *(lines if i % 2 else lines[::-1])) for i in range(WORKERS)]
    results = together([partial(post, engine, committed_world, c) for c in commands])
    assert all(isinstance(result, Posted) for result in results)
    with transaction(engine) as db:
        check_books(db)


def test_anchors_are_locked_in_one_order_whatever_order_they_are_asked_in(
    engine: Engine, committed_world: World
) -> None:
    """The house's lock order: (owner, presentation), ascending; shown by the order in which waiting happens."""
    anchors = sorted(
        (owner.id, presentation.id)
        for owner in (committed_world.puskesmas, committed_world.city)
        for presentation in committed_world.presentations.values()
    )
    with transaction(engine) as db:
        lock_anchors(db, anchors)
    with transaction(engine) as first:
        lock_anchors(first, [anchors[0]])
        started = threading.Event()

        def second() -> list[bool]:
            with transaction(engine) as db:
                started.set()
                lock_anchors(db, reversed(anchors))
                return [True]

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(second)
            assert started.wait(5)
            _wait_until_blocked(engine)
            # The second waits for the least anchor, so it holds none of the others.
            _assert_free(engine, anchors[1:])
            first.commit()
            assert waiting.result(10) == [True]


def _wait_until_blocked(engine: Engine) -> None:
    from tests.support.waiting import eventually

    def blocked() -> bool:
        with engine.connect() as connection:
            waiting = connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            ).scalar_one()
            return bool(waiting)

    eventually(blocked, what="a transaction that waits for the anchor")


def _assert_free(engine: Engine, anchors: list[tuple[UUID, UUID]]) -> None:
    with Session(engine) as db:
        for owner, presentation in anchors:
            free = db.execute(
                text("SELECT 1 FROM stock_anchor WHERE (owner_id, presentation_id) = (:o, :p) FOR UPDATE SKIP LOCKED"),
                {"o": owner, "p": presentation},
            ).first()
            assert free is not None, (owner, presentation)
        db.rollback()
