"""Reactions: each event once, in order, in a transaction of its own; a failing one holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.feed.queries import read_after
from tracker.feed.service import append, cursor_of
from tracker.reactions import GAVE_UP, REACTIONS, Reaction, Runner

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


@pytest.fixture
def notes(engine: Engine) -> Engine:
    """A database with a table that reactions of these tests write to."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (subject text)"))
    return engine


def note(db: Session, event: FeedEvent, now: datetime) -> None:
    del now
    db.execute(text("INSERT INTO note VALUES (:subject)"), {"subject": event.subject})


def runner(engine: Engine, act: Callable[[Session, FeedEvent, datetime], object] = note) -> Runner:
    return Runner(engine, Reaction(name="test", kinds=frozenset({"test.it"}), act=act), lambda: NOW)


def happens(engine: Engine, *subjects: str, kind: str = "test.it") -> None:
    for subject in subjects:
        with transaction(engine) as db:
            append(db, kind, unit_id=None, subject=subject, data={}, occurred_at=NOW, now=NOW)
    number_pending(engine)


def noted(engine: Engine) -> list[str]:
    with transaction(engine) as db:
        return list(db.scalars(text("SELECT subject FROM note")))


def test_every_event_of_its_kinds_is_reacted_to_once_and_in_order(notes: Engine) -> None:
    happens(notes, "a", "b")
    happens(notes, "other", kind="test.other")
    happens(notes, "c")
    one = runner(notes)
    assert one.run_once() == 3
    assert one.run_once() == 0
    assert runner(notes).run_once() == 0
    assert noted(notes) == ["a", "b", "c"]


def test_what_a_failing_reaction_wrote_is_undone_and_what_went_before_stays(notes: Engine) -> None:
    def fails_at_b(db: Session, event: FeedEvent, now: datetime) -> None:
        note(db, event, now)
        if event.subject == "b":
            raise ValueError("a bug")

    happens(notes, "a", "b", "c")
    with pytest.raises(ValueError, match="a bug"):
        runner(notes, fails_at_b).run_once()
    assert noted(notes) == ["a"]
    assert runner(notes).run_once() == 2
    assert noted(notes) == ["a", "b", "c"]


def test_an_event_that_always_fails_is_left_and_told_after_some_tries_and_the_next_go_on(notes: Engine) -> None:
    def fails_at_b(db: Session, event: FeedEvent, now: datetime) -> None:
        if event.subject == "b":
            raise ValueError("a bug")
        note(db, event, now)

    happens(notes, "b", "c")
    one = runner(notes, fails_at_b)
    for _ in range(5):
        with pytest.raises(ValueError, match="a bug"):
            one.run_once()
    assert noted(notes) == []
    one.run_once()
    assert noted(notes) == ["c"]
    number_pending(notes)
    with transaction(notes) as db:
        (told,) = read_after(db, 0, kinds=[GAVE_UP])
        assert (told.subject, told.data["reaction"], told.data["kind"]) == ("b", "test", "test.it")


def test_what_the_database_refuses_for_a_moment_is_tried_without_end(notes: Engine) -> None:
    def waits_too_long(db: Session, event: FeedEvent, now: datetime) -> None:
        del event, now
        db.execute(text("SET LOCAL statement_timeout = 1"))
        db.execute(text("SELECT pg_sleep(1)"))

    happens(notes, "a")
    one = runner(notes, waits_too_long)
    for _ in range(8):
        with pytest.raises(Exception, match="statement timeout"):
            one.run_once()
    assert runner(notes).run_once() == 1
    assert noted(notes) == ["a"]


def test_two_workers_that_read_the_same_events_react_to_each_once(notes: Engine) -> None:
    happens(notes, "a", "b", "c")
    first, second = runner(notes), runner(notes)
    with transaction(notes) as db:
        waiting = read_after(db, 0, kinds=["test.it"])
    # The second one runs ahead between the first one's reading of the feed and its reaction to "b".
    assert first._react("reaction:test", waiting[0]) == 1
    assert second.run_once() == 2
    assert [first._react("reaction:test", event) for event in waiting[1:]] == [0, 0]
    assert noted(notes) == ["a", "b", "c"]


def test_each_reaction_has_a_name_and_a_cursor_of_its_own(notes: Engine) -> None:
    names = [reaction.name for reaction in REACTIONS]
    assert len(set(names)) == len(names)
    happens(notes, "a")
    runner(notes).run_once()
    with transaction(notes) as db:
        assert cursor_of(db, "reaction:test") == 1
        assert all(cursor_of(db, f"reaction:{name}") == 0 for name in names)
