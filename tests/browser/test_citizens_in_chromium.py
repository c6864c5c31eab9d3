"""A citizen's whole life on a small phone: finds, books, loses the ticket, is vaccinated at the desk, books dose 2, changes, cancels, family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Page

from dashboard.frame.texts import texts_of
from tests.browser.conftest import DESK, PHONE, SECRET, Site, Visit
from tests.browser.test_every_page import faults
from tests.db.test_network_facilities import collection, square
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.network.areas import import_areas
from tracker.network.models import Facility
from tracker.network.serving import ServeAreas, serve_areas
from tracker.quota.models import Booking
from tracker.quota.service.claims import claim_of
from tracker.quota.service.commands import NewBucket
from tracker.registration.service.tickets import TicketOffice, ticket_of

OFFICE = TicketOffice.from_secret(SECRET)
HOME = "36.71.01.1002"


@pytest.fixture
def session(site: Site) -> UUID:
    """Six places for people of a kelurahan that the puskesmas next door serves, and two for anybody."""
    now = utc_now()
    with transaction(site.engine) as db:
        desk = Desk(db, replace(site.world.world, now=now), now)
        there = db.get_one(Facility, desk.world.neighbour.id)
        there.code_kemendagri = "36.71.01.1001"
        file = collection((HOME, "Babakan", square(106.6, -6.2)), ("36.71.01", "Tangerang", square(106.6, -6.2)))
        import_areas(db, SYSTEM, file, now=now)
        serve_areas(db, SYSTEM, ServeAreas(facility=there.code, areas=[HOME]), now=now)
        desk.stock("coronavac-1/CV101", 40, place="pkm-tanah-tinggi-k1")
        buckets = (NewBucket(kind="kelurahan", share=6), NewBucket(kind="general", share=2))
        return desk.session(product="coronavac-1", ahead=0, capacity=8, doses=(1, 2), buckets=buckets, facility=there)


def test_from_finding_a_place_to_the_second_dose_on_a_small_phone(
    visit: Callable[..., Visit], site: Site, session: UUID, tmp_path: Path
) -> None:
    window = visit(PHONE)
    page = window.page

    def look(name: str) -> None:
        """The page as it stands: nothing runs out of it and it keeps nobody out; at both widths it is kept to be seen."""
        path = page.url.removeprefix(window.address)
        assert faults(window, path, "id", PHONE) == []
        for size, word in ((DESK, "desk"), (PHONE, "phone")):
            window.resize(size)
            page.screenshot(path=tmp_path / f"{name}-{word}.png", full_page=True)

    window.go("/daftar")
    page.fill("#tempat", "tanah tinggi")
    page.click("main button[type=submit]")
    card = page.locator(f"li.card:has(a[href*='{session}'])")
    assert "2 tempat" in card.inner_text()
    page.fill("#rumah", "babakan")
    page.click("main button[type=submit]")
    assert page.input_value("#rumah") == f"Babakan, Tangerang ({HOME})"
    assert "8 tempat" in card.inner_text()
    look("found")
    card.locator("a.button").click()
    assert page.input_value("#residence").startswith("Babakan")
    page.fill("#nik", "3671015506920041")
    page.fill("#name", "Siti Rekaan")
    page.fill("#phone", "0812-3456-7841")
    page.click("main button[type=submit]")
    page.wait_for_url("**/daftar/kode/*")
    look("proof")
    page.fill("#kode", OFFICE.code_of(UUID(page.url.rsplit("/", 1)[1])))
    page.click("text=Ya, saya datang")
    page.wait_for_url("**/daftar/tiket/*")
    ticket = page.url
    look("ticket")

    window.go("/daftar")  # the address is gone
    page.click("text=tiketnya hilang")
    look("lost")
    page.fill("#nik", "3671015506920041")
    page.fill("#phone", "0812 3456 7841")
    page.click("main button[type=submit]")
    asked = page.url
    look("code")
    code = OFFICE.code_of(UUID(asked.rsplit("/", 1)[1]))
    page.fill("#kode", code[:3] + " " + code[3:])
    page.click("main button[type=submit]")
    page.wait_for_url(ticket)

    with page.expect_download() as coming:
        page.click("text=Simpan untuk dibuka tanpa internet")
    coming.value.save_as(tmp_path / "tiket.html")
    with without_network(page, tmp_path / "tiket.html") as kept:
        assert "Tanah Tinggi" in kept.inner_text("body")
        # Pixels for a module of the code: a scanner at the door reads four from a phone, and not one.
        assert kept.evaluate("document.querySelector('svg').getScreenCTM().a") >= 4
        kept.screenshot(path=tmp_path / "kept-phone.png", full_page=True)

    served_at_the_desk(visit(PHONE), site, session, ticket)
    due = next_dose_days(site, ticket)
    page.reload()
    assert "CV101" in page.inner_text("main")
    look("given")
    page.click("text=Kartu vaksinasi")
    assert "Siti Rekaan" in page.inner_text("main")
    look("card")
    page.goto(ticket)
    page.click("text=Pesan dosis 2")
    look("next")
    page.locator("li.card", has_text="Tanah Tinggi").locator("button").first.click()
    page.wait_for_url(lambda url: "/berikutnya" not in url)
    assert "Dosis 2" in page.inner_text("dl.facts")
    assert page.url != ticket
    second = page.url
    look("second")
    page.click("text=Ganti hari atau tempat")
    look("other-day")
    page.locator("li.card", has_text="Tanah Tinggi").locator("button").first.click()
    page.wait_for_url(second)
    assert page.locator("dl.facts dd").first.inner_text() == texts_of("id").weekday(due + timedelta(days=1))
    page.click("text=Saya tidak jadi datang")
    page.click("text=Ya, batalkan")
    page.wait_for_selector("text=Dibatalkan")
    look("cancelled")
    assert page.get_by_text("Cari tempat lain").get_attribute("href") == f"{urlsplit(ticket).path}/berikutnya"
    page.go_back()  # what was cancelled is not there to be pressed again
    page.reload()
    assert "Ya, batalkan" not in page.inner_text("main")

    page.goto(ticket)
    page.click("text=Daftarkan anak atau orang tua")
    look("family")
    page.fill("#name", "Ibu Rekaan")
    page.fill("#nik", "3671014506600042")
    page.locator("form:has(#nik) button[type=submit]").click()
    page.wait_for_url("**/keluarga/*")
    look("family-places")
    page.locator("li.card", has_text="Tanah Tinggi").locator("button").first.click()
    page.wait_for_selector("text=Dosis Anda sudah disisihkan")
    window.check_quiet()


@contextmanager
def without_network(page: Page, file: Path) -> Iterator[Page]:
    """The file as a phone opens it that has no network and knows the site no more."""
    assert page.context.browser is not None
    apart = page.context.browser.new_context(viewport=PHONE, offline=True)
    opened = apart.new_page()
    opened.goto(file.as_uri())
    yield opened
    apart.close()


def served_at_the_desk(staff: Visit, site: Site, session: UUID, ticket: str) -> None:
    """By the pages of the desk: the ticket's code is read, the person is fit, and has had the dose."""
    with transaction(site.engine) as db:
        booking = db.get_one(Booking, OFFICE.unsealed(ticket.rsplit("/", 1)[1])[0])
        code = OFFICE.sign(ticket_of(db, booking))
    page = staff.log_in("pusat")
    staff.go(f"/meja/{session}")
    page.fill("[name=siapa]", code)
    page.press("[name=siapa]", "Enter")
    page.wait_for_url("**/meja/orang/*")
    page.click("text=Boleh divaksin")
    page.click("text=Sudah disuntik")
    page.wait_for_selector("text=Dosis 2:")
    staff.check_quiet()


