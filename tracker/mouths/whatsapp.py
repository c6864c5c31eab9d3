"""WhatsApp's Cloud API, inwards: what a delivery of Meta's holds.

A delivery has messages and receipts of any number of changes. What of it nobody understands costs the others nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tracker.delivery.rules.receipts import Fate, Receipt
from tracker.mouths.errors import BadDelivery
from tracker.mouths.rules.heard import MOST_TEXT, Delivery, Heard

_LAST_SECOND = 4_102_444_800  # the year 2100
# What somebody says with a sign on one of our messages, or that is no message of a person.
_UNSAID = frozenset({"reaction", "system", "unsupported", "request_welcome"})
_FATES = {"sent": Fate.SENT, "delivered": Fate.ARRIVED, "read": Fate.READ, "failed": Fate.FAILED}


class _Loose(BaseModel):
    """Meta adds fields when it likes."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Text(_Loose):
    body: str = ""


class _Pressed(_Loose):
    id: str = ""
    title: str = ""


class _Interactive(_Loose):
    button_reply: _Pressed | None = None
    list_reply: _Pressed | None = None


class _Location(_Loose):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class _Button(_Loose):
    payload: str = ""
    text: str = ""


_Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class _Message(_Loose):
    id: _Id
    sender: str = Field(alias="from", pattern=r"^[0-9]{5,20}$")
    timestamp: int = Field(ge=0, le=_LAST_SECOND)
    type: str
    text: _Text = _Text()
    interactive: _Interactive = _Interactive()
    button: _Button = _Button()
    location: _Location | None = None


class _Error(_Loose):
    code: int = 0


class _Status(_Loose):
    id: _Id
    status: str
    timestamp: int = Field(ge=0, le=_LAST_SECOND)
    biz_opaque_callback_data: str | None = None
    errors: list[_Error] = []


_MESSAGE: TypeAdapter[_Message] = TypeAdapter(_Message)
_STATUS: TypeAdapter[_Status] = TypeAdapter(_Status)


def read_delivery(body: bytes, number: str) -> Delivery:
    """What a signed delivery to our number (its `phone_number_id`) holds, messages by when they were written. Raises BadDelivery.

    What is for another number of the same account is left alone.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise BadDelivery(field="JSON") from None
    if not isinstance(told, dict) or told.get("object") != "whatsapp_business_account":
        raise BadDelivery(field="object")
    heard: list[Heard] = []
    receipts: list[Receipt] = []
    unread = 0
    for value in _values(told):
        if _dict(value.get("metadata")).get("phone_number_id") != number:
            continue
        for message in _list(value.get("messages")):
            try:
                heard += _heard(_MESSAGE.validate_python(message))
            except ValidationError:
                unread += 1
        for status in _list(value.get("statuses")):
            try:
                receipts += _receipt(_STATUS.validate_python(status))
            except ValidationError:
                unread += 1
    heard.sort(key=lambda one: one.sent_at or datetime.min.replace(tzinfo=UTC))
    return Delivery(heard=heard, receipts=receipts, unread=unread)


def _values(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in _list(told.get("entry")):
        for change in _list(_dict(entry).get("changes")):
            value = _dict(change).get("value")
            if _dict(change).get("field") == "messages" and isinstance(value, dict):
                yield value


def _heard(message: _Message) -> list[Heard]:
    if message.type in _UNSAID:
        return []
    pressed = message.interactive.button_reply or message.interactive.list_reply
    # A button of a template says its words, or what was agreed on for it.
    said = message.text.body or (pressed.id or pressed.title if pressed else "")
    said = said or message.button.payload or message.button.text
    at = datetime.fromtimestamp(message.timestamp, UTC)
    near = None if message.location is None else (message.location.latitude, message.location.longitude)
    return [Heard(id=message.id, phone=f"+{message.sender}", text=said[:MOST_TEXT], sent_at=at, near=near)]


def _receipt(status: _Status) -> list[Receipt]:
    fate = _FATES.get(status.status)
    if fate is None:
        return []
    try:
        ours = UUID(status.biz_opaque_callback_data or "")
    except ValueError:
        ours = None
    reason = f"error {status.errors[0].code}" if status.errors else "failed"
    at = datetime.fromtimestamp(status.timestamp, UTC)
    return [Receipt(gateway="whatsapp", fate=fate, at=at, message=ours, ref=status.id, reason=reason)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
