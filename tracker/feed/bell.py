"""Waking whoever waits: one coalesced NOTIFY after commits, and a listener that also looks each second.

NOTIFY inside a transaction takes a lock on the whole database's queue at commit and costs two fifths
of the write speed; so a process rings from a connection of its own, after the commit, and many
commits in a few milliseconds become one ring. A lost ring costs a second, never a row.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

PENDING = "rantai_feed_pending"
NUMBERED = "rantai_feed"
READINGS = "rantai_readings"
ACCESS = "rantai_access"  # an account, a log-in or a key has ended

_KEY = "rantai_bells"


def ring_after_commit(db: Session, channel: str = PENDING) -> None:
    """Remember to ring `channel` once this session's transaction has committed."""
    db.info.setdefault(_KEY, set()).add(channel)


def dsn_of(engine: Engine) -> str:
    """The libpq address of an engine, for connections outside the pool."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


class Bell:
    """Rings for every session of one process that appended something.

    Start it once per process with `Bell(engine)`; without one nothing breaks, readers look each second.
    """

    def __init__(self, engine: Engine, *, coalesce_s: float = 0.01) -> None:
        self._dsn = dsn_of(engine)
        self._coalesce_s = coalesce_s
        self._wanted: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rantai-bell", daemon=True)
        self._engine = engine

    def start(self) -> Self:
        """Hook into the sessions of the engine and begin to ring."""
        event.listen(Session, "after_commit", self._committed)
        event.listen(Session, "after_rollback", self._rolled_back)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Unhook; waits for the thread."""
        event.remove(Session, "after_commit", self._committed)
        event.remove(Session, "after_rollback", self._rolled_back)
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ring(self, channel: str = PENDING) -> None:
        """Ring soon, together with whatever else wants to."""
        with self._lock:
            self._wanted.add(channel)
        self._wake.set()

    def _committed(self, db: Session) -> None:
        if db.get_bind() is not self._engine:
            return
        for channel in db.info.pop(_KEY, ()):
            self.ring(channel)

    def _rolled_back(self, db: Session) -> None:
        if db.get_bind() is self._engine:
            db.info.pop(_KEY, None)

    def _run(self) -> None:
        connection: psycopg.Connection[tuple[object, ...]] | None = None
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                channels, self._wanted = self._wanted, set()
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._dsn, autocommit=True, application_name="rantai-bell")
                for channel in channels:
                    connection.execute("SELECT pg_notify(%s, '')", (channel,))
            except psycopg.Error:
                # The database is away: readers look each second anyway, so a lost ring is no loss.
                connection = None
            self._stop.wait(self._coalesce_s)
        if connection is not None:
            connection.close()


class Listener:
    """Waits for a ring on some channels, for time to pass, or to be woken; mends its own connection."""

    def __init__(self, dsn: str, channels: Iterable[str]) -> None:
        self._dsn = dsn
        self._channels = tuple(channels)
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._ear, self._elbow = socket.socketpair()
        self._ear.setblocking(False)
        self.rang: frozenset[str] = frozenset()
        """The channels that ended the last wait, several when they rang together; none when time did."""

    def wait(self, timeout_s: float = 1.0) -> bool:
        """True when it rang; False when `timeout_s` passed, somebody woke it, or the database is away."""
        try:
            connection = self._connected()
            self.rang = _rung(connection)
            if not self.rang and not self._sleep(connection.fileno(), timeout_s):
                self.rang = _rung(connection)
            return bool(self.rang)
        except psycopg.Error:
            self.rang = frozenset()
            self._drop()
            self._sleep(None, min(timeout_s, 0.2))
            return False

    def wake(self) -> None:
        """End the wait that goes on, or the next one; from any thread."""
        # A full pipe wakes as well as one more byte in it.
        with suppress(OSError):
            self._elbow.send(b"!", socket.MSG_DONTWAIT)

    def _sleep(self, connection: int | None, timeout_s: float) -> bool:
        """Until something comes or time has passed; whether somebody woke us."""
        ready = select.poll()
        ready.register(self._ear.fileno(), select.POLLIN)
        if connection is not None:
            ready.register(connection, select.POLLIN)
        woken = any(number == self._ear.fileno() for number, _ in ready.poll(1000 * timeout_s))
        if woken:
            self._ear.recv(1024)
        return woken

    def close(self) -> None:
        """Give everything back; it is not to be used again."""
        self._drop()
        self._ear.close()
        self._elbow.close()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True, application_name="rantai-listener")
            for channel in self._channels:
                self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        return self._connection


def _rung(connection: psycopg.Connection[tuple[object, ...]]) -> frozenset[str]:
    """The channels that have rung; several may come in one packet, and none of them is left for later."""
    return frozenset(one.channel for one in connection.notifies(timeout=0))
