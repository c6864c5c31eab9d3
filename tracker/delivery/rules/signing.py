"""Signatures of bodies: a webhook's, and with the time of it those of webhooks and of SMS gateways that speak JSON. Pure."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Rantai-Signature"
TIMESTAMP = "X-Timestamp"
SIGNATURE = "X-Signature"
"""Signed together with the time: what somebody copied on the way is known by its age."""
MOST_APART_S = 300
"""So far apart two clocks may be; what was signed longer ago is somebody's copy."""


def signature(secret: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256 of the raw body in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(secret: str, body: bytes, given: str) -> bool:
    """Whether a signature is right, compared in constant time; what a receiver does."""
    return hmac.compare_digest(signature(secret, body).encode(), given.encode())


def signed_at(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body together with the second (Unix) in which it was made."""
    return signature(secret, timestamp.encode() + b"." + body)


def verify_at(secret: str, timestamp: str | None, body: bytes, given: str | None, now: float) -> bool:
    """Whether it is right and was made just now."""
    told = timestamp or ""
    if not (told.isascii() and told.isdigit() and len(told) <= 12) or abs(now - int(told)) > MOST_APART_S:
        return False
    return hmac.compare_digest(signed_at(secret, told, body).encode(), (given or "").encode(errors="replace"))
