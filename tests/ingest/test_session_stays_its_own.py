"""A device's password gives it a session of its own and nobody else's, whatever client id it claims."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from ingest.mqtt.link import BrokerAddress
from tests.ingest.trial import (
    IngestProcess,
    Publisher,
    admit,
    assert_nothing_lost,
    make_devices,
    open_session,
    stored_count,
)
from tests.support.services import Services
from tests.support.waiting import eventually


@contextmanager
def as_thief(services: Services, user: str, password: str, *, claims: str, clean: bool) -> Iterator[list[bytes]]:
    """A device that says it is somebody else; what it gets to hear."""
    heard: list[bytes] = []
    address = BrokerAddress.of(services.mqtt_url)
    client = Client(CallbackAPIVersion.VERSION2, client_id=claims, clean_session=clean)
    client.username_pw_set(user, password)
    connected = threading.Event()

    def keep(me: Client, userdata: object, message: MQTTMessage) -> None:
        heard.append(bytes(message.payload))

    client.on_connect = lambda *_: connected.set()
    client.on_message = keep
    client.connect(address.host, address.port)
    client.loop_start()
    assert connected.wait(10)
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize("clean", [False, True])
def test_nobody_takes_over_the_ingesters_session_or_another_devices(
    own_services: Services, own_engine: Engine, tmp_path: Path, *, clean: bool
) -> None:
    passwords = make_devices(own_engine, ["fridge", "thief"])
    admit(own_services, own_engine)
    open_session(own_services)
    publisher = Publisher(own_services, "fridge", passwords["fridge"])
    with IngestProcess(own_services, own_engine, tmp_path / "ingest.log").alive():
        publisher.start()
        for claims in ["rantai-ingest", "ingest", "fridge", "device-fridge"] * 3:
            sent = publisher.sent
            with as_thief(own_services, "thief", passwords["thief"], claims=claims, clean=clean) as heard:
                eventually(lambda: publisher.sent > sent + 20, timeout_s=120, what="readings under way")  # noqa: B023
            assert heard == []
        acknowledged = publisher.finish()
        assert len(acknowledged) > 200
        eventually(lambda: stored_count(own_engine) >= len(acknowledged), timeout_s=60, what="all readings stored")
    assert_nothing_lost(own_engine, acknowledged)
