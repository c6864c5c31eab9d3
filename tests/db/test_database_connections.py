"""A connection that the database has ended is never handed out again."""

from __future__ import annotations

from sqlalchemy import Engine, text

from tests.support.waiting import eventually
from tracker.database.engine import make_engine, transaction
from tracker.settings import DatabaseSettings


def _mine(engine: Engine) -> int:
    with transaction(engine) as db:
        return int(db.scalar(text("SELECT pg_backend_pid()")) or 0)


def test_a_connection_ended_while_it_rested_is_replaced_before_anything_is_asked(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    pooled = make_engine(url, DatabaseSettings(pool_size=3))
    try:
        first = _mine(pooled)
        assert _mine(pooled) == first
        with pooled.connect() as one, pooled.connect() as two:
            assert one.scalar(text("SELECT 1")) == two.scalar(text("SELECT 1")) == 1
        with engine.connect() as killer:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            mine = "application_name = 'rantai' AND datname = current_database() AND pid <> pg_backend_pid()"
            killer.execute(text(f"{others} AND {mine}"))
            # They are told at once, and end when they get round to it.
            left = text(f"SELECT count(*) FROM pg_stat_activity, pg_stat_clear_snapshot() WHERE {mine}")
            eventually(lambda: killer.scalar(left) == 0)
        # All that rested are gone with the first that is found ended.
        seen = {_mine(pooled) for _ in range(5)}
        assert first not in seen
    finally:
        pooled.dispose()
