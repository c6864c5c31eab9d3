"""The site of the pages as a browser without scripts meets it: fixtures, a log-in, a form's token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from dashboard.app import mount_pages
from ingest.files.importer import import_logger_file
from tests.browser.page_world import PageWorld, move
from tests.support import databases
from tests.support.services import Services as Servers
from tracker.access.models import LoginAccount
from tracker.access.principal import SYSTEM
from tracker.access.service import open_login
from tracker.api.app import create_app
from tracker.catalog.models import Batch
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.services import Services
from tracker.registration.service.tickets import TicketOffice
from tracker.settings import load_settings
from tracker.stock.rules.words import Kind

if TYPE_CHECKING:
    from fastapi import FastAPI

SECRET = "a secret for tests only, at least 32 characters"
HTML = {"Accept": "text/html"}


@pytest.fixture
def made(page_world: tuple[str, PageWorld]) -> tuple[str, PageWorld]:
    """The world of the pages as a template: every test gets a copy."""
    return page_world


@pytest.fixture
def world(made: tuple[str, PageWorld]) -> PageWorld:
    """What stands in the copy."""
    return made[1]


@pytest.fixture
def app_services(services: Servers, made: tuple[str, PageWorld]) -> Iterator[Services]:
    """What the application is made of, on a copy of the world."""
    with (
        databases.copied_database(services.postgres.url("postgres"), made[0]) as url,
        databases.engine_of(url) as engine,
    ):
        # The clock stands still: a page and its charts would else differ from one minute to the next.
        now = made[1].now + timedelta(minutes=1)
        settings = load_settings(database_url=url, secret_key=SECRET)
        settings.delivery.sms_url = "http://gateway.example/sendsms"
        yield Services(engine=engine, settings=settings, clock=lambda: now)


@pytest.fixture
def site(app_services: Services) -> Iterator[TestClient]:
    """A browser without scripts, not logged in."""
    app = create_app(app_services)
    mount_pages(app, app_services, take_logger_file=import_logger_file)
    with TestClient(app, headers=HTML, follow_redirects=False) as client:
        yield client


def log_in(site: TestClient, username: str = "kota") -> TestClient:
    """With the cookie of somebody who came through the form: no password is hashed. The form has tests of its own."""
    services: Services = cast("FastAPI", site.app).state.services
    now = services.clock()
    with transaction(services.engine) as db:
        account = db.scalars(select(LoginAccount).where(LoginAccount.username == username)).one()
        cookie = open_login(db, account, now=now, hours=services.settings.api.login_hours).cookie
    site.cookies.set(LOGIN_COOKIE, cookie, domain="testserver.local", path="/")
    return site


def code_at(where: str) -> str:
    """The code that goes to the phone for a question of that address."""
    return TicketOffice.from_secret(SECRET).code_of(UUID(where.rsplit("/", 1)[1]))


def book_on_the_web(site: TestClient, session: UUID | str, **said: str) -> str:
    """A citizen types who they are, tells the code that came to their phone, and has a ticket: its address."""
    asked = site.post(f"/daftar/{session}", data={"dose": "1", **said})
    assert asked.status_code == 303, asked.text
    where = asked.headers["location"]
    told = site.post(where, data={"kode": code_at(where)})
    assert told.status_code == 303, told.text
    return str(told.headers["location"])


def short_dated(services: Services, pages: PageWorld, vials: int = 50) -> Batch:
    """A lot `SOON` of penta comes to the city's cold room; it expires before the others that lie there."""
    now = services.clock()
    soon = NewBatch(presentation="penta-5", lot="SOON", expiry=(now + timedelta(days=40)).date())
    with transaction(services.engine) as db:
        batch = add_batch(db, SYSTEM, soon, now=now)
        world = replace(pages.world, batches={"penta-5/SOON": batch})
        move(db, world, Kind.SUPPLY, "kota-tangerang-r1", "penta-5/SOON", vials, now, now=now)
        db.expunge(batch)
    return batch


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)
