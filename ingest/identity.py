"""One ingester a name: a lock in the database that lives as long as the connection of the process that holds it.

A broker knows a session by its name. Two programs of one name push each other out of it, each second and without end,
and nothing at the broker tells them why. So whoever starts asks the database first: an advisory lock by name ends
with its process, whatever ended that, and needs no cleaning up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self
from uuid import uuid4

import psycopg
import structlog

log = structlog.get_logger(__name__)

# A process that was killed a moment ago is let go by the database within this.
PATIENCE_S = 5.0
_EVERY_S = 1.0
_TRY_EVERY_S = 0.2
# The space of these keys among advisory locks.
_SPACE = 11
# A machine that lost its power must not keep the name for the two hours of the system's default.
_SERVER_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
_HOLDERS = """
    SELECT coalesce(host(a.client_addr), 'this machine') AS host,
        to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since, a.application_name, a.pid
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.pid <> pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = ANY (%s)
    LIMIT 1
"""


class AlreadyRunning(Exception):
    """Another process takes readings in under this name; the message is one sentence for the terminal."""


class Identity:
    """The right to be the ingester of these names (client id and user name), held while the process lives.

    The connection is looked at each second. Where the database went away meanwhile, the name is claimed anew; should
    another have it by then, `lost` is called once and `taken_by` says who.
    """

    def __init__(self, dsn: str, names: Iterable[str], *, lost: Callable[[], None] = lambda: None) -> None:
        self._dsn = dsn
        self._names = sorted(set(names))
        self._lost = lost
        # By this we know a connection of our own that the database has not yet seen end.
        self._application = f"rantai-ingest-{uuid4().hex}"
        self._connection: psycopg.Connection | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="rantai-identity", daemon=True)
        self.taken_by: AlreadyRunning | None = None

    def claim(self, *, patience_s: float = PATIENCE_S) -> bool:
        """Take the names; waits while the database is away. False when told to stop before; raises AlreadyRunning."""
        deadline: float | None = None
        while not self._stop.is_set():
            try:
                self._try_once()
            except psycopg.OperationalError as error:
                log.warning("ingest.database_unavailable", error=str(error).strip().partition("\n")[0])
                self._stop.wait(_EVERY_S)
            except AlreadyRunning:
                deadline = deadline or time.monotonic() + patience_s
                if time.monotonic() >= deadline:
                    raise
                self._stop.wait(_TRY_EVERY_S)
            else:
                return True
        return False

    def stop(self) -> None:
        """End a `claim` that waits, and the watching."""
        self._stop.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join(timeout=5)
        self._let_go()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                if self._connection is None:
                    raise psycopg.OperationalError("no connection")
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                if not self._claimed_again():
                    return

    def _claimed_again(self) -> bool:
        self._let_go()
        try:
            return self.claim()
        except AlreadyRunning as taken:
            log.error("ingest.name_taken", names=self._names)  # noqa: TRY400 - a fact, not a fault of ours: no traceback
            self.taken_by = taken
            self._lost()
            return False

    def _try_once(self) -> None:
        connection = psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=5,
            application_name=self._application,
            options=f"-c statement_timeout=5000 {_SERVER_KEEPALIVE}",
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
        try:
            keys = [
                connection.execute("SELECT hashtextextended(%s, %s)", (name, _SPACE)).fetchone() for name in self._names
            ]
            numbers = [int(row[0]) for row in keys if row is not None]
            for number in numbers:
                got = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
                if got is None or not got[0]:
                    raise self._refusal(connection, numbers)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _refusal(self, connection: psycopg.Connection, numbers: list[int]) -> Exception:
        """Who holds the names; a connection of ours that broke on the way is ended instead, to try again."""
        holder = connection.execute(_HOLDERS, (numbers,)).fetchone()
        if holder is not None and holder[2] == self._application:
            connection.execute("SELECT pg_terminate_backend(%s)", (holder[3],))
            return psycopg.OperationalError("the connection that held the name was lost on the way")
        who = f" (connected from {holder[0]} since {holder[1]} UTC)" if holder else ""
        return AlreadyRunning(
            f"another ingester runs as {' / '.join(self._names)}{who}; this one ends. "
            "Stop the other first, or give this one a user name and RANTAI_INGEST__CLIENT_ID of its own."
        )

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
