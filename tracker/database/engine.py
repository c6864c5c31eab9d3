"""Engine and the one transaction helper of all edges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

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
        "-c timezone=UTC -c jit=off"
    )
    return create_engine(
        url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=guards.pool_size,
        max_overflow=guards.pool_size,
        pool_pre_ping=True,
        # Values may be a person's: an error message names the statement only.
        hide_parameters=True,
        echo=echo,
        connect_args={"options": options, "application_name": name, "connect_timeout": 5},
    )


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
