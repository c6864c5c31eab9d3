"""Migrating a database that others use: a revision is done or not done, and one migrator works at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from tests.support import databases
from tests.support.services import Services
from tracker.database import migrations
from tracker.database.engine import make_engine
from tracker.database.errors import MigrationStopped
from tracker.settings import DatabaseSettings

LOCK = "hashtext('rantai migrations')"


@pytest.fixture
def empty(services: Services) -> Iterator[str]:
    with databases.copied_database(services.postgres.url("postgres"), "template0") as url:
        yield url


@pytest.fixture
def hasty(empty: str) -> Iterator[Engine]:
    """A migrator that waits a fifth of a second for a lock."""
    engine = make_engine(empty, DatabaseSettings(statement_timeout_ms=60_000, lock_timeout_ms=200))
    yield engine
    engine.dispose()


@pytest.fixture
def other(empty: str) -> Iterator[Engine]:
    """Somebody else on the same database."""
    engine = make_engine(empty)
    yield engine
    engine.dispose()


def revision_of(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def test_a_revision_that_finds_a_table_locked_is_taken_back_alone_and_can_be_run_again(
    hasty: Engine, other: Engine
) -> None:
    migrations.upgrade(hasty, "0009_delivery_registration_trace")
    with other.connect() as reader:
        reader.execute(text("LOCK TABLE feed_event IN ACCESS SHARE MODE"))
        with pytest.raises(MigrationStopped) as stopped:
            migrations.upgrade(hasty, "0011_typed_feed")
        reader.rollback()
    said = str(stopped.value)
    assert "revision 0011_typed_feed was taken back whole: it waited 200ms for a lock" in said
    assert "The schema is at 0010_registration" in said
    assert revision_of(other) == "0010_registration"
    migrations.upgrade(hasty, "0011_typed_feed")
    assert revision_of(other) == "0011_typed_feed"


def test_a_revision_the_database_refuses_leaves_those_before_it(hasty: Engine, other: Engine) -> None:
    migrations.upgrade(hasty, "0009_delivery_registration_trace")
    with other.begin() as saboteur:
        saboteur.execute(text("ALTER TABLE feed_event ADD COLUMN caused_by uuid"))
    with pytest.raises(MigrationStopped, match=r"0011_typed_feed .*already exists.* at 0010"):
        migrations.upgrade(hasty)
    assert revision_of(other) == "0010_registration"


def test_a_migrator_waits_for_another_however_short_its_waits_for_tables(hasty: Engine, other: Engine) -> None:
    with other.connect() as first, ThreadPoolExecutor(1) as pool:
        first.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        first.commit()
        second = pool.submit(migrations.upgrade, hasty, "0002_network_catalog")
        assert not threading.Event().wait(0.6)  # three times the wait for a table
        assert not second.done()
        first.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
        first.commit()
        second.result(timeout=60)
    assert revision_of(other) == "0002_network_catalog"


def test_two_migrators_at_once_both_find_the_schema_at_head(empty: str, other: Engine) -> None:
    environment = {**os.environ, "RANTAI_DATABASE_URL": empty, "RANTAI_SECRET_KEY": "s" * 40}
    command = [sys.executable, "-m", "rantai", "db", "upgrade"]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for migrator in both:
        said, _ = migrator.communicate(timeout=120)
        assert said == f"The schema is at {migrations.head_revision()}.\n"
    assert revision_of(other) == migrations.head_revision()


def test_a_stopped_migrator_says_one_sentence_and_leaves_the_way_free(empty: str, hasty: Engine, other: Engine) -> None:
    migrations.upgrade(hasty, "0010_registration")
    with other.begin() as saboteur:
        saboteur.execute(text("ALTER TABLE feed_event ADD COLUMN caused_by uuid"))
    environment = {**os.environ, "RANTAI_DATABASE_URL": empty, "RANTAI_SECRET_KEY": "s" * 40}
    ended = subprocess.run(
        [sys.executable, "-m", "rantai", "db", "upgrade"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "revision 0011_typed_feed was taken back whole" in ended.stderr
    assert ended.stderr.count("\n") == 1
    with other.begin() as repairer:
        repairer.execute(text("ALTER TABLE feed_event DROP COLUMN caused_by"))
    migrations.upgrade(hasty, "0011_typed_feed")
