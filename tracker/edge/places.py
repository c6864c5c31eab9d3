"""How many requests work at once, and how many may wait for their turn; what is more is refused at once.

A place is a thread and a database connection together. Waiting for one holds neither, so no request keeps a
connection from those that could use it, however many come.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import anyio

from tracker.kit.errors import Refused

Answer = TypeVar("Answer")

# Who has a place has a thread: the bound is the number of places, not a second one behind it.
_AS_MANY_AS_PLACES = anyio.CapacityLimiter(math.inf)


class Busy(Refused):
    """More has been asked than can be answered now; the same request may be sent again after a moment."""

    code = "api.busy"


class Places:
    """So many pieces of work at once, each in a thread of its own; in order of arrival."""

    def __init__(self, most: int, *, queue: int, patience_s: float) -> None:
        self.most = most
        self._free = anyio.CapacityLimiter(most)
        self._queue = queue
        self._patience_s = patience_s
        self.waiting = 0
        self.served = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do `work` in a thread when a place is free.

        Raises Busy at once when `queue` others wait already, and after `patience_s` when no place became free.
        """
        if self._free.available_tokens < 1 and self.waiting >= self._queue:
            raise Busy
        self.waiting += 1
        try:
            with anyio.fail_after(self._patience_s):
                await self._free.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self.waiting -= 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=_AS_MANY_AS_PLACES)
        finally:
            self._free.release()
            self.served += 1
