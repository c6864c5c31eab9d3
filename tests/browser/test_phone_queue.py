"""The phone's queue of scans: nothing is lost, nothing blocks, everything says how it stands."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, Site, Visit

Open = Callable[..., Visit]
API = "**/api/v1/scans"


@pytest.fixture
def code(site: Site) -> str:
    return f"(01){site.world.world.presentations['penta-5'].gtin}(10)PB002(17)300831"


def scanned(page: Page, *texts: str) -> None:
    for text in texts:
        page.locator("#text").fill(text)
        page.keyboard.press("Enter")


def pending(page: Page) -> str:
    return page.locator("#pending-text").inner_text()


ANSWERS = {
    "500": {"status": 500, "content_type": "application/problem+json", "body": '{"code": "api.broken", "detail": "x"}'},
    "502": {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"},
    "html": {"status": 404, "content_type": "text/html", "body": "<p>bukan di sini</p>"},
    "portal": {"status": 200, "content_type": "text/html", "body": "<form>Masuk Wi-Fi</form>"},
    "portal-json": {"status": 200, "content_type": "application/json", "body": '{"login": "/hotspot"}'},
    "429": {"status": 429, "content_type": "application/problem+json", "body": '{"code": "api.busy", "detail": "x"}'},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_scan_that_gets_no_answer_of_ours_keeps_none_behind_it_waiting(visit: Open, code: str, name: str) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    bad = True

    def answer(route: Route) -> None:
        if bad and "PERTAMA" in (route.request.post_data or ""):
            route.fulfill(**ANSWERS[name])  # type: ignore[arg-type]  # a table of the call's own names
        else:
            route.continue_()

    page.route(API, answer)
    page.context.set_offline(True)
    scanned(page, "PERTAMA", code, "pkm-cipondoh")
    expect(page.locator("#queue li")).to_have_count(3)
    page.context.set_offline(False)
    expect(page.locator("#pending-text")).to_have_text("1 menunggu dikirim", timeout=15_000)
    expect(page.locator("#queue li[data-state='answered']")).to_have_count(2)
    first = page.locator("#queue li[data-state='waiting']")
    expect(first).to_contain_text("PERTAMA")
    expect(first.locator(".note")).to_have_text(re.compile("Sistem sedang terganggu|bukan Rantai"))
    bad = False
    page.locator("#send").click()
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_scans_are_sent_in_the_order_in_which_they_were_made(visit: Open) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    sent: list[str] = []
    page.on(
        "request", lambda asked: sent.append(asked.post_data or "") if asked.url.endswith("/api/v1/scans") else None
    )
    page.context.set_offline(True)
    names = [f"URUT {n}" for n in range(6)]
    for number, name in enumerate(names):
        scanned(page, name)
        expect(page.locator("#queue li")).to_have_count(number + 1)
    sent.clear()
    page.context.set_offline(False)
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu", timeout=15_000)
    assert [name for body in sent for name in names if f'"{name}"' in body] == names


def test_the_next_user_of_the_phone_never_sends_the_scans_of_the_one_before(visit: Open, code: str) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    page.route(API, lambda route: route.abort())
    scanned(page, code)
    expect(page.locator("#pending-text")).to_have_text("1 menunggu dikirim")
    page.context.clear_cookies()
    page.unroute(API)
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.url.endswith("/api/v1/scans") else None)
    window.log_in_by_form("vaksinator")
    page = window.go("/scan")
    expect(page.locator("#others")).to_contain_text("1 pindaian pengguna lain")
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu")
    scanned(page, "pkm-cipondoh")
    expect(page.locator("#queue li[data-state='answered']")).to_have_count(1)
    assert len(sent) == 1
    page.context.clear_cookies()
    window.log_in_by_form("gudang")
    page = window.go("/scan")
    expect(page.locator("#queue li[data-state='answered']")).to_contain_text("PB002")


def test_a_log_in_that_ran_out_is_said_and_loses_nothing(visit: Open, code: str) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    page.context.clear_cookies()
    scanned(page, code)
    expect(page.locator("#result")).to_contain_text("Masuk lagi")
    expect(page.locator("#queue li[data-why='login']")).to_have_count(1)


def test_a_phone_without_room_says_that_a_scan_is_not_kept(visit: Open, code: str) -> None:
    window = visit(PHONE)
    window.page.add_init_script(
        "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    )
    window.log_in("gudang")
    page = window.go("/scan")
    page.context.set_offline(True)
    scanned(page, code)
    expect(page.locator("#result")).to_contain_text("Penyimpanan ponsel penuh")
    expect(page.locator("#queue li")).to_contain_text("Penyimpanan ponsel penuh")
    page.context.set_offline(False)
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu", timeout=15_000)
    expect(page.locator("#result")).to_contain_text("PB002")


def test_the_page_opens_again_without_a_network_and_sends_later(visit: Open, code: str) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
    )
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("h1")).to_have_text("Pindai")
    scanned(page, code)
    expect(page.locator("#pending-text")).to_have_text("1 menunggu dikirim")
    page.reload()
    expect(page.locator("#pending-text")).to_have_text("1 menunggu dikirim")
    page.context.set_offline(False)
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu", timeout=15_000)
    expect(page.locator("#queue li")).to_contain_text("PB002")


def test_who_logs_out_leaves_no_page_on_the_phone(visit: Open) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
    )
    with page.expect_navigation():
        page.evaluate("document.querySelector('form[action=\"/keluar\"]').requestSubmit()")
    page.wait_for_function("async () => !(await caches.has('rantai-scan'))")


def test_what_nobody_knows_is_not_green_and_a_place_opens(visit: Open) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    scanned(page, "(01)08991234567891(10)LOT(17)270831")
    expect(page.locator("#result .state")).to_have_class(re.compile("out"))
    expect(page.locator("#result")).to_contain_text("belum ada dalam katalog")
    scanned(page, "kota-tangerang")
    expect(page.locator("#result a")).to_have_attribute("href", "/fasilitas/kota-tangerang")
    scanned(page, "Rak atas")
    expect(page.locator("#result")).to_contain_text("Kode ini tidak dikenal")


def test_the_example_in_the_hint_is_a_code_that_can_be_read(visit: Open) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    example = page.locator("#text-hint").inner_text().split(": ")[1]
    scanned(page, example.strip())
    expect(page.locator("#queue li[data-state='answered']")).to_have_count(1)


def test_what_fails_just_as_the_network_comes_back_is_sent_again_at_once(visit: Open, code: str) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    asked: list[Route] = []

    def keep_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    page.route(API, keep_the_first)
    scanned(page, code)
    for _ in range(100):
        if asked:
            break
        page.wait_for_timeout(50)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    asked[0].abort()
    # Far sooner than the page asks by itself.
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu", timeout=15_000)
    assert len(asked) == 2
