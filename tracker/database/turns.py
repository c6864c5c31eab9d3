"""Turns at what many want to lock at once: who would only wait for a lock does so without a connection.

A lock is waited for by holding a connection. Were that all, the requests for one hot session would soon hold every connection of
the process, and nobody else would be answered. So whatever locks a thing that many may want asks for a turn first (`take_turns`).
Of each thing a process gives few turns: some transactions use or wait for its lock, the others are told to come back (`Contended`),
undo what they have read, and wait in the thing's line holding nothing (`tracker/edge/hop.py`).

Nobody can wait for a turn while holding that of a thing later in order, so turns never make two wait for each other.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID


class Wanted(IntEnum):
    """What is locked by turns, in the house's order of locking."""

    SESSION = 1
    POOL = 2
    DEVICE = 3


Thing = tuple[Wanted, tuple[UUID, ...]]


class Contended(Exception):
    """All turns at a thing are taken: undo everything, wait in its line, begin anew."""

    def __init__(self, thing: Thing) -> None:
        super().__init__(thing[0].name)
        self.thing = thing


class LineFull(Exception):
    """As many wait for a turn at the thing as may."""


class Turns:
    """The turns of one process: `each` at a thing, and at most `queue` who wait for one."""

    def __init__(self, each: int, *, queue: int) -> None:
        self.each = each
        self.queue = queue
        self._lock = threading.Lock()
        self._taken: Counter[Thing] = Counter()
        self._lines: defaultdict[Thing, deque[asyncio.Future[None]]] = defaultdict(deque)

    def waiting(self) -> int:
        """How many wait for a turn, at whatever."""
        with self._lock:
            return sum(len(line) for line in self._lines.values())

    def take(self, thing: Thing) -> bool:
        """Take a turn if one is free and nobody waits for it; from any thread."""
        with self._lock:
            if self._taken[thing] >= self.each:
                return False
            self._taken[thing] += 1
            return True

    async def wait(self, thing: Thing) -> None:
        """Take a turn when it is ours, in order of arrival. Raises LineFull at once."""
        if self.take(thing):
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if len(self._lines[thing]) >= self.queue:
                raise LineFull
            self._lines[thing].append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give_back(thing)  # it was handed over at the very moment at which we gave up
            raise

    def give_back(self, thing: Thing) -> None:
        """End a turn: the next in line has it. Call it from the event loop."""
        with self._lock:
            line = self._lines.get(thing)
            while line:
                following = line.popleft()
                if not following.done():
                    following.set_result(None)
                    break
            else:
                self._taken[thing] -= 1
            if not self._taken[thing]:
                del self._taken[thing]
            if not line:
                self._lines.pop(thing, None)


@dataclass(slots=True)
class Held:
    """The turns of one request, kept until its transaction has ended."""

    turns: Turns
    things: set[Thing] = field(default_factory=set)

    def take(self, thing: Thing) -> None:
        """Raises Contended."""
        if thing in self.things:
            return
        if not self.turns.take(thing):
            raise Contended(thing)
        self.things.add(thing)

    async def wait(self, thing: Thing) -> None:
        """Wait for a turn, giving back those of things later in order. Raises LineFull."""
        if thing in self.things:
            return
        self._give_back({one for one in self.things if one > thing})
        await self.turns.wait(thing)
        self.things.add(thing)

    def give_back(self) -> None:
        """All of them."""
        self._give_back(set(self.things))

    def _give_back(self, things: set[Thing]) -> None:
        for thing in things:
            self.things.discard(thing)
            self.turns.give_back(thing)


held: ContextVar[Held | None] = ContextVar("held", default=None)
"""The turns of the request this thread works for; None where nobody else is kept waiting, as in the worker."""


def take_turns(what: Wanted, keys: Iterable[tuple[UUID, ...]]) -> None:
    """Ask for a turn at each of these before locking them. Raises Contended, which only the hop answers."""
    mine = held.get()
    if mine is None:
        return
    for key in sorted(set(keys)):
        mine.take((what, key))
