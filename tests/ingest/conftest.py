"""The database of servers that a test may kill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support import databases
from tests.support.services import Services


@pytest.fixture
def own_engine(own_services: Services) -> Iterator[Engine]:
    """A migrated database of the pair that may be killed; the file migrates once."""
    maintenance = own_services.postgres.url("postgres")
    with (
        databases.copied_database(maintenance, databases.ensure_template(maintenance)) as url,
        databases.engine_of(url) as engine,
    ):
        yield engine
        # A test that failed may have left it down, and a database is dropped by a server that runs.
        own_services.postgres.start()
