"""Simulated staff and citizens against the real application: plan, book, vaccinate, count, over HTTP only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from rantai.serve import build_app
from simulators.manifest import FacilityEntry, PresentationEntry, StaffEntry, World
from simulators.people.cast import cast_of
from simulators.people.citizens import Citizens
from simulators.people.keepers import Keeper
from simulators.people.planners import Planner
from simulators.people.vaccinators import Vaccinator
from simulators.people.work import Actor, local_day
from tests.conftest import SECRET
from tests.support.server import served
from tests.support.services import Services
from tests.support.world import PASSWORD, small_world
from tracker.access.principal import SYSTEM
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.settings import load_settings
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import Line, PostEvent
from tracker.stock.service.posting import post_event

FACILITY = "pkm-cipondoh"


@dataclass
class Town:
    """The people of the small world, with phones that reach the application."""

    engine: Engine
    actors: list[Actor]

    def one(self, kind: type[Actor]) -> Actor:
        return next(actor for actor in self.actors if isinstance(actor, kind))

    def count(self, query: str) -> int:
        with self.engine.begin() as connection:
            return int(connection.scalar(text(query)) or 0)


@pytest.fixture
def town(engine: Engine, services: Services) -> Iterator[Town]:
    now = utc_now()
    with transaction(engine) as db:
        world = small_world(db, now=now, password=PASSWORD)
        new = NewBatch(presentation="az-10", lot="AZ900", expiry=(now + timedelta(days=90)).date())
        batch = add_batch(db, SYSTEM, new, now=now)
        post_event(
            db,
            SYSTEM,
            PostEvent(
                id=uuid4(),
                kind=Kind.SUPPLY,
                facility_id=world.puskesmas.id,
                occurred_at=now - timedelta(days=1),
                lines=(Line(batch_id=batch.id, vials=12, place_id=world.fridge.id),),
            ),
            now=now,
        )
    manifest = World(
        staff=tuple(
            StaffEntry(username=name, password=PASSWORD, role=role, facility=FACILITY)
            for name, role in (
                ("kepala", "facility_manager"),
                ("vaksinator", "vaccinator"),
                ("jaki", "integrator"),
                ("auditor", "auditor"),
            )
        ),
        facilities=(FacilityEntry(code=FACILITY),),
        presentations=(PresentationEntry(code="az-10"),),
    )
    current = load_settings(
        database_url=engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        mqtt_url=services.mqtt_url,
        secret_key=SECRET,
    )
    app = build_app(current)
    try:
        with served(app) as address:
            actors = list(cast_of(manifest, address, "s", threading.Event()))
            yield Town(engine, actors)
            for actor in actors:
                actor.close()
    finally:
        app.state.services.engine.dispose()


def test_a_day_at_a_puskesmas(town: Town) -> None:
    now = utc_now()
    planner, citizens = town.one(Planner), town.one(Citizens)
    planned = planner.act(now)
    assert planned is not None
    assert planned.startswith("planned ")
    assert planner.act(now) is None, "planning again changes nothing"
    assert town.count("SELECT count(*) FROM vaccination_session") in {2, 3}

    told = [citizens.act(now) for _ in range(25)]
    assert [one for one in told if one and "refused" in one] == []
    persons, live = town.count("SELECT count(*) FROM person"), town.count("SELECT sum(live) FROM vaccination_session")
    assert persons == 25
    assert live == 25
    assert town.count("SELECT count(*) FROM booking WHERE state = 'confirmed'") >= 15

    if 7 <= local_day(now).hour < 20:
        vaccinator = town.one(Vaccinator)
        told = [vaccinator.act(utc_now()) for _ in range(12)]
        assert [one for one in told if one and "refused" in one] == []
        assert town.count("SELECT count(*) FROM booking WHERE state = 'vaccinated'") >= 2
        assert town.count("SELECT count(*) FROM open_vial") >= 1

    keeper = town.one(Keeper)
    told = [keeper.act(utc_now()) for _ in range(12)]
    assert [one for one in told if one and "refused" in one] == []
    assert town.count("SELECT count(*) FROM stock_event WHERE kind = 'count'") >= 6
