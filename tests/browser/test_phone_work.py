"""A store's work on a phone: each job by one thumb, written down first, sent whatever the line does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.conftest import PHONE, Site, Visit, launching
from tests.support.phone_house import PhoneHouse
from tests.support.world import World

Open = Callable[..., Visit]
WIRE = "**/api/v1/handsets**"


def holdings(world: World) -> dict[str, object]:
    """A store with two fridges, good, held, recalled and expired goods, a shipment coming and one to pack."""
    penta, mr = world.presentations["penta-5"], world.presentations["mr-10"]

    def product(found: object, code: str) -> dict[str, object]:
        named = {name: getattr(found, name) for name in ("name", "gtin", "box_gtin", "nie", "vials_per_box")}
        return {**named, "code": code, "doses_per_vial": 5, "uses_vvm": True}

    def batch(name: str, product: str, expiry: str = "2030-08-31", recalled: str | None = None) -> dict[str, object]:
        return {"id": name, "lot": name.upper(), "product": product, "expiry": expiry, "recalled": recalled}

    def lying(place: str, batch: str, vials: int, status: str = "usable") -> dict[str, object]:
        return {"place": place, "batch": batch, "status": status, "vials": vials, "vvm_stage": 1}

    def shipment(code: str, direction: str, state: str, **more: object) -> dict[str, object]:
        ends = {"from": "kota-tangerang", "to": "pkm-cipondoh"}
        return {
            "id": code,
            "code": code,
            "direction": direction,
            "state": state,
            **ends,
            "lines": [],
            "boxes": [],
            **more,
        }

    sent = [{"batch": "pb1", "place": "x", "status": "usable", "vials": 10}]
    return {
        "facility": "kota-tangerang",
        "places": [
            {"code": "kulkas-1", "name": "Kulkas 1", "in_service": True},
            {"code": "kulkas-2", "name": "Kulkas 2", "in_service": True},
        ],
        "products": [product(penta, "penta-5"), product(mr, "mr-10")],
        "batches": [
            batch("pb1", "penta-5"),
            batch("pb2", "penta-5", "2031-01-31"),
            batch("held1", "penta-5"),
            batch("back1", "mr-10", recalled="uji"),
            batch("old1", "mr-10", "2020-01-31"),
        ],
        "stock": [
            lying("kulkas-1", "pb1", 40),
            lying("kulkas-1", "pb2", 20),
            lying("kulkas-2", "held1", 8, "held"),
            lying("kulkas-2", "back1", 5),
            lying("kulkas-2", "old1", 3),
        ],
        "shipments": [
            shipment(
                "SJ-1",
                "in",
                "in_transit",
                boxes=[{"sscc": "189912345000000017", "seal": None, "lines": sent}],
                on_road=[{"batch": "pb1", "vials": 10}],
            ),
            shipment(
                "SJ-2", "out", "approved", lines=[{"product": "penta-5", "vials": 12, "approved": 12}], on_road=[]
            ),
        ],
        "open_vials": [
            {
                "id": "0198a000-0000-7000-8000-000000000001",
                "batch": "pb1",
                "place": "kulkas-1",
                "remaining": 3,
                "doses_per_vial": 5,
                "opened_at": "2026-01-01T00:00:00Z",
                "discard_by": "2026-01-01T06:00:00Z",
            }
        ],
    }


@pytest.fixture
def house(site: Site) -> PhoneHouse:
    return PhoneHouse(holdings=holdings(site.world.world))


@pytest.fixture
def work(visit: Open, house: PhoneHouse) -> Page:
    """The phone of the city's storekeeper, its holdings on it."""
    window = visit(PHONE)
    window.log_in("gudang")
    window.page.context.route(WIRE, house.answer)
    page = window.go("/scan")
    expect(page.locator("#jobs [data-job='count']")).to_be_enabled()
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
    )
    return page


