"""Bearer tokens, API keys and cookie values: how they are made and proved. No database here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from tracker.sealing.keyring import Keyring

ALGORITHM = "HS256"
KEY_PREFIX = "rnt_"


def issue_token(keyring: Keyring, account_id: UUID, *, now: datetime, minutes: int) -> str:
    """A token naming the account, signed with the first key of the ring; the roles are looked up at each use, so a grant withdrawn is gone at once."""
    claims = {
        "sub": str(account_id),
        "iat": now.timestamp(),
        "exp": int((now + timedelta(minutes=minutes)).timestamp()),
        "aud": "rantai",
    }
    key = OctKey.import_key(keyring.derived("bearer token")[0])
    return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, key)


def account_of_token(keyring: Keyring, token: str, *, now: datetime) -> tuple[UUID, datetime] | None:
    """The account that a valid, unexpired token names, signed with any of the keys, and when it was issued; None otherwise."""
    read = (_read_token(key, token, now) for key in keyring.derived("bearer token"))
    return next((told for told in read if told is not None), None)


def _read_token(secret: bytes, token: str, now: datetime) -> tuple[UUID, datetime] | None:
    key = OctKey.import_key(secret)
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        if claims.get("aud") != "rantai" or int(claims["exp"]) <= now.timestamp():
            return None
        return UUID(str(claims["sub"])), datetime.fromtimestamp(float(claims["iat"]), UTC)
    except (JoseError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def new_secret(prefix: str = "") -> str:
    """256 random bits, url-safe, behind a prefix that tells what it is."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """What is stored of a random secret: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()
