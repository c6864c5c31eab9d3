"""What may be sent before anybody knows who sends it, and whose word on the sender's address counts."""

from __future__ import annotations

import asyncio
import base64
import gc
from collections.abc import Iterator
from itertools import islice

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request

from dashboard.frame.rendering import environment
from rantai.serve import _server_options, build_app
from rantai.wiring import more_routers
from tests.support.accounts import signed_in
from tests.support.loops import finished
from tests.support.world import World
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.api.body_limit import STRANGERS, BodyLimit, Proof
from tracker.edge.services import Services
from tracker.settings import Settings

JSON = {"content-type": "application/json"}


@pytest.fixture
def client(app_services: Services, committed_world: World) -> Iterator[TestClient]:
    del committed_world
    with TestClient(create_app(app_services, more=more_routers())) as client:
        yield client


def _in_pieces(size: int, taken: list[int]) -> Iterator[bytes]:
    for _ in range(size // 10_000):
        taken.append(10_000)
        yield b" " * 10_000


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 413, "api.too_large"),
        ({"cookie": "other=1"}, 413, "api.too_large"),
        ({"authorization": "Bearer false"}, 401, "access.unauthenticated"),
        ({"cookie": "rantai_login=false"}, 401, "access.unauthenticated"),
    ],
)
def test_a_strangers_large_body_is_refused_before_it_is_read(
    client: TestClient, headers: dict[str, str], status: int, code: str
) -> None:
    announced = client.post("/api/v1/stock/events", content=b" " * (STRANGERS + 1), headers={**JSON, **headers})
    assert (announced.status_code, announced.json()["code"]) == (status, code)
    hidden = client.post("/api/v1/stock/events", content=_in_pieces(900_000, []), headers={**JSON, **headers})
    assert (hidden.status_code, hidden.json()["code"]) == (status, code)
    form = {"content-type": "application/x-www-form-urlencoded", **headers}
    typed = client.post("/api/v1/stock/events", content=b" " * (STRANGERS + 1), headers=form)
    assert (typed.status_code, typed.json()["code"]) == (status, code)  # a program types nothing


def test_who_is_known_may_send_as_much_as_before(
    client: TestClient, app_services: Services, committed_world: World
) -> None:
    headers = {**JSON, **signed_in(app_services, committed_world, Role.NATIONAL)}
    # Read, and refused for what it says.
    answer = client.post("/api/v1/stock/events", content=b" " * 900_000, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "api.malformed")
    answer = client.post("/api/v1/stock/events", content=b" " * 1_100_000, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_large")


def test_a_strangers_form_is_read(client: TestClient) -> None:
    answer = client.post("/api/v1/tokens", content=b" " * STRANGERS, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "api.malformed")


@pytest.mark.parametrize("proof", [Proof.UNSEEN, Proof.TYPED])
def test_large_bodies_whose_sender_is_known_only_afterwards_are_read_for_a_few_at_once(proof: Proof) -> None:
    """Sixteen devices with passwords nobody has looked at; the rest hears it at once, and room comes back."""
    app = FastAPI()
    go_on = asyncio.Event()

    @app.post("/ems")
    async def take(request: Request) -> int:
        size = len(await request.body())
        await go_on.wait()
        return size

    async def unseen(_request: Request) -> Proof:
        return proof

    guarded = BodyLimit(app, limit=1_000_000, known=unseen)

    async def story() -> None:
        transport = httpx2.ASGITransport(app=guarded)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x", timeout=20) as many:
            asked = [asyncio.create_task(many.post("/ems", content=b" " * 100_000)) for _ in range(20)]
            for refused in islice(asyncio.as_completed(asked), 4):
                assert (await refused).status_code == 503
            small = asyncio.create_task(many.post("/ems", content=b" " * 1_000))
            await asyncio.sleep(0)
            go_on.set()
            statuses = sorted([(await one).status_code for one in asked])
            assert statuses == [200] * 16 + [503] * 4
            assert (await small).status_code == 200
            assert (await many.post("/ems", content=b" " * 100_000)).status_code == 200

    finished(story())
    assert guarded.unseen == 0


def test_a_devices_delivery_is_not_taken_for_a_strangers(client: TestClient) -> None:
    proof = base64.b64encode(b"nobody:wrong").decode()
    answer = client.post("/api/v1/ems", content=b" " * 900_000, headers={**JSON, "authorization": f"Basic {proof}"})
    assert answer.status_code in (400, 401)


def test_the_server_is_warm_before_it_takes_a_request(app_settings: Settings) -> None:
    """The first people after a start find the pages compiled and the pool full."""
    environment.cache_clear()
    app = build_app(app_settings)
    with TestClient(app):
        for language in ("id", "en"):
            templates = environment(language)
            assert templates.cache is not None
            assert len(templates.cache) == len(templates.list_templates()) > 20
        pool = app.state.services.engine.pool
        assert pool.checkedin() == app_settings.database.pool_size
        assert not any(one is app for one in gc.get_objects()), "what stays is looked through for cycles"
    app.state.services.engine.dispose()


@pytest.mark.parametrize(
    ("trusted", "peer", "seen"),
    [
        ("127.0.0.1", "10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.7"),
        ("10.0.0.0/8", "10.1.2.3", "203.0.113.7"),
        ("10.0.0.0/8", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_only_a_trusted_proxys_word_on_the_sender_counts(
    app_settings: Settings, trusted: str, peer: str, seen: str
) -> None:
    current = app_settings.model_copy(deep=True)
    current.api.trusted_proxies = trusted
    app = FastAPI()

    @app.get("/who")
    async def who(request: Request) -> str | None:
        return request.client.host if request.client else None

    config = uvicorn.Config(app, **_server_options(current))
    config.load()

    async def ask() -> str:
        transport = httpx2.ASGITransport(app=config.loaded_app, client=(peer, 5))
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            # The last address is what the proxy saw; those before it are the sender's own words.
            said = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
            return str((await client.get("/who", headers=said)).json())

    assert finished(ask()) == seen
