"""A page counts days from where the vials are: in Papua a lot's last day has come while it is the day before in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fastapi.testclient import TestClient

from dashboard.app import mount_pages
from tests.support.quota import Desk
from tests.support.world import PASSWORD, small_world
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.catalog.models import Batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.network.models import Facility

# 08.30 WIT on the 3rd of March.
MORNING = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


def test_a_lot_on_its_last_day_in_papua_has_no_day_left(app_services: Services) -> None:
    with transaction(app_services.engine) as db:
        world = small_world(db, password=PASSWORD)
        db.get_one(Facility, world.puskesmas.id).timezone = "Asia/Jayapura"
        db.get_one(Batch, world.batches["az-10/AZ003"].id).expiry = date(2026, 3, 3)
        db.flush()
        Desk(db, world, MORNING).stock("az-10/AZ003", 10)
    services = Services(engine=app_services.engine, settings=app_services.settings, clock=lambda: MORNING)
    app = create_app(services)
    mount_pages(app, services)
    with TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False) as site:
        sent = site.post("/masuk", data={"username": world.usernames[Role.CITY], "password": PASSWORD, "ke": "/"})
        # By hand: the client's own clock has seen the log-in expire long ago.
        login = sent.headers["set-cookie"].split(";")[0]
        page = site.get("/batch/az-10/AZ003", headers={"Cookie": login}).text
    assert "0 hari lagi" in page
