"""Engine and the one transaction helper of all edges."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.event import listen
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from tracker.settings import DatabaseSettings


def make_engine(
    url: str, database: DatabaseSettings | None = None, *, name: str = "rantai", echo: bool = False
) -> Engine:
    """An engine whose connections carry guard times and show `name` in pg_stat_activity.

    `url` may be a plain postgresql:// address (SQLAlchemy 2.1 takes psycopg 3 for it).
    """
    guards = database or DatabaseSettings()
    options = (
        f"-c statement_timeout={guards.statement_timeout_ms} "
        f"-c lock_timeout={guards.lock_timeout_ms} "
        f"-c idle_in_transaction_session_timeout={guards.idle_in_transaction_ms} "
        # Extensions of the image (the geocoder of PostGIS) put their schemas on the database's path; ours are not there.
        "-c search_path=public -c timezone=UTC -c jit=off"
    )
    engine = create_engine(
        url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=guards.pool_size,
        max_overflow=guards.pool_size,
        # Values may be a person's: an error message names the statement only.
        hide_parameters=True,
        echo=echo,
        connect_args={"options": options, "application_name": name, "connect_timeout": 5},
    )
    listen(engine, "checkin", _note_rest)
    listen(engine, "checkout", _hear_before_use)
    return engine


# A connection that rested longer may have been forgotten by something between here and the database that says nothing.
_LONG_REST_S = 30.0


def _note_rest(connection: psycopg.Connection | None, record: ConnectionPoolEntry) -> None:
    del connection
    record.info["rests_since"] = time.monotonic()


def _hear_before_use(connection: psycopg.Connection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """Never hand out a connection that the database has ended: it says so, and what it said waits to be read.

    Asking it at every transaction would cost a round trip each time to hear what it would have said by itself.
    """
    del proxy
    rested = time.monotonic() - record.info.get("rests_since", math.inf)
    if not connection.closed and rested < _LONG_REST_S and not _has_said_something(connection):
        return
    try:
        if connection.closed:
            raise psycopg.OperationalError("the connection is closed")
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _has_said_something(connection: psycopg.Connection) -> bool:
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def new_session(engine: Engine) -> Session:
    """A session as the whole house uses it; objects stay readable after the commit."""
    return Session(engine, expire_on_commit=False)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One unit of work: commit at the end, roll back on any error."""
    with new_session(engine) as db, db.begin():
        yield db


def open_connections(engine: Engine) -> None:
    """Open the connections the pool keeps, before anybody needs one; a database that is away is waited for by those who do."""
    with ExitStack() as stack, suppress(SQLAlchemyError):
        pool = engine.pool
        for _ in range(pool.size() if isinstance(pool, QueuePool) else 0):
            stack.enter_context(engine.connect())


def allow_work(db: Session, *, seconds: int) -> None:
    """Let this transaction think and write for so long: for what is large and rare, such as a file of half a million rows."""
    for guard in ("idle_in_transaction_session_timeout", "statement_timeout"):
        db.execute(text("SELECT set_config(:guard, :ms, true)"), {"guard": guard, "ms": str(1000 * seconds)})
