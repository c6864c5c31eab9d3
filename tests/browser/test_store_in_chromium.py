"""A store's work in a real browser: with a thumb at 360 px, and by keyboard alone at a desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from tests.browser.conftest import DESK, PHONE, Site, Visit
from tests.browser.test_every_page import misfits
from tests.support.axe import axe_script
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.commands import Box, CreateShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine

Open = Callable[..., Visit]
K1, K2, BOX = "pkm-cipondoh-k1", "pkm-cipondoh-k2", "pkm-cipondoh-b1"


def check(page: Page) -> None:
    """The page fits the phone, and keeps nobody out."""
    page.evaluate(axe_script())
    assert misfits(page, PHONE) == []


def fill(page: Page, lot: str, vials: str) -> None:
    # Another test may have left some that must not be used.
    usable = page.locator(".amounts li", has_text=lot, has_not_text="Tak layak pakai")
    usable.locator("input").first.fill(vials)


def recorded(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Tercatat.")).to_be_visible()


@pytest.fixture
def thumb(visit: Open) -> Visit:
    window = visit(PHONE)
    window.log_in("kepala")
    window.go("/")
    return window


def test_with_a_thumb_vials_are_moved_and_the_step_is_taken_back(thumb: Visit) -> None:
    page = thumb.page
    page.get_by_role("link", name="Simpan atau pindahkan").click()
    page.get_by_role("link", name="PKM-CIPONDOH-K2").click()
    fill(page, "CV101", "3")
    check(page)
    page.get_by_label("Ke tempat").select_option(K1)
    page.get_by_role("button", name="Catat pemindahan").click()
    recorded(page)
    check(page)
    page.get_by_label("Alasan").fill("salah rak")
    page.get_by_role("button", name="Batalkan gerakan ini").click()
    expect(page.get_by_text("Gerakan ini dibatalkan.")).to_be_visible()
    thumb.check_quiet()


def test_with_a_thumb_vials_go_out_and_all_of_them_come_back_by_one_tap(thumb: Visit) -> None:
    page = thumb.page
    page.get_by_role("link", name="Bawa ke lapangan").click()
    page.get_by_role("link", name="PKM-CIPONDOH-K2").click()
    fill(page, "CV101", "2")
    # There is one carrier, and it is chosen.
    page.get_by_role("button", name="Catat yang dibawa").click()
    recorded(page)
    thumb.go("/")
    page.get_by_role("link", name="Kembali dari lapangan", exact=True).click()
    page.get_by_role("button", name="Semua").click()
    page.get_by_label("Ke tempat").select_option(K2)
    check(page)
    page.get_by_role("button", name="Catat yang kembali").click()
    recorded(page)
    thumb.check_quiet()


def test_with_a_thumb_a_vial_is_opened_and_its_rest_thrown_away(thumb: Visit) -> None:
    page = thumb.page
    page.get_by_role("link", name="Buka vial").click()
    page.get_by_role("link", name="PKM-CIPONDOH-K2").click()
    fill(page, "AZ101", "1")
    page.get_by_role("button", name="Buka vial").click()
    expect(page.get_by_text("Pakai sampai")).to_be_visible()
    check(page)
    page.get_by_label("Alasan").select_option("session_end")
    page.get_by_role("button", name="Buang").click()
    expect(page.get_by_text("10 dibuang, 0 tersisa")).to_be_visible()
    thumb.check_quiet()


def test_with_a_thumb_two_people_count_a_fridge_and_both_are_told(visit: Open) -> None:
    siti, head = visit(PHONE), visit(PHONE)
    for window, username in ((siti, "vaksinator"), (head, "kepala")):
        window.log_in(username)
        window.go("/")
        window.page.get_by_role("link", name="Hitung stok", exact=True).click()
        check(window.page)
    for window in (siti, head):
        # The second finds the sheet that the first began, though its page was older.
        freezer = window.page.locator("section.card", has_text="PKM-CIPONDOH-F1")
        freezer.get_by_role("button", name="Mulai menghitung").click()
    assert siti.page.url == head.page.url
    check(siti.page)
    freezer_id = siti.site.world.world.equipment["pkm-cipondoh-f1"].id
    with transaction(siti.site.engine) as db:
        # Other tests count here, too.
        lying = db.scalar(select(func.sum(StockBalance.vials)).where(StockBalance.holder_id == freezer_id)) or 0
    for window in (siti, head):
        fill(window.page, "OP001", str(lying - 1))
        window.page.get_by_role("button", name="Selesai, lihat selisih").click()
        expect(window.page.get_by_text("selisih −1")).to_be_visible()
        window.page.get_by_label("Alasan selisih").fill("pecah, tidak tercatat")
    check(siti.page)
    head.page.get_by_role("button", name="Catat hitungan").click()
    siti.page.get_by_role("button", name="Catat hitungan").click()
    for window in (siti, head):
        expect(window.page.get_by_text("Sudah dicatat oleh Kepala")).to_be_visible()
        window.check_quiet()
    siti.page.get_by_role("link", name="Cetak lembar hitung").click()
    expect(siti.page.get_by_role("button", name="Cetak")).to_be_visible()


def test_by_keyboard_alone_a_fridge_is_counted(visit: Open) -> None:
    window = visit(DESK)
    window.log_in("kepala")
    page = window.go("/stok/pkm-cipondoh/hitung")
    page.locator("section.card", has_text="PKM-CIPONDOH-F1").get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.locator(".amounts input").first.focus()
    page.keyboard.type("28")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Selisih hitungan")).to_be_visible()
    if page.get_by_label("Alasan selisih").count():
        page.get_by_label("Alasan selisih").focus()
        page.keyboard.type("hilang")
        page.keyboard.press("Enter")
    expect(page.get_by_text("Sudah dicatat oleh Kepala")).to_be_visible()
    page.evaluate(axe_script())
    assert misfits(page, DESK) == []
    window.check_quiet()


def test_by_keyboard_alone_vials_are_thrown_away_and_a_fault_is_found(visit: Open) -> None:
    window = visit(DESK)
    window.log_in("kepala")
    page = window.go(f"/stok/pkm-cipondoh/kerja/buang?tempat={K2}")
    field = page.locator(".amounts li", has_text="AZ101").locator("input")
    field.focus()
    page.keyboard.type("9999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("#alasan").focus()
    page.keyboard.type("pecah")
    page.keyboard.press("Tab")
    for _ in range(10):
        if page.evaluate("document.activeElement.type") == "submit":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".fault")).to_be_visible()
    assert page.locator("[aria-invalid=true]").input_value() == "9999", "what was typed is kept beside its fault"
    page.locator("[aria-invalid=true]").fill("1")
    page.keyboard.press("Enter")
    recorded(page)
    page.evaluate(axe_script())
    assert misfits(page, DESK) == []
    assert {complaint for complaint in window.complaints if "422" not in complaint} == set()


def sent_to_cipondoh(site: Site) -> str:
    """Five vials on the road from the city, of which nobody received any; their shipment's code."""
    now = utc_now()
    wanted = (Wanted(product="penta-5", vials=5),)
    command = CreateShipment(
        id=uuid7(), from_facility="kota-tangerang", to_facility="pkm-cipondoh", lines=wanted, kind=ShipmentKind.DIRECT
    )
    with transaction(site.engine) as db:
        shipment = create_shipment(db, SYSTEM, command, now=now).shipment
        pack_shipment(db, SYSTEM, shipment.id, (Box(),), now=now)
        dispatch_shipment(db, SYSTEM, shipment.id, occurred_at=now, now=now)
        return shipment.code


