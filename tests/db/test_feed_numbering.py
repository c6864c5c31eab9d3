"""The feed shows committed rows once, in an order no reader can trip over."""

from __future__ import annotations

import threading
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.support.feed import ToldToNation
from tests.support.waiting import eventually
from tracker.database.engine import new_session, transaction
from tracker.feed.bell import NUMBERED, PENDING, Bell, Listener, dsn_of
from tracker.feed.numbering import number_pending
from tracker.feed.queries import last_position, read_after
from tracker.feed.service import append, cursor_of, move_cursor
from tracker.kit.clock import utc_now


def _append(db: Session, subject: str) -> UUID:
    now = utc_now()
    return append(db, ToldToNation(n=1), unit_id=None, subject=subject, occurred_at=now, now=now)


def _subjects(engine: Engine, after: int = 0) -> list[str]:
    with transaction(engine) as db:
        return [event.subject for event in read_after(db, after)]


def test_a_transaction_that_commits_later_is_not_lost_to_a_reader_that_has_moved_on(engine: Engine) -> None:
    with new_session(engine) as slow:
        _append(slow, "began first, commits last")
        with transaction(engine) as quick:
            _append(quick, "began last, commits first")
        number_pending(engine)
        with transaction(engine) as db:
            seen = last_position(db)
        assert _subjects(engine) == ["began last, commits first"]
        slow.commit()
    number_pending(engine)
    assert _subjects(engine, after=seen) == ["began first, commits last"]


def test_a_transaction_that_rolls_back_leaves_no_event(engine: Engine) -> None:
    with new_session(engine) as db:
        _append(db, "never happened")
        db.rollback()
    assert number_pending(engine) == 0
    assert _subjects(engine) == []


def test_positions_have_no_gap_and_rows_of_one_transaction_keep_their_order(engine: Engine) -> None:
    with transaction(engine) as db:
        for n in range(25):
            _append(db, str(n))
    while number_pending(engine, most=10):
        pass
    with transaction(engine) as db:
        events = read_after(db, 0)
    assert [event.position for event in events] == list(range(1, 26))
    assert [event.subject for event in events] == [str(n) for n in range(25)]


def test_a_numberer_that_dies_before_its_commit_leaves_everything_for_the_next(engine: Engine) -> None:
    with transaction(engine) as db:
        _append(db, "one")
    with engine.connect() as dying:
        dying.execute(text("SELECT pg_advisory_xact_lock(7202601)"))
        dying.execute(text("DELETE FROM feed_pending"))
        assert number_pending(engine) == 0, "a second numberer keeps out while the first works"
        pid = dying.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        dying.invalidate()
    eventually(lambda: number_pending(engine) == 1, what="the next numberer takes over")
    assert _subjects(engine) == ["one"]


def test_many_writers_and_two_numberers_give_each_row_exactly_once(engine: Engine) -> None:
    writers, each = 6, 30
    done = threading.Event()

    def write(name: int) -> None:
        for n in range(each):
            with transaction(engine) as db:
                _append(db, f"{name}/{n}")

    def number() -> None:
        while not done.is_set():
            number_pending(engine, most=7)

    numberers = [threading.Thread(target=number) for _ in range(2)]
    threads = [threading.Thread(target=write, args=(name,)) for name in range(writers)]
    seen: list[str] = []
    position = 0
    for thread in (*numberers, *threads):
        thread.start()
    while any(thread.is_alive() for thread in threads) or len(seen) < writers * each:
        with transaction(engine) as db:
            events = read_after(db, position, limit=11)
        seen += [event.subject for event in events]
        position = events[-1].position if events else position
    done.set()
    for thread in (*numberers, *threads):
        thread.join()
    assert sorted(seen) == sorted(f"{name}/{n}" for name in range(writers) for n in range(each))


def test_a_commit_rings_and_a_rollback_does_not(engine: Engine) -> None:
    listener = Listener(dsn_of(engine), [PENDING, NUMBERED])
    listener.wait(0.01)
    with Bell(engine):
        with transaction(engine) as db:
            _append(db, "heard")
        assert listener.wait(5.0)
        with new_session(engine) as db:
            _append(db, "unheard")
            db.rollback()
        assert not listener.wait(0.3)
    listener.close()


def test_who_waits_is_woken_at_once_and_hears_the_next_ring_all_the_same(engine: Engine) -> None:
    """A program that ends need not wait for its listeners, and these need not look up every moment to see whether it does."""
    listener = Listener(dsn_of(engine), [PENDING])
    listener.wait(0.01)
    ended = threading.Event()

    def waits() -> None:
        assert not listener.wait(60.0)
        ended.set()

    thread = threading.Thread(target=waits)
    thread.start()
    listener.wake()
    thread.join(timeout=30)
    assert ended.is_set()
    with transaction(engine) as db:
        db.execute(text("SELECT pg_notify(:channel, '')"), {"channel": PENDING})
    assert listener.wait(5.0)
    listener.close()


def test_rings_that_come_together_are_all_heard(engine: Engine) -> None:
    """Else the end of somebody's access could be lost behind a ring for new events, and their stream goes on."""
    listener = Listener(dsn_of(engine), [PENDING, NUMBERED])
    listener.wait(0.01)
    with transaction(engine) as db:
        for channel in (PENDING, NUMBERED):
            db.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})
    heard: set[str] = set()
    while listener.wait(1.0):
        heard |= listener.rang
    assert heard == {PENDING, NUMBERED}
    listener.close()


def test_a_cursor_never_moves_backwards(db: Session) -> None:
    move_cursor(db, "reader", 7)
    move_cursor(db, "reader", 3)
    assert cursor_of(db, "reader") == 7
    assert cursor_of(db, "another") == 0
