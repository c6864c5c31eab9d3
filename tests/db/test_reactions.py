"""Reactions: each event once, in order, in a transaction of its own; one that cannot be handled waits in sight."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.support.feed import Other, ToldHere, ToldToNation
from tracker.database.engine import make_engine, transaction
from tracker.feed.aside import count_aside, waiting_aside
from tracker.feed.contract import Event, decode
from tracker.feed.events import EventSetAside
from tracker.feed.models import FeedEvent, FeedSetAside
from tracker.feed.numbering import number_pending
from tracker.feed.queries import read_after
from tracker.feed.reacting import TRIES, Again, Reaction, Runner, try_again
from tracker.feed.service import append, cursor_of
from tracker.reactions import REACTIONS

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
UNIT = UUID(int=7)
Act = Callable[[Session, ToldToNation, datetime], object]


@pytest.fixture
def notes(engine: Engine) -> Engine:
    """A database with a table that reactions of these tests write to."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (n int)"))
    return engine


def note(db: Session, event: ToldToNation, now: datetime) -> None:
    del now
    db.execute(text("INSERT INTO note VALUES (:n)"), {"n": event.n})


def fails_at(n: int) -> Act:
    def act(db: Session, event: ToldToNation, now: datetime) -> None:
        note(db, event, now)
        if event.n == n:
            raise ValueError("a bug at Bu Sari's")

    return act


def reaction(act: Act = note) -> Reaction[ToldToNation]:
    return Reaction(name="test", on=(ToldToNation,), act=act)


def runner(engine: Engine, act: Act = note) -> Runner:
    return Runner(engine, reaction(act), lambda: NOW)


def happens(engine: Engine, *numbers: int, news: Callable[[int], Event] = lambda n: ToldToNation(n=n)) -> None:
    for n in numbers:
        with transaction(engine) as db:
            append(db, news(n), unit_id=None, subject=str(n), occurred_at=NOW, now=NOW)
    number_pending(engine)


def noted(engine: Engine) -> list[int]:
    with transaction(engine) as db:
        return list(db.scalars(text("SELECT n FROM note")))


def aside(engine: Engine) -> list[FeedSetAside]:
    with transaction(engine) as db:
        return waiting_aside(db)


def exhaust(one: Runner) -> None:
    """Let it fail as often as it may before it sets the event aside."""
    for _ in range(TRIES - 1):
        with pytest.raises(ValueError, match="a bug"):
            one.run_once()


def test_every_event_of_its_kinds_is_reacted_to_once_and_in_order(notes: Engine) -> None:
    happens(notes, 1, 2)
    happens(notes, 9, news=lambda n: Other(n=n))
    happens(notes, 3)
    one = runner(notes)
    assert one.run_once() == 3
    assert one.run_once() == 0
    assert runner(notes).run_once() == 0
    assert noted(notes) == [1, 2, 3]


def test_what_a_failing_reaction_wrote_is_undone_and_what_went_before_stays(notes: Engine) -> None:
    happens(notes, 1, 2, 3)
    with pytest.raises(ValueError, match="a bug"):
        runner(notes, fails_at(2)).run_once()
    assert noted(notes) == [1]
    assert runner(notes).run_once() == 2
    assert noted(notes) == [1, 2, 3]


def test_an_event_that_always_fails_is_set_aside_in_sight_and_the_next_go_on(notes: Engine) -> None:
    happens(notes, 1, 2)
    one = runner(notes, fails_at(1))
    exhaust(one)
    assert noted(notes) == []
    assert aside(notes) == []
    assert one.run_once() == 2
    assert noted(notes) == [2]
    (kept,) = aside(notes)
    assert (kept.reaction, kept.position, kept.kind, kept.tries) == ("test", 1, "test.told_to_nation", TRIES)
    assert kept.error == "ValueError"
    assert "Sari" not in kept.detail, "an error's text may hold what people entered"
    assert "test_reactions.py" in kept.detail
    number_pending(notes)
    with transaction(notes) as db:
        (row,) = read_after(db, 0, kinds=[EventSetAside.KIND])
        assert decode(row, EventSetAside) == EventSetAside(
            reaction="test", event_kind="test.told_to_nation", position=1
        )
        assert row.caused_by == kept.event_id


