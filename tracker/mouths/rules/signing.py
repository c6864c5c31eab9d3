"""Whether a delivery comes from whom it says. All comparisons take the same time, whatever is wrong."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable


def signed_sha256(body: bytes, header: str | None, secret: str) -> bool:
    """Meta's `X-Hub-Signature-256`: `sha256=` and the HMAC of the body as it came, in hex."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), (header or "").encode(errors="replace"))


def signed_by_twilio(url: str, fields: Iterable[tuple[str, str]], header: str | None, token: str) -> bool:
    """`X-Twilio-Signature`: the HMAC-SHA1, in base64, of the whole address and each field's name and value, sorted."""
    told = url + "".join(name + value for name, value in sorted(set(fields)))
    expected = base64.b64encode(hmac.new(token.encode(), told.encode(errors="replace"), hashlib.sha1).digest())
    return hmac.compare_digest(expected, (header or "").encode(errors="replace"))


def same(given: str | None, secret: str) -> bool:
    """Whether a word is the secret agreed on."""
    return hmac.compare_digest(secret.encode(), (given or "").encode(errors="replace"))


def basic_password(header: str | None) -> str | None:
    """The password of `Authorization: Basic …`, whatever the name before it; None where there is none."""
    scheme, _, told = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name_and_password = base64.b64decode(told.strip(), validate=True).decode()
    except (binascii.Error, UnicodeError):
        return None
    return name_and_password.partition(":")[2]
