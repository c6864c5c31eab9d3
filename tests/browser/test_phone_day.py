"""A whole day without a network, then a rude one: the ledger has each step once, in order, and what is refused is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import select

from tests.browser.conftest import PHONE, Site, Visit, launching
from tests.browser.page_world import move
from tests.browser.phone_page import WIRE, feels, scan, take
from tracker.database.engine import transaction
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.rules import StepState, Way
from tracker.kit.clock import utc_now
from tracker.stock.models import StockEvent
from tracker.stock.rules.words import Kind

STORE, OTHER = "pkm-cipondoh-k2", "pkm-cipondoh-k1"


@dataclass
class BadLine:
    """What lies between phone and house: nothing, or something rude."""

    there: bool = True
    rude: bool = False
    asked: int = 0

    def pass_on(self, route: Route) -> None:
        """Every third reply is lost after the act; between them a 502 and the page of a Wi-Fi, then one goes through."""
        if not self.there:
            route.abort()
            return
        self.asked += 1
        turn = self.asked % 5 if self.rude else 0
        if turn in (1, 4):
            route.fetch()
            route.abort()
        elif turn == 2:
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")
        elif turn == 3:
            route.fulfill(status=200, content_type="text/html", body="<form>Masuk Wi-Fi</form>")
        else:
            route.continue_()


@pytest.fixture
def line() -> BadLine:
    return BadLine()


@pytest.fixture
def stocked(site: Site) -> str:
    """The code of a batch of which a day's work finds enough."""
    world = site.world.world
    with transaction(site.engine) as db:
        move(db, world, Kind.SUPPLY, STORE, "coronavac-1/CV101", 500, utc_now(), now=utc_now())
    return f"(01){world.presentations['coronavac-1'].gtin}(10)CV101"


@pytest.fixture
def phone(browser: Browser, site: Site, line: BadLine, stocked: str, tmp_path: Path) -> Iterator[Callable[[], Page]]:
    """Starts the browser, again after it was killed: the same profile."""
    contexts: list[BrowserContext] = []

    def started() -> Page:
        while contexts:
            contexts.pop().close()
        context = browser.browser_type.launch_persistent_context(
            tmp_path, viewport=PHONE, has_touch=True, **launching()
        )
        contexts.append(context)
        context.route(WIRE, line.pass_on)
        page = context.new_page()
        Visit(page=page, site=site).log_in("kepala")
        page.goto(f"{site.address}/scan")
        expect(page.locator("#jobs [data-job='count']")).to_be_enabled()
        page.wait_for_function(
            "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
        )
        return page

    yield started
    while contexts:
        contexts.pop().close()


def number(page: Page, label: str, vials: int) -> None:
    page.get_by_label(f"Jumlah vial {label}", exact=True).fill(str(vials))


def write(page: Page, words: str) -> None:
    page.get_by_role("button", name=words).click()
    feels(page, "ok", "Tercatat")


def cycle(page: Page, code: str, lot: str, *, bad: bool) -> int:
    """Two vials opened one by one, one moved, one thrown away (or more than there are), the other fridge counted."""
    for _ in range(2):
        take(page, "opening")
        scan(page, code)
        write(page, "Buka 1 vial")
        page.locator("#leave").click()
    take(page, "transfer")
    scan(page, code)
    scan(page, OTHER)
    write(page, "Pindahkan 1 vial")
    page.locator("#leave").click()
    take(page, "waste")
    scan(page, code)
    if bad:
        number(page, lot, 9_000)
    page.get_by_role("button", name="pecah").click()
    write(page, "Buang 9000 vial" if bad else "Buang 1 vial")
    page.locator("#leave").click()
    return 4


def conflicts(site: Site) -> set[UUID]:
    """Steps that wait for a person, of whichever phone: other visits of this site leave theirs."""
    with transaction(site.engine) as db:
        return set(db.scalars(select(HandsetStep.id).where(HandsetStep.state == StepState.CONFLICT)))


