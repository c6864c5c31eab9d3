"""SMS and USSD as gateways speak them: a Kannel that sends, and the requests gateways make to us.

Twilio signs `X-Twilio-Signature` = base64(HMAC-SHA1(auth token, url + each parameter's name and value, sorted by
name)). Kannel signs nothing; it is trusted by address and password. USSD follows the shape of Africa's Talking:
`sessionId, serviceCode, phoneNumber, text`, the inputs so far joined by `*`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


def twilio_signature(url: str, parameters: dict[str, str], auth_token: str) -> str:
    """What Twilio puts into `X-Twilio-Signature` for a form post to `url`."""
    text = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One message that the gateway took for delivery."""

    sender: str
    to: str
    text: str
    taken_at: datetime | None = field(default=None, compare=False)
    tell: str = field(default="", compare=False, repr=False)
    """Where the sender wants to hear what became of it."""


@dataclass(slots=True, kw_only=True)
class FakeKannel:
    """Kannel's `sendsms`: user and password in the query, `0: Accepted for delivery` as the answer (202).

    `sent` is what it took, the newest last; of more than `most` only those. `taken` counts all, `told` hears of each.
    """

    username: str
    password: str
    sent: list[Sms] = field(default_factory=list)
    fail_next: int = 0
    taken: int = 0
    most: int | None = None
    clock: Callable[[], datetime] | None = None
    told: Callable[[Sms], None] | None = None

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route("/cgi-bin/sendsms", self._send, methods=["GET", "POST"])])

    async def _send(self, request: Request) -> Response:
        query = request.query_params
        if self.fail_next:
            self.fail_next -= 1
            return PlainTextResponse("Temporal failure, try again later.", status_code=503)
        if (query.get("username"), query.get("password")) != (self.username, self.password):
            return PlainTextResponse("Authorization failed for sendsms", status_code=403)
        to, text = query.get("to", ""), query.get("text", "")
        if not to.lstrip("+").isdigit() or not text:
            return PlainTextResponse("Missing receiver number or text", status_code=400)
        at = self.clock() if self.clock else None
        tell = query.get("dlr-url", "")
        sms = Sms(sender=query.get("from", ""), to=to, text=text, taken_at=at, tell=tell)
        self.keep(sms)
        if self.told is not None:
            self.told(sms)
        return PlainTextResponse("0: Accepted for delivery", status_code=202)

    def reports(self, sms: Sms, kind: int) -> str:
        """The address that it calls to say what became of a message: 1 delivered, 2 failed, 16 refused by the network."""
        return sms.tell.replace("%d", str(kind)).replace("%%", "%")

    def keep(self, sms: Sms) -> None:
        """Note a message."""
        self.sent.append(sms)
        self.taken += 1
        if self.most is not None:
            del self.sent[: -self.most]


@dataclass(slots=True, kw_only=True)
class FakeTwilio:
    """Twilio's `Messages.json`: account and token as Basic, 201 with a `sid`; its posts to us are signed over address and fields."""

    account: str
    token: str
    sent: list[Sms] = field(default_factory=list)
    callbacks: list[str] = field(default_factory=list)
    fail_next: int = 0

    def app(self) -> Starlette:
        """The ASGI app."""
        path = f"/2010-04-01/Accounts/{self.account}/Messages.json"
        return Starlette(routes=[Route(path, self._send, methods=["POST"])])

    async def _send(self, request: Request) -> Response:
        if self.fail_next:
            self.fail_next -= 1
            return JSONResponse({"code": 20500, "message": "Internal Server Error", "status": 500}, status_code=500)
        expected = "Basic " + base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != expected:
            return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, status_code=401)
        async with request.form() as form:
            to, text = str(form.get("To", "")), str(form.get("Body", ""))
            if not re.fullmatch(r"\+[0-9]{5,15}", to) or not 1 <= len(text) <= 1600:
                return JSONResponse({"code": 21211, "message": "Invalid 'To' Phone Number"}, status_code=400)
            self.sent.append(Sms(sender=str(form.get("From", "")), to=to, text=text))
            self.callbacks.append(str(form.get("StatusCallback", "")))
        return JSONResponse({"sid": f"SM{len(self.sent):032x}", "status": "queued"}, status_code=201)

    def posts(self, url: str, **fields: str) -> tuple[dict[str, str], dict[str, str]]:
        """The form and the headers of a post to `url`, signed as Twilio does."""
        return fields, {"X-Twilio-Signature": twilio_signature(url, fields, self.token)}

    def says(self, url: str, phone: str, text: str, *, sid: str) -> tuple[dict[str, str], dict[str, str]]:
        """Somebody's SMS to us."""
        return self.posts(url, MessageSid=sid, AccountSid=self.account, From=phone, To="+119", Body=text, NumMedia="0")


def json_signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of the second, a full stop and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


@dataclass(slots=True, kw_only=True)
class FakeJsonGateway:
    """A gateway of signed JSON: takes an id once, refuses what is not signed or was signed more than five minutes ago."""

    secret: str
    clock: Callable[[], datetime]
    sent: list[Sms] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route("/sms", self._send, methods=["POST"])])

    async def _send(self, request: Request) -> Response:
        body, at = await request.body(), request.headers.get("x-timestamp", "")
        if not at.isdigit() or abs(self.clock().timestamp() - int(at)) > 300:
            return JSONResponse({"error": "too long ago"}, status_code=401)
        if not hmac.compare_digest(json_signature(self.secret, at, body), request.headers.get("x-signature", "")):
            return JSONResponse({"error": "signature"}, status_code=401)
        told = json.loads(body)
        if told["id"] not in self.ids:
            self.ids.append(told["id"])
            self.sent.append(Sms(sender=told["from"], to=told["to"], text=told["text"]))
        return JSONResponse({"id": f"g{self.ids.index(told['id'])}"}, status_code=202)

    def posts(self, **told: object) -> tuple[bytes, dict[str, str]]:
        """A body and its headers, signed now: `messages` of people, `receipts` of ours."""
        body, at = json.dumps(told).encode(), str(int(self.clock().timestamp()))
        return body, {
            "Content-Type": "application/json",
            "X-Timestamp": at,
            "X-Signature": json_signature(self.secret, at, body),
        }


@dataclass(slots=True)
class UssdCall:
    """A person dialling: each input gives the form that a gateway posts, all inputs so far in `text`."""

    session_id: str
    phone: str
    service_code: str = "*119#"
    inputs: list[str] = field(default_factory=list)

    def form(self, *pressed: str) -> dict[str, str]:
        """The next request, after these keys."""
        self.inputs.extend(pressed)
        return {
            "sessionId": self.session_id,
            "serviceCode": self.service_code,
            "phoneNumber": self.phone,
            "text": "*".join(self.inputs),
        }
