"""Too much at once: counted, not timed. No connection is held by who waits, and what is too much is refused at once."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from dashboard.app import mount_pages
from tests.support.server import served
from tests.support.waiting import eventually
from tracker.api.app import create_app
from tracker.edge.deps import LOGIN_COOKIE, Db
from tracker.edge.hop import Router
from tracker.edge.services import Services

PLACES, QUEUE = 3, 4

trial = Router(prefix="/api/v1/trial")


class _Gate:
    """Holds requests inside their transaction until it opens."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = 0
        self._lock = threading.Lock()

    def pass_through(self) -> None:
        with self._lock:
            self.inside += 1
        assert self.open.wait(20)


gate = _Gate()


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
    gate = _Gate()
    app = create_app(small, more=[trial])
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


def _begin(address: str, request: bytes) -> socket.socket:
    parts = urlsplit(address)
    one = socket.create_connection((str(parts.hostname), int(parts.port or 0)))
    one.sendall(request)
    return one


def test_slow_bodies_and_slow_receivers_hold_no_connection(small: Services) -> None:
    app = create_app(small, more=[trial])
    half = (
        b"POST /api/v1/trial/body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
    )
    whole = b"GET /api/v1/trial/long HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(app) as address:
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
