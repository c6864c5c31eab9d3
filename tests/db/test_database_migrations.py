"""The migrations build what the models say, and can be taken back."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, inspect, text

from tests.support import databases
from tests.support.services import Services
from tracker.database import migrations
from tracker.database.engine import make_engine, transaction
from tracker.database.partitions import ensure_months
from tracker.settings import DatabaseSettings


def test_models_and_migrated_database_do_not_differ(engine: Engine) -> None:
    migrations.check(engine)


def test_all_migrations_can_be_taken_back_and_made_again(services: Services) -> None:
    with databases.copied_database(services.postgres.url("postgres"), "template0") as url:
        engine = make_engine(url, DatabaseSettings(statement_timeout_ms=60_000))
        migrations.upgrade(engine)
        made = set(inspect(engine).get_table_names())
        migrations.downgrade(engine, "base")
        left = set(inspect(engine).get_table_names()) - {"spatial_ref_sys", "alembic_version"}
        assert left == set()
        migrations.upgrade(engine)
        assert set(inspect(engine).get_table_names()) == made
        engine.dispose()


def test_partitions_are_made_once_for_any_month_however_many_ask(engine: Engine) -> None:
    with transaction(engine) as db:
        db.execute(text("CREATE TABLE series (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at)"))
    months = [date(2019, 12, 31), date(2020, 1, 1), date(2026, 11, 23)]
    with transaction(engine) as db:
        made = ensure_months(db, "series", months)
        again = ensure_months(db, "series", months)
        db.execute(text("INSERT INTO series VALUES ('2019-12-31 23:59:59.999+00', 1), ('2020-01-01 00:00+00', 2)"))
        placed = db.execute(text("SELECT tableoid::regclass::text, n FROM series ORDER BY n")).all()
    assert made == ["series_y2019m12", "series_y2020m01", "series_y2026m11"]
    assert again == []
    assert [tuple(row) for row in placed] == [("series_y2019m12", 1), ("series_y2020m01", 2)]
