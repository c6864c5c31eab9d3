"""Pages of the catalogue: what was said before, lots that look alike, the schedule, and the way back of a discard."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.browser.page_world import PageWorld
from tests.support.page_site import HTML, app_services, csrf_of, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch, CatalogChange, Presentation, Vaccine
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.quota.models import DoseAge
from tracker.stock.models import OpenVial
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, OpenWaste
from tracker.stock.service.commands import DiscardDoses, PostEvent
from tracker.stock.service.opening import discard_doses, open_vials

__all__ = ["app_services", "made", "site", "world"]


def other(site: TestClient, username: str) -> TestClient:
    return log_in(TestClient(site.app, headers=HTML, follow_redirects=False), username)


def test_a_lot_put_right_by_its_page_shows_both_versions_and_who_said_why(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch = world.world.batches["penta-5/PB002"]
    way = f"/katalog/lot/{batch.id}"
    log_in(site, "pusat")
    assert way in site.get(f"/batch/{batch.id}").text
    assert "Belum pernah diubah" in site.get(way).text
    form = {"csrf": csrf_of(site.get(way).text), "kedaluwarsa": "2028-05-31", "pembuat": batch.manufacturer}
    for said, sentence in (
        ({"alasan": ""}, "Tulis alasannya"),
        ({"alasan": "salah ketik", "kedaluwarsa": "31/05"}, "Tanggal ini tidak dapat dibaca"),
        ({"alasan": "perpanjangan", "sumber": "BPOM"}, "perubahan resmi juga sumber"),
        ({"alasan": "salah ketik", "kedaluwarsa": "2099-01-01"}, "tahun"),
    ):
        answer = site.post(way, data={**form, **said})
        assert (answer.status_code, sentence in answer.text) == (422, True), (said, answer.text[:3000])
    source = {"sumber": "Surat BPOM 12/2026", "tanggal_sumber": "2026-11-01"}
    assert site.post(way, data={**form, **source, "alasan": "diperpanjang"}).status_code == 303
    assert site.post(way, data={**form, "kedaluwarsa": "2028-04-30", "alasan": "salah lihat"}).status_code == 303
    shown = site.get(way).text
    for part in ("2028-05-31", "2028-04-30", "diperpanjang", "Surat BPOM 12/2026", "salah lihat", "Pusat"):
        assert part in shown, part
    with transaction(app_services.engine) as db:
        assert db.get_one(Batch, batch.id).expiry.isoformat() == "2028-04-30"


def test_who_corrects_a_lot_that_was_corrected_since_is_told_what_stands(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch = world.world.batches["penta-5/PB002"]
    way = f"/katalog/lot/{batch.id}"
    text = log_in(site, "pusat").get(way).text
    drawn = re.search(r'name="versi" value="([^"]+)"', text)
    form = {"csrf": csrf_of(text), "versi": drawn[1] if drawn else "", "pembuat": batch.manufacturer, "alasan": "label"}
    assert site.post(way, data={**form, "kedaluwarsa": "2028-05-31"}).status_code == 303
    assert site.post(way, data={**form, "kedaluwarsa": "2028-05-31"}).status_code == 303, "a repeat"
    late = site.post(way, data={**form, "kedaluwarsa": "2028-04-30"})
    assert late.status_code == 422
    assert "Sekarang: Kedaluwarsa 2028-05-31" in late.text
    assert 'value="2028-04-30"' in late.text, "what was typed stays"
    with transaction(app_services.engine) as db:
        assert db.get_one(Batch, batch.id).expiry.isoformat() == "2028-05-31"


def test_a_product_is_put_right_and_its_old_code_stays_to_be_read(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    product = world.world.presentations["penta-5"]
    way = "/katalog/produk/penta-5"
    assert product.name in log_in(site, "pusat").get("/katalog").text
    form = {"csrf": csrf_of(site.get(way).text), "nama": product.name, "gtin": product.gtin, "alasan": "kemasan baru"}
    assert site.post(way, data={**form, "gtin": "123"}).status_code == 422
    assert site.post(way, data={**form, "nama": "Pentabio lima dosis"}).status_code == 303
    assert product.name in site.get(way).text
    with transaction(app_services.engine) as db:
        assert db.get_one(Presentation, product.id).name == "Pentabio lima dosis"


def test_only_the_nation_puts_the_catalogue_right_and_everybody_reads_it(site: TestClient, world: PageWorld) -> None:
    batch = world.world.batches["penta-5/PB002"].id
    for who in ("kota", "kepala"):
        member = other(site, who)
        token = csrf_of(member.get("/").text)
        for way in ("/katalog", "/katalog/produk/penta-5", f"/katalog/lot/{batch}", "/katalog/mirip", "/jadwal"):
            page = member.get(way)
            assert page.status_code == 200, way
            assert "Simpan" not in page.text, way
        for way in ("/katalog/produk/penta-5", f"/katalog/lot/{batch}", "/katalog/mirip", "/jadwal"):
            said = {"csrf": token, "alasan": "iseng saja"}
            assert member.post(way, data=said).status_code == 403, way
    assert TestClient(site.app, headers=HTML, follow_redirects=False).get("/katalog").status_code == 303


def test_lots_that_are_one_are_joined_into_the_one_whose_label_is_right(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    right = world.world.batches["penta-5/PB002"]
    with transaction(app_services.engine) as db:
        twin_id = add_batch(
            db, SYSTEM, NewBatch(presentation="penta-5", lot="PBOO2", expiry=right.expiry), now=world.now
        ).id
    log_in(site, "pusat")
    token = csrf_of(site.get("/katalog/mirip").text)
    said = {"csrf": token, "satu": str(right.id), "lain": str(twin_id), "benar": str(right.id)}
    assert site.post("/katalog/mirip", data={**said, "alasan": ""}).status_code == 422
    answer = site.post("/katalog/mirip", data={**said, "alasan": "satu kardus"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/katalog/lot/{right.id}")
    assert "PBOO2" not in site.get("/katalog/mirip").text
    history = site.get(f"/katalog/lot/{right.id}").text
    assert "PBOO2 → PB002" in history
    assert "satu kardus" in history
    assert "Pisahkan ejaan" in history
    way, form = f"/katalog/lot/{right.id}/pisah", {"csrf": token, "ejaan": "PBOO2"}
    assert site.post(way, data={**form, "alasan": " "}).status_code == 422
    for _ in range(2):  # a double tap parts once
        answer = site.post(way, data={**form, "alasan": "dua label"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/katalog/lot/{twin_id}")
    assert "dua label" in site.get(f"/katalog/lot/{twin_id}").text
    assert site.post(way, data={**form, "ejaan": "PB001", "alasan": "dua label"}).status_code == 422


def test_lots_that_look_alike_are_listed_until_somebody_has_compared_them(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    with transaction(app_services.engine) as db:
        twin = NewBatch(presentation="penta-5", lot="PBOO2", expiry=(world.now + timedelta(days=300)).date())
        twin_id = add_batch(db, SYSTEM, twin, now=world.now).id
    log_in(site, "pusat")
    assert "1 pasang lot mirip" in site.get("/katalog").text
    listed = site.get("/katalog/mirip").text
    assert "PB002 / PBOO2" in listed
    said = {"csrf": csrf_of(listed), "satu": str(world.world.batches["penta-5/PB002"].id), "lain": str(twin_id)}
    assert site.post("/katalog/mirip", data={**said, "alasan": " "}).status_code == 422
    assert site.post("/katalog/mirip", data={**said, "lain": str(uuid7()), "alasan": "dibandingkan"}).status_code == 404
    for _ in range(2):
        assert site.post("/katalog/mirip", data={**said, "alasan": "label dibandingkan"}).status_code == 303
    assert "PBOO2" not in site.get("/katalog/mirip").text
    assert "label dibandingkan" in site.get(f"/katalog/lot/{world.world.batches['penta-5/PB002'].id}").text
    with transaction(app_services.engine) as db:
        assert len(db.scalars(select(CatalogChange).where(CatalogChange.field == "unlike")).all()) == 1


def test_a_rule_of_the_schedule_gets_a_new_version_and_the_old_one_stays(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    log_in(site, "pusat")
    with transaction(app_services.engine) as db:
        code = db.scalar(select(Presentation.code).where(Presentation.code == "penta-5"))
        assert code is not None
        vaccine = world.world.presentations["penta-5"].vaccine_id
        name = db.get_one(Vaccine, vaccine).code
    token = csrf_of(site.get(f"/jadwal?vaksin={name}").text)
    rule = {"csrf": token, "aturan": "age", "vaksin": name, "dosis": "1", "mulai": "2026-01-01", "paling_cepat": "2"}
    for said, sentence in (
        ({"alasan": ""}, "Tulis alasannya"),
        ({"alasan": "Permenkes 12", "mulai": "besok"}, "Tanggal ini"),
        ({"alasan": "Permenkes 12", "paling_cepat": "-3"}, "Angkanya belum mungkin"),
        ({"alasan": "Permenkes 12", "aturan": "lain"}, "Angkanya belum mungkin"),
    ):
        answer = site.post("/jadwal", data={**rule, **said})
        assert (answer.status_code, sentence in answer.text) == (422, True), said
    assert site.post("/jadwal", data={**rule, "alasan": "Permenkes 12"}).status_code == 303
    later = {**rule, "mulai": (world.now + timedelta(days=40)).date().isoformat(), "paling_cepat": "3"}
    assert site.post("/jadwal", data={**later, "alasan": "Permenkes 31"}).status_code == 303
    clash = site.post("/jadwal", data={**rule, "paling_cepat": "5", "alasan": "lain lagi"})
    assert clash.status_code == 422
    shown = site.get(f"/jadwal?vaksin={name}").text
    assert "Permenkes 12" in shown
    assert "akan berlaku" in shown
    with transaction(app_services.engine) as db:
        rules = db.scalars(select(DoseAge).where(DoseAge.vaccine_code == name, DoseAge.dose == 1)).all()
        assert {each.min_months for each in rules} >= {2, 3}


@pytest.fixture
def thrown(app_services: Services, world: PageWorld) -> UUID:
    """A vial of which three doses were thrown away."""
    small = world.world
    with transaction(app_services.engine) as db:
        now = app_services.clock()
        line = Line(
            batch_id=small.batches["penta-5/PB002"].id, vials=1, place_id=small.equipment["kota-tangerang-r1"].id
        )
        event = PostEvent(id=uuid7(), kind=Kind.OPENING, facility_id=small.city.id, occurred_at=now, lines=(line,))
        open_vials(db, SYSTEM, event, now=now)
        vial = db.scalars(select(OpenVial).where(OpenVial.event_id == event.id)).one()
        discard = DiscardDoses(open_vial_id=vial.id, occurred_at=now, reason=OpenWaste.CONTAMINATION, doses=3)
        discard_doses(db, SYSTEM, discard, now=now)
        return vial.id


def test_doses_told_as_thrown_away_come_back_by_the_page(
    site: TestClient, app_services: Services, thrown: UUID
) -> None:
    log_in(site, "kota")
    assert f"/vial/{thrown}" in site.get("/fasilitas/kota-tangerang").text
    way = f"/vial/{thrown}/kembalikan"
    token = csrf_of(site.get(f"/vial/{thrown}").text)
    for said in ({"dosis": "", "alasan": "salah"}, {"dosis": "2", "alasan": ""}, {"dosis": "9", "alasan": "salah"}):
        assert site.post(way, data={"csrf": token, **said}).status_code == 422, said
    scanned = site.post(way, data={"csrf": token, "dosis": "8991234567890", "alasan": "salah"})
    assert (scanned.status_code, "Ini kode, bukan jumlah: 8991234567890" in scanned.text) == (422, True)
    assert site.post(way, data={"csrf": token, "dosis": "9999999", "alasan": "salah"}).status_code == 422
    assert site.post(way, data={"csrf": token, "dosis": "2", "alasan": "salah vial"}).status_code == 303
    shown = site.get(f"/vial/{thrown}").text
    assert "salah vial" in shown
    with transaction(app_services.engine) as db:
        vial = db.get_one(OpenVial, thrown)
        assert (vial.discarded, vial.remaining) == (1, vial.doses_per_vial - 1)
    auditor = other(site, "auditor")
    assert "Kembalikan ke vial" not in auditor.get(f"/vial/{thrown}").text
    form = {"csrf": csrf_of(auditor.get("/").text), "dosis": "1", "alasan": "iseng"}
    assert auditor.post(way, data=form).status_code == 403


def test_a_rule_that_there_never_was_is_started_by_the_page(site: TestClient, world: PageWorld) -> None:
    log_in(site, "pusat")
    shown = site.get("/jadwal").text
    name, other = re.findall(r'<option value="([^"]+)"', shown.split('id="lain-spacing"', 1)[1])[:2]
    chosen = re.search(r'name="vaksin"\s+value="([^"]+)"', shown.split('id="aturan-baru"', 1)[1])
    assert chosen is not None
    assert chosen[1] not in (name, other), "no distance from itself"
    mine = {"csrf": csrf_of(shown), "vaksin": chosen[1], "mulai": "2027-01-01", "alasan": "SE nomor 5"}
    for rule in (
        {"aturan": "spacing", "lain": name, "paling_cepat": "14"},
        {"aturan": "age", "dosis": "3", "paling_cepat": "9"},
        {
            "aturan": "interval",
            "lain": chosen[1],
            "dosis": "4",
            "paling_cepat": "28",
            "biasanya": "30",
            "paling_lambat": "90",
        },
    ):
        assert site.post("/jadwal", data={**mine, **rule}).status_code == 303, rule
        assert site.post("/jadwal", data={**mine, **rule}).status_code == 303, "sent twice, it is one rule"
    later = site.get(f"/jadwal?vaksin={chosen[1]}").text
    assert later.count("SE nomor 5") == 3
    assert (
        'id="aturan-baru"'
        not in log_in(TestClient(site.app, headers=HTML, follow_redirects=False), "kota").get("/jadwal").text
    )
