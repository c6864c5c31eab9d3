"""Home by role: who works at a place lands on what waits for hands there, and each line opens its task."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.browser.page_world import PageWorld, move
from tests.support.page_site import app_services, log_in, made, site, world
from tests.support.world import PASSWORD
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.access.service import NewAccount, add_account
from tracker.catalog.models import Batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.commands import Box, CreateShipment, Wanted
from tracker.shipments.service.ordering import approve_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import OpenSheet, PostEvent, StatusChange, StatusLine
from tracker.stock.service.counting import open_sheet
from tracker.stock.service.opening import open_vials

__all__ = ["app_services", "made", "site", "world"]


def tasks(site: TestClient, username: str) -> dict[str, str]:
    """What waits, as word → where it leads; after a log-in of its own."""
    site.cookies.clear()
    page = log_in(site, username).get("/").text
    card = page[page.index('id="tugas"') : page.index("</section>", page.index('id="tugas"'))]
    found = re.findall(r'<a href="([^"]+)">\s*<span\s+class="\w+"\s*>.*?</svg>\s*([^<]+?)\s*</span>', card, re.DOTALL)
    return {word: href for href, word in found}


def test_the_head_s_home_says_what_waits_and_where_it_is_done(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    found = tasks(site, "kepala")
    assert found["Tanggapi alarm"] == "/alarm"
    assert found["Putuskan yang ditahan"] == "/alarm?tampil=held"
    assert found["Hitung stok"] == "/stok/pkm-cipondoh/hitung"
    assert "Selesaikan penghitungan" not in found
    with transaction(app_services.engine) as db:
        begin = OpenSheet(id=uuid7(), facility="pkm-cipondoh", place="pkm-cipondoh-k2")
        sheet = open_sheet(db, SYSTEM, begin, now=app_services.clock())[0].id
    assert tasks(site, "kepala")["Selesaikan penghitungan"] == f"/hitung/{sheet}/selisih"


def test_each_role_is_shown_only_what_it_may_do(site: TestClient) -> None:
    vaccinator = tasks(site, "vaksinator")
    assert "Hitung stok" in vaccinator
    assert not {"Tanggapi alarm", "Putuskan yang ditahan", "Terima kiriman"} & set(vaccinator)


def test_a_vial_past_its_time_is_named_until_its_rest_is_thrown_away(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    assert "Buang sisa vial terbuka" not in tasks(site, "vaksinator")
    now = app_services.clock()
    with transaction(app_services.engine) as db:
        small = world.world
        line = Line(batch_id=small.batches["az-10/AZ101"].id, vials=1, place_id=small.fridge2.id)
        event = PostEvent(
            id=uuid7(),
            kind=Kind.OPENING,
            facility_id=small.puskesmas.id,
            occurred_at=now - timedelta(hours=7),
            lines=(line,),
        )
        open_vials(db, SYSTEM, event, now=now)
        vial = db.scalars(select(OpenVial.id).where(OpenVial.event_id == event.id)).one()
    assert tasks(site, "vaksinator")["Buang sisa vial terbuka"] == f"/vial/{vial}"
    with transaction(app_services.engine) as db:
        db.execute(update(OpenVial).where(OpenVial.id == vial).values(discard_by=now + timedelta(hours=1)))
    assert "Buang sisa vial terbuka" not in tasks(site, "vaksinator")


def test_a_store_s_home_names_what_it_sends_and_receives(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    command = CreateShipment(
        id=uuid7(),
        from_facility="kota-tangerang",
        to_facility="pkm-cipondoh",
        lines=(Wanted(product="penta-5", vials=5),),
        kind=ShipmentKind.ORDER,
    )
    with transaction(app_services.engine) as db:
        head = world.world.who(Role.MANAGER)
        code = create_shipment(db, head, command, now=app_services.clock()).shipment.code
    assert tasks(site, "gudang")["Setujui permintaan"] == f"/pengiriman/{code}"
    assert "Setujui permintaan" not in tasks(site, "kepala"), "the sender approves"


def test_a_shelf_counted_a_month_ago_is_due(site: TestClient, app_services: Services, world: PageWorld) -> None:
    now, facility = app_services.clock(), world.world.puskesmas.id
    for days, due in ((30, False), (32, True)):
        with transaction(app_services.engine) as db:
            mine = update(StockBalance).where(StockBalance.facility_id == facility)
            db.execute(mine.values(counted_at=now - timedelta(days=days)))
        assert ("Hitung stok" in tasks(site, "kepala")) is due


def shipments_waiting(db: Session, world: PageWorld, now: datetime) -> None:
    """One of each kind of work between the city and its puskesmas."""
    for vials, kind in (
        (3, ShipmentKind.ORDER),
        (4, ShipmentKind.ORDER),
        (5, ShipmentKind.DIRECT),
        (6, ShipmentKind.DIRECT),
    ):
        command = CreateShipment(
            id=uuid7(),
            from_facility="kota-tangerang",
            to_facility="pkm-cipondoh",
            lines=(Wanted(product="penta-5", vials=vials),),
            kind=kind,
        )
        who = world.world.who(Role.MANAGER) if kind is ShipmentKind.ORDER else SYSTEM
        shipment = create_shipment(db, who, command, now=now).shipment
        if vials == 4:
            approve_shipment(db, SYSTEM, shipment.id, None, now=now)
        if vials >= 5:
            pack_shipment(db, SYSTEM, shipment.id, (Box(),), now=now)
        if vials == 6:
            dispatch_shipment(db, SYSTEM, shipment.id, occurred_at=now, now=now)


def test_each_line_of_a_home_opens_its_task_with_the_right_thing_chosen(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    now, small = app_services.clock(), world.world
    with transaction(app_services.engine) as db:
        shipments_waiting(db, world, now)
        db.execute(update(Batch).where(Batch.lot == "OP001").values(expiry=now.date() - timedelta(days=3)))
        move(db, small, Kind.SUPPLY, "pkm-cipondoh-b1", "mr-10/MR101", 2, now - timedelta(hours=1), now=now)
        line = StatusLine(
            batch_id=small.batches["az-10/AZ101"].id,
            holder_id=small.fridge2.id,
            from_status=Status.USABLE,
            to_status=Status.HELD,
            vials=2,
        )
        change = StatusChange(id=uuid7(), facility_id=small.puskesmas.id, lines=(line,), cause=uuid7())
        change_status(db, SYSTEM, change, now=now)
    chosen = {
        "Tanggapi alarm": '<button type="submit">Tanggapi alarm</button>',
        "Putuskan yang ditahan": "vial ditahan",
        "Terima kiriman": "Semua sesuai surat jalan: 6 vial",
        "Buang yang kedaluwarsa": '<option value="expired" selected>',
        "Simpan yang kembali dari lapangan": 'name="tempat" value="pkm-cipondoh-b1"',
        "Musnahkan atau kembalikan yang ditolak": "AZ101",
        "Hitung stok": 'name="tempat"',
        "Setujui permintaan": "/setujui",
        "Ambil dan kemas": "Catat kemasan",
        "Kirimkan": "/berangkat",
        "Layani sesi hari ini": "Meja",
    }
    seen: set[str] = set()
    for username in ("kepala", "gudang", "vaksinator"):
        for word, href in tasks(site, username).items():
            page = site.get(unescape(href))
            assert page.status_code == 200, (username, word, href)
            assert chosen[word] in page.text, (username, word, href)
            seen.add(word)
    assert set(chosen) - seen <= {"Layani sesi hari ini"}, "sessions end in the evening"


def test_every_role_has_a_home_and_no_way_from_there_ends_in_a_refusal(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    """Each is walked by one who has it: a store without anything above, a puskesmas without shipments, who may only look."""
    homes = {
        (Role.WAREHOUSE, "biofarma"): "kerja-judul",
        (Role.WAREHOUSE, "prov-banten"): "",
        (Role.VACCINATOR, "pkm-cipondoh"): "kerja-judul",
        (Role.AUDITOR, "pkm-cipondoh"): "keys",
        (Role.PROVINCE, "prov-banten"): "",
    }
    now = app_services.clock()
    with transaction(app_services.engine) as db:
        shipments_waiting(db, world, now)
        for role, unit in homes:
            new = NewAccount(username=f"{role}-{unit}", name="Baru", password=PASSWORD, role=role, unit=unit)
            add_account(db, SYSTEM, new, now=now)
    for (role, unit), walked in homes.items():
        site.cookies.clear()
        home = main_of(log_in(site, f"{role}-{unit}").get("/").text)
        assert ('id="tugas"' in home) is (role in {Role.WAREHOUSE, Role.VACCINATOR}), (role, unit)
        assert 'class="map"' not in home, "one fridge is no map of one dot"
        if not walked:
            continue
        part = home[home.index(walked) : home.index("</section>", home.index(walked))]
        ways = sorted({unescape(href).partition("#")[0] for href in re.findall(r'href="(/[^"]*)"', part)})
        assert len(ways) > 4
        for way in ways:
            answer = site.get(way)
            assert answer.status_code == 200, (role, unit, way)
            if role is Role.AUDITOR:
                assert 'method="post"' not in main_of(answer.text), f"who may only look sees a button at {way}"


def main_of(page: str) -> str:
    return page[page.index("<main") : page.index("</main>")]


@pytest.mark.parametrize("username", ["kota", "provinsi", "auditor"])
def test_who_oversees_an_area_sees_the_area(site: TestClient, username: str) -> None:
    assert 'id="tugas"' not in log_in(site, username).get("/").text
