"""Bearer tokens, API keys and cookie values: how they are made and proved. No database here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

ALGORITHM = "HS256"
KEY_PREFIX = "rnt_"


@lru_cache(maxsize=64)
def derived_key(secret_key: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF, RFC 5869), so that no key serves two."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"rantai {purpose}".encode()).derive(secret_key.encode())


def issue_token(secret_key: str, account_id: UUID, *, now: datetime, minutes: int) -> str:
    """A signed token naming the account; the roles are looked up at each use, so a grant withdrawn is gone at once."""
    claims = {
        "sub": str(account_id),
        "iat": now.timestamp(),
        "exp": int((now + timedelta(minutes=minutes)).timestamp()),
        "aud": "rantai",
    }
    key = OctKey.import_key(derived_key(secret_key, "bearer token"))
    return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, key)


def account_of_token(secret_key: str, token: str, *, now: datetime) -> tuple[UUID, datetime] | None:
    """The account a valid, unexpired token names, and when it was issued; None otherwise."""
    key = OctKey.import_key(derived_key(secret_key, "bearer token"))
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
