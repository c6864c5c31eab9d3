"""The page of a lot that was written wrongly: what changes is counted, confirmed, and done once."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.browser.page_world import PageWorld
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.stock.models import LotCorrection
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

__all__ = ["app_services", "made", "site", "world"]


def misread(services: Services, world: PageWorld) -> UUID:
    """A lot of which five vials came to the city an hour ago, says the book."""
    small, now = world.world, services.clock()
    with transaction(services.engine) as db:
        expiry = small.batches["penta-5/PB002"].expiry
        batch = add_batch(db, SYSTEM, NewBatch(presentation="penta-5", lot="PB009", expiry=expiry), now=now)
        line = Line(batch_id=batch.id, vials=5, place_id=small.equipment["kota-tangerang-r1"].id)
        at = now - timedelta(hours=1)
        event = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=small.city.id, occurred_at=at, lines=(line,))
        post_event(db, SYSTEM, event, now=now)
        return batch.id


def test_the_page_counts_asks_and_corrects_once(site: TestClient, app_services: Services, world: PageWorld) -> None:
    log_in(site, "kota")
    batch = misread(app_services, world)
    assert "/lot-salah?fasilitas=" in site.get(f"/batch/{batch}").text
    first = site.get(f"/lot-salah?fasilitas=kota-tangerang&lot={batch}")
    assert first.status_code == 200
    came = re.search(r'name="kejadian"\s+value="([^"]+)"', first.text)
    assert came is not None, first.text
    form = {
        "csrf": csrf_of(first.text), "fasilitas": "kota-tangerang", "lot": str(batch), "kejadian": came[1],
        "benar": "penta-5/PB002", "alasan": "salah baca label",
    }  # fmt: skip
    assert site.post("/lot-salah", data={**form, "alasan": ""}).status_code == 422
    assert site.post("/lot-salah", data={**form, "benar": "PB009"}).status_code == 422
    assert site.post("/lot-salah", data={**form, "vial": "-1"}).status_code == 422
    scanned = site.post("/lot-salah", data={**form, "vial": "8991234567890"})
    assert (scanned.status_code, "Ini kode, bukan jumlah: 8991234567890" in scanned.text) == (422, True)
    assert 'value="penta-5/PB002"' in scanned.text, "what was typed beside it stands"
    assert site.post("/lot-salah", data={**form, "csrf": "guess"}).status_code == 403
    sure = site.post("/lot-salah", data=form)
    assert sure.status_code == 200, sure.text
    assert "Sungguh betulkan PB009 menjadi PB002?" in sure.text
    confirmed = dict(re.findall(r'<input\s+type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', sure.text))
    done = site.post("/lot-salah", data=confirmed)
    again = site.post("/lot-salah", data=confirmed)
    assert (done.status_code, again.status_code) == (303, 303), done.text
    with transaction(app_services.engine) as db:
        assert [one.reason for one in db.scalars(select(LotCorrection))] == ["salah baca label"]
    assert "Lot dibetulkan" in site.get(done.headers["location"]).text


def test_who_may_not_write_stock_sees_no_such_page(site: TestClient, world: PageWorld) -> None:
    batch = world.world.batches["penta-5/PB002"].id
    auditor = log_in(site, "auditor")
    assert "/lot-salah" not in auditor.get(f"/batch/{batch}").text
    assert auditor.get(f"/lot-salah?fasilitas=kota-tangerang&lot={batch}").status_code == 403