def ends_the_worker(url: str) -> None:
    """A worker of its own process, whose reaction kills it at the first event."""

    def act(db: Session, event: ToldToNation, now: datetime) -> None:
        if event.n == 1:
            os._exit(9)
        note(db, event, now)

    engine = make_engine(url)
    runner(engine, act).run_once()
    engine.dispose()


def test_an_event_that_ends_the_worker_is_not_tried_for_ever(notes: Engine) -> None:
    happens(notes, 1, 2)
    codes = []
    for _ in range(TRIES + 1):
        url = notes.url.render_as_string(hide_password=False)
        worker = multiprocessing.get_context("spawn").Process(target=ends_the_worker, args=(url,))
        worker.start()
        worker.join(60)
        codes.append(worker.exitcode)
    assert codes == [9] * TRIES + [0]
    assert noted(notes) == [2]
    (kept,) = aside(notes)
    assert (kept.position, kept.error) == (1, "Ended")


def test_tries_are_counted_together_by_all_workers_and_starts_alone_set_nothing_aside(notes: Engine) -> None:
    happens(notes, 1, 2)
    for _ in range(TRIES - 1):
        with pytest.raises(ValueError, match="a bug"):
            runner(notes, fails_at(1)).run_once()
    assert runner(notes).run_once() == 2
    for n in range(3, 3 + 2 * TRIES):
        happens(notes, n)
        assert runner(notes).run_once() == 1
    assert aside(notes) == []


def test_a_row_that_does_not_hold_what_it_declares_is_set_aside_at_once(notes: Engine) -> None:
    happens(notes, 1, 2)
    with notes.begin() as connection:
        connection.execute(text("""UPDATE feed_event SET data = '{"n": "Bu Sari"}' WHERE position = 1"""))
    assert runner(notes).run_once() == 2
    assert noted(notes) == [2]
    (kept,) = aside(notes)
    assert (kept.error, kept.tries) == ("Undecodable", 1)
    assert "n: int_type" in kept.detail
    assert "Sari" not in kept.detail


def test_what_was_set_aside_is_tried_again_and_settled_when_it_can_be_handled(notes: Engine) -> None:
    happens(notes, 1)
    one = runner(notes, fails_at(1))
    exhaust(one)
    one.run_once()
    (kept,) = aside(notes)
    with transaction(notes) as db:
        assert try_again(db, {"test": reaction(fails_at(1))}, kept.id, now=NOW) is Again.FAILED
    assert noted(notes) == [], "what the failing reaction wrote is undone, though the try is counted"
    assert [each.tries for each in aside(notes)] == [TRIES + 1]
    with transaction(notes) as db:
        assert try_again(db, {"test": reaction()}, kept.id, now=NOW) is Again.SETTLED
    assert noted(notes) == [1]
    assert aside(notes) == []
    with transaction(notes) as db:
        assert count_aside(db) == 0
        assert try_again(db, {"test": reaction()}, kept.id, now=NOW) is Again.NOT_WAITING
    assert noted(notes) == [1]


def test_a_reaction_that_is_no_more_leaves_its_events_in_sight(notes: Engine) -> None:
    happens(notes, 1)
    one = runner(notes, fails_at(1))
    exhaust(one)
    one.run_once()
    (kept,) = aside(notes)
    with transaction(notes) as db:
        assert try_again(db, {}, kept.id, now=NOW) is Again.FAILED
    assert "no reaction" in aside(notes)[0].detail


def test_two_who_try_the_same_event_again_at_once_run_it_once(notes: Engine) -> None:
    happens(notes, 1)
    one = runner(notes, fails_at(1))
    exhaust(one)
    one.run_once()
    (kept,) = aside(notes)
    both = threading.Barrier(2)
    outcomes: list[Again] = []

    def press() -> None:
        both.wait()
        with transaction(notes) as db:
            outcomes.append(try_again(db, {"test": reaction()}, kept.id, now=NOW))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Again.NOT_WAITING, Again.SETTLED]
    assert noted(notes) == [1]


def test_what_the_database_refuses_for_a_moment_is_tried_without_end(notes: Engine) -> None:
    def waits_too_long(db: Session, event: ToldToNation, now: datetime) -> None:
        del event, now
        db.execute(text("SET LOCAL statement_timeout = 1"))
        db.execute(text("SELECT pg_sleep(1)"))

    happens(notes, 1)
    later = NOW
    one = Runner(notes, reaction(waits_too_long), lambda: later)
    for _ in range(TRIES + 3):
        one.run_once()
        later += timedelta(minutes=1)
    assert aside(notes) == []
    assert Runner(notes, reaction(), lambda: later).run_once() == 1
    assert noted(notes) == [1]


