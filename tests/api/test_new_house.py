"""A house without the demo can be filled over HTTP, and the example that the documents name works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from tests.support.network_api import Door
from tests.support.world import World
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.feed.models import FeedPending

EXAMPLE = json.loads((Path(__file__).resolve().parents[2] / "deploy/catalog.json").read_text())


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def told(door: Door) -> int:
    with transaction(door.services.engine) as db:
        return db.scalar(select(func.count()).select_from(FeedPending)) or 0


def test_the_catalogue_is_filled_once_however_often_it_is_sent(door: Door) -> None:
    before = told(door)
    first = door.ask("PUT", "/api/v1/catalog", json=EXAMPLE)
    assert first.status_code == 200, first.text
    once = told(door)
    assert once - before == 2  # the vaccine `pentabio` is the world's own
    assert door.ask("PUT", "/api/v1/catalog", json=EXAMPLE).json() == first.json()
    assert told(door) == once
    made = door.get("/api/v1/products/penta-10")
    assert (made["storage_class"], made["bands"][0]["max_c"]) == ("cold-adsorbed", 8)


def test_only_the_national_level_fills_it_and_all_of_it_or_nothing(door: Door) -> None:
    for role in (Role.CITY, Role.PROVINCE, Role.WAREHOUSE):
        assert door.ask("PUT", "/api/v1/catalog", role, json=EXAMPLE).status_code == 403
    broken = {**EXAMPLE, "products": [{**EXAMPLE["products"][0], "storage_class": "tidak-ada"}]}
    assert door.ask("PUT", "/api/v1/catalog", json=broken).status_code == 404
    assert door.ask("GET", "/api/v1/products/penta-10").status_code == 404
    bands = [{"name": "x", "min_c": 8, "max_c": 2}]
    wrong = {"storage_classes": [{**EXAMPLE["storage_classes"][0], "bands": bands}]}
    assert door.ask("PUT", "/api/v1/catalog", json=wrong).json()["code"] == "catalog.bad_bands"
