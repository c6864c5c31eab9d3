"""What devices of other tests left retained at the shared broker, wiped: each new subscriber would hear it."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.services import Services

_SWEEPER = "sweeper"
_END = f"rantai/v1/{_SWEEPER}/status"


def forget_retained(services: Services) -> None:
    """Wipe every retained message below `rantai/v1`. Call it before the broker is told who its users are."""
    services.broker.add_user(_SWEEPER, _SWEEPER, reader=True, topics=["rantai/v1/#"])
    address = urlsplit(services.broker.url(_SWEEPER, _SWEEPER))
    kept: set[str] = set()
    subscribed, heard_all = threading.Event(), threading.Event()

    def enter(client: mqtt.Client, *_: object) -> None:
        client.subscribe("rantai/v1/#", 1)

    def hear(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            kept.add(message.topic)
        elif message.topic == _END:
            heard_all.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=_SWEEPER)
    client.username_pw_set(_SWEEPER, _SWEEPER)
    client.on_message = hear
    client.on_connect = enter
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(address.hostname or "", address.port or 1883)
    client.loop_start()
    try:
        assert subscribed.wait(10)
        # What is kept comes before what is said now.
        client.publish(_END, "here", qos=1)
        assert heard_all.wait(10)
        for topic in kept:
            client.publish(topic, b"", qos=1, retain=True).wait_for_publish(10)
    finally:
        client.disconnect()
        client.loop_stop()
