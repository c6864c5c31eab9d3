"""What does not add up, in one's own area: each line opens the page where it is put right."""

from __future__ import annotations

import re
from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import update

from tests.browser.page_world import PageWorld, move
from tests.support.counting import counted
from tests.support.page_site import app_services, log_in, made, site, world
from tests.support.phone import Phone
from tests.support.world import PASSWORD
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.handsets.models import Handset
from tracker.kit.ids import uuid7
from tracker.stock.models import Availability, StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import OpenSheet, PostEvent
from tracker.stock.service.counting import open_sheet
from tracker.stock.service.opening import open_vials

__all__ = ["app_services", "made", "site", "world"]


def found(site: TestClient, username: str = "kota") -> dict[str, list[tuple[str, str]]]:
    """Section → its (address, words); the calm ones are not there."""
    site.cookies.clear()
    page = log_in(site, username).get("/periksa")
    assert page.status_code == 200
    sections = re.findall(r'<section class="card" id="(\w+)">(.*?)</section>', page.text, re.DOTALL)
    return {
        name: [(href, " ".join(re.sub(r"<[^>]+>", " ", words).split())) for href, words in re.findall(
            r'<li>\s*<a href="([^"]+)">(.*?)</a>', body, re.DOTALL
        )]
        for name, body in sections
    }  # fmt: skip


def test_what_was_sent_and_never_came_is_told_to_both_ends_and_nobody_else(
    site: TestClient, world: PageWorld, app_services: Services
) -> None:
    assert [href for href, _ in found(site)["terlambat"]] == [f"/pengiriman/{world.shipment}"]
    assert "hilang" not in found(site), "thirty hours are not two weeks"
    assert "terlambat" not in found(site, "kepala"), "neither end is theirs"


def test_vials_that_nobody_counted_and_long_ago_counted_ones_open_the_count(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    never = found(site)["dihitung"]
    assert ("/stok/pkm-cipondoh/hitung", "Puskesmas Cipondoh belum pernah dihitung") in never
    assert [href for href, _ in found(site, "kepala")["dihitung"]] == ["/stok/pkm-cipondoh/hitung"]
    now = app_services.clock()
    for days, old in ((30, False), (40, True)):
        with transaction(app_services.engine) as db:
            db.execute(update(StockBalance).values(counted_at=now - timedelta(days=days)))
        shown = found(site)
        assert "dihitung" not in shown
        assert ("lama" in shown) is old


def test_what_lies_in_a_carrier_since_yesterday_was_not_put_away(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    now = app_services.clock()
    for hours, told in ((2, False), (30, True)):
        with transaction(app_services.engine) as db:
            at = now - timedelta(hours=hours)
            move(db, world.world, Kind.SUPPLY, "pkm-cipondoh-b1", "az-10/AZ101", 1, at, now=now)
            db.execute(
                update(StockBalance).where(StockBalance.holder_id == world.world.cold_box.id).values(touched_at=at)
            )
        assert ("jalan" in found(site)) is told
    assert found(site)["jalan"][0][0] == "/stok/pkm-cipondoh/kerja/kembali"


def test_promises_without_vials_late_open_vials_and_counts_left_lying_are_told(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    now, small = app_services.clock(), world.world
    before = found(site)
    assert not {"vial", "lembar"} & set(before)
    with transaction(app_services.engine) as db:
        line = Line(batch_id=small.batches["az-10/AZ101"].id, vials=1, place_id=small.fridge2.id)
        at = now - timedelta(hours=7)
        opening = PostEvent(
            id=uuid7(), kind=Kind.OPENING, facility_id=small.puskesmas.id, occurred_at=at, lines=(line,)
        )
        open_vials(db, SYSTEM, opening, now=now)
        begin = OpenSheet(id=uuid7(), facility="pkm-cipondoh", place="pkm-cipondoh-k2")
        sheet = open_sheet(db, SYSTEM, begin, now=now - timedelta(hours=30))[0].id
        mine = (Availability.facility_id == small.puskesmas.id) & (Availability.pool_id == small.puskesmas.id)
        db.execute(update(Availability).where(mine).values(short=3))
    after = found(site)
    assert after["vial"][0][1].startswith("Puskesmas Cipondoh Astrazeneca 10 dosis AZ101")
    assert after["lembar"][0][0] == f"/hitung/{sheet}/selisih"
    assert any("kurang 3 vial" in words for _, words in after["janji"])


def test_the_page_asks_as_much_of_a_city_as_of_a_nation(site: TestClient, app_services: Services) -> None:
    counts = []
    for username in ("kepala", "pusat"):
        site.cookies.clear()
        log_in(site, username)
        with counted(app_services.engine) as asked:
            site.get("/periksa")
        counts.append(len(asked))
    assert 5 < max(counts) < 30
    assert counts[1] - counts[0] <= 3, "names of the roads' ends, where there are roads"


def test_what_a_phone_wrote_and_nobody_settled_and_a_silent_phone_are_told_to_whoever_sees_its_store(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    def phone_of(username: str, facility: str) -> Phone:
        said = site.post("/api/v1/tokens", json={"username": username, "password": PASSWORD}).json()
        made = Phone(site, {"Authorization": f"Bearer {said['access_token']}"}, facility, app_services.clock())
        assert made.enrol().status_code == 201
        return made

    phone, city = phone_of("vaksinator", "pkm-cipondoh"), phone_of("gudang", "kota-tangerang")
    city.write("stock.dance", {})
    city.sent()
    assert [href for href, _ in found(site)["bentrok"]] == [f"/gawai/bentrok/{city.ids[0]}"]
    assert not {"bentrok", "senyap"} & set(found(site, "kepala"))
    step = phone.event("waste", 5000, reason="broken", batch="az-10/AZ101", place="pkm-cipondoh-k2")
    assert phone.sent()[-1]["state"] == "conflict"
    ((href, words),) = found(site, "kepala")["bentrok"]
    assert href == f"/gawai/bentrok/{step}"
    assert words.startswith("Puskesmas Cipondoh Gerakan stok")
    for days, told in ((2, False), (4, True), (61, False)):
        with transaction(app_services.engine) as db:
            db.execute(update(Handset).values(heard_at=app_services.clock() - timedelta(days=days)))
        assert ("senyap" in found(site, "kepala")) is told
    assert phone.settle(step, "drop").status_code == 200
    assert "bentrok" not in found(site, "kepala")
