"""BPJS's envelope: how a request is signed and how its answer is opened.

Facts as BPJS documents them for its bridging services (the signature, the encrypted answer, LZString inside), checked
against its own examples in the tests. The key of an answer is made with the timestamp of the request it answers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tracker.pcare.rules.lzstring import NotPacked, unpack

MOST_CHARACTERS = 4_000_000


class Unopened(Exception):
    """An answer that the key does not open, or that holds no JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Who we are to BPJS. `repr` shows no secret."""

    cons_id: str
    secret: str = field(repr=False)
    user_key: str = field(repr=False)
    username: str = field(repr=False)
    password: str = field(repr=False)
    app_code: str

    def headers(self, at: datetime) -> dict[str, str]:
        """The head of a request made at that instant."""
        stamp = str(int(at.timestamp()))
        signed = hmac.new(self.secret.encode(), f"{self.cons_id}&{stamp}".encode(), hashlib.sha256).digest()
        login = f"{self.username}:{self.password}:{self.app_code}".encode()
        return {
            "X-cons-id": self.cons_id,
            "X-timestamp": stamp,
            "X-signature": base64.b64encode(signed).decode(),
            "X-authorization": f"Basic {base64.b64encode(login).decode()}",
            "user_key": self.user_key,
        }

    def opened(self, response: str, stamp: str) -> object:
        """What the `response` of an answer holds, of the request with this timestamp. Raises Unopened."""
        key = hashlib.sha256(f"{self.cons_id}{self.secret}{stamp}".encode()).digest()
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        try:
            padded = decryptor.update(base64.b64decode(response, validate=True)) + decryptor.finalize()
            packed = unpadder.update(padded) + unpadder.finalize()
            return orjson.loads(unpack(packed.decode("ascii"), most=MOST_CHARACTERS))
        except (ValueError, NotPacked):
            raise Unopened from None
