"""Running reactions: each event once and in order, in a transaction of its own, and none lost on the way.

Each reaction has a cursor of its own, so one that fails holds up nobody else. Use cases are keyed so that the same
event twice is harmless; two workers take turns at the cursor's row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Generic
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.feed.aside import Trouble, count_try, described, set_aside, waiting_for_update
from tracker.feed.contract import E, Undecodable, decode
from tracker.feed.looking import Reader, look
from tracker.feed.models import FeedEvent, FeedWaiting
from tracker.feed.queries import read_after
from tracker.feed.service import causing, cursor_of, move_cursor
from tracker.feed.waiting import begin_try, done_waiting, due, locked, must_wait, next_of, step_aside
from tracker.kit.clock import Clock
from tracker.kit.errors import DomainError

log = structlog.get_logger("rantai.reactions")

_AT_ONCE = 200
# A mistake of ours in one event must not stop the stream behind it for ever: after so many tries it is set aside,
# where people see it and can have it tried again. What is refused for a moment (a lock, a deadlock, vials that moved)
# steps aside with its unit's later events and is tried without end; while the database is away all wait.
TRIES = 5
# So long a reaction waits for a lock before its event steps aside: as long may one facility's trouble delay the others.
_PATIENCE_MS = 1000
_MOMENTARY = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
_REFUSED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
_ENDED = ("Ended", "the worker ended while it handled this event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Generic[E]):
    """`act` for every event of these classes; `name` names its cursor and must never change.

    What `act` appends in its session was caused by the event it handles.
    """

    name: str
    on: tuple[type[E], ...]
    act: Callable[[Session, E, datetime], object]

    @property
    def cursor(self) -> str:
        """The name of its cursor."""
        return f"reaction:{self.name}"

    @property
    def reader(self) -> Reader:
        """What it reads of the feed."""
        return Reader(name=self.name, cursor=self.cursor, kinds=tuple(cls.KIND for cls in self.on))

    def handle(self, db: Session, row: FeedEvent, now: datetime) -> None:
        """Act on one row of the feed. Raises Undecodable, and whatever `act` raises."""
        event = decode(row, *self.on)
        with causing(db, row.id):
            self.act(db, event, now)


@dataclass(slots=True)
class Runner:
    """Runs one reaction.

    The first event after a start counts as tried before it is: should it end the worker, the next one knows.
    """

    engine: Engine
    reaction: Reaction[Any]
    clock: Clock
    _fresh: bool = field(default=True, init=False)

    def run_once(self) -> int:
        """React to what waits, at most a few hundred events; returns to how many. Raises what an event raised."""
        reader = self.reaction.reader
        with transaction(self.engine) as db:
            found = look(db, [reader])
            news = [
                row
                for one in found
                if one.news
                for row in read_after(db, one.position, limit=_AT_ONCE, kinds=reader.kinds)
            ]
        done = sum(self._react(row) for row in news)
        return done + (self._react_to_waiting() if any(one.waits for one in found) else 0)

    def _react(self, row: FeedEvent) -> int:
        counted = self._fresh
        if counted:
            trouble = self._count(row, *_ENDED)
            if trouble.tries > TRIES:
                self._fresh = False
                return self._give_way(row, trouble)
        try:
            return self._step(row, self._handle)
        except Exception as error:
            if _gone(error) or _passes(error):
                # The count before the try was for a worker that ends; this one lives, and the event is not at fault.
                if counted:
                    self._count(row, *_ENDED, more=-1)
                if _gone(error):
                    raise
                return self._step(row, partial(self._wait, error=error))
            trouble = self._count(row, type(error).__name__, described(error), more=0 if counted else 1)
            if trouble.tries < TRIES and not isinstance(error, Undecodable):
                raise
        finally:
            self._fresh = False
        return self._give_way(row, trouble)

    def _handle(self, db: Session, row: FeedEvent, now: datetime) -> None:
        """React, unless an earlier event of the unit waits: then this one waits behind it."""
        if must_wait(db, self.reaction.name, row.unit_id, patience_ms=_PATIENCE_MS):
            step_aside(db, self.reaction.name, row, error="", detail="", now=now)
            return
        self.reaction.handle(db, row, now)

    def _wait(self, db: Session, row: FeedEvent, now: datetime, *, error: Exception) -> None:
        """Let the event wait, and its unit's later ones with it; those of others go on."""
        log.warning("an event waits", reaction=self.reaction.name, kind=row.kind, at=row.position, error=_name(error))
        step_aside(db, self.reaction.name, row, error=_name(error), detail=described(error), now=now)

    def _give_way(self, row: FeedEvent, trouble: Trouble) -> int:
        """Set the event aside, so that the next ones go on."""
        return self._step(row, partial(self._set_aside, trouble=trouble))

    def _set_aside(self, db: Session, row: FeedEvent, now: datetime, *, trouble: Trouble) -> None:
        # No traceback: its last line may hold a person's data. The page shows where it was.
        log.error(
            "an event is set aside", reaction=self.reaction.name, kind=row.kind, at=row.position, error=trouble.error
        )
        set_aside(db, self.reaction.name, row, trouble, now=now)

    def _step(self, row: FeedEvent, act: Callable[[Session, FeedEvent, datetime], None]) -> int:
        """What is done about one event and the cursor's step commit together."""
        with transaction(self.engine) as db:
            if cursor_of(db, self.reaction.cursor, lock=True) >= row.position:
                return 0  # another worker was quicker
            act(db, row, self.clock())
            move_cursor(db, self.reaction.cursor, row.position)
            return 1

    def _count(self, row: FeedEvent, error: str, detail: str, *, more: int = 1) -> Trouble:
        """Remember a try in a transaction of its own: what the reaction wrote is undone, this stays."""
        with transaction(self.engine) as db:
            return count_try(db, self.reaction.name, row.position, error, detail, now=self.clock(), more=more)

    def _react_to_waiting(self) -> int:
        """Try again what waits and whose time has come, of each unit in order; returns how many were reacted to."""
        with transaction(self.engine) as db:
            first = due(db, self.reaction.name, self.clock())
        done = 0
        for waiting in first:
            following: FeedWaiting | None = waiting
            while following is not None and self._try_waiting(following):
                done += 1
                with transaction(self.engine) as db:
                    following = next_of(db, following)
        return done

    def _try_waiting(self, waiting: FeedWaiting) -> bool:
        """Whether the event waits no more. Raises when the database is gone."""
        name = self.reaction.name
        with transaction(self.engine) as db:
            begun = begin_try(db, name, waiting.position, self.clock())
        if begun is None:
            return False
        trouble = Trouble(
            position=begun.position, since=begun.since, tries=begun.failures, error=_ENDED[0], detail=_ENDED[1]
        )
        if begun.failures > TRIES:
            return self._step_waiting(waiting, partial(self._set_aside, trouble=trouble))
        try:
            return self._step_waiting(waiting, self._handle_waiting)
        except Exception as error:
            passes = _gone(error) or _passes(error)
            found = replace(trouble, error=_name(error), detail=described(error))
            with transaction(self.engine) as db:
                row = locked(db, name, waiting.position)
                if row is not None:
                    row.error, row.detail = found.error, found.detail
                    row.failures -= passes
            if _gone(error):
                raise
            if passes or (begun.failures < TRIES and not isinstance(error, Undecodable)):
                return False
            return self._step_waiting(waiting, partial(self._set_aside, trouble=found))

    def _handle_waiting(self, db: Session, row: FeedEvent, now: datetime) -> None:
        db.execute(text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": str(_PATIENCE_MS)})
        self.reaction.handle(db, row, now)

    def _step_waiting(self, waiting: FeedWaiting, act: Callable[[Session, FeedEvent, datetime], None]) -> bool:
        """What is done about a waiting event and its end of waiting commit together."""
        with transaction(self.engine) as db:
            mine = locked(db, self.reaction.name, waiting.position)
            if mine is None:
                return False
            row = db.scalars(select(FeedEvent).where(FeedEvent.position == waiting.position)).one()
            act(db, row, self.clock())
            done_waiting(db, mine)
            return True


class Again(StrEnum):
    """What came of trying an event again."""

    SETTLED = "settled"
    FAILED = "failed"
    NOT_WAITING = "not_waiting"
    """There is no such event, or it has been settled meanwhile."""


def try_again(db: Session, reactions: Mapping[str, Reaction[Any]], aside_id: UUID, *, now: datetime) -> Again:
    """Run the reaction on an event that was set aside; on success it is settled, else the try is counted.

    What a failing reaction wrote is undone, whatever else this transaction does. Two who try at once take turns.
    """
    aside = waiting_for_update(db, aside_id)
    if aside is None:
        return Again.NOT_WAITING
    row = db.scalars(select(FeedEvent).where(FeedEvent.position == aside.position)).one()
    attempt = db.begin_nested()
    try:
        reaction = reactions.get(aside.reaction)
        if reaction is None:
            raise Undecodable(f"there is no reaction {aside.reaction} any more")
        reaction.handle(db, row, now)
        db.flush()
    except Exception as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        attempt.rollback()
        aside.error, aside.detail = type(error).__name__, described(error)
        outcome = Again.FAILED
    else:
        attempt.commit()
        aside.resolved_at = now
        outcome = Again.SETTLED
    aside.tries += 1
    aside.last_tried_at = now
    db.flush()
    return outcome


def _gone(error: Exception) -> bool:
    """Whether the connection or the database is away: nothing can be said of the event."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, _MOMENTARY) and not isinstance(error.orig, _REFUSED)


def _passes(error: Exception) -> bool:
    """What is refused now and may be granted in a moment."""
    if isinstance(error, DomainError):
        return error.passes
    return isinstance(error, DBAPIError) and isinstance(error.orig, _REFUSED)


def _name(error: Exception) -> str:
    return type(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error).__name__
