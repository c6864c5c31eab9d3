"""The road of goods in a real browser: from an order to its receipt with a thumb and by keyboard alone, and its papers read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE, Site, Size, Visit
from tests.browser.test_every_page import misfits
from tests.support.axe import axe_script
from tracker.access.principal import SYSTEM
from tracker.catalog.images import read_codes
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

Open = Callable[..., Visit]


class Hand:
    """One person at a window; `keys`: no thumb and no mouse, only the keyboard."""

    def __init__(self, window: Visit, username: str, size: Size) -> None:
        window.log_in(username)
        self.window, self.page, self.size = window, window.page, size

    def press(self, role: str, name: str) -> None:
        target = self.page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]  # our roles are its words
        with self.page.expect_navigation():
            if self.size is DESK:
                target.focus()
                self.page.keyboard.press("Enter")
            else:
                target.click()

    def write(self, label: str, text: str) -> None:
        field = self.page.get_by_label(label).first
        field.focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def check(self) -> None:
        """The page fits, and keeps nobody out."""
        self.page.evaluate(axe_script())
        assert misfits(self.page, self.size) == [], self.page.url


def codes_on(page: Page) -> list[str]:
    """What the house's own reader finds on the paper as it would be printed."""
    page.emulate_media(media="print")
    try:
        return read_codes(page.screenshot(full_page=True))
    finally:
        page.emulate_media(media="screen")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["thumb", "keyboard"])
def test_goods_go_from_an_order_to_a_receipt_and_their_papers_can_be_scanned(visit: Open, size: Size) -> None:
    store, city = Hand(visit(size), "kepala", size), Hand(visit(size), "kota", size)
    store.window.go("/pengiriman")
    store.press("link", "Minta vaksin")
    store.page.locator("#p-penta-5").focus()
    store.page.keyboard.type("6")
    store.check()
    store.press("button", "Kirim permintaan")
    expect(store.page.get_by_text("Yang diminta, dalam vial")).to_be_attached()
    code = store.page.url.rsplit("/", 1)[-1]

    city.window.go(f"/pengiriman/{code}")
    city.check()
    city.page.locator("#setuju-0").focus()
    city.page.keyboard.press("Control+A")
    city.page.keyboard.type("5")
    city.press("button", "Setujui")
    city.press("link", "Ambil dan kemas")
    city.write("Segel", "S-7")
    city.write("Pencatat suhu", "L-7")
    city.check()
    city.press("button", "Catat kemasan")
    city.check()
    city.press("link", "Cetak label kotak")
    city.check()
    label = codes_on(city.page)
    sscc = next(text.removeprefix("]C100") for text in label if text.startswith("]C100"))
    city.window.go(f"/pengiriman/{code}")
    city.press("button", "Catat berangkat")
    expect(city.page.get_by_text("Berangkat", exact=True)).to_be_visible()

    # The label's text as a wedge scanner types it, with Enter behind.
    store.window.go("/pengiriman")
    store.page.locator("#kode").focus()
    store.page.keyboard.type(f"]C100{sscc}")
    with store.page.expect_navigation():
        store.page.keyboard.press("Enter")
    store.press("link", "Terima kiriman ini")
    store.check()
    store.page.locator("#tempat").select_option("pkm-cipondoh-k1")
    store.press("button", "Semua sesuai surat jalan: 5 vial")
    expect(store.page.locator("#keadaan")).to_contain_text("Diterima")
    for hand in (store, city):
        hand.window.check_quiet()


def test_what_came_without_a_word_is_told_with_a_thumb_and_confirmed_by_keyboard(visit: Open) -> None:
    store, city = Hand(visit(PHONE), "kepala", PHONE), Hand(visit(DESK), "kota", DESK)
    store.window.go("/pengiriman")
    store.press("link", "Datang tanpa pemberitahuan")
    store.write("Dari (pilih, atau tulis nama atau kodenya)", "kota-tangerang")
    store.page.locator("#tempat").select_option("pkm-cipondoh-k1")
    store.write("Pindai label vial, atau tulis lotnya", "PB002")
    store.page.locator("#vial-1").fill("3")
    store.check()
    store.press("button", "Catat yang datang")
    expect(store.page.locator("#keadaan")).to_contain_text("Menunggu konfirmasi pengirim")
    store.check()
    code = store.page.url.rsplit("/", 1)[-1]
    city.window.go(f"/pengiriman/{code}")
    city.press("link", "Periksa dan konfirmasi")
    city.check()
    city.press("button", "Benar, kami yang mengirim")
    expect(city.page.locator("#keadaan")).to_contain_text("Diterima")
    for hand in (store, city):
        hand.window.check_quiet()


