"""The wrong lot, walked on a phone and at a desk up to the question; nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select

from tests.browser.conftest import DESK, PHONE, Site, Visit
from tests.browser.page_world import move
from tests.browser.test_every_page import misfits
from tests.support.axe import axe_script
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.stock.models import StockEvent
from tracker.stock.rules.words import Kind

START = "/lot-salah?fasilitas=pkm-neglasari&lot=penta-5/PB001"


def test_what_changes_is_counted_before_anything_does(visit: Callable[..., Visit], site: Site) -> None:
    with transaction(site.engine) as db:
        move(db, site.world.world, Kind.SUPPLY, "pkm-neglasari-k1", "penta-5/PB001", 3, utc_now(), now=utc_now())
    window = visit(PHONE)
    window.log_in("pusat")
    page = window.go(START)
    page.get_by_label("Lot yang benar, dari label").fill("PB002")
    page.get_by_label("Alasan").fill("salah baca label")
    before = _events(window)
    page.get_by_role("button", name="Hitung yang berubah").click()
    asked = page.get_by_role("alert").filter(has_text="Sungguh betulkan")
    asked.wait_for()
    assert "salah baca label" in asked.inner_text()
    assert "3 vial" in page.locator("main").inner_text()
    page.evaluate(axe_script())
    for size in (PHONE, DESK):
        window.resize(size)
        assert misfits(page, size) == []
    page.get_by_role("link", name="Tidak jadi").click()
    page.wait_for_url("**/batch/**")
    assert _events(window) == before
    window.check_quiet()


def _events(window: Visit) -> int:
    with transaction(window.site.engine) as db:
        return db.scalar(select(func.count()).select_from(StockEvent)) or 0
