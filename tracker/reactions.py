"""Which event of the feed wakes which use case: the worker's table of contents.

The feed carries consequences, never an invariant: what must always hold stands in one transaction in one room.
Each reaction has a cursor of its own and handles each event in a transaction of its own, so one that fails
holds up nobody else. Use cases are keyed so that the same event twice is harmless; two workers take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.feed.models import FeedEvent
from tracker.feed.queries import read_after
from tracker.feed.service import append, cursor_of, move_cursor
from tracker.kit.clock import Clock
from tracker.passport.service.holding import hold_entering, hold_for_episode
from tracker.quota.service.claims import fund_claims
from tracker.quota.service.displacing import displace
from tracker.quota.service.offering import make_offer
from tracker.quota.service.pools import lock_pool, pool_facts
from tracker.trace.recalls import sweep_recall

log = structlog.get_logger("rantai.reactions")

_AT_ONCE = 200
# A mistake of ours in one event must not stop the stream behind it for ever: after so many tries it is told
# on the feed and left. What the database refuses for a moment (away, deadlock, timeout) is tried without end.
_TRIES = 5
GAVE_UP = "reactions.gave_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """`act` for every event of these kinds; `name` names its cursor and must never change."""

    name: str
    kinds: frozenset[str]
    act: Callable[[Session, FeedEvent, datetime], object]


def _hold(db: Session, event: FeedEvent, now: datetime) -> None:
    hold_for_episode(db, SYSTEM, UUID(event.data["episode_id"]), now=now)


def _hold_entering(db: Session, event: FeedEvent, now: datetime) -> None:
    hold_entering(db, SYSTEM, UUID(event.data["event"]), now=now)


def _displace(db: Session, event: FeedEvent, now: datetime) -> None:
    displace(db, UUID(event.data["facility_id"]), UUID(event.data["presentation_id"]), now=now)


def _offer(db: Session, event: FeedEvent, now: datetime) -> None:
    make_offer(db, UUID(event.data["booking"]), now=now)


def _fund(db: Session, event: FeedEvent, now: datetime) -> None:
    pool = pool_facts(db, UUID(event.data["facility_id"]), UUID(event.data["presentation_id"]), now)
    lock_pool(db, pool)
    fund_claims(db, pool, now)


def _recall(db: Session, event: FeedEvent, now: datetime) -> None:
    for batch in event.data["batches"]:
        sweep_recall(db, UUID(batch), now=now)


REACTIONS: tuple[Reaction, ...] = (
    # An alarm, or an alarmed episode that grew: stop what it may have harmed, wherever that is now.
    Reaction(name="hold", kinds=frozenset({"coldchain.alarm_raised", "coldchain.episode_changed"}), act=_hold),
    # Stock that entered a place under alarm, or whose stay there is learnt of late.
    Reaction(name="hold_entering", kinds=frozenset({"stock.moved"}), act=_hold_entering),
    # Vials of a batch under recall that came to light after it began: a late report, a receipt.
    Reaction(name="recall", kinds=frozenset({"stock.moved"}), act=_recall),
    # Vials fell below promises: the newest give way, second doses last.
    Reaction(name="displace", kinds=frozenset({"stock.short"}), act=_displace),
    # Doses of an opened vial were thrown away, or its opening taken back: its people need another vial, or give way.
    Reaction(name="open_doses", kinds=frozenset({"stock.open_doses_fell"}), act=_displace),
    # Who gave way is offered the nearest place with room.
    Reaction(name="offer", kinds=frozenset({"quota.displaced"}), act=_offer),
    # Vials came: claims to second doses are first in line.
    Reaction(name="fund_claims", kinds=frozenset({"stock.available"}), act=_fund),
)


@dataclass(slots=True)
class Runner:
    """Runs one reaction; remembers how often the event at hand has failed here."""

    engine: Engine
    reaction: Reaction
    clock: Clock
    _failing: int | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)

    def run_once(self) -> int:
        """React to what waits, at most a few hundred events; returns to how many. Raises what an event raised."""
        name = f"reaction:{self.reaction.name}"
        with transaction(self.engine) as db:
            waiting = read_after(db, cursor_of(db, name), limit=_AT_ONCE, kinds=self.reaction.kinds)
        done = 0
        for event in waiting:
            with self._counting(event.position):
                done += self._react(name, event)
        return done

    def _react(self, name: str, event: FeedEvent) -> int:
        """One event, its consequences and the cursor's step commit together."""
        with transaction(self.engine) as db:
            if cursor_of(db, name, lock=True) >= event.position:
                return 0  # another worker was quicker
            now = self.clock()
            if self._failing == event.position and self._failures >= _TRIES:
                self._give_up(db, event, now)
            else:
                self.reaction.act(db, event, now)
            move_cursor(db, name, event.position)
            return 1

    def _give_up(self, db: Session, event: FeedEvent, now: datetime) -> None:
        log.error("a reaction gave up on an event", reaction=self.reaction.name, kind=event.kind, at=event.position)
        append(
            db,
            GAVE_UP,
            unit_id=event.unit_id,
            subject=event.subject,
            data={"reaction": self.reaction.name, "kind": event.kind, "position": event.position},
            occurred_at=now,
            now=now,
        )

    @contextmanager
    def _counting(self, position: int) -> Iterator[None]:
        """Count an event's failures, except those that pass by themselves."""
        try:
            yield
        except Exception as error:
            if not _passes(error):
                self._failures = self._failures + 1 if self._failing == position else 1
                self._failing = position
            raise


def _passes(error: Exception) -> bool:
    """What the database refuses now and may grant in a moment."""
    passing = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
    return isinstance(error, DBAPIError) and isinstance(error.orig, passing)


def runners(engine: Engine, clock: Clock) -> Iterator[Runner]:
    """One runner for each reaction."""
    return (Runner(engine, reaction, clock) for reaction in REACTIONS)
