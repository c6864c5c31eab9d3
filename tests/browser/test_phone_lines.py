"""Bad lines, bad luck and other people: nothing a phone wrote down is lost, doubled or sent under another name."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PHONE, Site, Visit, launching
from tests.browser.phone_page import WIRE, Open, all_sent, feels, house, network, open_vials, scan, stand_in, take, work
from tests.support.phone_house import PhoneHouse

__all__ = ["house", "work"]


def test_two_tabs_at_once_keep_one_chain(work: Page, house: PhoneHouse) -> None:
    second = work.context.new_page()
    second.goto(work.url)
    expect(second.locator("#jobs [data-job='count']")).to_be_enabled()
    network(work, house, there=False)
    for page in (work, second):
        take(page, "opening")
        scan(page, "PB1")
        expect(page.locator("#job .goods")).to_have_count(1)
    click = "[...document.querySelectorAll('#job .big')].forEach((each) => { each.click(); each.click(); })"
    for page in (work, second):
        page.evaluate(f"setTimeout(() => {click}, 100)")
    expect(work.locator("#feel")).to_contain_text("Tercatat")
    expect(second.locator("#feel")).to_contain_text("Tercatat")
    network(work, house, there=True)
    work.locator("#leave").click()
    all_sent(work, 2)
    (steps,) = house.steps.values()
    assert [step["number"] for step in steps] == [1, 2]
    assert house.broken == []


def test_a_refused_step_is_a_conflict_in_words_and_stops_no_other(work: Page, house: PhoneHouse) -> None:
    house.refuses = {"waste"}
    network(work, house, there=False)
    take(work, "waste")
    scan(work, "OLD1")
    work.get_by_role("button", name="kedaluwarsa").click()
    work.get_by_role("button", name="Buang 1 vial").click()
    work.locator("#leave").click()
    open_vials(work, 1)
    network(work, house, there=True)
    expect(work.locator("#steps [data-state='conflict']")).to_contain_text("Tidak cukup vial.")
    expect(work.locator("#steps [data-state='done']")).to_have_count(1)
    expect(work.locator("#book-state")).to_contain_text("1 langkah bentrok")
    house.refuses = set()
    work.evaluate("window.dispatchEvent(new Event('online'))")
    expect(work.locator("#steps [data-state='done']")).to_have_count(2)


def test_times_are_the_house_s_however_wrong_the_phone_is(work: Page, house: PhoneHouse) -> None:
    house.ahead = timedelta(days=400)
    work.evaluate("window.dispatchEvent(new Event('online'))")
    work.wait_for_timeout(500)
    network(work, house, there=False)
    work.reload()
    expect(work.locator("#jobs [data-job='count']")).to_be_enabled()
    open_vials(work, 1)
    network(work, house, there=True)
    all_sent(work)
    (steps,) = house.steps.values()
    assert abs(json.loads(f'"{steps[0]["at"]}"')[:10] > house.now()[:10]) == 0
    assert steps[0]["at"][:10] == steps[0]["body"]["occurred_at"][:10] == house.now()[:10]


def test_steps_of_another_account_are_kept_and_never_sent_under_ones_own_name(
    work: Page, house: PhoneHouse, site: Site
) -> None:
    work.context.route(WIRE, lambda route: route.abort())
    open_vials(work, 2)
    expect(work.locator("#book-state")).to_contain_text("2 langkah menunggu")
    work.context.clear_cookies()
    work.context.unroute(WIRE)
    work.context.route(WIRE, house.answer)
    other = Visit(page=work, site=site)
    other.log_in("kepala")
    work.goto(f"{site.address}/scan")
    expect(work.locator("#book-state")).to_contain_text("2 langkah pengguna lain")
    work.wait_for_timeout(500)
    assert all(not steps for steps in house.steps.values())
    other.log_in("gudang")
    work.goto(f"{site.address}/scan")
    all_sent(work, 2)
    assert [len(steps) for steps in house.steps.values()] == [2]


def test_a_log_in_that_ran_out_keeps_the_work_and_asks(work: Page, house: PhoneHouse, site: Site) -> None:
    lost = json.dumps({"code": "access.unauthenticated", "detail": "x"})
    work.context.route(
        WIRE, lambda route: route.fulfill(status=401, content_type="application/problem+json", body=lost)
    )
    work.context.clear_cookies()
    open_vials(work, 1)
    expect(work.locator("#login-again")).to_be_visible()
    expect(work.locator("#book-state")).to_contain_text("masuk lagi untuk mengirim")
    work.context.unroute(WIRE)
    work.context.route(WIRE, house.answer)
    Visit(page=work, site=site).log_in("gudang")
    work.evaluate("window.dispatchEvent(new Event('online'))")
    all_sent(work)


def test_a_phone_that_was_cut_off_leaves_nothing_behind(work: Page, house: PhoneHouse) -> None:
    open_vials(work, 1)
    house.cut_off = True
    work.evaluate("window.dispatchEvent(new Event('online'))")
    expect(work.locator("#book-state")).to_contain_text("sudah diputus")
    expect(work.locator("#jobs")).to_be_hidden()
    names = work.evaluate("indexedDB.databases().then((all) => all.map((each) => each.name))")
    assert "rantai-langkah" not in names
    assert work.evaluate("caches.keys()") == []


def test_a_full_phone_says_that_nothing_was_recorded(work: Page) -> None:
    work.evaluate(
        "void (IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError'); })"
    )
    take(work, "opening")
    scan(work, "PB1")
    work.get_by_role("button", name="Buka 1 vial").click()
    feels(work, "out", "TIDAK tercatat")
    expect(work.locator("#job .goods")).to_have_count(1)


def test_without_https_the_phone_says_so_instead_of_losing_work(visit: Open, house: PhoneHouse) -> None:
    window = visit(PHONE)
    window.page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    window.log_in("gudang")
    page = window.go("/scan")
    expect(page.locator("#book-state")).to_contain_text("tidak dibuka lewat HTTPS")
    expect(page.locator("#jobs [data-job='count']")).to_be_disabled()


def test_a_browser_killed_in_the_middle_of_the_shift_goes_on_where_it_was(
    browser: Browser, site: Site, house: PhoneHouse, tmp_path: Path
) -> None:
    def opened() -> BrowserContext:
        context = browser.browser_type.launch_persistent_context(tmp_path, viewport=PHONE, **launching())
        stand_in(context, house)
        return context

    context = opened()
    page = context.new_page()
    Visit(page=page, site=site).log_in("gudang")
    page.goto(f"{site.address}/scan")
    expect(page.locator("#jobs [data-job='count']")).to_be_enabled()
    network(page, house, there=False)
    open_vials(page, 2)
    context.close()
    house.reachable = True
    context = opened()
    page = context.new_page()
    # Cookies of a log-in without an end are gone with the browser; the book is not.
    Visit(page=page, site=site).log_in("gudang")
    page.goto(f"{site.address}/scan")
    all_sent(page, 2)
    context.close()
    assert [len(steps) for steps in house.steps.values()] == [2]
    assert house.broken == []


def test_an_overseer_types_the_facility_and_the_phone_remembers_it(visit: Open, house: PhoneHouse) -> None:
    window = visit(PHONE)
    window.log_in("kota")
    stand_in(window.page.context, house)
    page = window.go("/scan")
    page.locator("#facility-search").fill("cipond")
    page.locator("#facility-found button").first.click()
    expect(page.locator("#facility")).to_have_value("pkm-cipondoh")
    page.reload()
    expect(page.locator("#facility-search")).to_have_value("Puskesmas Cipondoh")
