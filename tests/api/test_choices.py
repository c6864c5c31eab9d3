"""What a form offers to choose from is never cut silently: the page says that there is more, and the rest is reached by letters or code."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from dashboard.frame.choices import MOST
from tests.browser.page_world import PageWorld
from tests.support.copies import more_of
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.catalog.models import Batch, Presentation
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.network.models import Equipment
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.shipments.models import ReceiptLine, Shipment, ShipmentLine
from tracker.stock.models import StockBalance

__all__ = ["app_services", "made", "site", "world"]

STORE, RECEIVER = "pkm-cipondoh", "pkm-neglasari"
MANY = MOST + 20
LAST = 99
"""What is last by name, so that no list of the first holds it."""
MORE = f"Ada lebih dari {MOST} pilihan."
UNKNOWN = "Tidak ada pilihan dengan kode itu."


def much(db: Session) -> None:
    """More of everything than a list holds, the new ones last by name; a vial in each fridge and of each product."""
    now = utc_now()
    for n in range(1, MANY + 1):
        for store in (STORE, RECEIVER):
            fridge = NewEquipment(code=f"{store}-z{n}", name=f"Zkulkas {n}", facility=store, kind=EquipmentKind.FRIDGE)
            add_equipment(db, SYSTEM, fridge, now=now)
        place = NewFacility(code=f"pkm-z{n}", name=f"Zpuskesmas {n}", kind=UnitKind.PUSKESMAS, parent="kota-tangerang")
        add_facility(db, SYSTEM, place, now=now)
    db.flush()
    named = {"code": "'z-' || n", "name": "'Zvaksin ' || n", "gtin": "NULL", "box_gtin": "NULL", "nie": "'NIEZ' || n"}
    more_of(db, Presentation, MANY, "true", id="gen_random_uuid()", **named)
    product = "(SELECT id FROM presentation WHERE code = 'z-' || n)"
    more_of(db, Batch, MANY, "lot = 'AZ101'", id="gen_random_uuid()", lot="'Z' || n", presentation_id=product)
    db.execute(
        text(
            "INSERT INTO stock_balance (account, holder_id, facility_id, place_id, batch_id, status, vials, touched_at,"
            " touched_event_id) SELECT 'place', e.id, e.facility_id, e.id, b.id, 'usable', 3, now(),"
            " (SELECT id FROM stock_event LIMIT 1) FROM equipment AS e JOIN batch AS b ON (e.code = 'pkm-cipondoh-k2'"
            " AND b.lot LIKE 'Z%') OR (e.code LIKE 'pkm-cipondoh-z%' AND b.lot = 'AZ101')"
        )
    )


@pytest.fixture
def wide(app_services: Services) -> Services:
    """Where there is more of everything than a list holds."""
    with transaction(app_services.engine) as db:
        much(db)
    return app_services


def drawn(page: str, name: str) -> str:
    """The element of a field that one sees."""
    found = re.search(rf'<(?:input|select)\s(?![^>]*"hidden")[^>]*name="{name}"[^>]*>', page)
    assert found is not None, (name, page)
    return found[0]


def offered(page: str, name: str) -> list[str]:
    """The codes that a field offers, in its list or beside it."""
    element = drawn(page, name)
    if element.startswith("<select"):
        inside = page.split(element, 1)[1].split("</select>", 1)[0]
    else:
        beside = re.search(r'list="([^"]+)"', element)
        assert beside is not None
        inside = page.split(f'<datalist id="{beside[1]}">', 1)[1].split("</datalist>", 1)[0]
    return [unescape(code) for code in re.findall(r'<option value="([^"]+)"', inside)]


CHOSEN_FIRST = [
    ("vaksinator", f"/stok/{STORE}/kerja/pindah", "tempat", "Zkulkas 11"),
    ("vaksinator", f"/stok/{STORE}/kerja/pindah?tempat=pkm-cipondoh-k2", "produk", "Zvaksin 11"),
    ("pusat", "/pengiriman/minta", "untuk", "Zpuskesmas 11"),
    ("pusat", "/pengiriman/kirim", "dari", "Zpuskesmas 11"),
    ("kota", f"/pengiriman/kirim?dari={STORE}", "produk", "Zvaksin 11"),
]
IN_FORMS = [
    ("vaksinator", f"/stok/{STORE}/kerja/pindah?tempat=pkm-cipondoh-k2", "ke"),
    ("kota", f"/pengiriman/minta?untuk={STORE}", "dari"),
    ("kota", f"/pengiriman/kirim?dari={STORE}", "ke"),
    ("kota", "/perangkat/S-pkm-cipondoh-k1", "tempat"),
    ("kota", f"/fasilitas/{STORE}/pencatat", "tempat"),
]


def test_where_a_list_does_not_hold_all_the_page_says_so_and_takes_code_or_letters(
    site: TestClient, wide: Services, world: PageWorld
) -> None:
    receiving = ("kota", f"/pengiriman/{world.shipment}/terima", "tempat")
    for who, address, name in [*(one[:3] for one in CHOSEN_FIRST), *IN_FORMS, receiving]:
        page = log_in(site, who).get(address).text
        assert drawn(page, name).startswith("<input"), (address, name)
        assert f'aria-describedby="{name}-lagi"' in drawn(page, name) or "-lagi" in drawn(page, name), (address, name)
        assert len(offered(page, name)) == MOST, (address, name)
        assert MORE in page, (address, name)
    for who, address, name, letters in CHOSEN_FIRST:
        join = "&" if "?" in address else "?"
        page = log_in(site, who).get(f"{address}{join}{name}={letters.lower()}").text
        alike = offered(page, name)
        assert drawn(page, name).startswith("<select"), (address, name)
        assert len(alike) == 11, (address, name, alike)  # 11, and 110 to 119
        none = log_in(site, who).get(f"{address}{join}{name}=tidak-ada-itu").text
        assert MORE in none, (address, name)
        assert len(offered(none, name)) == MOST, (address, name)


def test_a_few_are_a_list_as_ever(site: TestClient) -> None:
    for who, address, name, *_ in [*CHOSEN_FIRST[2:4], *(one for one in IN_FORMS if "perangkat" not in one[1])]:
        page = log_in(site, who).get(address).text
        assert drawn(page, name).startswith("<select"), (address, name)
        assert "Ada lebih dari" not in page, (address, name)


def form(site: TestClient, address: str) -> dict[str, str]:
    page = site.get(address).text
    number = re.search(r'name="nomor" value="([^"]+)"', page)
    assert number is not None, page
    return {"csrf": csrf_of(page), "nomor": number[1]}


def test_vials_are_moved_to_a_place_beyond_the_list_and_what_is_no_place_keeps_the_form(
    site: TestClient, wide: Services, world: PageWorld
) -> None:
    log_in(site, "vaksinator")
    address = f"/stok/{STORE}/kerja/pindah"
    field = f"v-usable-{world.world.batches['coronavac-1/CV101'].id}"
    fields = {**form(site, f"{address}?tempat=pkm-cipondoh-k2"), "tempat": "pkm-cipondoh-k2", field: "5"}
    refused = site.post(address, data={**fields, "ke": "zkulkas 11"})
    assert refused.status_code == 422
    assert UNKNOWN in refused.text
    assert 'value="5"' in refused.text
    assert len(offered(refused.text, "ke")) == 11
    last = f"pkm-cipondoh-z{LAST}"
    assert site.post(address, data={**fields, "ke": last}).status_code == 303
    with transaction(wide.engine) as db:
        place = select(Equipment.id).where(Equipment.code == last).scalar_subquery()
        moved = db.scalar(
            select(StockBalance.vials).where(
                StockBalance.holder_id == place,
                StockBalance.batch_id == world.world.batches["coronavac-1/CV101"].id,
            )
        )
    assert moved == 5


def test_a_store_orders_what_and_from_whom_no_list_holds(site: TestClient, wide: Services) -> None:
    log_in(site, "kota")
    address = "/pengiriman/minta"
    page = site.get(f"{address}?untuk={STORE}").text
    assert f'name="p-z-{LAST}"' not in page
    assert "Tidak semua produk tampak" in page
    found = site.get(f"{address}?untuk={STORE}&produk=zvaksin {LAST}").text
    assert re.findall(r'name="(p-[^"]+)"', found) == [f"p-z-{LAST}"]
    fields = {**form(site, f"{address}?untuk={STORE}"), "untuk": STORE, f"p-z-{LAST}": "4", "produk": f"zvaksin {LAST}"}
    refused = site.post(address, data={**fields, "dari": "zpuskesmas 11"})
    assert refused.status_code == 422
    assert UNKNOWN in refused.text
    assert re.search(rf'name="p-z-{LAST}"\s+value="4"', refused.text)
    assert len(offered(refused.text, "dari")) == 11
    made = site.post(address, data={**fields, "dari": f"pkm-z{LAST}"})
    assert made.status_code == 303, made.text
    with transaction(wide.engine) as db:
        asked = db.execute(
            select(Shipment.from_facility_id, ShipmentLine.vials)
            .join(ShipmentLine, ShipmentLine.shipment_id == Shipment.id)
            .where(Shipment.code == made.headers["location"].rpartition("/")[2])
        ).one()
    assert asked.vials == 4


def test_vials_are_received_into_a_place_no_list_holds(site: TestClient, wide: Services, world: PageWorld) -> None:
    log_in(site, "kota")
    address = f"/pengiriman/{world.shipment}/terima"
    page = site.get(address).text
    batch = re.search(r'name="nota-([^"]+)" value="(\d+)"', page)
    assert batch is not None
    said = {"accepted-" + batch[1]: "1", "nota-" + batch[1]: batch[2], "tempat": "pkm-neglasari-k1"}
    fields = {**form(site, address), **said}
    for wrong in ({"tempat": "zkul"}, {"tempat-" + batch[1]: "zkul"}):
        refused = site.post(address, data={**fields, **wrong})
        assert refused.status_code == 422, wrong
        assert UNKNOWN in refused.text
        assert f'id="salah-{next(iter(wrong))}"' in refused.text
    answer = site.post(address, data={**fields, "tempat-" + batch[1]: f"pkm-neglasari-z{LAST}"})
    assert answer.status_code == 303, answer.text
    with transaction(wide.engine) as db:
        place = select(Equipment.id).where(Equipment.code == f"pkm-neglasari-z{LAST}").scalar_subquery()
        assert db.scalar(select(func.sum(ReceiptLine.accepted)).where(ReceiptLine.place_id == place)) == 1


def test_vials_come_back_from_a_carrier_though_a_hundred_fridges_come_before_it_by_name(
    site: TestClient, wide: Services
) -> None:
    with transaction(wide.engine) as db:
        db.execute(text("UPDATE equipment SET name = 'Zz kotak' WHERE code = 'pkm-cipondoh-b1'"))
        db.execute(
            text(
                "INSERT INTO stock_balance (account, holder_id, facility_id, place_id, batch_id, status, vials, touched_at,"
                " touched_event_id) SELECT 'place', e.id, e.facility_id, e.id, b.id, 'usable', 3, now(),"
                " (SELECT id FROM stock_event LIMIT 1) FROM equipment AS e, batch AS b"
                " WHERE e.code = 'pkm-cipondoh-b1' AND b.lot = 'CV101'"
            )
        )
    page = log_in(site, "vaksinator").get(f"/stok/{STORE}/kerja/kembali").text
    assert "Zz kotak" in page
    assert "CV101" in page


def test_what_came_unannounced_is_told_at_a_store_from_a_sender_and_of_a_product_no_list_holds(
    site: TestClient, wide: Services
) -> None:
    address = "/pengiriman/tiba"
    chooser = log_in(site, "pusat").get(address).text
    assert MORE in chooser
    assert len(offered(log_in(site, "pusat").get(f"{address}?untuk=zpuskesmas 11").text, "untuk")) == 11
    log_in(site, "kota")
    page = site.get(f"{address}?untuk={STORE}").text
    for name in ("dari", "tempat", "produk-1", "tempat-1"):
        assert len(offered(page, name)) == MOST, name
    said = {"untuk": STORE, "baris": "1", "kode-1": f"Z{LAST}", "vial-1": "3", "tempat": f"pkm-cipondoh-z{LAST}"}
    fields = {**form(site, f"{address}?untuk={STORE}"), **said, "dari": f"Zpuskesmas {LAST}"}
    for wrong in ({"tempat": "zkul"}, {"tempat-1": "zkul"}, {"produk-1": "zvak"}):
        refused = site.post(address, data={**fields, **wrong})
        assert refused.status_code == 422, wrong
        assert UNKNOWN in refused.text
        assert f'id="salah-{next(iter(wrong))}"' in refused.text
    answer = site.post(address, data={**fields, "produk-1": f"z-{LAST}"})
    assert answer.status_code == 303, answer.text
