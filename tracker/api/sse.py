"""The feed as server-sent events: one listening connection per process, fanned out in memory.

A live page holds no database session while it waits; it resumes from `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker.access.audience import events_visible_to
from tracker.access.principal import Principal
from tracker.database.engine import new_session
from tracker.edge.places import Busy, Places
from tracker.events import KINDS
from tracker.feed.bell import ACCESS, NUMBERED, Listener, dsn_of
from tracker.feed.models import FeedEvent
from tracker.feed.queries import last_position, read_after
from tracker.kit.errors import Refused

Answer = TypeVar("Answer")

RECHECK_S = 30.0  # how long a stream goes on for one whose account, log-in or grants have ended


class TooManyStreams(Refused):
    """No more live connections are served by this process, or to this account."""

    code = "api.too_many_streams"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """One feed event as live pages get it."""

    position: int
    id: UUID
    kind: str
    subject: str
    data: dict[str, Any]
    caused_by: UUID | None
    occurred_at: str
    recorded_at: str


class FeedHub:
    """Wakes the waiting streams of this process whenever the feed has grown."""

    def __init__(
        self, engine: Engine, places: Places, *, most: int, most_each: int, recheck_s: float = RECHECK_S
    ) -> None:
        self.engine = engine
        self.places = places
        self.most = most
        self.most_each = most_each
        self.recheck_s = recheck_s
        self.open = 0
        self._ended = 0  # how often it was told that somebody's access has ended
        self._open_of: Counter[UUID | None] = Counter()
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: Listener | None = None

    def start(self) -> None:
        """Begin to listen; call it from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._listener = Listener(dsn_of(self.engine), [NUMBERED, ACCESS])
        self._thread = threading.Thread(
            target=self._listen, args=(self._listener,), name="rantai-feed-hub", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the listener; open streams end at their next look. Waits until it has let go of the engine."""
        self._stop.set()
        if self._listener is not None:
            self._listener.wake()
        self._wake()
        if self._thread is not None:
            self._thread.join(timeout=5)

    @property
    def stopped(self) -> bool:
        """Whether the process is going down."""
        return self._stop.is_set()

    def _listen(self, listener: Listener) -> None:
        seen = -1
        while not self._stop.is_set():
            listener.wait(1.0)
            if self._stop.is_set():
                break
            if ACCESS in listener.rang:
                self._call(self._ask_again)
            # It rang or not, look: a ring may get lost with its connection; a second's wait is the price.
            try:
                newest = self._newest()
            except SQLAlchemyError:
                continue
            if newest != seen:
                seen = newest
                self._call(self._wake)
        listener.close()

    def _call(self, what: Callable[[], None]) -> None:
        """Let the event loop do it; one that has closed (the process is ending) has nobody to wake."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(what)

    def _ask_again(self) -> None:
        """Somebody's right to listen has ended: every stream asks anew who it speaks to."""
        self._ended += 1
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    async def follow(
        self, principal: Principal, after: int | None, *, still: Callable[[], Principal | None], wait: bool = True
    ) -> AsyncIterator[LiveEvent]:
        """Events the principal may see, in order, from `after` (None: from now on).

        `still` says anew, twice a minute and when somebody's access has ended, who that is; the stream ends when it is
        nobody any more.
        With `wait=False` it ends where the feed ends.
        """
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            position = after if after is not None else await self._patiently(self._newest)
            recheck_at, ended = time.monotonic() + self.recheck_s, self._ended
            while not self.stopped:
                if time.monotonic() >= recheck_at or ended != self._ended:
                    ended = self._ended
                    current = await self._patiently(still)
                    if current is None:
                        return
                    principal, recheck_at = current, time.monotonic() + self.recheck_s
                event.clear()
                found, position = await self._patiently(partial(self._read, principal, position))
                for item in found:
                    yield item
                if found:
                    continue
                if not wait:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), max(0.0, recheck_at - time.monotonic()))
        finally:
            self._waiting.discard(event)

    @contextmanager
    def room(self, principal: Principal) -> Iterator[None]:
        """Room for one stream, taken before it begins: who opens many at once finds as few as who opens them in turn.

        Raises TooManyStreams when this process, or this account in it, has as many streams as it may.
        """
        account_id = principal.account_id
        if self.open >= self.most:
            raise TooManyStreams(most=self.most)
        if self._open_of[account_id] >= self.most_each:
            raise TooManyStreams(most=self.most_each)
        self.open += 1
        self._open_of[account_id] += 1
        try:
            yield
        finally:
            self.open -= 1
            self._open_of[account_id] -= 1
            if not self._open_of[account_id]:
                del self._open_of[account_id]

    async def _patiently(self, look: Callable[[], Answer]) -> Answer:
        """A stream that has begun cannot be refused any more: it waits for as long as it takes."""
        while True:
            with suppress(Busy):
                return await self.places.run(look)
            await asyncio.sleep(1.0)

    def _newest(self) -> int:
        with new_session(self.engine) as db:
            return last_position(db)

    def _read(self, principal: Principal, after: int) -> tuple[list[LiveEvent], int]:
        with new_session(self.engine) as db:
            newest = last_position(db)
            rows = read_after(db, after, limit=200, where=events_visible_to(principal))
            if not rows:
                # Nothing of ours up to here: do not scan the same stretch again.
                return [], max(after, newest)
            return [_live(row) for row in rows], rows[-1].position


def _live(row: FeedEvent) -> LiveEvent:
    return LiveEvent(
        position=row.position,
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        data=KINDS.data_for_others(row),
        caused_by=row.caused_by,
        occurred_at=row.occurred_at.isoformat(),
        recorded_at=row.recorded_at.isoformat(),
    )
