"""Simulated staff and citizens against the real application: plan, book, vaccinate, count, over HTTP only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from rantai.serve import build_app
from simulators.manifest import FacilityEntry, PresentationEntry, StaffEntry, World
from simulators.people.cast import cast_of
from simulators.people.citizens import Citizens
from simulators.people.keepers import ON_THE_ROAD, Keeper
from simulators.people.planners import LINGER, Planner, days_own
from simulators.people.vaccinators import Vaccinator
from simulators.people.work import Actor, western_clock
from tests.conftest import SECRET
from tests.support.server import served
from tests.support.services import Services
from tests.support.world import PASSWORD, small_world
from tracker.access.principal import SYSTEM
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.settings import load_settings
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

FACILITY = "pkm-cipondoh"
A = TypeVar("A", bound=Actor)


@dataclass
class Town:
    """The people of the small world, with phones that reach the application."""

    engine: Engine
    actors: list[Actor]

    def one(self, kind: type[A]) -> A:
        return next(actor for actor in self.actors if isinstance(actor, kind))

    def keeper(self, facility: str) -> Keeper:
        return next(actor for actor in self.actors if isinstance(actor, Keeper) and actor.facility == facility)

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
        for facility, place, vials in (
            (world.puskesmas, world.fridge, 12),
            (world.city, world.equipment["kota-tangerang-r1"], 100),
        ):
            supply = PostEvent(
                id=uuid4(),
                kind=Kind.SUPPLY,
                facility_id=facility.id,
                occurred_at=now - timedelta(days=1),
                lines=(Line(batch_id=batch.id, vials=vials, place_id=place.id),),
            )
            post_event(db, SYSTEM, supply, now=now)
    manifest = World(
        staff=tuple(
            StaffEntry(username=name, password=PASSWORD, role=role, facility=facility)
            for name, role, facility in (
                ("kepala", "facility_manager", FACILITY),
                ("vaksinator", "vaccinator", FACILITY),
                ("gudang", "warehouse_staff", "kota-tangerang"),
                ("jaki", "integrator", "prov-banten"),
                ("auditor", "auditor", "nasional"),
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


def the_desk_has_its_day(town: Town, planner: Planner) -> None:
    """Its own session of the day, from the first ticket to the report; that it ends is brought forward."""
    vaccinator = town.one(Vaccinator)
    told = [vaccinator.act(utc_now()) for _ in range(12)]
    own = days_own(planner, FACILITY, western_clock(utc_now()).date())
    with town.engine.begin() as connection:
        ends = text("UPDATE vaccination_session SET closes_at = opens_at + interval '1 second' WHERE id = :own")
        connection.execute(ends, {"own": own})
    while not (told[-1] and "is over" in told[-1]) and len(told) < 40:
        told.append(vaccinator.act(utc_now()))
    assert [one for one in told if one and "refused" in one] == []
    assert told[-1], "nobody waits any more, and the session is ended"
    mine = f"SELECT count(*) FROM booking WHERE session_id = '{own}'"
    assert town.count(f"{mine} AND state = 'vaccinated'") >= 2
    assert town.count(f"SELECT sum(remaining) FROM open_vial WHERE session_id = '{own}' AND closed_at IS NULL") == 0
    planner.act(utc_now() + LINGER + timedelta(minutes=1))
    assert town.count(f"{mine} AND state IN ('reserved', 'confirmed', 'arrived', 'fit')") == 0
    assert town.count(f"{mine} AND state = 'no_show'") >= 1


def test_a_day_at_a_puskesmas(town: Town) -> None:
    now = utc_now()
    planner, citizens = town.one(Planner), town.one(Citizens)
    planned = planner.act(now)
    assert planned is not None
    assert planned.startswith("planned ")
    assert planner.act(now) is None, "planning again changes nothing"
    assert town.count("SELECT count(*) FROM vaccination_session") in {2, 3, 4}

    told = [citizens.act(now) for _ in range(25)]
    assert [one for one in told if one and "refused" in one] == []
    persons, live = town.count("SELECT count(*) FROM person"), town.count("SELECT sum(live) FROM vaccination_session")
    assert persons == 25
    assert live == 25
    assert town.count("SELECT count(*) FROM booking WHERE state = 'confirmed'") >= 15

    if western_clock(now) < western_clock(now).replace(hour=23, minute=20):
        the_desk_has_its_day(town, planner)

    keeper = town.keeper(FACILITY)
    told = [keeper.act(utc_now()) for _ in range(12)]
    assert [one for one in told if one and "refused" in one] == []
    assert town.count("SELECT count(*) FROM stock_event WHERE kind = 'count'") >= 6
    steps = "SELECT count(*) FROM handset_step WHERE kind = 'stock.event' AND state = 'done'"
    assert town.count(steps) == len(told), "every one a step of the phone's book"


def test_what_the_city_sends_is_taken_in_at_the_puskesmas(town: Town) -> None:
    sender, receiver = town.keeper("kota-tangerang"), town.keeper(FACILITY)
    now = utc_now()
    told = [sender.act(utc_now()) for _ in range(20)]
    assert [one for one in told if one and "refused" in one] == []
    sent = [one for one in told if one and one.startswith("sent ")]
    assert sent
    assert not [one for one in (receiver.act(now), receiver.act(now)) if one and "took in" in one], "still on the road"

    later = utc_now() + ON_THE_ROAD
    at_the_desk = Keeper(receiver.browser, FACILITY, seed="s", sends_to=["kota-tangerang"])
    told = [at_the_desk.act(later), *(receiver.act(later) for _ in sent[1:])]
    assert all(one and one.startswith("took in ") for one in told), told
    by_phone = "SELECT count(*) FROM handset_step WHERE kind = 'shipment.receipt' AND state = 'done'"
    assert town.count(by_phone) == len(sent) - 1
    assert town.count("SELECT count(*) FROM shipment WHERE state = 'received'") == len(sent)
    in_transit = "SELECT coalesce(sum(vials), 0) FROM stock_balance WHERE account = 'transit'"
    assert town.count(in_transit) == 0
    spent = town.count("SELECT count(*) FROM stock_balance WHERE status = 'unusable' AND vials > 0")
    assert spent <= len(sent)
