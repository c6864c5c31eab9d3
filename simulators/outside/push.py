"""The push service of a browser, and the browser: subscribes, takes, checks who sent, decrypts.

RFC 8030 (answers 201, 404 and 410 for one that is gone, 429), RFC 8292 (the signature: who, to this service, not yet over), RFC 8291 and
8188 (the content), each read from its text, not by the library that the house sends with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_MOST_BYTES = 4096
_LONGEST_S = 24 * 60 * 60


def text_of(data: bytes) -> str:
    """Bytes as browsers write them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """And back."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True, kw_only=True)
class FakeBrowser:
    """One that subscribed with the house's public key (`server_key`, as the page has it)."""

    name: str
    server_key: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    shown: list[dict[str, Any]] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, service: str) -> dict[str, str]:
        """What the page sends to the house."""
        return {"endpoint": f"{service}/push/{self.name}", "p256dh": text_of(self.public), "auth": text_of(self.auth)}

    def read(self, body: bytes) -> bytes:
        """The content of a message for this browser (RFC 8188, 2.1; RFC 8291, 3.4); raises ValueError or InvalidTag."""
        salt, record_size, key_length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, sealed = body[21 : 21 + key_length], body[21 + key_length :]
        if record_size < len(sealed):
            raise ValueError("more than one record")
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + self.public + sender + b"\1"
        secret = _hmac(_hmac(self.auth, shared), info)
        drawn = _hmac(salt, secret)
        key = _hmac(drawn, b"Content-Encoding: aes128gcm\0\1")[:16]
        nonce = _hmac(drawn, b"Content-Encoding: nonce\0\1")[:12]
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        if plain[-1:] != b"\2":
            raise ValueError("not the last record")
        return plain[:-1]


@dataclass(slots=True, kw_only=True)
class FakePushService:
    """Takes messages for the browsers that subscribed. `gone`: names whose subscription is over; `fail_next`: so many are put off."""

    address: str
    browsers: dict[str, FakeBrowser] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    fail_next: int = 0
    clock: Callable[[], float] = time.time

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route("/push/{name}", self._take, methods=["POST"])])

    def subscribe(self, name: str, server_key: str) -> dict[str, str]:
        """A browser subscribes; what its page sends to the house."""
        self.browsers[name] = FakeBrowser(name=name, server_key=server_key)
        return self.browsers[name].subscription(self.address)

    async def _take(self, request: Request) -> Response:
        name = request.path_params["name"]
        if self.fail_next:
            self.fail_next -= 1
            return PlainTextResponse("later", status_code=429)
        if name in self.gone:
            return PlainTextResponse("gone", status_code=410)
        browser = self.browsers.get(name)
        if browser is None:
            return PlainTextResponse("no such subscription", status_code=404)
        body = await request.body()
        wrong = self._wrong(request, browser, body)
        if wrong:
            return PlainTextResponse(wrong[1], status_code=wrong[0])
        try:
            browser.shown.append(json.loads(browser.read(body)))
        except (ValueError, InvalidTag) as error:
            return PlainTextResponse(type(error).__name__, status_code=400)
        browser.topics.append(request.headers.get("topic", ""))
        return Response(status_code=201, headers={"Location": f"{self.address}/m/{len(browser.shown)}"})

    def _wrong(self, request: Request, browser: FakeBrowser, body: bytes) -> tuple[int, str] | None:
        headers = request.headers
        if not headers.get("ttl", "").isdigit():
            return 400, "no TTL"
        if headers.get("content-encoding") != "aes128gcm" or len(body) > _MOST_BYTES:
            return 413 if len(body) > _MOST_BYTES else 400, "content"
        if len(headers.get("topic", "")) > 32:
            return 400, "topic"
        return self._unsigned(headers.get("authorization", ""), browser)

    def _unsigned(self, authorization: str, browser: FakeBrowser) -> tuple[int, str] | None:
        scheme, _, rest = authorization.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme.lower() != "vapid" or not {"t", "k"} <= set(parts):
            return 401, "no VAPID"
        if parts["k"] != browser.server_key:
            return 403, "another key than it subscribed with"
        signed, _, signature = parts["t"].rpartition(".")
        raw = bytes_of(signature)
        pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes_of(parts["k"]))
        try:
            public.verify(pair, signed.encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            return 403, "signature"
        claims = json.loads(bytes_of(signed.partition(".")[2]))
        in_time = self.clock() < claims.get("exp", 0) <= self.clock() + _LONGEST_S
        named = str(claims.get("sub", "")).startswith(("mailto:", "https://"))
        if claims.get("aud") != self.address or not in_time or not named:
            return 403, "claims"
        return None


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()
