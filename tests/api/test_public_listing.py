"""The facility listing that anybody may read: doses by batch and day, put off and called off; page by page, and nobody named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.browser.page_world import PageWorld
from tests.support.counting import counted
from tests.support.page_site import app_services, made, site, world
from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.network.models import Facility
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.vaccinating import vaccinate

__all__ = ["app_services", "made", "site", "world"]

PATH = "/api/v1/public/vaccination-facilities"


def read(site: TestClient, **params: Any) -> list[dict[str, Any]]:
    answer = site.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_day_says_what_was_given_of_which_batch_and_what_was_called_off(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    now = app_services.clock()
    with transaction(app_services.engine) as db:
        desk = Desk(db, replace(world.world, now=now), now)
        desk.stock("az-10/AZ003", 2)
        session = desk.session(ahead=0)
        for _ in range(2):
            dose = vaccinate(db, SYSTEM, Vaccinate(booking_id=desk.confirmed(session).id), now=now)
        lot = db.get_one(Batch, dose.batch_id).lot
        desk.move(desk.confirmed(session), BookingState.CANCELLED)
        desk.confirmed(session)
        day = desk.today
    (there,) = [one for one in read(site) if one["kode"] == "pkm-cipondoh"]
    told = {one["batch"]: one for one in there["detail"] if one["tanggal"] == day.isoformat()}
    assert (told[lot]["divaksin"], told[lot]["divaksin_1"], told[lot]["divaksin_2"]) == (2, 2, 0)
    assert (told[None]["batal_vaksin"], told[None]["batal_vaksin_1"], told[None]["divaksin"]) == (1, 1, 0)
    assert "Warga" not in site.get(PATH).text, "nobody is named"


def test_pages_follow_each_other_hold_all_and_cost_the_same(
    site: TestClient, app_services: Services, world: PageWorld
) -> None:
    whole = [one["kode"] for one in read(site)]
    assert "pkm-cipondoh" in whole
    assert not {"nasional", "biofarma", "kota-tangerang"} & set(whole), "a store vaccinates nobody"
    found: list[str] = []
    cursor = None
    while True:
        answer = site.get(PATH, params={"limit": 1} | ({} if cursor is None else {"cursor": cursor}))
        found += [one["kode"] for one in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert found == whole
    with counted(app_services.engine) as one:
        read(site, limit=1)
    with counted(app_services.engine) as many:
        read(site)
    assert len(one) == len(many)


@pytest.mark.parametrize(
    ("city", "found"), [("36.71", True), ("3671", True), ("36.72", False), ("32.73", False), ("3672", False)]
)
def test_a_city_is_one_by_either_code(
    site: TestClient, app_services: Services, world: PageWorld, city: str, found: bool
) -> None:
    with transaction(app_services.engine) as db:
        db.get_one(Facility, world.world.puskesmas.id).code_kemendagri = "36.71.05.1001"
    assert ("pkm-cipondoh" in [one["kode"] for one in read(site, city=city)]) is found


def test_it_is_kept_by_whoever_asks_and_bounded(site: TestClient) -> None:
    assert site.get(PATH).headers["cache-control"] == "public, max-age=300"
    for wrong in ({"days": 15}, {"limit": 501}, {"city": "tangerang"}, {"cursor": "x"}, {"nama": "x"}):
        assert site.get(PATH, params=wrong).status_code == 422, wrong
