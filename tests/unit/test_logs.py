"""Nothing of an address that we call, or of what we send there, is written into a log at any level."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx2
import pytest

from rantai.logs import configure_logs
from tracker.delivery.senders import Outgoing, sender_from
from tracker.kit.ids import uuid7
from tracker.settings import DeliverySettings, LogSettings


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_a_gateways_password_a_number_and_a_text_stand_in_no_log(
    level: str, logging_as_before: None, capfd: pytest.CaptureFixture[str]
) -> None:
    del logging_as_before
    configure_logs(LogSettings(level=level))
    settings = DeliverySettings(
        sms_url="http://kannel.example/sendsms", sms_username="rantai", sms_password="gerbang-77"
    )
    transport = httpx2.MockTransport(lambda _: httpx2.Response(202, text="0: Accepted"))
    with httpx2.Client(transport=transport) as client:
        sender = sender_from(settings, client)
        logging.getLogger("httpx2").info("HTTP Request: %s", "to=+628123456789&text=Halo&password=gerbang-77")
        sender.send(Outgoing(id=uuid7(), medium="sms", address="+628123456789", text="Halo Budi"))
    written = "".join(capfd.readouterr())
    for secret in ("628123456789", "8123456789", "Halo", "gerbang-77"):
        assert secret not in written
