"""Databases for tests: one migrated template a run, copies of it for code that commits."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from tracker.database import migrations
from tracker.database.engine import make_engine
from tracker.kit.ids import uuid7
from tracker.settings import DatabaseSettings

TEMPLATE = "rantai_template"


def url_of(maintenance_url: str, name: str) -> str:
    """The address of another database on the same server."""
    parts = urlsplit(maintenance_url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def ensure_template(maintenance_url: str) -> str:
    """Make and migrate the template once a run, whichever worker comes first; returns its name."""
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(7202602)")
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone()
        if found is None:
            # Built under another name first, so that a failed migration leaves no half-made template.
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(TEMPLATE + "_new")))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE + "_new")))
            engine = make_engine(
                url_of(maintenance_url, TEMPLATE + "_new"),
                DatabaseSettings(statement_timeout_ms=60_000, idle_in_transaction_ms=60_000),
            )
            try:
                migrations.upgrade(engine)
            finally:
                engine.dispose()
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(TEMPLATE + "_new"), sql.Identifier(TEMPLATE)
                )
            )
    return TEMPLATE


@contextmanager
def copied_database(maintenance_url: str, template: str = TEMPLATE) -> Iterator[str]:
    """A database of one's own, copied from `template`; dropped afterwards. Yields its address."""
    name = f"t_{os.getpid()}_{uuid7().hex[-12:]}"
    with _maintenance(maintenance_url) as connection:
        # Two copies of one template at once are refused by PostgreSQL: take turns.
        connection.execute("SELECT pg_advisory_lock(7202603)")
        # Copying files costs less than half of writing every page to the log, and tests need no log.
        strategy = sql.SQL("STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else "")
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} {}").format(
                    sql.Identifier(name), sql.Identifier(template), strategy
                )
            )
        finally:
            connection.execute("SELECT pg_advisory_unlock(7202603)")
    try:
        yield url_of(maintenance_url, name)
    finally:
        with _maintenance(maintenance_url) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


_idle: dict[str, psycopg.Connection] = {}


def _alive(connection: psycopg.Connection | None) -> psycopg.Connection | None:
    """The connection, if its server is still the one it was: some tests kill it and start another."""
    if connection is None:
        return None
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        connection.close()
        return None
    return connection


@contextmanager
def _maintenance(url: str) -> Iterator[psycopg.Connection]:
    """A connection that makes and drops databases; it is kept for the next, for a log-in costs as much as half a copy."""
    connection = _alive(_idle.pop(url, None)) or psycopg.connect(url, autocommit=True)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    if url in _idle:
        connection.close()  # two at once, in threads
    else:
        _idle[url] = connection


@atexit.register
def _give_back() -> None:
    for connection in _idle.values():
        connection.close()


def name_of(url: str) -> str:
    """The name of the database at an address."""
    return urlsplit(url).path.lstrip("/")


@contextmanager
def engine_of(url: str, *, pool_size: int = 10) -> Iterator[Engine]:
    """An engine that is disposed of at the end."""
    # Tests make worlds and think inside a transaction; on a busy machine that takes longer than a request may.
    guards = DatabaseSettings(pool_size=pool_size, idle_in_transaction_ms=60_000)
    engine = make_engine(url, guards, name="rantai-tests")
    try:
        yield engine
    finally:
        engine.dispose()
