"""The signature of a webhook's body. Pure."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Rantai-Signature"


def signature(secret: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256 of the raw body in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(secret: str, body: bytes, given: str) -> bool:
    """Whether a signature is right, compared in constant time; what a receiver does."""
    return hmac.compare_digest(signature(secret, body).encode(), given.encode())
