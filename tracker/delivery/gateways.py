"""The gateways that an installation is set up for."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import httpx2

from tracker.delivery.senders import ByMedium, Sender
from tracker.delivery.sms import JsonSender, KannelSender, SmsGateway, TwilioSender
from tracker.delivery.whatsapp import WhatsAppSender, WroteLately
from tracker.settings import DeliverySettings, Settings, SmsShape


def sender_from(
    settings: DeliverySettings,
    client: httpx2.Client,
    wrote_lately: WroteLately,
    push: Sender | None = None,
    *,
    receipts: str = "",
) -> Sender:
    """The senders this installation is set up for; `push` where browsers are told, `receipts`: where an SMS gateway says what became of a message."""
    senders: dict[str, Sender] = {} if push is None else {"push": push}
    if settings.sms_url:
        senders["sms"] = _sms_sender(settings, settings.sms_url, client, receipts)
    if settings.whatsapp_url:
        senders["whatsapp"] = WhatsAppSender(
            settings.whatsapp_url,
            token=settings.whatsapp_token.get_secret_value(),
            client=client,
            wrote_lately=wrote_lately,
        )
    return ByMedium(senders)


_SHAPES: dict[SmsShape, Callable[[SmsGateway, httpx2.Client], Sender]] = {
    SmsShape.KANNEL: KannelSender,
    SmsShape.TWILIO: TwilioSender,
    SmsShape.JSON: JsonSender,
}


def _sms_sender(settings: DeliverySettings, url: str, client: httpx2.Client, receipts: str) -> Sender:
    gateway = SmsGateway(
        url=url,
        username=settings.sms_username,
        password=settings.sms_password.get_secret_value(),
        sender=settings.sms_sender,
        receipts=receipts,
    )
    return _SHAPES[settings.sms_shape](gateway, client)


def sms_receipts(current: Settings) -> str:
    """Where a gateway says what became of a message; nowhere while that mouth is closed. One that speaks JSON knows the address."""
    house, mouths = current.api.public_url, current.mouths
    if current.delivery.sms_shape is SmsShape.TWILIO and mouths.twilio_token.get_secret_value():
        return f"{house}/webhooks/sms/twilio/kabar"
    if current.delivery.sms_shape is SmsShape.KANNEL and (password := mouths.sms_password.get_secret_value()):
        scheme, _, host = house.partition("://")
        # To a Kannel a per cent sign begins an escape of its own, and two of them are one.
        safe = quote(password, safe="").replace("%", "%%")
        return f"{scheme}://rantai:{safe}@{host}/webhooks/sms/kabar"
    return ""
