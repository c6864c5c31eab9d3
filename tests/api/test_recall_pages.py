"""Pages of recalls: started by two steps, watched, closed with a reason, and seen by whom they concern."""

from __future__ import annotations

import re
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.browser.page_world import PageWorld
from tests.support.page_site import HTML, app_services, csrf_of, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.stock.models import StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.trace.models import Recall

__all__ = ["app_services", "made", "site", "world"]


def asked(site: TestClient, batch: str, **said: str) -> str:
    """The second question: everything was said, and is it meant?"""
    token = csrf_of(site.get(f"/penarikan/mulai?batch={batch}").text)
    form = {"csrf": token, "batch": batch, "alasan": "partikel asing", "kelas": "2", **said}
    answer = site.post("/penarikan/mulai", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


def started(site: TestClient, batch: str) -> str:
    """The address of a recall that was started by the page, as a person does it."""
    form = dict(re.findall(r'<input\s+type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', asked(site, batch)))
    once = site.post("/penarikan/mulai", data=form)
    assert once.status_code == 303, once.text
    again = site.post("/penarikan/mulai", data=form)
    assert again.headers["location"] == once.headers["location"], "sent twice, started once"
    return once.headers["location"]


def test_a_recall_is_counted_asked_twice_and_then_freezes(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch = world.world.batches["penta-5/PB002"].id
    log_in(site, "kota")
    assert f"/penarikan/mulai?batch={batch}" in site.get(f"/batch/{batch}").text
    first = site.get(f"/penarikan/mulai?batch={batch}").text
    assert "vial akan dibekukan" in first
    assert "Puskesmas Cipondoh" in first
    assert "Dinkes Kota Tangerang" in first
    sure = asked(site, str(batch))
    assert "Sungguh tarik PB002" in sure
    with transaction(app_services.engine) as db:
        assert db.scalars(select(Recall)).all() == [], "asking freezes nothing"
    where = started(site, str(batch))
    shown = site.get(where).text
    assert "partikel asing" in shown
    assert "menunggu" in shown
    assert "Hubungi" in shown
    assert "Di jalan" in shown
    with transaction(app_services.engine) as db:
        (recall,) = db.scalars(select(Recall)).all()
        assert (recall.reason, recall.recall_class) == ("partikel asing", 2)
        frozen = select(StockBalance.vials).where(StockBalance.batch_id == batch, StockBalance.status == Status.USABLE)
        at_city = StockBalance.facility_id != world.world.facilities["biofarma"].id
        assert sum(db.scalars(frozen.where(at_city))) == 0
    assert "Berjalan" in site.get("/penarikan").text
    assert "1 penarikan batch berjalan" in site.get("/").text
    assert "Ditarik: partikel asing" in site.get(f"/batch/{batch}").text


def test_the_facilities_of_a_recall_are_turned_to_the_last(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch, now, codes = world.world.batches["penta-5/PB002"].id, world.now, [f"pkm-baru-{n}" for n in range(30)]
    with transaction(app_services.engine) as db:
        for code in codes:
            made = NewFacility(
                code=code, name=code, kind=UnitKind.PUSKESMAS, parent="kota-tangerang", longitude=106.6, latitude=-6.1
            )
            facility = add_facility(db, SYSTEM, made, now=now)
            fridge = NewEquipment(code=f"{code}-k1", name=code, facility=code, kind=EquipmentKind.FRIDGE)
            place = add_equipment(db, SYSTEM, fridge, now=now)
            line = Line(batch_id=batch, vials=2, place_id=place.id)
            came = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=facility.id, occurred_at=now, lines=(line,))
            post_event(db, SYSTEM, came, now=now)
    log_in(site, "kota")
    where: str | None = started(site, str(batch))
    assert where is not None
    first, seen = site.get(where).text, []
    assert "fasilitas lagi, dalam daftar di atas" in first
    while where:
        text = site.get(where).text
        table = text[text.index('id="kemajuan"') : text.index('id="hubungi"')]
        seen += re.findall(r'href="/fasilitas/(pkm-baru-\d+)"', table)
        onward = re.search(r'rel="next"\s+href="([^"#]+)', table)
        where = onward[1] if onward else None
    assert sorted(seen) == sorted(codes)


def test_who_lacks_a_reason_a_class_or_a_batch_is_told_so_and_nothing_happens(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch = str(world.world.batches["penta-5/PB002"].id)
    token = csrf_of(log_in(site, "kota").get("/penarikan").text)
    for said, sentence in (
        ({"batch": batch, "alasan": " ", "kelas": "1"}, "Tulis alasannya"),
        ({"batch": batch, "alasan": "uji gagal", "kelas": ""}, "Pilih kelas"),
        ({"batch": batch, "alasan": "uji gagal", "kelas": "9"}, "Pilih kelas"),
        ({"batch": "TIDAKADA", "alasan": "uji gagal", "kelas": "1", "yakin": "1"}, "tidak dikenal"),
    ):
        answer = site.post("/penarikan/mulai", data={"csrf": token, **said})
        assert (answer.status_code, sentence in answer.text) == (422, True), said
    assert site.post("/penarikan/mulai", data={"csrf": "guess", "batch": batch}).status_code == 403
    empty = site.get("/penarikan/mulai?batch=")
    assert (empty.status_code, "Tulis nomor batch" in empty.text) == (422, True)
    doubtful = site.get(
        "/penarikan/mulai", params={"batch": f"01{world.world.presentations['penta-5'].gtin}10PB00221A2"}
    )
    assert (doubtful.status_code, "menghilangkan pemisah" in doubtful.text) == (422, True)
    with transaction(app_services.engine) as db:
        assert db.scalars(select(Recall)).all() == []


def test_who_may_not_recall_neither_sees_the_way_nor_goes_it(site: TestClient, world: PageWorld) -> None:
    batch = world.world.batches["penta-5/PB002"].id
    for who in ("kepala", "vaksinator", "gudang", "auditor"):
        member = TestClient(site.app, headers=HTML, follow_redirects=False)
        log_in(member, who)
        assert "/penarikan/mulai" not in member.get(f"/batch/{batch}").text
        assert member.get(f"/penarikan/mulai?batch={batch}").status_code == 403
        form = {
            "csrf": csrf_of(member.get("/").text),
            "batch": str(batch),
            "alasan": "iseng",
            "kelas": "1",
            "yakin": "1",
        }
        assert member.post("/penarikan/mulai", data=form).status_code == 403
    assert TestClient(site.app, headers=HTML, follow_redirects=False).get("/penarikan").status_code == 303


def test_a_facility_sees_on_its_home_what_to_set_aside_and_others_do_not(site: TestClient, world: PageWorld) -> None:
    where = started(log_in(site, "kota"), str(world.world.batches["penta-5/PB002"].id))
    head = TestClient(site.app, headers=HTML, follow_redirects=False)
    home = log_in(head, "kepala").get("/").text
    assert "Sisihkan, jangan dipakai" in home
    assert where in home
    seen = head.get(where).text
    assert "Puskesmas Cipondoh" in seen
    assert "Puskesmas Neglasari" not in seen
    assert "Tutup penarikan" not in seen
    assert "PB002" in head.get("/penarikan").text


def test_a_recall_is_closed_by_its_page_once_all_is_gone(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch = world.world.batches["mr-10/MR101"].id
    where = started(log_in(site, "kota"), str(batch))
    token = csrf_of(site.get(where).text)
    refused = site.post(f"{where}/tutup", data={"csrf": token, "alasan": "selesai"})
    assert (refused.status_code, "Masih ada" in refused.text) == (422, True)
    with transaction(app_services.engine) as db:
        rows = db.execute(
            select(StockBalance.facility_id, StockBalance.place_id, StockBalance.vials, StockBalance.status).where(
                StockBalance.batch_id == batch, StockBalance.vials > 0, StockBalance.place_id.is_not(None)
            )
        ).all()
        for row in rows:
            line = Line(batch_id=batch, vials=row.vials, place_id=row.place_id, status=row.status)
            event = PostEvent(
                id=uuid7(),
                kind=Kind.DESTRUCTION,
                facility_id=row.facility_id,
                occurred_at=app_services.clock(),
                lines=(line,),
            )
            post_event(db, SYSTEM, event, now=app_services.clock())
    assert site.post(f"{where}/tutup", data={"csrf": token, "alasan": ""}).status_code == 422
    assert site.post(f"{where}/tutup", data={"csrf": token, "alasan": "semua dimusnahkan"}).status_code == 303
    closed = site.get(where).text
    assert "semua dimusnahkan" in closed
    assert "Ditutup" in closed
    with transaction(app_services.engine) as db:
        assert db.get_one(Recall, UUID(where.rsplit("/", 1)[1])).closed_by == "Kota"


def test_a_recall_that_was_a_mistake_is_withdrawn_by_its_page_and_both_versions_stay(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    batch = world.world.batches["mr-10/MR101"].id
    where = started(log_in(site, "kota"), str(batch))
    assert f"{where}/cabut" in site.get(where).text
    first = site.get(f"{where}/cabut").text
    assert "vial akan seperti semula" in first
    token = csrf_of(first)
    assert site.post(f"{where}/cabut", data={"csrf": token, "alasan": " "}).status_code == 422
    sure = site.post(f"{where}/cabut", data={"csrf": token, "alasan": "lot keliru"})
    assert (sure.status_code, "Sungguh cabut" in sure.text) == (200, True)
    with transaction(app_services.engine) as db:
        stopped = select(StockBalance.vials).where(
            StockBalance.batch_id == batch, StockBalance.status == Status.RECALLED, StockBalance.vials > 0
        )
        assert db.scalars(stopped).all(), "asking gives nothing back"
    meant = {"csrf": token, "alasan": "lot keliru", "yakin": "1"}
    for _ in range(2):
        assert site.post(f"{where}/cabut", data=meant).headers["location"] == where
    shown = site.get(where).text
    assert "lot keliru" in shown
    assert "partikel asing" in shown
    assert "Penarikan dicabut" in shown
    assert f"{where}/cabut" not in shown
    assert "Penarikan dicabut" in site.get("/penarikan").text
    other = site.post(f"{where}/cabut", data={**meant, "alasan": "lain"})
    assert (other.status_code, "sudah dicabut oleh Kota" in other.text) == (422, True)
    with transaction(app_services.engine) as db:
        assert db.scalars(stopped).all() == []


def test_who_may_not_end_a_recall_finds_no_way_to_withdraw_it(site: TestClient, world: PageWorld) -> None:
    where = started(log_in(site, "kota"), str(world.world.batches["penta-5/PB002"].id))
    head = TestClient(site.app, headers=HTML, follow_redirects=False)
    seen = log_in(head, "kepala").get(where).text
    assert "cabut" not in seen
    assert head.get(f"{where}/cabut").status_code == 403
    form = {"csrf": csrf_of(seen), "alasan": "iseng", "yakin": "1"}
    assert head.post(f"{where}/cabut", data=form).status_code == 403
