"""A P-Care as BPJS documents it: signed requests in, encrypted answers out.

    X-signature      base64(HMAC-SHA256(consumer secret, "{cons id}&{timestamp}"))
    X-authorization  Basic base64("{user}:{password}:{application code}")
    response         base64(AES-256-CBC(LZString(json))), key SHA-256(cons id + secret + timestamp)

The vaccination part of P-Care has no public interface; what is faked here is the documented bridging of the
same family (providers, participants, registrations), whose signature and envelope any adapter needs, and a register of
doses in the same style (`simulators/outside/doses.py`), which fails as registers do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from simulators.outside import lzstring
from simulators.outside.doses import DoseRegister, Unacceptable

TIMESTAMP_TOLERANCE = timedelta(minutes=5)


def signature(cons_id: str, secret: str, timestamp: str) -> str:
    """What belongs into `X-signature`."""
    return base64.b64encode(_hmac(f"{cons_id}&{timestamp}", secret)).decode()


def _hmac(message: str, key: str) -> bytes:
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()


def _cipher(cons_id: str, secret: str, timestamp: str) -> Cipher[modes.CBC]:
    key = hashlib.sha256(f"{cons_id}{secret}{timestamp}".encode()).digest()
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def encrypt(answer: object, *, cons_id: str, secret: str, timestamp: str) -> str:
    """The `response` member for an answer."""
    packed = lzstring.compress(json.dumps(answer)).encode()
    padder = padding.PKCS7(128).padder()
    encryptor = _cipher(cons_id, secret, timestamp).encryptor()
    padded = padder.update(packed) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(response: str, *, cons_id: str, secret: str, timestamp: str) -> object:
    """The answer in a `response` member. Raises ValueError where the key or the data do not fit."""
    decryptor = _cipher(cons_id, secret, timestamp).decryptor()
    padded = decryptor.update(base64.b64decode(response)) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    packed = unpadder.update(padded) + unpadder.finalize()
    return json.loads(lzstring.decompress(packed.decode("ascii")))


@dataclass(slots=True, kw_only=True)
class FakePCare:
    """The service's state: its one consumer, its participants, what it was sent. `fail_next` answers 500 so often."""

    cons_id: str
    secret: str
    user_key: str
    username: str
    password: str
    app_code: str = "095"
    clock: Callable[[], datetime]
    providers: list[dict[str, str]] = field(default_factory=lambda: [{"kdProvider": "0114A026"}])
    participants: dict[str, dict[str, str]] = field(default_factory=dict)
    registrations: list[dict[str, object]] = field(default_factory=list)
    fail_next: int = 0
    doses: DoseRegister = field(default_factory=DoseRegister)

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(
            routes=[
                Route("/pcare-rest/provider/{offset:int}/{limit:int}", self._get_providers),
                Route("/pcare-rest/peserta/nik/{nik}", self._get_participant),
                Route("/pcare-rest/pendaftaran", self._post_registration, methods=["POST"]),
                Route("/pcare-rest/vaksinasi", self._dose, methods=["POST"]),
                Route("/pcare-rest/vaksinasi/referensi/{reference}", self._dose, methods=["GET"]),
                Route(
                    "/pcare-rest/vaksinasi/faskes/{facility}/tanggal/{day}/{offset:int}/{limit:int}",
                    self._dose,
                    methods=["GET"],
                ),
                Route("/pcare-rest/vaksinasi/{number}", self._dose, methods=["PUT", "DELETE"]),
            ]
        )

    def _refusal(self, request: Request) -> Response | None:
        if self.fail_next:
            self.fail_next -= 1
            return _envelope(500, "Internal Server Error")
        complaint = self._complaint(request.headers)
        return _envelope(401, f"Unauthorized: {complaint}") if complaint else None

    def _complaint(self, headers: Headers) -> str:
        """The first thing wrong with the request's head, empty when all is well."""
        timestamp = headers.get("x-timestamp", "")
        if headers.get("user_key") != self.user_key:
            return "user_key"
        if headers.get("x-cons-id") != self.cons_id or not timestamp.isdigit():
            return "cons id or timestamp"
        if abs(self.clock().timestamp() - int(timestamp)) > TIMESTAMP_TOLERANCE.total_seconds():
            return "timestamp expired"
        wanted = signature(self.cons_id, self.secret, timestamp)
        if not hmac.compare_digest(wanted.encode(), headers.get("x-signature", "").encode()):
            return "signature"
        credentials = base64.b64encode(f"{self.username}:{self.password}:{self.app_code}".encode()).decode()
        return "" if headers.get("x-authorization") == f"Basic {credentials}" else "user"

    def _answer(self, request: Request, answer: object, code: int = 200, message: str = "OK") -> Response:
        timestamp = request.headers["x-timestamp"]
        packed = encrypt(answer, cons_id=self.cons_id, secret=self.secret, timestamp=timestamp)
        return _envelope(code, message, packed)

    async def _get_providers(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        offset, limit = request.path_params["offset"], request.path_params["limit"]
        page = self.providers[offset : offset + limit]
        return self._answer(request, {"count": len(self.providers), "list": page})

    async def _get_participant(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        found = self.participants.get(request.path_params["nik"])
        return self._answer(request, found) if found else _envelope(204, "No Content")

    async def _post_registration(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        # The body is JSON although its content type says form: the interface's documented oddity.
        try:
            body = json.loads(await request.body())
        except ValueError:
            return _envelope(412, "body is not JSON")
        if not isinstance(body, dict) or not {"kdProviderPeserta", "tglDaftar", "noKartu"} <= body.keys():
            return _envelope(412, "kdProviderPeserta, tglDaftar and noKartu are required")
        self.registrations.append(body)
        return self._answer(request, {"field": "noUrut", "message": f"A{len(self.registrations)}"}, 201, "CREATED")

    async def _dose(self, request: Request) -> Response:
        """One request to the register of doses, and whatever trouble is next."""
        raw, doses = await request.body(), self.doses
        trouble = doses.trouble()
        if trouble == "slow":  # carried out all the same, whether or not anybody still listens
            await asyncio.sleep(doses.slow_s)
        if trouble == "html":
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status_code=502)
        if trouble == "inside":
            return _inside(500, "Terjadi kesalahan")
        refusal = self._refusal(request)
        return refusal or self._carry_out(request, doses, raw, trouble)

    def _carry_out(self, request: Request, doses: DoseRegister, raw: bytes, trouble: str | None) -> Response:
        try:
            body = json.loads(raw or b"{}")
            answer, code = doses.carry_out(request.method, request.path_params, body, twice=trouble == "twice")
        except Unacceptable as reason:
            return _inside(reason.code, str(reason))
        except ValueError:
            return _envelope(412, "body is not JSON")
        if trouble == "lost":
            # Carried out, and the answer never arrives.
            return HTMLResponse("upstream timed out", status_code=504)
        if trouble == "garbled":
            return _envelope(code, "OK", encrypt(answer, cons_id=self.cons_id, secret=self.secret, timestamp="1"))
        return self._answer(request, answer, code)


_PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>P-Care simulasi</title>
<style>body{{font:1rem/1.5 sans-serif;max-width:42rem;margin:1rem auto;padding:0 1rem;color:#222;background:#fff}}
li{{margin:.5rem 0;overflow-wrap:anywhere}}ol{{padding-left:0;list-style:none}}</style></head>
<body><main><h1>P-Care simulasi</h1>
<p>{count} dosis. <span lang="en">A made-up P-Care: the doses it was told of, newest first.</span></p>
<ol>{items}</ol></main></body></html>"""
_SHOWN = 100


def shown_app(fake: FakePCare) -> Starlette:
    """The service with a page of what it has, at `/pcare`; nobody is named there."""

    async def show(_request: Request) -> HTMLResponse:
        newest = list(fake.doses.records.items())[: -_SHOWN - 1 : -1]
        items = "".join(f"<li>{html.escape(_line(number, record))}</li>" for number, record in newest)
        return HTMLResponse(_PAGE.format(count=len(fake.doses.records), items=items))

    app = fake.app()
    app.router.routes.append(Route("/pcare", show))
    return app


def _line(number: str, record: Mapping[str, object]) -> str:
    named = ("kdProvider", "tglVaksinasi", "kdVaksin", "noBatch")
    return f"{number} · {' · '.join(str(record[name]) for name in named)} · dosis {record['dosisKe']} · NIK …{str(record['nik'])[-4:]}"


def _inside(code: int, words: str) -> Response:
    """200 outside, the error inside, as BPJS does it."""
    return JSONResponse({"metaData": {"code": code, "message": words}, "response": None})


def _envelope(code: int, message: str, response: str | None = None) -> Response:
    status = code if code >= 400 else 200
    return JSONResponse({"metaData": {"code": code, "message": message}, "response": response}, status_code=status)
