"""A WhatsApp Cloud API: takes messages with the real one's limits, and signs what it delivers.

Inbound deliveries are signed `X-Hub-Signature-256: sha256=` HMAC over the raw body with the app secret. Free text may
be sent only within 24 hours of the person's own last message, otherwise a template must be used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SERVICE_WINDOW = timedelta(hours=24)
MAX_BUTTONS, MAX_BUTTON_TITLE = 3, 20
MAX_ROWS, MAX_ROW_TITLE = 10, 24


def sign(body: bytes, app_secret: str) -> str:
    """What belongs into `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One signed request as WhatsApp would post it to our webhook."""

    body: bytes
    headers: dict[str, str]


@dataclass(slots=True, kw_only=True)
class FakeWhatsApp:
    """One business number. `sent` is what it accepted, in order, and `told` hears of each; `media` what was uploaded. Of more than `most` only the newest."""

    phone_number_id: str
    token: str
    app_secret: str
    clock: Callable[[], datetime]
    sent: list[dict[str, object]] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    fail_next: int = 0
    told: Callable[[dict[str, object]], None] | None = None
    most: int | None = None
    _uploads: int = 0
    _taken: int = 0
    _ids: dict[int, str] = field(default_factory=dict)
    _heard: dict[str, datetime] = field(default_factory=dict)

    def app(self) -> Starlette:
        """The ASGI app, to be served in the place of graph.facebook.com."""
        base = f"/{{version}}/{self.phone_number_id}"
        return Starlette(
            routes=[
                Route(f"{base}/messages", self._post_message, methods=["POST"]),
                Route(f"{base}/media", self._post_media, methods=["POST"]),
            ]
        )

    def says(self, phone: str, text: str, *, message_id: str, name: str = "Warga") -> Delivery:
        """A person writes to us: opens the 24-hour window and gives the signed delivery."""
        return self._deliver(phone, message_id, name, {"type": "text", "text": {"body": text}})

    def presses(self, phone: str, button_id: str, title: str, *, message_id: str, name: str = "Warga") -> Delivery:
        """A person presses a reply button."""
        reply = {"type": "button_reply", "button_reply": {"id": button_id, "title": title}}
        return self._deliver(phone, message_id, name, {"type": "interactive", "interactive": reply})

    def chooses(self, phone: str, row_id: str, title: str, *, message_id: str, name: str = "Warga") -> Delivery:
        """A person chooses a row of a list."""
        reply = {"type": "list_reply", "list_reply": {"id": row_id, "title": title}}
        return self._deliver(phone, message_id, name, {"type": "interactive", "interactive": reply})

    def sends(self, phone: str, content: dict[str, object], *, message_id: str, name: str = "Warga") -> Delivery:
        """A person sends something else: `content` is its type and what belongs to that."""
        return self._deliver(phone, message_id, name, content)

    def reports(self, index: int, status: str, *, error: int | None = None) -> Delivery:
        """What became of the message that stands at `index` of those kept: sent, delivered, read or failed."""
        return self.reports_of(self.sent[index], status, error=error)

    def report_if_kept(self, message: dict[str, object], status: str) -> Delivery | None:
        """The same; None of one that is no longer kept."""
        return self.reports_of(message, status) if id(message) in self._ids else None

    def reports_of(self, message: dict[str, object], status: str, *, error: int | None = None) -> Delivery:
        """The same of a message that was taken."""
        told: dict[str, object] = {
            "id": self._ids[id(message)],
            "status": status,
            "timestamp": str(int(self.clock().timestamp())),
            "recipient_id": message["to"],
        }
        if "biz_opaque_callback_data" in message:
            told["biz_opaque_callback_data"] = message["biz_opaque_callback_data"]
        if error is not None:
            told["errors"] = [{"code": error, "title": "Message undeliverable"}]
        return self._post({"statuses": [told]})

    def _deliver(self, phone: str, message_id: str, name: str, content: dict[str, object]) -> Delivery:
        now = self.clock()
        self._heard[phone] = now
        message = {"from": phone, "id": message_id, "timestamp": str(int(now.timestamp())), **content}
        return self._post({"contacts": [{"profile": {"name": name}, "wa_id": phone}], "messages": [message]})

    def _post(self, news: dict[str, object]) -> Delivery:
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "622150000000", "phone_number_id": self.phone_number_id},
            **news,
        }
        entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, self.app_secret)}
        return Delivery(body=body, headers=headers)

    def _refusal(self, request: Request) -> Response | None:
        if self.fail_next:
            self.fail_next -= 1
            return _error(500, 131000, "Something went wrong")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, 190, "Invalid OAuth access token")
        return None

    async def _post_message(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        try:
            message = json.loads(await request.body())
        except ValueError:
            return _error(400, 100, "body is not JSON")
        complaint = self._complaint(message)
        if complaint:
            return _error(400, *complaint)
        self._taken += 1
        self.sent.append(message)
        self._ids[id(message)] = name = f"wamid.fake{self._taken}"
        if self.most is not None:
            for forgotten in self.sent[: -self.most]:
                del self._ids[id(forgotten)]
            del self.sent[: -self.most]
        if self.told is not None:
            self.told(message)
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": message["to"], "wa_id": message["to"]}],
                "messages": [{"id": name}],
            }
        )

    def _complaint(self, message: object) -> tuple[int, str] | None:
        if not isinstance(message, dict) or message.get("messaging_product") != "whatsapp":
            return 100, "messaging_product must be whatsapp"
        phone, kind = message.get("to"), message.get("type", "text")
        if not isinstance(phone, str) or not phone.isdigit():
            return 131009, "to must be digits"
        if not isinstance(message.get(kind), dict):
            return 100, f"{kind} is missing"
        if kind != "template":
            heard = self._heard.get(phone)
            if heard is None or self.clock() - heard > SERVICE_WINDOW:
                return 131047, "More than 24 hours have passed since the recipient last replied"
        if kind == "text" and not 1 <= len(str(message["text"].get("body", ""))) <= 4096:
            return 100, "text.body must have 1 to 4096 characters"
        return _interactive_complaint(message["interactive"]) if kind == "interactive" else None

    async def _post_media(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        async with request.form() as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile) or form.get("messaging_product") != "whatsapp":
                return _error(400, 100, "file and messaging_product are required")
            self._uploads += 1
            media_id = f"media{self._uploads}"
            self.media[media_id] = await upload.read()
            if self.most is not None and len(self.media) > self.most:
                del self.media[next(iter(self.media))]
        return JSONResponse({"id": media_id})


def _interactive_complaint(interactive: dict[str, object]) -> tuple[int, str] | None:
    action = interactive.get("action")
    if not isinstance(action, dict):
        return 100, "interactive.action is missing"
    if interactive.get("type") == "button":
        titles = [str(button["reply"]["title"]) for button in action.get("buttons", [])]
        limit, longest = MAX_BUTTONS, MAX_BUTTON_TITLE
    else:
        titles = [str(row["title"]) for section in action.get("sections", []) for row in section["rows"]]
        limit, longest = MAX_ROWS, MAX_ROW_TITLE
    if not 1 <= len(titles) <= limit:
        return 131009, f"between 1 and {limit} choices are allowed"
    if any(not 1 <= len(title) <= longest for title in titles):
        return 131009, f"a title has 1 to {longest} characters"
    return None


def _error(status: int, code: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "OAuthException", "code": code}}, status_code=status)
