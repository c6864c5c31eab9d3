"""The migrations build what the models say, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from sqlalchemy import Engine, inspect, text

from tests.support import databases
from tests.support.services import Services
from tracker.database import migrations
from tracker.database.engine import make_engine, transaction
from tracker.database.partitions import ensure_months
from tracker.settings import DatabaseSettings


def test_models_and_migrated_database_do_not_differ(engine: Engine) -> None:
    migrations.check(engine)


def test_schemas_that_an_image_puts_on_the_path_are_not_compared_and_take_nothing_in(services: Services) -> None:
    with databases.copied_database(services.postgres.url("postgres"), "template0") as url:
        name = databases.name_of(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA tiger")
            connection.execute("CREATE TABLE tiger.bg (id int)")
            connection.execute(f"ALTER DATABASE {name} SET search_path = tiger, public")
        engine = make_engine(url, DatabaseSettings(statement_timeout_ms=60_000))
        migrations.upgrade(engine)
        migrations.check(engine)
        assert inspect(engine).get_table_names("tiger") == ["bg"]
        engine.dispose()


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


_A_RECALL_OF_BEFORE = """
    SET LOCAL session_replication_role = replica;  -- only what the migration reads is there
    INSERT INTO unit (id, code, name, kind, parent_id, path) VALUES
        ('00000000-0000-0000-0000-000000000001', 'ID', 'Indonesia', 'national', NULL, 'id'),
        ('00000000-0000-0000-0000-000000000002', 'B', 'Banten', 'province', '00000000-0000-0000-0000-000000000001', 'id.b'),
        ('00000000-0000-0000-0000-000000000003', 'P', 'Puskesmas', 'puskesmas', '00000000-0000-0000-0000-000000000002', 'id.b.p');
    INSERT INTO batch (id, presentation_id, lot, expiry, manufacturer) VALUES
        ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000e', 'L1', '2027-01-01', 'M');
    INSERT INTO recall (id, batch_id, reason, account_id, started_at) VALUES
        ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b', 'x', {starter}, '2026-01-01T00:00Z');
    INSERT INTO recall_holder (recall_id, account, holder_id, facility_id, vials, found_at) VALUES
        ('00000000-0000-0000-0000-00000000000a', 'place', '00000000-0000-0000-0000-00000000000d',
         '00000000-0000-0000-0000-000000000003', 5, '2026-01-01T00:00Z');
"""
_PROVINCE = "00000000-0000-0000-0000-000000000002"
_STARTER = "'00000000-0000-0000-0000-00000000000c'"


@pytest.fixture(scope="module")
def before_facts_and_acts(services: Services) -> Iterator[str]:
    """The name of a database of the revision before."""
    with databases.copied_database(services.postgres.url("postgres"), "template0") as url:
        engine = make_engine(url, DatabaseSettings(statement_timeout_ms=60_000))
        migrations.upgrade(engine, "0019_sums_and_silence")
        engine.dispose()
        yield databases.name_of(url)


@pytest.mark.parametrize(
    ("starter", "role", "reach"),
    [
        (_STARTER, "province", {"id.b"}),
        (_STARTER, "auditor", {"id.b.p"}),
        (_STARTER, None, {"id.b.p"}),
        ("NULL", None, {"id"}),
    ],
    ids=["a province", "who has another role now", "who has none any more", "the house itself"],
)
def test_a_recall_of_before_reaches_no_further_than_its_starter_did(
    services: Services, before_facts_and_acts: str, starter: str, role: str | None, reach: set[str]
) -> None:
    with databases.copied_database(services.postgres.url("postgres"), before_facts_and_acts) as url:
        engine = make_engine(url, DatabaseSettings(statement_timeout_ms=60_000))
        with engine.begin() as connection:
            connection.execute(text(_A_RECALL_OF_BEFORE.format(starter=starter)))
            if role is not None:
                grant = f"SET LOCAL session_replication_role = replica; INSERT INTO role_grant VALUES ({starter}, '{role}', '{_PROVINCE}')"
                connection.execute(text(grant))
        migrations.upgrade(engine, "0020_facts_and_acts")
        with engine.connect() as connection:
            found = connection.execute(
                text("SELECT u.path::text FROM stock_stop s JOIN unit u ON u.id = s.unit_id")
            ).scalars()
            assert set(found) == reach
        engine.dispose()