def scan(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def feels(page: Page, tone: str, words: str) -> None:
    expect(page.locator("#feel")).to_have_class(f"feel {tone}")
    expect(page.locator("#feel")).to_contain_text(words)


def take(page: Page, job: str) -> None:
    page.locator(f"#jobs [data-job='{job}']").click()


def network(page: Page, house: PhoneHouse, *, there: bool) -> None:
    """A route that is answered by the test would be answered without a network, too."""
    house.reachable = there
    page.context.set_offline(not there)
    if there:
        page.evaluate("window.dispatchEvent(new Event('online'))")


def told(house: PhoneHouse) -> list[dict[str, object]]:
    """The bodies the house took, in order."""
    (steps,) = house.steps.values()
    return [step["body"] for step in steps]


def all_sent(page: Page, steps: int = 1) -> None:
    """So many of the listed steps are the house's, and none waits."""
    ended = page.locator("#steps :is([data-state='done'], [data-state='undone'])")
    expect(ended).to_have_count(steps, timeout=20_000)
    expect(page.locator("#book-state")).to_have_text("Semua langkah terkirim.")


def test_what_must_not_be_used_is_never_green_without_a_network(work: Page, house: PhoneHouse) -> None:
    network(work, house, there=False)
    for lot, word in (("HELD1", "ditahan"), ("BACK1", "ditarik"), ("OLD1", "kedaluwarsa")):
        scan(work, lot)
        feels(work, "out", "Jangan dipakai")
        expect(work.locator("#result .state").first).to_have_class("state out")
        expect(work.locator("#result")).to_contain_text(word)
    scan(work, "PB1")
    feels(work, "ok", "Boleh dipakai")
    expect(work.locator("#result")).to_contain_text("40 Siap pakai")


def test_where_the_house_knows_worse_than_the_phone_its_word_is_felt(work: Page) -> None:
    # The stand-in's holdings know this lot, the house's catalogue does not.
    scan(work, "PB1")
    feels(work, "out", "Jangan dipakai")
    expect(work.locator("#result .state").first).to_have_class("state out")


def test_moving_goods_is_scan_scan_tap(work: Page, house: PhoneHouse) -> None:
    take(work, "transfer")
    scan(work, "PB1")
    scan(work, "PB1")
    scan(work, "kulkas-2")
    work.get_by_role("button", name="Pindahkan 2 vial").click()
    feels(work, "ok", "Tercatat")
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    line = {"batch": "pb1", "place": "kulkas-1", "status": "usable", "vials": 2, "to_place": "kulkas-2"}
    assert body["kind"] == "transfer"
    assert body["lines"] == [line]


def test_a_count_is_blind_until_it_is_written_down(work: Page, house: PhoneHouse) -> None:
    take(work, "count")
    scan(work, "kulkas-1")
    expect(work.locator("#job")).not_to_contain_text("40")
    work.get_by_label("Jumlah vial PB1", exact=True).fill("38")
    work.get_by_label("Jumlah vial PB2", exact=True).fill("20")
    work.get_by_role("button", name="Catat hitungan (2 dari 2 batch)").click()
    expect(work.locator("#job")).to_contain_text("38 / 40: selisih -2")
    expect(work.get_by_role("button", name="Kirim hitungan")).to_be_disabled()
    work.get_by_label("Mengapa?").select_option("pecah, tidak tercatat")
    work.get_by_role("button", name="Kirim hitungan").click()
    expect(work.locator("#job")).to_contain_text("38 / 40: selisih -2")
    expect(work.locator("#job")).to_contain_text("20 / 20: cocok")
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    expect(work.locator("#steps")).to_contain_text("menunggu orang kedua")
    lines = [(line["vials"], line.get("reason")) for line in body["lines"]]  # type: ignore[attr-defined]  # a wire body
    assert lines == [(38, "pecah, tidak tercatat"), (20, None)]


def test_a_box_opens_its_shipment_and_all_is_as_on_the_note(work: Page, house: PhoneHouse) -> None:
    take(work, "receive")
    scan(work, "189912345000000018")
    feels(work, "out", "Digit pemeriksa")
    scan(work, "00189912345000000017")
    feels(work, "ok", "Kotak 1 dari 1")
    network(work, house, there=False)
    work.get_by_role("button", name="Semua sesuai surat (10 vial)").click()
    expect(work.locator("#job")).to_contain_text("Tidak ada kiriman dalam perjalanan")
    work.locator("#leave").click()
    network(work, house, there=True)
    all_sent(work)
    (body,) = told(house)
    assert body["shipment"] == "SJ-1"
    assert body["lines"] == [{"batch": "pb1", "place": "kulkas-1", "accepted": 10}]
    assert body["final"] is True


def test_a_receipt_says_what_was_broken_and_what_is_still_to_come(work: Page, house: PhoneHouse) -> None:
    take(work, "receive")
    scan(work, "sj-1")
    work.get_by_role("button", name="Periksa satu per satu").click()
    work.get_by_label("Diterima PB1", exact=True).fill("7")
    work.locator("summary").click()
    work.get_by_label("Ditolak PB1", exact=True).fill("2")
    expect(work.get_by_role("button", name="Catat penerimaan")).to_be_disabled()
    work.get_by_label("Mengapa?").select_option("broken")
    work.get_by_role("button", name="menyusul").click()
    work.get_by_role("button", name="Catat penerimaan").click()
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    assert body["lines"] == [{"batch": "pb1", "place": "kulkas-1", "accepted": 7, "rejected": 2, "reason": "broken"}]
    assert body["final"] is False


def test_opening_refuses_what_is_held_and_wasting_wants_a_reason(work: Page, house: PhoneHouse) -> None:
    take(work, "opening")
    scan(work, "HELD1")
    feels(work, "out", "ditahan")
    scan(work, "PB1")
    work.get_by_role("button", name="Buka 1 vial").click()
    feels(work, "ok", "Tercatat")
    work.locator("#leave").click()
    take(work, "waste")
    scan(work, "OLD1")
    expect(work.get_by_role("button", name="Buang 1 vial")).to_be_disabled()
    work.get_by_role("button", name="kedaluwarsa").click()
    work.get_by_role("button", name="Buang 1 vial").click()
    work.locator("#leave").click()
    take(work, "discard")
    work.get_by_role("button", name="Buang sisanya").click()
    work.get_by_role("button", name="sesi selesai").click()
    work.locator("#leave").click()
    all_sent(work, 3)
    assert [body.get("kind") or body.get("reason") for body in told(house)] == ["opening", "waste", "session_end"]


def test_picking_takes_the_first_to_expire_and_refuses_the_wrong(work: Page, house: PhoneHouse) -> None:
    take(work, "pick")
    scan(work, "SJ-2")
    scan(work, "HELD1")
    feels(work, "out", "ditahan")
    scan(work, "OLD1")
    feels(work, "out", "kedaluwarsa")
    scan(work, "PB2")
    feels(work, "low", "PB1 lebih dulu")
    scan(work, "PB1")
    feels(work, "ok", "2 / 12")
    work.get_by_role("button", name="Tutup kotak (2 vial)").click()
    work.locator("#leave").click()
    all_sent(work)
    (body,) = told(house)
    assert body["shipment"] == "SJ-2"
    assert len(body["boxes"][0]["lines"]) == 2  # type: ignore[index]  # a wire body


def test_the_last_step_is_taken_back_with_a_reason(work: Page, house: PhoneHouse) -> None:
    take(work, "opening")
    scan(work, "PB1")
    work.get_by_role("button", name="Buka 1 vial").click()
    work.locator("#leave").click()
    work.get_by_role("button", name="Batalkan langkah terakhir").click()
    work.get_by_role("button", name="salah pindai").click()
    expect(work.locator("#steps li")).to_have_count(2)
    all_sent(work, 2)
    opening, reversal = told(house)
    assert reversal["event"] == opening["id"]
    expect(work.locator("#undo button")).to_have_count(0)
    scan(work, "PB1")
    expect(work.locator("#result")).to_contain_text("40 Siap pakai")


# --- bad lines --------------------------------------------------------------------------------------------------------


def open_vials(page: Page, number: int) -> None:
    take(page, "opening")
    for _ in range(number):
        scan(page, "PB1")
        page.get_by_role("button", name="Buka 1 vial").click()
        feels(page, "ok", "Tercatat")
        expect(page.locator("#job .goods")).to_have_count(0)
    page.locator("#leave").click()


def third_reply_lost(house: PhoneHouse) -> None:
    """Of three calls one is acted upon and its reply lost, one is a 502, one a page of the Wi-Fi; then one goes well."""

    def rude(route: Route, polite: Callable[[], None]) -> None:
        turn = house.asked % 4
        if turn == 1:
            house.rude = None
            url, request = route.request.url, route.request
            house.act(request.method, urlsplit(url), request.post_data_json)
            house.rude = rude
            route.abort()
        elif turn == 2:
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")
        elif turn == 3:
            route.fulfill(status=200, content_type="text/html", body="<form>Masuk Wi-Fi</form>")
        else:
            polite()

    house.rude = rude


def test_a_day_offline_reaches_a_rude_house_once_each_in_order(work: Page, house: PhoneHouse) -> None:
    network(work, house, there=False)
    open_vials(work, 6)
    second = work.context.new_page()
    second.goto(work.url)
    expect(second.locator("#jobs [data-job='count']")).to_be_enabled()
    open_vials(second, 3)
    work.reload()
    expect(work.locator("#book-state")).to_contain_text("9 langkah menunggu dikirim")
    open_vials(work, 3)
    second.close()
    third_reply_lost(house)
    network(work, house, there=True)
    for _ in range(12):
        work.evaluate("window.dispatchEvent(new Event('online'))")
        work.wait_for_timeout(250)
    all_sent(work, 12)
    (steps,) = house.steps.values()
    assert [step["number"] for step in steps] == list(range(1, 13))
    assert len({step["id"] for step in steps}) == 12
    assert house.broken == []


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
        context.route(WIRE, house.answer)
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
    window.page.context.route(WIRE, house.answer)
    page = window.go("/scan")
    page.locator("#facility-search").fill("cipond")
    page.locator("#facility-found button").first.click()
    expect(page.locator("#facility")).to_have_value("pkm-cipondoh")
    page.reload()
    expect(page.locator("#facility-search")).to_have_value("Puskesmas Cipondoh")


@pytest.fixture
def slow(work: Page) -> Iterator[Page]:
    """Four times slower than this machine."""
    session = work.context.new_cdp_session(work)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    yield work
    session.detach()


def test_a_slow_phone_scans_one_after_another_without_a_tap(slow: Page) -> None:
    take(slow, "transfer")
    for _ in range(10):
        scan(slow, "PB1")
    expect(slow.get_by_label("Jumlah vial PB1", exact=True)).to_have_value("10")
    assert slow.evaluate("document.activeElement.id") == "text"
    assert slow.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
