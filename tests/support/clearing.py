"""The tests' shared broker without what earlier tests left there: what was retained, and what waits for the ingester.

Every ingester of a broker is one client, by its user's name: a session that one test leaves, the next one's ingester gets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.services import Services

_SWEEPER = "sweeper"
_END = f"rantai/v1/{_SWEEPER}/status"
_ALL = "rantai/v1/#"


def clear_broker(services: Services) -> None:
    """Wipe retained messages and the ingester's session. Call it before the broker is told who its users are."""
    services.broker.add_user(_SWEEPER, _SWEEPER, reader=True, topics=[_ALL])
    kept: set[str] = set()
    heard_all = threading.Event()

    def hear(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            kept.add(message.topic)
        elif message.topic == _END:
            heard_all.set()

    def sweep(client: mqtt.Client) -> None:
        # What is kept comes before what is said now.
        client.publish(_END, "here", qos=1)
        assert heard_all.wait(10)
        for topic in kept:
            client.publish(topic, b"", qos=1, retain=True).wait_for_publish(10)

    _connected(services.broker.url(_SWEEPER, _SWEEPER), sweep, hear=hear)
    # Last, for what was said above may wait there, too.
    end_session(services)


def end_session(services: Services) -> None:
    """End the ingester's session with all that waits in it."""
    _connected(services.mqtt_url, lambda _client: None)


def _connected(
    url: str,
    act: Callable[[mqtt.Client], None],
    *,
    hear: Callable[[mqtt.Client, object, mqtt.MQTTMessage], None] | None = None,
) -> None:
    """Do something with a clean connection, subscribed to everything where there is somebody to hear it."""
    address = urlsplit(url)
    ready = threading.Event()

    def enter(client: mqtt.Client, *_: object) -> None:
        if hear is None:
            ready.set()
        else:
            client.subscribe(_ALL, 1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=address.username or "", clean_session=True)
    client.username_pw_set(address.username or "", address.password or "")
    client.on_message = hear
    client.on_connect = enter
    client.on_subscribe = lambda *_: ready.set()
    client.connect(address.hostname or "", address.port or 1883)
    client.loop_start()
    try:
        assert ready.wait(10)
        act(client)
    finally:
        client.disconnect()
        client.loop_stop()
