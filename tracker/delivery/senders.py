"""How messages leave: the real gateways, and a recording one for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import httpx2

from tracker.settings import DeliverySettings


class SendTrouble(Exception):
    """It did not work now; the message says why without naming anybody. Try again later."""


class SendRefused(Exception):
    """It will never work like this: unknown number, no such medium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message ready to leave. `id` lets a gateway recognise a repeat."""

    id: UUID
    medium: str
    address: str
    text: str


class Sender(Protocol):
    """Takes one message out of the house. Raises SendTrouble or SendRefused."""

    def send(self, message: Outgoing) -> None:
        """Send it."""
        ...


@dataclass(slots=True)
class RecordingSender:
    """Keeps what it was given; `trouble` makes the next sends fail."""

    sent: list[Outgoing] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def send(self, message: Outgoing) -> None:
        """Remember it, or fail as told."""
        if self.trouble:
            raise self.trouble.pop(0)
        self.sent.append(message)


class KannelSender:
    """SMS through a Kannel (`sendsms` of its user guide, chapter 6): 202 taken, 4xx for good, else later."""

    def __init__(self, url: str, *, username: str, password: str, sender: str, client: httpx2.Client) -> None:
        self._url = url
        self._login = {"username": username, "password": password, "from": sender}
        self._client = client

    def send(self, message: Outgoing) -> None:
        """Hand it to the gateway."""
        query = {**self._login, "to": message.address, "text": message.text, "coding": "0", "charset": "UTF-8"}
        _check(_call(self._client, "POST", self._url, params=query))


class WhatsAppSender:
    """WhatsApp Cloud API: free text, which Meta delivers within 24 h of the person's last message."""

    def __init__(self, url: str, *, token: str, client: httpx2.Client) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = client

    def send(self, message: Outgoing) -> None:
        """Hand it to Meta."""
        body = {
            "messaging_product": "whatsapp",
            "to": message.address.lstrip("+"),
            "type": "text",
            "text": {"body": message.text},
        }
        _check(_call(self._client, "POST", self._url, json=body, headers=self._headers))


class ByMedium:
    """Chooses a sender that reaches the person's phone: WhatsApp for who came by it, else SMS, and the other where one lacks.

    A page, an app or a desk calls nobody: who booked there is told by phone as well. Where no gateway is set up nobody is
    told, and says so.
    """

    def __init__(self, senders: dict[str, Sender]) -> None:
        self._senders = senders

    def send(self, message: Outgoing) -> None:
        """Pass it on."""
        order = ("whatsapp", "sms") if message.medium == "whatsapp" else ("sms", "whatsapp")
        sender = next((self._senders[name] for name in order if name in self._senders), None)
        if sender is None:
            raise SendRefused("no gateway")
        sender.send(message)


def sender_from(settings: DeliverySettings, client: httpx2.Client) -> Sender:
    """The senders this installation is set up for."""
    senders: dict[str, Sender] = {}
    if settings.sms_url:
        senders["sms"] = KannelSender(
            settings.sms_url,
            username=settings.sms_username,
            password=settings.sms_password.get_secret_value(),
            sender=settings.sms_sender,
            client=client,
        )
    if settings.whatsapp_url:
        token = settings.whatsapp_token.get_secret_value()
        senders["whatsapp"] = WhatsAppSender(settings.whatsapp_url, token=token, client=client)
    return ByMedium(senders)


def _call(client: httpx2.Client, method: str, url: str, **more: object) -> httpx2.Response:
    try:
        return client.request(method, url, **more)  # type: ignore[arg-type]  # passes keywords of httpx2 on unchanged
    except httpx2.HTTPError as error:
        raise SendTrouble(type(error).__name__) from None


def _check(response: httpx2.Response) -> None:
    if response.is_success:
        return
    # 408 and 429 ask for patience; every other 4xx says the request is wrong as it stands.
    if 400 <= response.status_code < 500 and response.status_code not in (408, 429):
        raise SendRefused(f"status {response.status_code}")
    raise SendTrouble(f"status {response.status_code}")
