"""Nothing of an address that we call, or of what we send there, is written into a log at any level."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx2
import pytest
import structlog

from rantai.logs import configure_logs
from tracker.delivery.gateways import sender_from
from tracker.delivery.senders import Outgoing
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
        sender = sender_from(settings, client, lambda _phone: True)
        logging.getLogger("httpx2").info("HTTP Request: %s", "to=+628123456789&text=Halo&password=gerbang-77")
        sender.send(Outgoing(id=uuid7(), medium="sms", address="+628123456789", text="Halo Budi"))
    written = "".join(capfd.readouterr())
    for secret in ("628123456789", "8123456789", "Halo", "gerbang-77"):
        assert secret not in written


class Refusal(Exception):
    """As a database refuses: its rule's name, and the row."""

    sqlstate = "23514"


def fails() -> None:
    try:
        raise Refusal("DETAIL: Failing row contains (Sekarwangi, 3671014202800007)")
    except Refusal as error:
        raise ValueError("invalid literal: 'Puspadewi'") from error


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize("by", ["structlog", "logging"])
def test_an_error_is_told_by_kind_and_place_and_never_by_its_message(
    json_lines: bool, by: str, logging_as_before: None, capfd: pytest.CaptureFixture[str]
) -> None:
    del logging_as_before
    configure_logs(LogSettings(level="INFO", json_lines=json_lines))
    try:
        fails()
    except ValueError as error:
        if by == "logging":
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
        else:
            structlog.get_logger("rantai").error("unexpected error", exc_info=error)
    written = "".join(capfd.readouterr())
    for word in ("ValueError", "Refusal (23514)", "in fails", "test_logs.py"):
        assert word in written
    for secret in ("Sekarwangi", "3671014202800007", "Puspadewi"):
        assert secret not in written
