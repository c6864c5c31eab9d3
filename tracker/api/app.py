"""The HTTP application: every room's routes, one error shape, guards around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec

from fastapi import APIRouter, FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from tracker.access.throttle import LoginThrottle
from tracker.api import errors, health, live, tokens
from tracker.api.body_limit import BodyLimit
from tracker.api.sse import FeedHub
from tracker.edge.responses import ALWAYS, ProblemBody
from tracker.edge.services import Services
from tracker.feed.bell import Bell
from tracker.registry import ROOMS

# What phones photograph has a few megabytes; the picture's own size is checked before it is decoded.
_LARGER_BODIES = {"/api/v1/scans/image": 12_000_000}


def room_routers() -> list[APIRouter]:
    """The routers of all rooms that have routes, from the highest floor down.

    A batch's code may have a slash, so `/batches/{ref}` takes any path: what higher rooms put behind it comes first.
    """
    with_routes = (room for room in reversed(ROOMS) if find_spec(f"tracker.{room}.routes") is not None)
    return [import_module(f"tracker.{room}.routes").router for room in with_routes]


def create_app(services: Services, *, more: Sequence[APIRouter] = ()) -> FastAPI:
    """Assemble the application; `more` are routers of other programs the front door puts in."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub: FeedHub = app.state.hub
        hub.start()
        with Bell(services.engine):
            yield
        hub.stop()

    app = FastAPI(
        title="Rantai",
        summary="Cold-chain track and trace for vaccine programmes.",
        version="0.1.0",
        lifespan=lifespan,
        # FastAPI's viewer loads its script from outside hosts; pages must work on an island network.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=ALWAYS,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.state.hub = FeedHub(services.engine, most=services.settings.api.sse_connections)
    app.state.login_throttle = LoginThrottle(services.settings.api.login_attempts_per_minute)
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(BodyLimit, limit=services.settings.api.max_body_bytes, larger=_LARGER_BODIES)
    app.include_router(health.router)
    for router in (tokens.router, live.router, *room_routers(), *more):
        app.include_router(router)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the problem body among the schemas; the routes only refer to it."""
    plain = app.openapi

    def described() -> dict[str, object]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("ProblemBody", ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}"))
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend the description
