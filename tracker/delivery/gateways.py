"""The gateways that an installation is set up for."""

from __future__ import annotations

import httpx2

from tracker.delivery.senders import ByMedium, KannelSender, Sender
from tracker.delivery.whatsapp import WhatsAppSender, WroteLately
from tracker.settings import DeliverySettings


def sender_from(
    settings: DeliverySettings, client: httpx2.Client, wrote_lately: WroteLately, push: Sender | None = None
) -> Sender:
    """The senders this installation is set up for; `push` where browsers are told."""
    senders: dict[str, Sender] = {} if push is None else {"push": push}
    if settings.sms_url:
        senders["sms"] = KannelSender(
            settings.sms_url,
            username=settings.sms_username,
            password=settings.sms_password.get_secret_value(),
            sender=settings.sms_sender,
            client=client,
        )
    if settings.whatsapp_url:
        senders["whatsapp"] = WhatsAppSender(
            settings.whatsapp_url,
            token=settings.whatsapp_token.get_secret_value(),
            client=client,
            wrote_lately=wrote_lately,
        )
    return ByMedium(senders)
