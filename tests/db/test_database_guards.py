"""Whoever falls silent inside a transaction keeps others waiting no longer than the guard allows."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.support.waiting import eventually
from tracker.database.engine import make_engine
from tracker.settings import DatabaseSettings


def test_a_transaction_that_falls_silent_is_ended_and_lets_go(engine: Engine) -> None:
    guards = DatabaseSettings(pool_size=1, idle_in_transaction_ms=50)
    silent = make_engine(engine.url.render_as_string(hide_password=False), guards, name="silent")
    with engine.connect() as watch:
        with silent.connect() as connection, pytest.raises(DBAPIError):
            connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
            eventually(
                lambda: bool(watch.scalar(text("SELECT pg_try_advisory_lock(7)"))), what="the lock is free again"
            )
            connection.execute(text("SELECT 1"))
        silent.dispose()
