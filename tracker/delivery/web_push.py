"""Web push: a notification by the push service of a browser, encrypted for that browser alone.

RFC 8030 (the service), RFC 8291 (what it carries), RFC 8292 (who sends: VAPID). The service reads nothing; the phone shows `title` and
`body` also while it is locked, so they name no place, day or person. `url` is opened by a tap.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import UUID

import http_ece
import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from tracker.delivery.rules.templates import on_the_lock_screen
from tracker.delivery.senders import Left, Outgoing, SendRefused, SendTrouble, call
from tracker.kit.clock import Clock

# A phone that was off for a day gets it then; what is older would be told too late.
KEPT_S = 24 * 60 * 60
_SIGNED_FOR = timedelta(hours=12)  # RFC 8292 allows 24
# All messages of a length: how long one is tells which it is.
_LENGTH = 700
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


@dataclass(frozen=True, slots=True)
class PushKey:
    """The house's key towards push services; `public` is what a browser subscribes with."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)
    public: bytes

    @classmethod
    def of(cls, seed: bytes) -> PushKey:
        """The key of a seed of 32 bytes."""
        return _key_of(seed)

    @property
    def text(self) -> str:
        """The public half as browsers and push services want it."""
        return base64.urlsafe_b64encode(self.public).rstrip(b"=").decode()

    def authorization(self, endpoint: str, contact: str, now: datetime) -> str:
        """The header that says who sends, good for this service alone and for some hours."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + _SIGNED_FOR).timestamp()),
            "sub": contact,
        }
        pem = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, ECKey.import_key(pem))
        return f"vapid t={token}, k={self.text}"


@lru_cache(maxsize=16)
def _key_of(seed: bytes) -> PushKey:
    private = ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())
    return PushKey(private, private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Where a browser is reached, the keys it gave, and the key of the house that it subscribed with. `repr` shows nothing of it."""

    id: UUID
    endpoint: str = field(repr=False)
    public: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    key: PushKey = field(repr=False)


# The browsers in which a person asked for notifications, by their opaque id; what is done when one took a message, or is gone.
BrowsersOf = Callable[[str], list[Browser]]
Heard = Callable[[UUID], None]


class PushSender:
    """Tells all browsers of a person; it left when one of their services took it.

    Where none did (no browser, gone, refused), another medium tells it. Without an answer from a service that may have it, it is tried
    again under the same topic: the service keeps one of the two.
    """

    def __init__(
        self, *, contact: str, client: httpx2.Client, browsers_of: BrowsersOf, took: Heard, gone: Heard, clock: Clock
    ) -> None:
        self._contact = contact
        self._client = client
        self._browsers_of = browsers_of
        self._took, self._gone = took, gone
        self._clock = clock

    def send(self, message: Outgoing) -> Left:
        """Hand it to each browser's service. Raises SendRefused, SendTrouble."""
        said = on_the_lock_screen(message.template, message.language)
        if said is None:
            raise SendRefused("not for a lock screen")
        told = {"title": "Rantai", "body": said, "url": message.link or "/daftar", "lang": message.language}
        content = json.dumps(told).encode().ljust(_LENGTH)
        trouble: SendTrouble | None = None
        taken = False
        for browser in self._browsers_of(message.recipient):
            try:
                taken |= self._told(browser, content, message.id)
            except SendTrouble as unsure:
                trouble = unsure
        if taken:
            return Left(by="push")
        raise trouble or SendRefused("no browser took it")

    def _told(self, browser: Browser, content: bytes, message_id: UUID) -> bool:
        answer = call(
            self._client,
            "POST",
            browser.endpoint,
            content=http_ece.encrypt(
                content,
                private_key=ec.generate_private_key(ec.SECP256R1()),
                dh=browser.public,
                auth_secret=browser.auth,
                version="aes128gcm",
            ),
            headers={
                "Authorization": browser.key.authorization(browser.endpoint, self._contact, self._clock()),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(KEPT_S),
                "Topic": message_id.hex,
                "Urgency": "normal",
            },
        )
        if answer.status_code in (404, 410):
            self._gone(browser.id)
        elif answer.is_success:
            self._took(browser.id)
        return answer.is_success
