"""The HTTP application: every room's routes, one error shape, guards around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
from fastapi import APIRouter, FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from tracker.access.throttle import LoginThrottle
from tracker.adverse import routes as adverse
from tracker.api import accounts, errors, health, keys, live, tokens
from tracker.api.body_limit import BodyLimit
from tracker.api.describing import describe_more
from tracker.api.proofs import proof_shown
from tracker.api.sentences import sentences_of
from tracker.api.sse import FeedHub
from tracker.catalog import routes as catalog
from tracker.coldchain import routes as coldchain
from tracker.database.turns import Turns
from tracker.delivery import routes as delivery
from tracker.edge.front import Front
from tracker.edge.line import Line
from tracker.edge.numbers import SharedRow
from tracker.edge.places import Places
from tracker.edge.responses import ALWAYS
from tracker.edge.services import Services
from tracker.events import KINDS
from tracker.feed.bell import Bell
from tracker.handsets import routes as handsets
from tracker.hotline import routes as hotline
from tracker.mouths import routes as mouths
from tracker.network import routes as network
from tracker.passport import routes as passport
from tracker.pcare import routes as pcare
from tracker.people import routes as people
from tracker.quota import routes as quota
from tracker.quota.queries.nearby import Lately
from tracker.registration import routes as registration
from tracker.scans import routes as scans
from tracker.sealing.keyring import Keyring
from tracker.shipments import routes as shipments
from tracker.stock import routes as stock
from tracker.telemetry import routes as telemetry
from tracker.telemetry.routes import devices as telemetry_devices
from tracker.telemetry.routes import told as telemetry_told
from tracker.trace import routes as trace

# Live pages' looks at the feed and the gauges' at the house: short, and never in the way of requests.
_SIDE_PLACES = 4

# What phones photograph has a few megabytes; the picture's own size is checked before it is decoded.
_LARGER_BODIES = {
    # A WHO EMS delivery, and a logger's export with what a form puts round it, of a program and of the page.
    "/api/v1/ems": 1_048_576,
    "/api/v1/logger-files": 16_100_000,
    "/pencatat": 16_100_000,
    "/api/v1/scans/image": 12_000_000,
    # Meta's own bound for a delivery.
    "/webhooks/whatsapp": 3_145_728,
}


# From the highest floor down: a batch's code may have a slash, so `/batches/{ref}` takes any path, and what higher
# rooms put behind it must come first.
ROOM_ROUTERS = (
    mouths.router,
    handsets.router,
    hotline.router,
    scans.router,
    trace.router,
    registration.router,
    adverse.router,
    pcare.router,
    quota.router,
    people.router,
    passport.router,
    coldchain.router,
    telemetry.router,
    telemetry_devices.router,
    telemetry_told.router,
    shipments.router,
    stock.router,
    catalog.router,
    network.router,
    delivery.router,
)


def create_app(
    services: Services, *, more: Sequence[APIRouter] = (), warm: Sequence[Callable[[], None]] = ()
) -> FastAPI:
    """Assemble the application; `more` are routers of other programs the front door puts in.

    `warm` is done before the first request is taken: what would otherwise keep the first people waiting.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub: FeedHub = app.state.hub
        hub.start()
        for each in warm:
            await anyio.to_thread.run_sync(each)
        with Bell(services.engine):
            yield
        app.state.line.stop()
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
        # A redirect would repeat whatever name of the house the caller made up.
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.kinds = KINDS
    app.state.sentences = sentences_of
    own = services.settings.api
    # Requests get the connections that are kept open; streams and gauges a few of those opened at need.
    app.state.places = Places(services.settings.database.pool_size, queue=own.queue, patience_s=own.queue_seconds)
    # Of what many want to lock, a quarter of the places at most: whoever wants something else finds room.
    app.state.turns = Turns(max(1, services.settings.database.pool_size // 4), queue=own.queue)
    app.state.side_places = Places(_SIDE_PLACES, queue=own.sse_connections, patience_s=own.queue_seconds)
    app.state.hub = FeedHub(
        services.engine, app.state.side_places, most=own.sse_connections, most_each=own.sse_connections_each
    )
    app.state.line = Line(
        row=SharedRow(services.engine, app.state.side_places),
        places=app.state.places,
        turns=app.state.turns,
        keys=Keyring.of(services.settings).derived("place in line"),
        rush_from=own.rush_from,
        clock=services.clock,
        front=Front(own.queue),
    )
    app.state.lately = Lately()
    app.state.login_throttle = LoginThrottle(services.settings.api.login_attempts_per_minute)
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(
        BodyLimit, limit=services.settings.api.max_body_bytes, larger=_LARGER_BODIES, known=proof_shown(services, app)
    )
    app.include_router(health.router)
    for router in (tokens.router, accounts.router, keys.router, live.router, *ROOM_ROUTERS, *more):
        app.include_router(router)
    describe_more(app)
    return app
