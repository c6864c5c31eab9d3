"""Tokens, and who am I."""

from __future__ import annotations

from fastapi import Request

from tracker.access.service import check_password
from tracker.access.throttle import LoginThrottle
from tracker.access.tokens import issue_token
from tracker.api.token_schemas import GrantOut, Me, Token, TokenRequest
from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import Router
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import keyring_in_use

router = Router(prefix="/api/v1", tags=["access"])


def throttle_of(request: Request) -> LoginThrottle:
    """The log-in counter of this process."""
    throttle: LoginThrottle = request.app.state.login_throttle
    return throttle


@router.post("/tokens", operation_id="create_token")
def create_token(body: TokenRequest, request: Request, db: Db, now: Now, shared: Shared) -> Token:
    """Exchange user name and password for a short-lived bearer token."""
    throttle_of(request).hit(request.client.host if request.client else "?", body.username)
    account = check_password(db, body.username, body.password.get_secret_value())
    throttle_of(request).got_in(request.client.host if request.client else "?", body.username)
    minutes = shared.settings.api.token_minutes
    keyring = keyring_in_use(db, Keyring.of(shared.settings))
    return Token(access_token=issue_token(keyring, account.id, now=now, minutes=minutes), expires_in=minutes * 60)


@router.get("/me", operation_id="read_me")
def read_me(caller: Caller) -> Me:
    """The caller's name and roles."""
    grants = [GrantOut(role=grant.role, path=grant.path) for grant in caller.grants]
    return Me(id=caller.account_id, name=caller.name, language=caller.language, grants=grants)