def test_two_workers_that_read_the_same_events_react_to_each_once(notes: Engine) -> None:
    happens(notes, 1, 2, 3)
    begun, go_on = threading.Event(), threading.Event()

    def slow(db: Session, event: ToldToNation, now: datetime) -> None:
        if event.n == 1:
            begun.set()
            assert go_on.wait(10)
        note(db, event, now)

    done: list[int] = []
    first = threading.Thread(target=lambda: done.append(runner(notes, slow).run_once()))
    second = threading.Thread(target=lambda: done.append(runner(notes).run_once()))
    first.start()
    assert begun.wait(10)
    second.start()  # it reads the same three and then waits at the first one's cursor
    go_on.set()
    first.join()
    second.join()
    assert sum(done) == 3
    assert noted(notes) == [1, 2, 3]


def test_two_workers_that_both_fail_set_an_event_aside_once(notes: Engine) -> None:
    happens(notes, 1, 2)
    first, second = runner(notes, fails_at(1)), runner(notes, fails_at(1))
    exhaust(first)
    assert second.run_once() == 2  # their tries are counted together
    assert first.run_once() == 0
    assert len(aside(notes)) == 1
    assert noted(notes) == [2]


# Ends the connection that writes, after it has written.
_DIES = """
    CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE TRIGGER dies AFTER INSERT ON feed_set_aside FOR EACH ROW EXECUTE FUNCTION dies()
"""


@pytest.mark.parametrize("when", ["while it reacts", "while it sets aside"])
def test_a_worker_killed_in_between_leaves_the_event_to_the_next(notes: Engine, when: str) -> None:
    """Its connection dies in mid-transaction: neither half a reaction nor half a set-aside stays."""
    happens(notes, 1, 2)

    def dies(db: Session, event: ToldToNation, now: datetime) -> None:
        note(db, event, now)
        pid = db.scalar(text("SELECT pg_backend_pid()"))
        with notes.connect() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        db.execute(text("SELECT 1"))

    if when == "while it reacts":
        with pytest.raises(Exception, match=r"terminating connection|closed"):
            runner(notes, dies).run_once()
        assert runner(notes).run_once() == 2
        assert noted(notes) == [1, 2]
        return
    one = runner(notes, fails_at(1))
    exhaust(one)
    with notes.begin() as connection:
        connection.execute(text(_DIES))
    with pytest.raises(Exception, match=r"terminating connection|closed"):
        one.run_once()
    with notes.begin() as connection:
        connection.execute(text("DROP TRIGGER dies ON feed_set_aside"))
    assert aside(notes) == []
    with transaction(notes) as db:
        assert cursor_of(db, "reaction:test") == 0
    assert runner(notes).run_once() == 2
    assert noted(notes) == [2]
    assert [kept.position for kept in aside(notes)] == [1]


def test_what_a_reaction_appends_was_caused_by_the_event_it_handles(engine: Engine) -> None:
    def answers(db: Session, event: ToldToNation, now: datetime) -> None:
        append(db, Other(n=event.n), unit_id=None, subject="answer", occurred_at=now, now=now)
        named = append(db, Other(n=9), unit_id=None, subject="root", occurred_at=now, now=now, caused_by=event_id)
        assert named is not None

    with transaction(engine) as db:
        event_id = append(db, ToldHere(), unit_id=UNIT, subject="u", occurred_at=NOW, now=NOW)
    happens(engine, 1)
    runner(engine, answers).run_once()
    number_pending(engine)
    with transaction(engine) as db:
        handled = db.scalars(select(FeedEvent.id).where(FeedEvent.kind == ToldToNation.KIND)).one()
        rows = db.execute(select(FeedEvent.subject, FeedEvent.caused_by).where(FeedEvent.kind == Other.KIND))
        assert {row.subject: row.caused_by for row in rows} == {"answer": handled, "root": event_id}


def test_each_reaction_has_a_name_and_a_cursor_of_its_own(notes: Engine) -> None:
    names = [each.name for each in REACTIONS]
    assert len(set(names)) == len(names)
    happens(notes, 1)
    runner(notes).run_once()
    with transaction(notes) as db:
        assert cursor_of(db, "reaction:test") == 1
        assert all(cursor_of(db, f"reaction:{name}") == 0 for name in names)
