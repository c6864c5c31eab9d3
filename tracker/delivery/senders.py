"""How messages leave: the real gateways, and a recording one for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import httpx2


class SendTrouble(Exception):
    """It did not work now; the message says why without naming anybody. Try again later."""


class SendRefused(Exception):
    """It will never work like this: unknown number, no such medium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An answer that a phone can show as a button: `answer` is what pressing it says."""

    answer: str
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message ready to leave. `id` lets a gateway recognise a repeat, `template` and `values` say it in a form agreed on before.

    `picture` is a PNG that the text belongs to. `question` is what the text ends in, enough where choices say the rest.
    `recipient` is the person's opaque id, `link` the page that the message is about. `repr` shows neither address nor words.
    """

    id: UUID
    medium: str
    address: str = field(repr=False)
    text: str = field(repr=False)
    template: str = ""
    language: str = "id"
    values: tuple[str, ...] = field(default=(), repr=False)
    choices: tuple[Choice, ...] = field(default=(), repr=False)
    question: str = field(default="", repr=False)
    picture: bytes | None = field(default=None, repr=False)
    recipient: str = ""
    link: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """By which gateway a message left, what that one calls it, if it says so, and of an SMS in how many parts."""

    by: str
    ref: str | None = None
    segments: int | None = None


class Sender(Protocol):
    """Takes one message out of the house. Raises SendTrouble or SendRefused."""

    def send(self, message: Outgoing) -> Left:
        """Send it."""
        ...


@dataclass(slots=True)
class RecordingSender:
    """Keeps what it was given; `trouble` makes the next sends fail."""

    sent: list[Outgoing] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def send(self, message: Outgoing) -> Left:
        """Remember it, or fail as told."""
        if self.trouble:
            raise self.trouble.pop(0)
        self.sent.append(message)
        return Left(by=message.medium)


class ByMedium:
    """Chooses a sender that reaches the person: their browser where they asked for that, else their phone. WhatsApp for who came by it, else
    SMS; the next where one lacks or refuses.

    A page, an app or a desk calls nobody: who booked there is told by phone as well. Where no gateway is set up nobody is
    told, and says so.
    """

    def __init__(self, senders: dict[str, Sender]) -> None:
        self._senders = senders

    def send(self, message: Outgoing) -> Left:
        """Pass it on."""
        order = ("push", *(("whatsapp", "sms") if message.medium == "whatsapp" else ("sms", "whatsapp")))
        refusal = SendRefused("no gateway")
        for sender in (self._senders[name] for name in order if name in self._senders):
            try:
                return sender.send(message)
            except SendRefused as refused:
                refusal = refused
        raise refusal


def call(client: httpx2.Client, method: str, url: str, **more: Any) -> httpx2.Response:
    """One request; raises SendTrouble where no answer came."""
    try:
        return client.request(method, url, **more)
    except httpx2.HTTPError as error:
        raise SendTrouble(type(error).__name__) from None


def check(response: httpx2.Response) -> None:
    """Raises SendRefused or SendTrouble unless it was taken."""
    if response.is_success:
        return
    # 401 and 403 are about our own log-in, 408 and 429 ask for patience; every other 4xx says the request is wrong as it stands.
    if 400 <= response.status_code < 500 and response.status_code not in (401, 403, 408, 429):
        raise SendRefused(f"status {response.status_code}")
    raise SendTrouble(f"status {response.status_code}")
