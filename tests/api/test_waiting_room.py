"""A rush before the booking pages: places in a line, drawn at two servers at once, kept by whoever holds them, let in by order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from dashboard.app import mount_pages
from tests.api.test_overload import Gate
from tests.support.accounts import signed_in
from tests.support.quota import Desk
from tests.support.server import served
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.edge.line import COOKIE, HEADER
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

PLACES, RUSH = 3, 2
PEOPLE = 24


@dataclass(frozen=True)
class House:
    """Two servers of one database, and what keeps both busy."""

    apps: tuple[FastAPI, FastAPI]
    addresses: tuple[str, str]
    gate: Gate
    services: Services

    def number(self, place: str | None) -> int:
        return int(self.apps[0].state.line.number_of(place))


@pytest.fixture
def house(app_services: Services) -> Iterator[House]:
    gate, trial = Gate(), Router(prefix="/api/v1/trial")

    @trial.get("/hold")
    def hold(db: Db) -> dict[str, str]:
        db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        gate.pass_through()
        return {}

    settings = app_services.settings.model_copy(deep=True)
    settings.database.pool_size = PLACES
    settings.api.queue_seconds = 60.0
    settings.api.rush_from = RUSH
    services = Services(engine=app_services.engine, settings=settings)
    with ExitStack() as stack:
        apps = (create_app(services, more=[trial]), create_app(services, more=[trial]))
        for app in apps:
            mount_pages(app, services)
        yield House(apps, (stack.enter_context(served(apps[0])), stack.enter_context(served(apps[1]))), gate, services)
        gate.open.set()


def ask(address: str, path: str = "/daftar", place: str | None = None) -> httpx2.Response:
    cookies = {} if place is None else {"Cookie": f"{COOKIE}={place}"}
    return httpx2.get(address + path, headers={"Accept": "text/html", **cookies}, timeout=60)


def place_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 429, answer.text
    found = re.search(rf"{COOKIE}=([^;]+);", answer.headers["set-cookie"])
    assert found is not None
    return found[1]


def test_a_rush_is_let_in_by_order_whichever_server_they_come_to(committed_world: World, house: House) -> None:
    world, (first, second) = replace(committed_world, now=utc_now()), house.addresses
    with transaction(house.services.engine) as db:
        desk = Desk(db, world, world.now)
        new = NewBatch(presentation="az-10", lot="AZ999", expiry=desk.day(300))
        desk.world.batches["az-10/AZ999"] = add_batch(db, SYSTEM, new, now=desk.now)
        desk.stock("az-10/AZ999", 9)
        session, person = desk.session(ahead=2), desk.person()
    calm = ask(first)
    assert (calm.status_code, COOKIE in calm.headers.get("set-cookie", "")) == (200, False)
    form = re.search(rf"{COOKIE}=([^;]+);", ask(first, f"/daftar/{session}").headers["set-cookie"])
    assert form is not None
    with ThreadPoolExecutor(PEOPLE + 2 * (PLACES + RUSH)) as crowd:
        for address in house.addresses:
            for _ in range(PLACES + RUSH):
                crowd.submit(httpx2.get, f"{address}/api/v1/trial/hold", timeout=60)
        eventually(
            lambda: all(app.state.places.waiting == RUSH for app in house.apps), what="more than they can serve at both"
        )
        drawn = [one.result() for one in [crowd.submit(ask, house.addresses[n % 2]) for n in range(PEOPLE)]]
        places = [place_of(one) for one in drawn]
        # Each a number of its own, none left out, though two servers drew them at once.
        assert sorted(house.number(one) for one in places) == list(range(1, PEOPLE + 1))
        page = next(one for one in drawn if house.number(place_of(one)) == PEOPLE)
        assert f"{PEOPLE} orang di depan Anda" in page.text
        assert page.headers["refresh"] == page.headers["retry-after"]
        # A reload, a second tab, the other server: the same place.
        for address in house.addresses:
            assert house.number(place_of(ask(address, place=places[3]))) == house.number(places[3])
            assert house.number(place_of(ask(address, f"/daftar/{session}", places[3]))) == house.number(places[3])
        # One that was made up, cut or changed is none: its holder comes last.
        kind, _, at, mac = places[3].split(".")
        late = [
            place_of(ask(second, place=forged))
            for forged in (f"{kind}.1.{at}.{mac}", "number.1.1.x", places[3][:-1], "x")
        ]
        assert [house.number(one) for one in late] == [PEOPLE + n for n in (1, 2, 3, 4)]
        # Who has opened a form sends it; another system is told the place and keeps it.
        sent = crowd.submit(
            httpx2.post, f"{first}/daftar/{session}", data={}, headers={"Cookie": f"{COOKIE}={form[1]}"}, timeout=60
        )
        body = {"id": str(uuid7()), "person": str(person), "session": str(session)}
        head = signed_in(house.services, world, Role.NATIONAL)
        told = httpx2.post(f"{second}/api/v1/bookings", json=body, headers=head, timeout=60)
        assert (told.status_code, told.json()["code"]) == (429, "api.in_line")
        assert told.headers["retry-after"] == str(told.json()["params"]["again_s"])
        mine = {**head, HEADER: told.json()["params"]["place"]}
        assert told.json()["params"]["ahead"] == PEOPLE + 5
        desk_books = {**body, "id": str(uuid7()), "medium": "walk_in"}
        at_desk = crowd.submit(httpx2.post, f"{second}/api/v1/bookings", json=desk_books, headers=head, timeout=60)
        house.gate.open.set()
        assert sent.result().status_code == 422  # it got in: its fields are wrong
        assert at_desk.result().status_code == 201
        let_in = [app.state.line for app in house.apps]
        eventually(lambda: max(one.let_in for one in let_in) >= PEOPLE + 5, what="everybody's turn", timeout_s=60)
        assert {ask(house.addresses[n % 2], place=one).status_code for n, one in enumerate(places)} == {200}
        booked = httpx2.post(f"{second}/api/v1/bookings", json=body, headers=mine, timeout=60)
        assert booked.status_code in (201, 409)  # the desk may have been first with this person
    # Over: nobody sees a line any more.
    assert [ask(one).status_code for one in house.addresses] == [200, 200]
