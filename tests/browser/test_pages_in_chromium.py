"""The pages in a real browser: on a phone and on a desk, live, by keyboard, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from tests.browser.conftest import DESK, PHONE, Site, Size, Visit
from tests.browser.page_world import feel, move
from tracker.coldchain.models import Alarm
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Kind

Open = Callable[..., Visit]
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


@SIZES
def test_what_one_taps_is_large_enough(visit: Open, size: Size) -> None:
    window = visit(size)
    window.log_in()
    for path in ("/", "/alarm", "/scan"):
        page = window.go(path)
        controls = page.locator("button:visible, .rail a:visible, select:visible, .chips a:visible")
        heights = controls.evaluate_all("all => all.map(one => [one.innerText, one.getBoundingClientRect().height])")
        assert heights
        assert [(path, words) for words, height in heights if height < 43.5] == []


def test_one_logs_in_by_keyboard_alone_and_sees_where_one_is(visit: Open, site: Site) -> None:
    page = visit().page
    page.goto(f"{site.address}/masuk")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type("kota")
    page.keyboard.press("Tab")
    expect(page.locator("#password")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(outline.removesuffix("px")) >= 2
    page.keyboard.type("sandi-untuk-uji-coba")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#isi")).to_be_focused()


def test_the_language_is_switched_where_one_stands_and_stays(visit: Open) -> None:
    window = visit()
    window.log_in()
    page = window.go("/kuota")
    page.click("nav.language a")
    expect(page.locator("h1")).to_have_text("Quota")
    page = window.go("/alarm")
    expect(page.locator("h1")).to_have_text("Alarms")


def test_stock_that_arrives_shows_without_a_reload(visit: Open, site: Site) -> None:
    window = visit()
    window.log_in()
    page = window.go("/fasilitas/pkm-neglasari")
    expect(page.locator("#live")).to_have_attribute("data-state", "open")
    page.evaluate("window.stillThere = true")
    with transaction(site.engine) as db:
        move(db, site.world.world, Kind.SUPPLY, "pkm-neglasari-k1", "coronavac-1/CV101", 137, utc_now(), now=utc_now())
    expect(page.locator("#batch")).to_contain_text("137", timeout=10_000)
    assert page.evaluate("window.stillThere") is True
    window.check_quiet()


def test_a_new_temperature_reaches_the_curve_by_itself(visit: Open, site: Site) -> None:
    window = visit()
    window.log_in()
    page = window.plot("/suhu/S-pkm-cipondoh-f1")
    before = page.locator(".chart").get_attribute("data-etag")
    with transaction(site.engine) as db:
        feel(db, site.world.channels["pkm-cipondoh-f1"], utc_now(), hours=0, curve=lambda _: -17.5)
    # The page asks again at its own pace; the test does not wait for the clock but rings itself.
    page.evaluate("document.dispatchEvent(new CustomEvent('rantai:changed', {detail: {rooms: ['coldchain']}}))")
    expect(page.locator(".chart")).not_to_have_attribute("data-etag", str(before), timeout=10_000)


def test_an_alarm_is_acknowledged_from_the_page_and_others_see_it_at_once(visit: Open, site: Site) -> None:
    other = visit(PHONE)
    other.log_in("kota")
    watched = other.go("/alarm")
    expect(watched.locator("#live")).to_have_attribute("data-state", "open")
    window = visit()
    window.log_in("kepala")
    page = window.go("/alarm")
    with transaction(site.engine) as db:
        alarm = db.scalars(select(Alarm.id).where(Alarm.rule == "HEAT")).one()
    card = page.locator(f"#a-{alarm}")
    # The worst stands open: two taps and it is answered.
    card.get_by_text("Teknisi dipanggil").click()
    card.get_by_role("button", name="Tanggapi alarm").click()
    expect(card).to_contain_text("Teknisi dipanggil")
    expect(watched.locator(f"#a-{alarm}")).to_contain_text("Teknisi dipanggil", timeout=10_000)
    window.check_quiet()
    other.check_quiet()


def test_what_somebody_is_typing_survives_an_update(visit: Open, site: Site) -> None:
    window = visit()
    window.log_in("kota")
    page = window.go("/alarm")
    expect(page.locator("#live")).to_have_attribute("data-state", "open")
    with transaction(site.engine) as db:
        silent = db.scalars(select(Alarm.id).where(Alarm.rule == "SILENT")).one()
    page.locator(f"#d-{silent} > summary").click()
    text = page.locator(f"#c-{silent}")
    text.fill("sedang saya pe")
    with (
        page.expect_response(lambda answer: answer.url.endswith("/alarm"), timeout=10_000),
        transaction(site.engine) as db,
    ):
        # The list of alarms shows held stock, so it is asked for again when stock moves.
        move(db, site.world.world, Kind.SUPPLY, "pkm-neglasari-k1", "az-10/AZ101", 3, utc_now(), now=utc_now())
    expect(text).to_have_value("sedang saya pe")


def test_a_lost_connection_is_shown_and_mended(visit: Open) -> None:
    window = visit()
    window.log_in()
    page = window.go("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "open")
    page.evaluate("document.querySelector('#live').dataset.state = 'lost'")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.locator("#live")).to_have_attribute("data-state", "open", timeout=10_000)


def test_a_line_that_dies_without_a_word_is_noticed(visit: Open) -> None:
    window = visit(PHONE)
    window.log_in()
    page = window.go("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "open")
    page.context.set_offline(True)
    expect(page.locator("#live")).to_have_attribute("data-state", "lost", timeout=5_000)
    page.context.set_offline(False)
    expect(page.locator("#live")).to_have_attribute("data-state", "open", timeout=15_000)


def test_a_row_opens_on_a_phone_and_stays_open_when_the_table_is_refreshed(visit: Open, site: Site) -> None:
    window = visit(PHONE)
    window.log_in()
    page = window.go("/fasilitas/pkm-cipondoh")
    expect(page.locator("#live")).to_have_attribute("data-state", "open")
    row = page.locator("#produk tbody tr:not(.more)").first
    assert row.locator(".wide").first.is_hidden()
    row.locator(".fold button").click()
    more = page.locator("#produk tr.more")
    expect(more).to_contain_text("Dosis")
    with transaction(site.engine) as db:
        batch = site.world.world.batches["az-10/AZ101"].id
        fridge = site.world.world.equipment["pkm-cipondoh-k2"].id
        had = select(func.sum(StockBalance.vials)).where(
            StockBalance.batch_id == batch, StockBalance.holder_id == fridge
        )
        vials = (db.scalar(had.where(StockBalance.status == "usable")) or 0) + 211
        move(db, site.world.world, Kind.SUPPLY, "pkm-cipondoh-k2", "az-10/AZ101", 211, utc_now(), now=utc_now())
    expect(page.locator("#batch")).to_contain_text(str(vials), timeout=10_000)
    expect(more).to_be_visible()
    page.locator("#produk .fold [aria-expanded=true]").click()
    expect(more).to_have_count(0)
    window.check_quiet()


def test_without_scripts_a_phone_still_sees_whole_rows(visit: Open, site: Site) -> None:
    window = visit(PHONE, scripts=False)
    window.log_in()
    window.page.goto(f"{site.address}/fasilitas/pkm-cipondoh")
    expect(window.page.locator("#produk tbody .wide").first).to_be_visible()


def test_a_scan_shows_its_result_without_scrolling(visit: Open, site: Site) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    product = site.world.world.presentations["penta-5"]
    page.locator("#text").fill(f"(01){product.gtin}(10)PB002(17)300831(21)SN0123456789012345678")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_contain_text("PB002")
    box = page.locator("#result .state").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < PHONE["height"] - 90
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_map_without_webgl_is_drawn_flat(visit: Open) -> None:
    window = visit()
    window.page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
    )
    window.log_in()
    page = window.plot("/peta")
    expect(page.locator(".chart.map .scatterlayer .point").first).to_be_visible()
    window.check_quiet()


def test_a_code_typed_or_scanned_by_wedge_shows_its_meaning(visit: Open, site: Site) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    product = site.world.world.presentations["penta-5"]
    page.locator("#text").press_sequentially(f"(01){product.gtin}(10)PB002(17)300831")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_contain_text("PB002")
    expect(page.locator("#result")).to_contain_text(product.name)
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu")
    window.check_quiet()


def test_a_scan_without_network_waits_on_the_phone_and_is_sent_later(visit: Open, site: Site) -> None:
    window = visit(PHONE)
    window.log_in("gudang")
    page = window.go("/scan")
    product = site.world.world.presentations["penta-5"]
    page.context.set_offline(True)
    page.locator("#text").fill(f"(01){product.gtin}(10)PB002(17)300831")
    page.keyboard.press("Enter")
    expect(page.locator("#pending-text")).to_have_text("1 menunggu dikirim")
    page.context.set_offline(False)
    expect(page.locator("#pending-text")).to_have_text("Tidak ada pertanyaan kode yang menunggu", timeout=10_000)
    expect(page.locator("#result")).to_contain_text("PB002")


def test_pages_say_everything_without_scripts_too(visit: Open, site: Site) -> None:
    window = visit(scripts=False)
    page = window.log_in_by_form()
    page.goto(f"{site.address}/suhu/S-pkm-cipondoh-k1")
    page.locator("summary").first.click()
    expect(page.locator("#kurva-table table")).to_be_visible()
    page.goto(f"{site.address}/peta")
    page.locator("summary").first.click()
    expect(page.locator("#peta-table")).to_contain_text("Puskesmas Cipondoh")


def test_what_waited_for_a_log_in_is_filled_in_again_on_its_page(visit: Open, site: Site) -> None:
    window = visit()
    window.log_in("kota")
    page = window.go("/alarm")
    # The one that no other test of this site answers.
    with transaction(site.engine) as db:
        silent = db.scalars(select(Alarm.id).where(Alarm.rule == "SILENT")).one()
    page.locator(f"#d-{silent} > summary").click()
    card = page.locator(f"#a-{silent}")
    card.locator('input[name="comment"]').fill("sudah saya lihat")
    box = card.locator('input[name="tindakan"]').nth(1)
    chosen = box.get_attribute("value")
    box.check()
    page.context.clear_cookies()
    card.locator("button[type=submit]").first.click()
    page.fill("#username", "kota")
    page.fill("#password", "sandi-untuk-uji-coba")
    page.click("main button[type=submit]")
    page.click("a[data-waiting]")
    form = page.locator(f"#a-{silent} form[action$='/tanggapi']")
    expect(form.locator('input[name="comment"]')).to_have_value("sudah saya lihat")
    expect(form.locator(f'input[value="{chosen}"]')).to_be_checked()
    assert form.locator("input:checked").count() == 1
    page.reload()
    expect(form.locator('input[name="comment"]')).to_have_value("")
