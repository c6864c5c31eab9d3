"""SMS outwards, as three kinds of gateways take it: a Kannel, Twilio, and any other that takes signed JSON.

Each is told where to say what became of a message (`receipts`), with the message's own id in that address or beside it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tracker.delivery.rules.plain import plain_signs
from tracker.delivery.rules.segments import is_gsm7, segments
from tracker.delivery.rules.signing import SIGNATURE, TIMESTAMP, signed_at
from tracker.delivery.senders import Left, Outgoing, SendRefused, call, check

_KANNEL_TELLS = "19"  # delivered (1), failed (2) and refused by the network (16)
MOST_SEGMENTS = 10  # no gateway joins more


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGateway:
    """Where it is, who we are there, as whom we send, and where it says what became of a message ("": it does not)."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    receipts: str = field(default="", repr=False)


class KannelSender:
    """`sendsms` of its user guide, chapter 6: 202 taken, 4xx for good, else later."""

    def __init__(self, gateway: SmsGateway, client: httpx2.Client) -> None:
        self._gateway = gateway
        self._client = client

    def send(self, message: Outgoing) -> Left:
        """Hand it to the gateway."""
        to, text = self._gateway, _words(message)
        query = {
            "username": to.username,
            "password": to.password,
            "from": to.sender,
            "to": message.address,
            "text": text,
            "coding": "0" if is_gsm7(text) else "2",
            "charset": "UTF-8",
        }
        if to.receipts:
            query |= {"dlr-mask": _KANNEL_TELLS, "dlr-url": f"{to.receipts}?id={message.id}&type=%d"}
        check(call(self._client, "POST", to.url, params=query))
        return Left(by="sms", segments=segments(text))


class TwilioSender:
    """`Messages.json` of an account: its SID and auth token are name and password."""

    def __init__(self, gateway: SmsGateway, client: httpx2.Client) -> None:
        self._gateway = gateway
        self._client = client

    def send(self, message: Outgoing) -> Left:
        """Hand it to the gateway."""
        to, text = self._gateway, _words(message)
        form = {"To": message.address, "From": to.sender, "Body": text}
        if to.receipts:
            form["StatusCallback"] = f"{to.receipts}?id={message.id}"
        answer = call(self._client, "POST", to.url, data=form, auth=(to.username, to.password))
        check(answer)
        return Left(by="sms", ref=_named(answer, "sid"), segments=segments(text))


class JsonSender:
    """`{id, to, from, text}`, signed as `rules/signing.py` has it; the same id again is the same message."""

    def __init__(self, gateway: SmsGateway, client: httpx2.Client) -> None:
        self._gateway = gateway
        self._client = client

    def send(self, message: Outgoing) -> Left:
        """Hand it to the gateway."""
        to, text = self._gateway, _words(message)
        told = {"id": str(message.id), "to": message.address, "from": to.sender, "text": text}
        body, at = json.dumps(told).encode(), str(int(time.time()))
        headers = {"Content-Type": "application/json", TIMESTAMP: at, SIGNATURE: signed_at(to.password, at, body)}
        answer = call(self._client, "POST", to.url, content=body, headers=headers)
        check(answer)
        return Left(by="sms", ref=_named(answer, "id"), segments=segments(text))


def _words(message: Outgoing) -> str:
    text = plain_signs(message.text)
    if segments(text) > MOST_SEGMENTS:
        raise SendRefused("too long for an SMS")
    return text


def _named(answer: httpx2.Response, name: str) -> str | None:
    """What a gateway calls the message, where it says so."""
    try:
        told: Any = answer.json()
    except ValueError:
        return None
    ref = told.get(name) if isinstance(told, dict) else None
    return ref if isinstance(ref, str) and len(ref) <= 200 else None
