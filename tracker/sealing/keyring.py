"""Keys for each purpose, drawn from the secrets a process was given. No database here."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tracker.settings import Settings


@lru_cache(maxsize=256)
def derived_key(secret_key: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF, RFC 5869), so that no key serves two."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"rantai {purpose}".encode()).derive(secret_key.encode())


def fingerprint_of(secret_key: str) -> bytes:
    """What tells one secret from another and gives nothing away; the database keeps it."""
    return derived_key(secret_key, "fingerprint")[:16]


@dataclass(frozen=True, slots=True)
class Keyring:
    """The secrets that a process holds. What is read may be under any of them, what is written is under the one in use."""

    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Keyring:
        """What RANTAI_SECRET_KEY and RANTAI_OTHER_SECRET_KEYS hold, each once."""
        given = (settings.secret_key.get_secret_value(), *settings.other_secret_keys.get_secret_value().split())
        return cls(tuple(dict.fromkeys(given)))

    def by_fingerprint(self, fingerprint: bytes) -> str | None:
        """The secret with this fingerprint; None when it is not held."""
        return next((secret for secret in self.secrets if fingerprint_of(secret) == fingerprint), None)

    def led_by(self, secret: str) -> Keyring:
        """The same secrets, this one first."""
        return Keyring((secret, *(other for other in self.secrets if other != secret)))

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """The keys for a purpose, in the order of the secrets."""
        return tuple(derived_key(secret, purpose) for secret in self.secrets)
