"""How identity numbers are kept: a keyed hash to find a person by, a cipher to hand the number on.

Both keys are drawn from the installation's secret key (HKDF, RFC 5869), one purpose each. The hash is keyed
because sixteen digits with a date in them can be tried out in an afternoon.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tracker.access.tokens import derived_key

_NONCE = 12


@dataclass(frozen=True, slots=True)
class NikVault:
    """Hashes, seals and opens identity numbers. Made once per process with `from_secret`."""

    hash_key: bytes = field(repr=False)
    cipher_key: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: str) -> NikVault:
        """The vault of an installation's RANTAI_SECRET_KEY."""
        return cls(derived_key(secret, "nik hash"), derived_key(secret, "nik cipher"))

    def digest(self, digits: str) -> bytes:
        """What to find a number by; equal for equal numbers."""
        return hmac.new(self.hash_key, digits.encode(), hashlib.sha256).digest()

    def seal(self, digits: str, person_id: UUID) -> bytes:
        """The number, encrypted and bound to its person: it cannot be moved to another row."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.cipher_key).encrypt(nonce, digits.encode(), person_id.bytes)

    def open(self, sealed: bytes, person_id: UUID) -> str:
        """The number again; raises cryptography's InvalidTag when it was sealed for another person or key."""
        plain = AESGCM(self.cipher_key).decrypt(sealed[:_NONCE], sealed[_NONCE:], person_id.bytes)
        return plain.decode()