class Keys:
    """Hands that have a keyboard and nothing else, at a desk."""

    def __init__(self, window: Visit) -> None:
        window.log_in("kepala")
        self.window, self.page = window, window.page

    def tab_to(self, name: str) -> None:
        """The next control of this name, by Tab alone."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            assert self.page.evaluate(_UNSEEN_FOCUS) == "", f"before {name} on {self.page.url}"
            if name in self.page.evaluate(_NAME_IN_FOCUS):
                return
        pytest.fail(f"no Tab leads to {name} on {self.page.url}")

    def enter(self, name: str = "") -> None:
        """Press Enter where the focus is, or at the control of this name."""
        if name:
            self.tab_to(name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def write(self, name: str, text: str) -> None:
        self.tab_to(name)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)


_NAME_IN_FOCUS = """(() => {
  const one = document.activeElement;
  const words = [...(one.labels ?? [])].map((label) => label.innerText);
  const within = one.getAttribute("role") === "region" ? "" : one.innerText;
  return [one.getAttribute("aria-label"), ...words, within].filter(Boolean).join(" ");
})()"""


# What has the focus without anybody seeing that; "" where it is seen.
_UNSEEN_FOCUS = """(() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 1 && box.height > 1;
  return one === document.body || drawn ? "" : one.outerHTML.slice(0, 200);
})()"""


def spoiled_at_cipondoh(site: Site) -> None:
    """Two vials of CV101 there that must not be used."""
    with transaction(site.engine) as db:
        place = db.scalars(select(Equipment).where(Equipment.code == K2)).one()
        batch = db.scalars(select(Batch.id).where(Batch.lot == "CV101")).one()
        line = StatusLine(
            batch_id=batch, holder_id=place.id, from_status=Status.USABLE, to_status=Status.UNUSABLE, vials=2
        )
        change = StatusChange(id=uuid7(), facility_id=place.facility_id, lines=(line,), cause=uuid7())
        change_status(db, SYSTEM, change, now=utc_now())


def test_by_keyboard_alone_vials_are_destroyed_before_two_and_the_card_is_set_right(visit: Open) -> None:
    hands = Keys(visit(DESK))
    page = hands.page
    spoiled_at_cipondoh(hands.window.site)
    hands.window.go(f"/stok/pkm-cipondoh/kerja/musnah?tempat={K2}")
    hands.write("CV101", "1")
    for name, position in (("Siti Aminah", "apoteker"), ("Budi Santoso", "kepala")):
        hands.write("Nama", name)
        hands.write("Jabatan", position)
    hands.enter("Catat pemusnahan")
    recorded(page)
    movement = page.url.partition("?")[0]
    hands.enter("Cetak berita acara")
    expect(page.get_by_text("Siti Aminah").first).to_be_visible()

    hands.window.go("/stok/pkm-cipondoh?produk=coronavac-1")
    shown = page.locator(f"a[href='{urlsplit(movement).path}']")
    expect(shown).to_have_count(1)
    hands.tab_to("Lot dan tanggal")
    page.keyboard.press("Enter")
    hands.write("Lot", "CV101")
    hands.tab_to("Sampai tanggal")
    yesterday = local_day(utc_now(), "Asia/Jakarta") - timedelta(days=1)
    page.keyboard.type(f"{yesterday:%m%d%Y}")  # as this browser writes dates
    hands.enter("Tampilkan")
    assert page.locator("#sampai").input_value() == yesterday.isoformat()
    expect(shown, "as it was the day before").to_have_count(0)
    expect(page.locator(".balance")).to_be_visible()

    hands.window.go("/stok/pkm-cipondoh?produk=coronavac-1")
    hands.enter("Rincian gerakan")
    assert page.url == movement, "the newest stands on top"
    hands.write("Alasan", "salah jumlah")
    hands.enter()
    expect(page.get_by_text("Gerakan ini dibatalkan.")).to_be_visible()
    hands.enter("Lihat pembatalan")
    expect(page.get_by_text("salah jumlah")).to_be_visible()
    hands.window.check_quiet()


def test_by_keyboard_alone_a_day_of_the_store_is_done(visit: Open) -> None:
    hands = Keys(visit(DESK))
    page = hands.page
    hands.window.go("/")
    hands.enter("Simpan atau pindahkan")
    hands.enter("PKM-CIPONDOH-K2")
    hands.write("CV101", "2")
    hands.write("Ke tempat", "PKM-CIPONDOH-K1")
    hands.enter("Catat pemindahan")
    recorded(page)
    hands.write("Alasan", "salah rak")
    hands.enter()
    expect(page.get_by_text("Gerakan ini dibatalkan.")).to_be_visible()

    hands.window.go("/stok/pkm-cipondoh/kerja/buka?tempat=pkm-cipondoh-k2")
    hands.write("AZ101", "1")
    hands.enter()
    hands.write("Alasan", "Sesi")
    hands.enter("Buang")
    expect(page.get_by_text("10 dibuang, 0 tersisa")).to_be_visible()

    hands.window.go(f"/pengiriman/{sent_to_cipondoh(hands.window.site)}/terima")
    hands.write("Disimpan di", "PKM-CIPONDOH-K1")
    hands.write("PB002", "3")
    hands.tab_to("Ada selisih")
    page.keyboard.press("Enter")
    hands.write("Kurang", "2")
    hands.enter()
    expect(page.get_by_role("alert"), "Enter sends the lines, not all as on the note").to_be_visible()
    expect(page.locator("[aria-invalid=true]"), "who was refused stands at the fault").to_be_focused()
    page.keyboard.press("ArrowDown")
    hands.enter("Catat baris ini")
    expect(page.get_by_text("pecah").first).to_be_visible()
    assert [said for said in hands.window.complaints if "422" not in said] == []
