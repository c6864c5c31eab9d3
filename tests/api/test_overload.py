"""Too much at once: counted, not timed. No connection is held by who waits, and what is too much is refused at once."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.pool import QueuePool
from structlog.testing import capture_logs

from dashboard.app import mount_pages
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
from tracker.edge.deps import LOGIN_COOKIE, Db
from tracker.edge.hop import Router
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.quota.service.seating import lock_sessions

PLACES, QUEUE = 3, 4

trial = Router(prefix="/api/v1/trial")


class Gate:
    """Holds requests inside their transaction until it opens."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = 0
        self._lock = threading.Lock()

    def pass_through(self) -> None:
        with self._lock:
            self.inside += 1
        assert self.open.wait(20)


gate = Gate()


@trial.get("/hold")
def hold(db: Db) -> dict[str, str]:
    """Takes a connection and stays."""
    db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # it stays for as long as the test takes
    gate.pass_through()
    return {}


@trial.get("/long")
def long(db: Db) -> list[str]:
    """A long answer."""
    return [str(db.scalar(text("SELECT repeat('x', 20000000)")))]


@trial.get("/wide")
def wide(db: Db, facility: str = "", cursor: str = "") -> str:
    """A question that the guard cuts off; asked of one facility it is answered."""
    db.execute(text("SET LOCAL statement_timeout = 20"))
    db.execute(text("SELECT 1" if facility else "SELECT pg_sleep(5)"))
    return facility + cursor


pages = Router(include_in_schema=False)


@pages.get("/trial/luas")
def wide_page(db: Db) -> str:
    """The same as a page."""
    return wide(db)


@trial.post("/body")
def take_body(db: Db, body: dict[str, str]) -> dict[str, str]:
    """Reads what is sent."""
    db.execute(text("SELECT 1"))
    return body


@pytest.fixture
def small(app_services: Services) -> Services:
    """A house with few places and a short queue."""
    settings = app_services.settings.model_copy(deep=True)
    settings.database.pool_size = PLACES
    settings.api.queue = QUEUE
    settings.api.queue_seconds = 30.0
    return Services(engine=app_services.engine, settings=settings)


@pytest.fixture
def client(small: Services) -> Iterator[TestClient]:
    """Pages and the API, not logged in."""
    global gate
    gate = Gate()
    app = create_app(small, more=[trial, pages])
    mount_pages(app, small)
    with TestClient(app, raise_server_exceptions=False, headers={"Accept": "text/html"}) as client:
        yield client
        gate.open.set()


def _held(services: Services) -> int:
    pool = services.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def test_who_waits_holds_no_connection_and_who_comes_too_late_is_refused_at_once(
    client: TestClient, small: Services
) -> None:
    """Strangers with a false cookie, too: the places are full, the queue is full, the rest hears it and may come again."""
    with ThreadPoolExecutor(40) as crowd:
        holders = [crowd.submit(client.get, "/api/v1/trial/hold") for _ in range(PLACES)]
        eventually(lambda: gate.inside == PLACES, what="requests in all places")
        strangers: list[Future[object]] = [
            crowd.submit(lambda: client.get("/masuk", headers={"Cookie": f"{LOGIN_COOKIE}=false"})) for _ in range(30)
        ]
        eventually(lambda: sum(one.done() for one in strangers) == 30 - QUEUE, what="the refusals")
        eventually(lambda: _held(small) == PLACES, what="connections of the places only")
        refused = [one.result() for one in strangers if one.done()]
        assert {(one.status_code, one.headers.get("retry-after")) for one in refused} == {(503, "1")}  # type: ignore[attr-defined]  # answers of the client
        assert all("text/html" in one.headers["content-type"] for one in refused)  # type: ignore[attr-defined]  # same
        gate.open.set()
        assert [one.result().status_code for one in holders] == [200] * PLACES
        statuses = Counter(one.result().status_code for one in strangers)  # type: ignore[attr-defined]  # same
    assert statuses == {200: QUEUE, 503: 30 - QUEUE}
    eventually(lambda: _held(small) == 0, what="every connection given back")


def test_a_machine_hears_of_too_much_as_a_problem(client: TestClient) -> None:
    with ThreadPoolExecutor(20) as crowd:
        for _ in range(PLACES + QUEUE):
            crowd.submit(client.get, "/api/v1/trial/hold")
        waiting = client.app.state.places  # type: ignore[attr-defined]  # the application under test
        eventually(lambda: waiting.waiting == QUEUE, what="a full queue")
        answer = client.get("/api/v1/me", headers={"Accept": "application/json"})
        gate.open.set()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "api.busy", "1")
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_gauges_answer_while_every_place_is_taken(client: TestClient) -> None:
    with ThreadPoolExecutor(20) as crowd:
        for _ in range(PLACES + QUEUE):
            crowd.submit(client.get, "/api/v1/trial/hold")
        eventually(lambda: gate.inside == PLACES, what="requests in all places")
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").json()["checks"]["database"] is True
        gate.open.set()


def _stocked(desk: Desk, vials: int) -> None:
    """Vials that may still be used on the real clock's day."""
    batch = NewBatch(presentation="az-10", lot="AZ999", expiry=desk.day(300))
    desk.world.batches["az-10/AZ999"] = add_batch(desk.db, SYSTEM, batch, now=desk.now)
    desk.stock("az-10/AZ999", vials)


