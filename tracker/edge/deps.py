"""What a route asks for: the transaction, the caller, the time.

All are made within the request's hop (`tracker/edge/hop.py`), which commits *before* the answer leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.orm import Session

from tracker.access.errors import CsrfFailed
from tracker.access.keys import principal_of_key
from tracker.access.principal import Principal
from tracker.access.queries import principal_of
from tracker.access.service import csrf_matches, login_of
from tracker.access.tokens import KEY_PREFIX, account_of_token
from tracker.edge.hop import SAFE, Hop, Inside, services_of
from tracker.edge.services import Services
from tracker.feed.kinds import Kinds
from tracker.kit.errors import Unauthenticated
from tracker.sealing.keyring import Keyring

LOGIN_COOKIE = "rantai_login"
CSRF_HEADER = "X-CSRF-Token"

bearer_scheme = HTTPBearer(auto_error=False, description="A token of POST /api/v1/tokens, or an API key.")


async def _shared(request: Request) -> Services:
    return services_of(request)


async def _kinds(request: Request) -> Kinds:
    kinds: Kinds = request.app.state.kinds
    return kinds


Db = Annotated[Session, Inside(lambda hop: hop.db)]
Now = Annotated[datetime, Inside(lambda hop: hop.now)]
Shared = Annotated[Services, Depends(_shared)]
# A refusal's code and parameters in words: `id`, `en`, and `detail` in the caller's language.
Speaker = Callable[[str, Mapping[str, object]], Mapping[str, str]]


async def _speaker(request: Request) -> Speaker:
    sentences: Speaker = request.app.state.sentences
    language = "en" if request.headers.get("accept-language", "").strip().lower().startswith("en") else "id"

    def speak(code: str, params: Mapping[str, object]) -> Mapping[str, str]:
        said = sentences(code, params)
        return {**said, "detail": said[language]}

    return speak


# The table of sentences stands above every room, too.
Speaking = Annotated[Speaker, Depends(_speaker)]
# All kinds of events; the list stands above every room, so a room is handed it.
KnownKinds = Annotated[Kinds, Depends(_kinds)]


def identify(request: Request, db: Session, now: datetime) -> Principal | None:
    """Who asks: by bearer token, API key, or the pages' cookie (then with a CSRF token on writes)."""
    scheme, proof = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() == "bearer":
        if proof.startswith(KEY_PREFIX):
            return principal_of_key(db, proof, now=now)
        token = account_of_token(Keyring.of(services_of(request).settings), proof, now=now)
        return None if token is None else principal_of(db, token[0], issued_at=token[1])
    cookie = request.cookies.get(LOGIN_COOKIE)
    found = login_of(db, cookie, now=now) if cookie else None
    if found is None:
        return None
    principal, csrf = found
    if request.method not in SAFE and not csrf_matches(csrf, request.headers.get(CSRF_HEADER)):
        raise CsrfFailed
    return principal


def _caller(hop: Hop) -> Principal:
    principal = identify(hop.request, hop.db, hop.now)
    if principal is None:
        raise Unauthenticated
    return principal


Caller = Annotated[Principal, Inside(_caller, described_by=Depends(bearer_scheme))]
