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
        if not scheme and LOGIN_COOKIE not in request.cookies:
            return Proof.NONE
        places: Places = app.state.places
        return await places.run(lambda: look(request))

    return shown
