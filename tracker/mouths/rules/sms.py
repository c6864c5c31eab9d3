"""SMS as a Kannel posts it (the text is the body, in one of the network's alphabets, all else stands in headers), and what Kannel and Twilio say of a message they took. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from tracker.delivery.rules.receipts import Fate, Receipt
from tracker.mouths.errors import BadDelivery

_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_:.\-]{1,40})", re.IGNORECASE)


def text_of(body: bytes, content_type: str | None) -> str:
    """The words of a body in the character set that its header names; what cannot be read is shown as such."""
    named = _CHARSET.search(content_type or "")
    try:
        codec = codecs.lookup(named[1]).name if named else "utf-8"
        if not codecs.lookup(codec)._is_text_encoding:  # noqa: SLF001 - what `bytes.decode` itself asks
            codec = "utf-8"
    except LookupError:
        codec = "utf-8"
    return body.decode(codec, errors="replace")


# Kannel's `%d`; what it says of its own queue (4, 8) tells nothing of the phone.
_KANNEL = {"1": Fate.ARRIVED, "2": Fate.FAILED, "16": Fate.FAILED}
_TWILIO = {
    "sent": Fate.SENT,
    "delivered": Fate.ARRIVED,
    "read": Fate.READ,
    "undelivered": Fate.FAILED,
    "failed": Fate.FAILED,
}


def kannel_receipt(message: str, kind: str, at: datetime) -> list[Receipt]:
    """What a Kannel says of the message of ours with that id; nothing for a word that tells nothing. Raises BadDelivery."""
    fate = _KANNEL.get(kind)
    if fate is None:
        return []
    return [Receipt(gateway="sms", fate=fate, at=at, message=_ours(message), reason=f"type {kind}")]


def twilio_receipt(message: str, told: Mapping[str, str], at: datetime) -> list[Receipt]:
    """The same of Twilio. Raises BadDelivery."""
    fate = _TWILIO.get(told.get("MessageStatus", ""))
    if fate is None:
        return []
    code = told.get("ErrorCode", "")
    reason = f"error {code}" if re.fullmatch(r"[0-9]{1,6}", code) else "failed"
    return [Receipt(gateway="sms", fate=fate, at=at, message=_ours(message), ref=told.get("MessageSid"), reason=reason)]


def form_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, also the empty ones. Raises BadDelivery."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise BadDelivery(field="form") from None


def _ours(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadDelivery(field="id") from None