def next_dose_days(site: Site, ticket: str) -> date:
    """The day on which dose 2 is due, with sessions on that day and the next."""
    now = utc_now()
    with transaction(site.engine) as db:
        booking = db.get_one(Booking, OFFICE.unsealed(ticket.rsplit("/", 1)[1])[0])
        claim = claim_of(db, booking.person_id, booking.vaccine_id, 2)
        assert claim is not None
        desk = Desk(db, replace(site.world.world, now=now), now)
        ahead = (claim.due_day - desk.today).days
        for later in (ahead, ahead + 1):
            desk.session(product="coronavac-1", ahead=later, capacity=9, doses=(2,), facility=desk.world.neighbour)
        return claim.due_day


def test_a_facility_s_kelurahan_are_listed_and_added_on_a_phone(
    visit: Callable[..., Visit], site: Site, session: UUID, tmp_path: Path
) -> None:
    del session
    window = visit(PHONE)
    page = window.log_in("kota")
    window.go("/fasilitas/pkm-neglasari/wilayah")
    page.fill("#cari", "babakan")
    page.press("#cari", "Enter")
    page.locator("form[action$='/tambah'] button").click()
    assert "Babakan" in page.inner_text("section:has(#dilayani)")
    assert faults(window, page.url.removeprefix(window.address), "id", PHONE) == []
    page.screenshot(path=tmp_path / "served-phone.png", full_page=True)
    window.resize(DESK)
    page.screenshot(path=tmp_path / "served-desk.png", full_page=True)
    window.resize(PHONE)
    page.locator("form[action$='/hapus'] button").click()
    assert "Keluarkan" not in page.inner_text("main")
    window.check_quiet()
