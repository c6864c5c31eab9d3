"""The seeded world of the demo, made once for whoever looks at it or goes on from it: seeding is the expensive part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from rantai.world.seed import seed_world
from tests.support import databases
from tests.support.services import Services

SECRET = "a secret for tests only, at least 32 characters"
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
READINGS = timedelta(days=20)


@dataclass
class Seeded:
    """A seeded database, the simulators' file, and the accounts that were shown: (user name, password, who)."""

    engine: Engine
    path: Path
    shown: list[tuple[str, str, str]]


@contextmanager
def seeded_template(services: Services, template: str, path: Path) -> Iterator[Seeded]:
    """Seed a world nobody works in; `copy_of` it."""
    maintenance = services.postgres.url("postgres")
    with databases.copied_database(maintenance, template) as url, databases.engine_of(url) as engine:
        shown = seed_world(engine, path, secret_key=SECRET, now=NOW, readings=READINGS)
        engine.dispose()  # a database that somebody is connected to is not copied
        yield Seeded(engine, path, shown)


@contextmanager
def copy_of(services: Services, seeded: Seeded, folder: Path) -> Iterator[Seeded]:
    """A seeded world of one's own."""
    maintenance = services.postgres.url("postgres")
    path = Path(shutil.copy(seeded.path, folder / "world.json"))
    template = str(seeded.engine.url.database)
    with databases.copied_database(maintenance, template) as url, databases.engine_of(url) as engine:
        yield Seeded(engine, path, list(seeded.shown))
