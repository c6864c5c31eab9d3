"""Whether a request shows who sends it, asked before a large body is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.security.utils import get_authorization_scheme_param

from tracker.access.errors import CsrfFailed
from tracker.api.body_limit import Proof
from tracker.database.engine import transaction
from tracker.edge.deps import LOGIN_COOKIE, identify
from tracker.edge.places import Places
from tracker.edge.services import Services


def _is_page_form(request: Request) -> bool:
    """Whether somebody typed it on a page, without a file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/x-www-form-urlencoded" and not request.url.path.startswith(("/api/", "/webhooks/"))


def proof_shown(services: Services, app: FastAPI) -> Callable[[Request], Awaitable[Proof]]:
    """Looks at tokens, keys and log-ins; a device's password and a gateway's signature are left to the route that takes them."""

    def look(request: Request) -> Proof:
        with transaction(services.engine) as db:
            try:
                found = identify(request, db, services.clock())
            except CsrfFailed:
                return Proof.KNOWN  # a page's form carries its token in the body
        return Proof.FALSE if found is None else Proof.KNOWN

    async def shown(request: Request) -> Proof:
        if "x-hub-signature-256" in request.headers:
            return Proof.UNSEEN  # signed over the whole body, so it must be read first
        scheme, _ = get_authorization_scheme_param(request.headers.get("authorization"))
        if scheme and scheme.lower() != "bearer":
            return Proof.UNSEEN
        proof = Proof.NONE
        if scheme or LOGIN_COOKIE in request.cookies:
            places: Places = app.state.places
            proof = await places.run(lambda: look(request))
        typed = not scheme and proof is not Proof.KNOWN and _is_page_form(request)
        return Proof.TYPED if typed else proof

    return shown