def _not_asked_for(site: Site) -> str:
    """A good lot of another product in the city's room, which no other visit recalls."""
    small, now = site.world.world, utc_now()
    with transaction(site.engine) as db:
        expiry = (now + timedelta(days=300)).date()
        batch = add_batch(db, SYSTEM, NewBatch(presentation="mr-10", lot="MR707", expiry=expiry), now=now)
        room = small.equipment["kota-tangerang-r1"].id
        lines = (Line(batch_id=batch.id, vials=20, place_id=room, vvm_stage=1),)
        event = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=small.city.id, occurred_at=now, lines=lines)
        post_event(db, SYSTEM, event, now=now)
    return "MR707"


FELT = """
window.felt = [];
Navigator.prototype.vibrate = (pattern) => window.felt.push(["buzz", pattern.length]);
const start = AudioScheduledSourceNode.prototype.start;
AudioScheduledSourceNode.prototype.start = function (...when) {
  window.felt.push(["note", Math.round(this.frequency.value)]);
  return start.apply(this, when);
};
"""


def test_a_scan_at_the_packing_table_is_seen_heard_and_felt(visit: Open) -> None:
    store, city = Hand(visit(PHONE), "kepala", PHONE), Hand(visit(PHONE), "kota", PHONE)
    store.window.go("/pengiriman/minta")
    store.page.locator("#p-penta-5").fill("6")
    store.press("button", "Kirim permintaan")
    path = f"/pengiriman/{store.page.url.rsplit('/', 1)[-1]}"
    city.window.go(path)
    city.press("button", "Setujui")
    city.page.add_init_script(FELT)
    city.press("link", "Ambil dan kemas")

    def scan(code: str, tone: str, words: str) -> list[list[object]]:
        """As a wedge scanner types it wherever the thumb was last, with Enter behind."""
        city.page.evaluate("window.felt.length = 0; document.activeElement.blur()")
        city.page.keyboard.type(code)
        city.page.keyboard.press("Enter")
        expect(city.page.locator("#feel")).to_have_class(f"feel {tone}")
        expect(city.page.locator("#feel")).to_contain_text(words)
        expect(city.page.locator("#text")).to_have_value("")
        felt: list[list[object]] = city.page.evaluate("window.felt")
        return felt

    city.page.get_by_label("Segel").fill("S-8")
    assert scan(_not_asked_for(city.window.site), "out", "tidak diminta") == [["buzz", 3], ["note", 196], ["note", 147]]
    expect(city.page.get_by_text("cocok", exact=True)).to_have_count(0)
    assert scan("PB002", "ok", "Lot PB002 cocok") == [["buzz", 1], ["note", 988]]
    expect(city.page.get_by_text("cocok", exact=True)).to_have_count(1)
    expect(city.page.get_by_label("Segel")).to_have_value("S-8")
    city.check()
    vials = city.page.locator(".amounts input").first
    vials.focus()
    city.page.keyboard.type("]C1PB002")
    city.page.keyboard.press("Enter")
    expect(vials, "the amount stands, and the code was read").to_have_value("6")
    expect(city.page.locator("#feel")).to_have_class("feel out")
    city.page.context.set_offline(True)
    assert scan("PB002", "out", "Tidak terkirim")[0] == ["buzz", 3]
    city.page.context.set_offline(False)
    scan("PB002", "ok", "Lot PB002 cocok")
    city.press("button", "Catat kemasan")
    expect(city.page.locator("#keadaan")).to_contain_text("Dikemas")
    city.page.get_by_text("Batalkan pengiriman ini?").click()
    city.page.locator("#alasan-batal").fill("selesai diuji")
    city.press("button", "Ya, batalkan")
    store.window.check_quiet()
    assert all("INTERNET_DISCONNECTED" in each for each in city.window.complaints)
