"""Hangs the pages on the HTTP application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from dashboard.adverse import elsewhere as adverse_elsewhere
from dashboard.adverse import pages as adverse
from dashboard.alarms import pages as alarms
from dashboard.aside import pages as aside
from dashboard.batch import lots
from dashboard.batch import pages as batch
from dashboard.catalog import pages as catalog
from dashboard.citizens import card as own_card
from dashboard.citizens import family, finding, lost, mapped, proof, pushes, tickets, willing
from dashboard.citizens import pages as citizens
from dashboard.desk import card as desk_card
from dashboard.desk import ending, newcomer, paper, person, screen
from dashboard.desk import pages as desk_pages
from dashboard.devices import pages as devices
from dashboard.devices.ports import TakeLoggerFile
from dashboard.facility import pages as facility
from dashboard.facility import serving, vials
from dashboard.frame import examples, keys, login, password, statics, webhooks
from dashboard.frame.error_pages import error_page
from dashboard.frame.rendering import page
from dashboard.frame.resuming import Waiting, waiting_of
from dashboard.frame.security import SecurityHeaders
from dashboard.frame.viewer import LoginNeeded, own_path, stranger
from dashboard.handsets import pages as handsets
from dashboard.hotline import pages as hotline
from dashboard.keeping import pages as keeping
from dashboard.map import pages as the_map
from dashboard.map import sprites
from dashboard.overview import checks
from dashboard.overview import pages as overview
from dashboard.pcare import pages as pcare
from dashboard.planning import patterns, plan, shares, week
from dashboard.quota import desk
from dashboard.quota import pages as quota
from dashboard.recalls import pages as recalls
from dashboard.scan import pages as scan
from dashboard.search import pages as search
from dashboard.shipments import arriving, confirming, leaving, ordering, packing, receiving, sending, telling, undoing
from dashboard.shipments import pages as shipments
from dashboard.shipments import papers as shipment_papers
from dashboard.stock import card, counting, jobs, papers
from dashboard.stock import pages as stock
from dashboard.temperature import pages as temperature
from tracker.access.throttle import LoginThrottle
from tracker.edge.services import Services
from tracker.kit.errors import DomainError

# What machines ask; everything else is a page and gets its errors as pages.
_MACHINE_PATHS = ("/api/", "/epcis", "/webhooks/", "/livez", "/readyz", "/metrics", "/openapi.json", "/static/")
_HANDLED = (DomainError, RequestValidationError, HTTPException, DBAPIError, Exception)

# Bookings one address may ask for in a minute: a family, not a script.
_CITIZENS_PER_MINUTE = 20

ROUTERS = (
    statics.router,
    login.router,
    password.router,
    keys.router,
    webhooks.router,
    examples.router,
    overview.router,
    checks.router,
    handsets.router,
    hotline.router,
    keeping.router,
    adverse_elsewhere.router,
    adverse.router,
    pcare.router,
    alarms.router,
    aside.router,
    batch.router,
    lots.router,
    catalog.router,
    finding.router,
    lost.router,
    willing.router,
    proof.router,
    family.router,
    pushes.router,
    tickets.router,
    own_card.router,
    mapped.router,
    citizens.router,
    devices.router,
    vials.router,
    facility.router,
    serving.router,
    the_map.router,
    sprites.router,
    person.router,
    desk_card.router,
    ending.router,
    screen.router,
    newcomer.router,
    paper.router,
    desk_pages.router,
    week.router,
    plan.router,
    patterns.router,
    shares.router,
    quota.router,
    desk.router,
    recalls.router,
    scan.router,
    search.router,
    ordering.router,
    leaving.router,
    telling.router,
    confirming.router,
    arriving.router,
    shipments.router,
    packing.router,
    sending.router,
    undoing.router,
    receiving.router,
    shipment_papers.router,
    stock.router,
    card.router,
    jobs.router,
    counting.router,
    papers.router,
    temperature.router,
)

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


def mount_pages(
    app: FastAPI,
    services: Services,
    *,
    take_logger_file: TakeLoggerFile | None = None,
) -> None:
    """Add pages, static files, error pages and security headers to the application of the core.

    `take_logger_file` is another program's work, so the front door hands it in; without it no file is taken.
    """
    app.state.services = services
    app.state.take_logger_file = take_logger_file
    app.state.citizen_throttle = LoginThrottle(_CITIZENS_PER_MINUTE)
    for router in ROUTERS:
        app.include_router(router)
    for kind in _HANDLED:
        before = app.exception_handlers.get(kind)
        if before is not None:
            app.add_exception_handler(kind, _for_people(before))
    app.add_middleware(SecurityHeaders)


def _for_people(machine: Handler) -> Handler:
    """The same error as a page where a person asked, as a problem body where a machine did."""

    async def handle(request: Request, error: Exception) -> Response:
        if isinstance(error, LoginNeeded):
            waiting = await waiting_of(request)
            if waiting is not None:
                return await run_in_threadpool(_log_in_first, request, waiting)
            return RedirectResponse(f"/masuk?{_way_back(request)}", status_code=303)
        answer = await run_in_threadpool(machine, request, error)
        plain = answer if isinstance(answer, Response) else await answer
        if not _is_page(request):
            return plain
        return await run_in_threadpool(error_page, request, plain)

    return handle


def _log_in_first(request: Request, waiting: Waiting) -> Response:
    """The log-in's form, keeping what was just sent."""
    values = {"target": waiting.back, "problem": None, "username": "", "waiting": waiting}
    return page(stranger(request), "frame/login.html", status=401, **values)


def _is_page(request: Request) -> bool:
    return not request.url.path.startswith(_MACHINE_PATHS) and "text/html" in request.headers.get("accept", "")


def _way_back(request: Request) -> str:
    return urlencode({"ke": own_path(request)}) if request.method == "GET" else ""
