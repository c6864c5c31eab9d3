"""How identity numbers are kept: a keyed hash to find a person by, a cipher to hand the number on.

Both keys are drawn from a secret key of the house (HKDF, RFC 5869), one purpose each. The hash is keyed because sixteen
digits with a date in them can be tried out in an afternoon. While one secret key is replaced by another, numbers are found
and opened under both, and written under the one in use alone (`tracker/sealing/`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from tracker.sealing.keyring import Keyring
from tracker.sealing.service import KeyInUse, key_to_write
from tracker.settings import Settings

_NONCE = 12


@dataclass(frozen=True, slots=True)
class NikPen:
    """Hashes and seals under one secret key: the number of which stands beside what was written."""

    key: int
    hash_key: bytes = field(repr=False)
    cipher_key: bytes = field(repr=False)

    @classmethod
    def of(cls, key: KeyInUse) -> NikPen:
        """The pen of the key in use."""
        return cls(key.number, key.keyring.derived("nik hash")[0], key.keyring.derived("nik cipher")[0])

    def digest(self, digits: str) -> bytes:
        """What to find a number by; equal for equal numbers."""
        return _digest(self.hash_key, digits)

    def seal(self, digits: str, person_id: UUID) -> bytes:
        """The number, encrypted and bound to its person: it cannot be moved to another row."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.cipher_key).encrypt(nonce, digits.encode(), person_id.bytes)


@dataclass(frozen=True, slots=True)
class NikVault:
    """Finds and opens identity numbers under every key that is held; its pen writes them under the one in use."""

    keyring: Keyring

    @classmethod
    def of(cls, settings: Settings) -> NikVault:
        """The vault of an installation."""
        return cls(Keyring.of(settings))

    @classmethod
    def from_secret(cls, *secrets: str) -> NikVault:
        """The vault of these secret keys."""
        return cls(Keyring(secrets))

    def pen(self, db: Session) -> NikPen:
        """To write with in this transaction; raises KeyNotHeld."""
        return NikPen.of(key_to_write(db, self.keyring))

    def digests(self, digits: str) -> list[bytes]:
        """What a number may be kept as, one for each key."""
        return [_digest(key, digits) for key in self.keyring.derived("nik hash")]

    def open(self, sealed: bytes, person_id: UUID) -> str:
        """The number again; raises cryptography's InvalidTag when it was sealed for another person or under a key not held."""
        for key in self.keyring.derived("nik cipher"):
            with suppress(InvalidTag):
                return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], person_id.bytes).decode()
        raise InvalidTag


def _digest(key: bytes, digits: str) -> bytes:
    return hmac.new(key, digits.encode(), hashlib.sha256).digest()
