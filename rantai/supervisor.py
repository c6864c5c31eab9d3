"""Threads that do one thing again and again: restarted when they fail, ended when asked."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker.database.engine import transaction
from tracker.database.heartbeat import beat
from tracker.feed.bell import Listener, dsn_of
from tracker.kit.clock import Clock, utc_now

log = structlog.get_logger("rantai.worker")

_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# A heartbeat row a second and loop is cheap; one a step would be a write for each ring of the bell.
_BEAT_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One job. `step` does what is there to do and tells how much that was; 0 means: wait.

    It waits for a ring on `channels`, or until somebody in this process sets `woken`, at most `every_s`; without
    either it just waits `every_s`.
    """

    name: str
    step: Callable[[], int]
    channels: tuple[str, ...] = ()
    woken: threading.Event | None = None
    every_s: float = 1.0


class Supervisor:
    """Runs each loop in a thread of its own. A failing step is logged and tried again, later and later."""

    def __init__(
        self,
        engine: Engine,
        loops: Iterable[Loop],
        *,
        clock: Clock = utc_now,
        back_off_s: tuple[float, ...] = _BACK_OFF_S,
    ) -> None:
        self._engine = engine
        self._loops = tuple(loops)
        self._clock = clock
        self._back_off_s = back_off_s
        self._stop = threading.Event()
        self._listeners: dict[Loop, Listener] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=f"rantai-{loop.name}", daemon=True)
            for loop in self._loops
        ]

    def start(self) -> None:
        """Begin all loops."""
        dsn = dsn_of(self._engine)
        self._listeners = {loop: Listener(dsn, loop.channels) for loop in self._loops if loop.channels}
        for thread in self._threads:
            thread.start()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """Ask all loops to end after their present step, and wait for them."""
        self._stop.set()
        for listener in self._listeners.values():
            listener.wake()
        for loop in self._loops:
            if loop.woken is not None:
                loop.woken.set()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("a loop did not end in time", loop=thread.name)

    def _run(self, loop: Loop) -> None:
        failures = 0
        beaten = 0.0
        listener = self._listeners.get(loop)
        while not self._stop.is_set():
            try:
                done = loop.step()
            except Exception as error:  # noqa: BLE001 - whatever a step meets must not end its loop
                pause = self._back_off_s[min(failures, len(self._back_off_s) - 1)]
                failures += 1
                _tell(loop.name, error, pause)
                self._stop.wait(pause)
                continue
            failures = 0
            if time.monotonic() - beaten >= _BEAT_EVERY_S:
                beaten = time.monotonic()
                self._beat(loop.name)
            if done == 0:
                self._wait(loop, listener)
        if listener is not None:
            listener.close()

    def _wait(self, loop: Loop, listener: Listener | None) -> None:
        if loop.woken is not None:
            loop.woken.wait(loop.every_s)
            # Before the step: what is set while it works is for the one after it.
            loop.woken.clear()
            return
        if listener is None:
            self._stop.wait(loop.every_s)
        else:
            listener.wait(loop.every_s)

    def _beat(self, name: str) -> None:
        # The database is away: the age that /readyz shows then says so.
        with contextlib.suppress(SQLAlchemyError), transaction(self._engine) as db:
            beat(db, name, self._clock())


def _tell(name: str, error: Exception, pause_s: float) -> None:
    """A database that is away is a line, anything else is a bug and comes with where it happened."""
    if isinstance(error, SQLAlchemyError) and getattr(error, "connection_invalidated", False):
        log.warning("the database went away", loop=name, again_in_s=pause_s)
    elif type(error).__name__ == "OperationalError":
        log.warning("the database does not answer", loop=name, again_in_s=pause_s, detail=str(error).splitlines()[0])
    else:
        log.error("a loop failed", loop=name, again_in_s=pause_s, exc_info=error)
