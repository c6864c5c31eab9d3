"""What a route asks for: the transaction, the caller, the time.

`Db` is opened per request and committed *before* the answer leaves (scope="function"); with the
framework's default the commit would run after the client has already read "201".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from tracker.access.errors import CsrfFailed
from tracker.access.principal import Principal
from tracker.access.queries import principal_of
from tracker.access.service import csrf_matches, login_of, principal_of_key
from tracker.access.tokens import KEY_PREFIX, account_of_token
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.feed.kinds import Kinds
from tracker.kit.errors import Unauthenticated

LOGIN_COOKIE = "rantai_login"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

bearer_scheme = HTTPBearer(auto_error=False, description="A token of POST /api/v1/tokens, or an API key.")


def services_of(request: Request) -> Services:
    """The process's shared services."""
    services: Services = request.app.state.services
    return services


def _db(request: Request) -> Iterator[Session]:
    with transaction(services_of(request).engine) as db:
        yield db


def _now(request: Request) -> datetime:
    return services_of(request).clock()


Db = Annotated[Session, Depends(_db, scope="function")]
Now = Annotated[datetime, Depends(_now)]
Shared = Annotated[Services, Depends(services_of)]


def _kinds(request: Request) -> Kinds:
    kinds: Kinds = request.app.state.kinds
    return kinds


# All kinds of events; the list stands above every room, so a room is handed it.
KnownKinds = Annotated[Kinds, Depends(_kinds)]


def identify(request: Request, db: Session, now: datetime, bearer: str | None) -> Principal | None:
    """Who asks: by bearer token, API key, or the pages' cookie (then with a CSRF token on writes)."""
    if bearer is not None:
        if bearer.startswith(KEY_PREFIX):
            return principal_of_key(db, bearer, now=now)
        secret = services_of(request).settings.secret_key.get_secret_value()
        account_id = account_of_token(secret, bearer, now=now)
        return None if account_id is None else principal_of(db, account_id)
    cookie = request.cookies.get(LOGIN_COOKIE)
    found = login_of(db, cookie, now=now) if cookie else None
    if found is None:
        return None
    principal, csrf = found
    if request.method not in _SAFE and not csrf_matches(csrf, request.headers.get(CSRF_HEADER)):
        raise CsrfFailed
    return principal


def _caller(
    request: Request,
    db: Db,
    now: Now,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
) -> Principal:
    principal = identify(request, db, now, bearer.credentials if bearer else None)
    if principal is None:
        raise Unauthenticated
    return principal


Caller = Annotated[Principal, Depends(_caller)]
