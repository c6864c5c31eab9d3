"""SMS as any gateway can post it that signs JSON: messages, and what became of ours. Parts that nobody understands cost the others nothing."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tracker.delivery.rules.receipts import Fate, Receipt
from tracker.mouths.errors import BadDelivery
from tracker.mouths.rules.heard import MOST_TEXT, Delivery, Heard

MOST = 1000
_FATES = {"sent": Fate.SENT, "delivered": Fate.ARRIVED, "failed": Fate.FAILED}


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Message(_Loose):
    id: Annotated[str, Field(min_length=1, max_length=180, pattern=r"^[\x21-\x7e]+$")]
    sender: Annotated[str, Field(alias="from", pattern=r"^\+[0-9]{5,20}$")]
    text: str
    sent_at: AwareDatetime | None = None


class _Status(_Loose):
    id: UUID
    status: str
    at: AwareDatetime | None = None


def read_delivery(body: bytes, now: datetime) -> Delivery:
    """What a signed delivery holds: `messages` and `receipts`, both may be missing. Raises BadDelivery."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise BadDelivery(field="JSON") from None
    if not isinstance(told, dict):
        raise BadDelivery(field="JSON")
    heard: list[Heard] = []
    receipts: list[Receipt] = []
    unread = 0
    for message in _some(told, "messages"):
        try:
            heard.append(_heard(_Message.model_validate(message)))
        except ValidationError:
            unread += 1
    for status in _some(told, "receipts"):
        try:
            receipts += _receipt(_Status.model_validate(status), now)
        except ValidationError:
            unread += 1
    if unread and not heard and not receipts:
        raise BadDelivery(field="messages")
    return Delivery(heard=heard, receipts=receipts, unread=unread)


def _some(told: dict[str, object], name: str) -> list[object]:
    found = told.get(name, [])
    if not isinstance(found, list) or len(found) > MOST:
        raise BadDelivery(field=name)
    return found


def _heard(message: _Message) -> Heard:
    return Heard(id=message.id, phone=message.sender, text=message.text[:MOST_TEXT], sent_at=message.sent_at)


def _receipt(status: _Status, now: datetime) -> list[Receipt]:
    fate = _FATES.get(status.status)
    return (
        []
        if fate is None
        else [Receipt(gateway="sms", fate=fate, at=status.at or now, message=status.id, reason="failed")]
    )