def settled(page: Page, site: Site, others: set[UUID]) -> None:
    """The head settles all three conflicts on their pages, each by another way out, and the phone hears of it."""
    desk = page.context.new_page()
    for turn, (way, button) in enumerate((("Betulkan", "1"), ("Catat apa adanya", ""), ("Jangan catat", ""))):
        desk.goto(f"{site.address}/gawai/bentrok")
        ours = sorted(conflicts(site) - others)
        theirs = desk.locator(", ".join(f"main ul.lines a[href$='{one}']" for one in ours))
        theirs = theirs.filter(has_text="Gerakan stok")
        expect(theirs).to_have_count(3 - turn)
        theirs.first.click()
        expect(desk.locator("#sebab")).to_contain_text("negatif")
        if way == "Catat apa adanya":  # what stood in the way is put right first
            with transaction(site.engine) as db:
                before = utc_now() - timedelta(hours=1)
                move(db, site.world.world, Kind.SUPPLY, STORE, "coronavac-1/CV101", 9_000, before, now=utc_now())
        desk.get_by_label(way).check()
        if button:
            desk.get_by_label(re.compile("CV101: vial")).fill(button)
        desk.get_by_label("Alasan").fill("dicek di rak")
        desk.get_by_role("button", name="Simpan keputusan").click()
        expect(desk.locator("main .note").first).to_contain_text(
            "Tidak dilakukan" if way == "Jangan catat" else "Tercatat"
        )
    desk.close()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#book-state")).to_have_text("Semua langkah terkirim.", timeout=30_000)


def test_sixty_steps_of_a_day_offline_are_in_the_ledger_once_each_and_in_order(
    phone: Callable[[], Page], line: BadLine, site: Site, stocked: str
) -> None:
    code, others = stocked, conflicts(site)
    page = phone()
    line.there = False
    page.context.set_offline(True)
    steps = sum(cycle(page, code, "CV101", bad=turn == 2) for turn in range(5))
    page.reload()
    expect(page.locator("#book-state")).to_contain_text(f"{steps} langkah menunggu")
    second = page.context.new_page()
    second.goto(page.url)
    for tab in (page, second):
        expect(tab.locator("#jobs [data-job='count']")).to_be_enabled()
    for turn in range(5):
        steps += cycle(second if turn % 2 else page, code, "CV101", bad=turn == 2)
    # Killed: the browser ends without a word; the page comes back from the phone.
    page.context.set_offline(False)
    page = phone()
    page.context.set_offline(True)
    expect(page.locator("#book-state")).to_contain_text(f"{steps} langkah menunggu")
    steps += sum(cycle(page, code, "CV101", bad=turn == 2) for turn in range(5))
    assert steps == 60
    line.there = line.rude = True
    page.context.set_offline(False)
    for _ in range(150):
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.wait_for_timeout(300)
        if "menunggu dikirim" not in page.locator("#book-state").inner_text():
            break
    expect(page.locator("#book-state")).to_contain_text("3 langkah bentrok")
    expect(page.locator("#book-state")).not_to_contain_text("menunggu dikirim")
    line.rude = False
    settled(page, site, others)
    with transaction(site.engine) as db:
        (book,) = db.scalars(select(Handset).where(Handset.last_number == steps)).all()
        kept = db.scalars(
            select(HandsetStep).where(HandsetStep.handset_id == book.id).order_by(HandsetStep.number)
        ).all()
        assert [step.number for step in kept] == list(range(1, 61))
        assert (book.last_number, book.last_hash) == (60, kept[-1].hash)
        refused = [step.number for step in kept if step.state is not StepState.DONE]
        assert refused == [52]
        assert [step.way for step in kept if step.way] == [Way.CORRECT, Way.AGAIN, Way.DROP]
        done = [step.id for step in kept if step.number not in refused]
        recorded = db.scalars(select(StockEvent.id).where(StockEvent.id.in_([step.id for step in kept]))).all()
        assert sorted(recorded) == sorted(done)
