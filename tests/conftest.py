"""Fixtures of the whole suite. Unit tests use none of them and touch nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import structlog
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from rantai.errors import ServiceMissing
from rantai.local.broker import connect_code
from tests.support import databases
from tests.support.choice import chosen
from tests.support.services import Services as TestServices
from tests.support.services import start_services
from tests.support.times import Timing, Together, longest_first, read_budget
from tests.support.world import StandingWorld, World, standing_world
from tracker.edge.services import Services
from tracker.settings import Settings, load_settings

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.browser.page_world import PageWorld
    from tests.support.seeded import Seeded

hypothesis_settings.register_profile(
    "rantai", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("rantai")

# As the programs write: where an error came from. A traceback in colours with every variable takes seconds a piece.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

SECRET = "a secret for tests only, at least 32 characters"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=Path, metavar="FILE", help="note where time goes; see tests/support/times.py")


def pytest_configure(config: pytest.Config) -> None:
    if note := config.getoption("times"):
        config.pluginmanager.register(Timing(note))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [items[place] for place in longest_first([item.nodeid for item in items], read_budget())]


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: it is not looked through again at each collection."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


def pytest_report_header() -> str:
    """Say which servers the suite uses."""
    try:
        return f"services: {chosen()}"
    except ServiceMissing as problem:
        return f"services: none ({problem})"


@pytest.fixture(scope="session")
def services() -> Iterator[TestServices]:
    """The shared PostgreSQL and Mosquitto of this process; do not kill these."""
    pair = start_services()
    yield pair
    pair.forget()


@pytest.fixture(scope="module")
def _own_pair() -> Iterator[TestServices]:
    pair = start_services()
    yield pair
    pair.forget()


@pytest.fixture
def own_services(_own_pair: TestServices) -> TestServices:
    """A pair of this file alone, to be killed and started again; it runs, and knows no device and no session."""
    _own_pair.postgres.start()
    _own_pair.broker.start()
    _own_pair.broker.set_users({})
    at = urlsplit(_own_pair.mqtt_url)
    # A clean session takes the place of the ingester's lasting one, and of what waited in it.
    here = (at.port or 0, at.hostname or "")
    assert connect_code(*here, username=at.username or "", password=at.password or "") == 0
    return _own_pair


@pytest.fixture(scope="session")
def template(services: TestServices) -> str:
    """The name of the migrated template database."""
    return databases.ensure_template(services.postgres.url("postgres"))


@pytest.fixture(scope="session")
def standing(services: TestServices, template: str) -> Iterator[StandingWorld]:
    """The small world in a template of its own, made once per worker."""
    with standing_world(services.postgres.url("postgres"), template) as world:
        yield world


@pytest.fixture(scope="session")
def seeded_world(services: TestServices, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """The seeded world of the demo, made once per worker; see tests/support/seeded.py."""
    from tests.support.seeded import seeded_template

    with seeded_template(services, template, tmp_path_factory.mktemp("seeded") / "world.json") as found:
        yield found


@pytest.fixture(scope="session")
def page_world(services: TestServices, template: str) -> Iterator[tuple[str, PageWorld]]:
    """The world of the pages in a template of its own, made once per worker; see tests/support/page_site.py."""
    from tests.browser.page_world import page_template

    with page_template(services, template) as found:
        yield found


@pytest.fixture(scope="session")
def savepoint_engine(services: TestServices, template: str) -> Iterator[Engine]:
    """One migrated, empty database per worker, for tests that never commit for real."""
    with _copy_of(services, template) as engine:
        yield engine


@pytest.fixture(scope="session")
def world_savepoint_engine(services: TestServices, standing: StandingWorld) -> Iterator[Engine]:
    """The same with the small world in it."""
    with _copy_of(services, standing.database) as engine:
        yield engine


@contextmanager
def _copy_of(services: TestServices, template: str) -> Iterator[Engine]:
    with (
        databases.copied_database(services.postgres.url("postgres"), template) as url,
        databases.engine_of(url) as engine,
    ):
        yield engine


@pytest.fixture
def db(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session inside a transaction that is rolled back at the end; the database is empty without `world`."""
    which = "world_savepoint_engine" if "world" in request.fixturenames else "savepoint_engine"
    engine: Engine = request.getfixturevalue(which)
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        if outer.is_active:
            outer.rollback()


@pytest.fixture
def world(db: Session, standing: StandingWorld) -> World:
    """The small world in the savepoint session of `db`; see tests/support/world.py."""
    return standing.joined(db)


@pytest.fixture
def new_database(services: TestServices, template: str) -> Iterator[Callable[[], Engine]]:
    """Makes databases of one's own, migrated and empty, for code that commits or listens."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_copy_of(services, template))


@pytest.fixture
def engine(request: pytest.FixtureRequest, services: TestServices) -> Iterator[Engine]:
    """One fresh, migrated database of the test's own; it is empty without `committed_world`."""
    holds_world = "committed_world" in request.fixturenames
    template = request.getfixturevalue("standing").database if holds_world else request.getfixturevalue("template")
    with _copy_of(services, template) as engine:
        yield engine


@pytest.fixture
def committed_world(engine: Engine, standing: StandingWorld) -> World:
    """The small world as it stands, committed, in the database of `engine`; log-ins take `PASSWORD`."""
    return standing.copy()


@pytest.fixture
def app_settings(engine: Engine, services: TestServices) -> Settings:
    """Settings that point to the fresh database and the broker."""
    return load_settings(
        database_url=engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        mqtt_url=services.mqtt_url,
        secret_key=SECRET,
    )


@pytest.fixture
def app_services(engine: Engine, app_settings: Settings) -> Services:
    """What the HTTP application is made of."""
    return Services(engine=engine, settings=app_settings)


@pytest.fixture
def api(app_services: Services) -> Iterator[TestClient]:
    """The HTTP application of the core, on a fresh database, not logged in."""
    from tracker.api.app import create_app

    with TestClient(create_app(app_services)) as client:
        yield client
