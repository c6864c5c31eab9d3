"""Every paper as it is printed, its codes read back from the picture by the house's own reader, and what they mean compared with what was meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.browser.conftest import SECRET, Site, Visit
from tests.browser.test_every_page import address
from tracker.access.principal import SYSTEM
from tracker.catalog.images import read_codes
from tracker.catalog.models import Batch
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.registration.service.cards import issue_card
from tracker.registration.service.tickets import TicketOffice
from tracker.scans.service import read_scan
from tracker.settings import load_settings
from tracker.shipments.models import Shipment, ShipmentBox
from tracker.shipments.service.proposing import propose
from tracker.stock.queries.counting import lines_of, sheet_by_id

# What of a sheet takes print at 96 dots an inch: A4 less a centimetre on each side, and a roll of labels 100 mm wide.
A4: ViewportSize = {"width": 718, "height": 1047}
ROLL: ViewportSize = {"width": 378, "height": 567}
Meant = Callable[[Session, Site, list[str]], list[str]]


def _shipment(db: Session, _site: Site, ref: list[str]) -> list[str]:
    return [f"shipment {ref[2]}"]


def _boxes(db: Session, _site: Site, ref: list[str]) -> list[str]:
    """Each box twice: as bars and as a matrix."""
    query = select(ShipmentBox.sscc).join(Shipment, Shipment.id == ShipmentBox.shipment_id)
    return [f"box {sscc}" for sscc in db.scalars(query.where(Shipment.code == ref[2])) for _ in range(2)]


def _picks(db: Session, site: Site, ref: list[str]) -> list[str]:
    shipment = db.scalars(select(Shipment).where(Shipment.code == ref[2])).one()
    picks = propose(db, SYSTEM, shipment.id, now=utc_now()).picks
    return [*_shipment(db, site, ref), *(_lot(db, parcel.batch_id) for parcel, _ in picks)]


def _sheet(db: Session, _site: Site, ref: list[str]) -> list[str]:
    view = sheet_by_id(db, SYSTEM, ref[2])  # type: ignore[arg-type]  # text of an id
    return [f"place {view.place.code}", *(_lot(db, line.batch_id) for line in lines_of(db, view.sheet))]


def _ticket(db: Session, site: Site, _ref: list[str]) -> list[str]:
    return [f"ticket {site.world.booking}"]


def _card(db: Session, site: Site, ref: list[str]) -> list[str]:
    booking = TicketOffice.from_secret(SECRET).unsealed(ref[3])[0]
    settings = load_settings(database_url="postgresql://nowhere", secret_key=SECRET)
    return [issue_card(db, settings, booking, now=utc_now()).code]


def _none(_db: Session, _site: Site, _ref: list[str]) -> list[str]:
    return []


def _lot(db: Session, batch_id: object) -> str:
    batch = db.get_one(Batch, batch_id)
    return f"lot {batch.lot} {batch.expiry}"


PAPERS: dict[str, tuple[ViewportSize, str, Meant]] = {
    "/pengiriman/{ref}/surat-jalan": (A4, "kota", _shipment),
    "/pengiriman/{ref}/label": (ROLL, "kota", _boxes),
    "/pengiriman/{ref}/daftar-ambil": (A4, "kota", _picks),
    "/hitung/{sheet_id}/kertas": (A4, "kepala", _sheet),
    "/stok/{code}/gerakan/{event_id}/berita-acara": (A4, "kepala", _none),
    "/stok/{code}/cetak": (A4, "kepala", _none),
    "/daftar/tiket/{secret}": (A4, "kepala", _ticket),
    "/daftar/tiket/{secret}/kartu": (A4, "kepala", _card),
}


def _read(db: Session, text: str) -> str:
    """What a code on a paper means to the house."""
    if "/kartu/" in text:
        return text[3:]
    office = TicketOffice.from_secret(SECRET)
    meaning = read_scan(db, SYSTEM, text, facility=None, office=office, now=utc_now())
    if meaning.opened is not None:
        kind = "box" if meaning.resolved.scan.sscc else meaning.opened.thing.value
        return f"{kind} {meaning.resolved.scan.sscc or meaning.opened.ref}"
    batch = meaning.resolved.batch
    assert batch is not None, text
    assert not meaning.resolved.warnings, (text, meaning.resolved.warnings)
    return f"lot {batch.lot} {batch.expiry}"


_TOO_WIDE = """[...document.querySelectorAll("main *")].filter((one) => !one.closest("svg *") &&
    one.getBoundingClientRect().right > innerWidth + 1).map((one) => `${one.tagName} ${one.className}`)"""


def _too_wide(page: Page) -> list[str]:
    """What stands beyond the sheet."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found


@pytest.fixture(scope="module")
def paper_window(browser: Browser, site: Site) -> Visit:
    """Two dots of picture for each of the sheet: less than any printer makes."""
    return Visit(page=browser.new_context(viewport=A4, device_scale_factor=2).new_page(), site=site)


@pytest.mark.parametrize("route", PAPERS)
def test_the_codes_of_a_paper_are_read_back_from_its_picture(route: str, paper_window: Visit, tmp_path: Path) -> None:
    size, username, meant = PAPERS[route]
    site, page = paper_window.site, paper_window.page
    paper_window.log_in(username)
    paper_window.resize(size)
    page.emulate_media(media="print")
    path = address(route, site)
    paper_window.go(path)
    picture = page.screenshot(full_page=True, path=tmp_path / "paper.png")
    page.pdf(path=tmp_path / "paper.pdf", prefer_css_page_size=True)
    assert _too_wide(page) == []
    with transaction(site.engine) as db:
        expected = sorted(meant(db, site, path.split("/")))
        found = sorted(_read(db, text) for text in (read_codes(picture) if expected else []))
    assert found == expected