@pytest.mark.parametrize("act", ["book", "confirm"])
def test_who_waits_for_one_hot_session_keeps_nobody_else_waiting(
    committed_world: World, small: Services, act: str
) -> None:
    """Whether the request says which session it wants (a booking) or it is found on the way (what is done to one)."""
    world, many = replace(committed_world, now=utc_now()), PLACES * 4
    small.settings.api.queue = many
    with transaction(small.engine) as db:
        desk = Desk(db, world, world.now)
        _stocked(desk, 20)
        hot, other = desk.session(ahead=2), desk.session(ahead=3)
        people = [desk.person() for _ in range(many + 1)]
        booked = [desk.book(hot, person) for person in people[:-1]] if act == "confirm" else []
    app = create_app(small)
    mount_pages(app, small)
    headers = signed_in(small, world, Role.NATIONAL)

    def book(person: UUID, session: UUID) -> int:
        body = {"id": str(uuid7()), "person": str(person), "session": str(session)}
        return visitor.post("/api/v1/bookings", json=body, headers=headers).status_code

    def confirm(booking: UUID) -> int:
        return visitor.post(f"/api/v1/bookings/{booking}/confirm", headers=headers).status_code

    with TestClient(app) as visitor, ThreadPoolExecutor(many) as crowd:
        with transaction(small.engine) as db:
            db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            lock_sessions(db, [hot])
            if act == "book":
                asked = [crowd.submit(book, person, hot) for person in people[:-1]]
            else:
                asked = [crowd.submit(confirm, one.id) for one in booked]
            eventually(lambda: app.state.turns.waiting() == many - 1, what="all but one in line, without a place")
            # Ours, and the one that waits for it.
            eventually(lambda: _held(small) == 2, what="no other connection")
            assert visitor.get("/masuk", headers={"Accept": "text/html"}).status_code == 200
            assert book(people[-1], other) == 201
            assert not any(one.done() for one in asked)
        assert {one.result() for one in asked} == ({201} if act == "book" else {200})
    with transaction(small.engine) as db:
        assert Desk(db, world, world.now).read(hot).taken == many
    assert app.state.turns.waiting() == 0


def test_who_finds_the_line_of_a_hot_session_full_is_refused_and_who_waits_too_long(
    committed_world: World, small: Services
) -> None:
    world = replace(committed_world, now=utc_now())
    small.settings.api.queue_seconds = 0.5
    with transaction(small.engine) as db:
        desk = Desk(db, world, world.now)
        _stocked(desk, 20)
        hot = desk.session(ahead=2)
        people, late = [desk.person() for _ in range(QUEUE * 2)], desk.person()
    headers = signed_in(small, world, Role.NATIONAL)

    def book(person: UUID) -> int:
        body = {"id": str(uuid7()), "person": str(person), "session": str(hot)}
        return visitor.post("/api/v1/bookings", json=body, headers=headers).status_code

    with TestClient(create_app(small)) as visitor, ThreadPoolExecutor(len(people)) as crowd:
        with transaction(small.engine) as db:
            db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            lock_sessions(db, [hot])
            asked = [crowd.submit(book, person) for person in people]
            eventually(
                lambda: sum(one.done() for one in asked) == len(people) - 1, what="all but who waits for the row"
            )
        assert Counter(one.result() for one in asked) == {503: len(people) - 1, 201: 1}
        assert book(late) == 201


def _begin(address: str, request: bytes) -> socket.socket:
    parts = urlsplit(address)
    one = socket.create_connection((str(parts.hostname), int(parts.port or 0)))
    one.sendall(request)
    return one


def test_slow_bodies_and_slow_receivers_hold_no_connection(small: Services) -> None:
    app = create_app(small, more=[trial, pages])
    half = (
        b"POST /api/v1/trial/body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
    )
    whole = b"GET /api/v1/trial/long HTTP/1.1\r\nHost: x\r\n\r\n"
    with capture_logs() as logs, served(app) as address:
        slow = [_begin(address, half) for _ in range(25)] + [_begin(address, whole) for _ in range(PLACES * 2)]
        try:
            for one in slow[25:]:
                assert one.recv(12) == b"HTTP/1.1 200"
            # Twenty megabytes are on their way to people who do not read them; nobody holds anything meanwhile.
            eventually(lambda: _held(small) == 0, what="every connection given back")
            other = _begin(address, half.replace(b"900", b"2") + b"}")
            assert other.recv(12) == b"HTTP/1.1 200"
            other.close()
        finally:
            for one in slow:
                one.close()
        # Who hangs up in the middle of a sentence is no surprise, and costs nobody a traceback.
        eventually(lambda: len(logs) >= 25, what="a word of each that hung up")
    assert {(one["event"], one["log_level"]) for one in logs} == {("who asked hung up", "info")}


def test_a_question_that_is_cut_off_is_told_what_would_make_it_narrower(client: TestClient) -> None:
    answer = client.get("/api/v1/trial/wide", params={"cursor": "x"})
    body = answer.json()
    assert (answer.status_code, body["code"], body["params"]) == (503, "api.took_too_long", {"narrow_by": ["facility"]})
    assert client.get("/api/v1/trial/wide", params={"facility": "a"}).json() == "a"


def test_a_page_that_is_cut_off_says_where_the_same_is_told_of_less(client: TestClient) -> None:
    answer = client.get("/trial/luas")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "Terlalu luas untuk satu halaman" in answer.text
    assert 'href="/fasilitas"' in answer.text
    assert 'href="/cari"' in answer.text
