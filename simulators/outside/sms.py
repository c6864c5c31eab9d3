"""SMS and USSD as gateways speak them: a Kannel that sends, and the requests gateways make to us.

Twilio signs `X-Twilio-Signature` = base64(HMAC-SHA1(auth token, url + each parameter's name and value, sorted by
name)). Kannel signs nothing; it is trusted by address and password. USSD follows the shape of Africa's Talking:
`sessionId, serviceCode, phoneNumber, text`, the inputs so far joined by `*`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
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
        sms = Sms(sender=query.get("from", ""), to=to, text=text, taken_at=at)
        self.keep(sms)
        if self.told is not None:
            self.told(sms)
        return PlainTextResponse("0: Accepted for delivery", status_code=202)

    def keep(self, sms: Sms) -> None:
        """Note a message."""
        self.sent.append(sms)
        self.taken += 1
        if self.most is not None:
            del self.sent[: -self.most]


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
