"""Device passwords in Mosquitto's own notation, so that its password file is a copy of our column."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

# What mosquitto_passwd uses. The passwords are ours and random (256 bit), so stretching adds nothing,
# and after a restart of the broker every device of the country logs in at once.
ITERATIONS = 101
_SALT_BYTES = 12
_KEY_BYTES = 64


def new_password() -> str:
    """A fresh password of 256 random bits, safe in addresses."""
    return secrets.token_urlsafe(32)


def hash_password(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """`$7$iterations$salt$key`: PBKDF2-HMAC-SHA512, salt and key in Base64."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, _KEY_BYTES)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def matches(password: str, hashed: str | None) -> bool:
    """Whether `password` is the one behind the hash; False for None and for anything unreadable.

    Without a hash the work is done all the same: how long the answer takes must not tell which devices there are.
    """
    if hashed is None:
        hash_password(password)
        return False
    parts = hashed.split("$")
    if len(parts) != 5 or parts[0] or parts[1] != "7" or not parts[2].isdecimal():
        return False
    try:
        salt = base64.b64decode(parts[3], validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(hash_password(password, salt=salt, iterations=int(parts[2])), hashed)
