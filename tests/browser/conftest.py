"""A real server, a real Chromium, and a page that remembers every complaint."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright
from sqlalchemy import Engine, select

from dashboard.app import mount_pages
from ingest.files.importer import import_logger_file
from rantai.supervisor import Loop, Supervisor
from tests.browser.page_world import PageWorld, page_template
from tests.support import databases
from tests.support.server import served
from tests.support.services import Services as TestServices
from tests.support.untied import none_untied
from tests.support.world import PASSWORD
from tracker.access.models import LoginAccount
from tracker.access.service import open_login
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.services import Services
from tracker.feed.bell import PENDING
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now
from tracker.settings import load_settings

SECRET = "a secret for tests only, at least 32 characters"
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1366, "height": 768}
Size = ViewportSize


def _chromium() -> str:
    """Where the system's Chromium is; skips without one, except in CI."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )
    if not found:
        if os.environ.get("CI"):
            pytest.fail("CI has no Chromium: install the package chromium")
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    return found


def launching() -> dict[str, Any]:
    """Which Chromium is started, and how."""
    arguments = ["--disable-background-networking", "--enable-unsafe-swiftshader", "--no-first-run"]
    return {"executable_path": _chromium(), "args": [*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests: headless, silent towards the net, maps drawn in software."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**launching())
        yield chromium
        chromium.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running site and its database."""

    address: str
    engine: Engine
    world: PageWorld


@pytest.fixture(scope="session")
def site(services: TestServices, template: str) -> Iterator[Site]:
    """A uvicorn on a database with the world of the pages; a numberer as the worker has one."""
    with (
        page_template(services, template) as (name, world),
        databases.copied_database(services.postgres.url("postgres"), name) as url,
        databases.engine_of(url) as engine,
    ):
        settings = load_settings(database_url=url, mqtt_url=services.mqtt_url, secret_key=SECRET)
        # Every test logs in; the guard against guessing has tests of its own.
        settings.api.login_attempts_per_minute = 1_000
        # A house that can send messages; nothing is sent from here.
        settings.delivery.sms_url = "http://gateway.invalid/sendsms"
        shared = Services(engine=engine, settings=settings)
        app = create_app(shared)
        mount_pages(app, shared, take_logger_file=import_logger_file)
        with served(app) as address, _numbering(engine), none_untied(engine):
            yield Site(address=address, engine=engine, world=world)


@contextmanager
def _numbering(engine: Engine) -> Iterator[None]:
    """Numbers the feed as the worker does: when the application rings."""
    supervisor = Supervisor(engine, [Loop(name="numbering", step=lambda: number_pending(engine), channels=(PENDING,))])
    supervisor.start()
    yield
    supervisor.stop()


@dataclass(slots=True)
class Visit:
    """A browser window of one visitor, and what went wrong in it."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.site.address

    def go(self, path: str) -> Page:
        """Open a page."""
        self.page.goto(self.address + path)
        return self.page

    def resize(self, size: Size) -> None:
        """Make the window as large; one that is so already costs nothing."""
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)

    def plot(self, path: str) -> Page:
        """Open a page and ask for its interactive plots; a good line may have brought them already."""
        self.page.goto(self.address + path)
        for figure in self.page.locator("figure:has([data-figure])").all():
            self.page.wait_for_load_state()
            button = figure.locator("[data-plot]")
            button.wait_for()
            if figure.locator(".chart[data-drawn]").count() == 0 and button.is_enabled():
                button.click()
            figure.locator(".chart[data-drawn='1']").wait_for(timeout=30_000)
        return self.page

    def log_in(self, username: str = "kota") -> Page:
        """With the cookie of somebody who came through the form: a hash and two pages less to make for each visit."""
        with transaction(self.site.engine) as db:
            account = db.scalars(select(LoginAccount).where(LoginAccount.username == username)).one()
            cookie = open_login(db, account, now=utc_now(), hours=1).cookie
        self.page.context.add_cookies(
            [{"name": LOGIN_COOKIE, "value": cookie, "url": self.address, "httpOnly": True, "sameSite": "Lax"}]
        )
        return self.page

    def log_in_by_form(self, username: str = "kota") -> Page:
        """As people do."""
        self.page.goto(f"{self.address}/masuk")
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(f"{self.address}/")
        return self.page

    def check_quiet(self) -> None:
        """Nothing was written to the console and no other host was asked."""
        assert self.complaints == []
        assert self.outside == []


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visit]]:
    """Opens windows: `visit()` for a desk, `visit(PHONE)` for a phone."""
    contexts: list[BrowserContext] = []

    def opened(size: Size = DESK, *, scripts: bool = True) -> Visit:
        context = browser.new_context(viewport=size, java_script_enabled=scripts)
        contexts.append(context)
        page = context.new_page()
        window = Visit(page=page, site=site)
        page.on("console", lambda said: _hear(window, said))
        page.on("pageerror", lambda error: window.complaints.append(str(error)))
        page.on("request", lambda asked: _note(window, asked.url))
        return window

    yield opened
    for context in contexts:
        context.close()


def _hear(window: Visit, said: ConsoleMessage) -> None:
    # Maps drawn in software tell how slow that is; this is the test machine's matter, not the page's.
    if said.type in ("error", "warning") and "GL Driver Message" not in said.text:
        window.complaints.append(said.text)


def _note(window: Visit, url: str) -> None:
    if not url.startswith((window.address, "blob:", "data:")):
        window.outside.append(url)
