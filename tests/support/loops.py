"""Running what is asynchronous from a test."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def finished(work: Coroutine[object, object, T], timeout_s: float = 60.0) -> T:
    """Its answer, from a thread of its own: a browser test before leaves its loop running in the main one."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, asyncio.wait_for(work, timeout_s)).result()


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: the loop's clock is put forward instead."""

    ahead_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.ahead_s += timeout or 0.0
        return super().select(0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.ahead_s


def in_no_time(work: Coroutine[object, object, T]) -> T:
    """Its answer, by a clock that jumps to whatever is waited for next: minutes of sleeping take no time, and go the same each time.

    For what waits by the loop's clock alone: no threads, no network.
    """

    def run() -> T:
        with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
            return runner.run(work)

    with ThreadPoolExecutor(1) as beside:
        return beside.submit(run).result()
