"""One MQTT connection of one device, driven by the fleet's own loop instead of a thread each.

A new client object is made for every connection: what has to be sent again is decided by the logger's memory,
not by the library's queue, which knows nothing of a broker that lost its last second.
"""

from __future__ import annotations

import selectors
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from simulators.chance import uniform
from simulators.sensors.device import RECORDS_PER_MESSAGE, Device

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT = timedelta(seconds=20)
WINDOW = 4
"""Messages on their way at once: enough to be quick, little enough that order is easy to see."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is. Credentials in the address are not used: each device has its own."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """From `mqtt://host:port` or `mqtts://host:port`. Raises ValueError with a sentence."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"{url!r} is not a broker address; expected mqtt://host:1883 or mqtts://host:8883")
        tls = parts.scheme == "mqtts"
        return cls(host=unquote(parts.hostname), port=parts.port or (8883 if tls else 1883), tls=tls)


class Link:
    """Connects, sends what waits, comes back after a failure with growing pauses."""

    def __init__(
        self,
        device: Device,
        broker: BrokerAddress,
        selector: selectors.BaseSelector,
        *,
        clock: Callable[[], datetime],
        told: Callable[[str, str], None],
    ) -> None:
        self.device = device
        self._broker = broker
        self._selector = selector
        self._clock = clock
        self._told = told
        self._client: mqtt.Client | None = None
        self._open = False
        self._has_been_open = False
        self._failures = 0
        self._retry_at: datetime | None = None
        self._opened_at: datetime | None = None
        self._socket: mqtt.SocketLike | None = None

    @property
    def is_open(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._open

    def wants_to_connect(self, now: datetime) -> bool:
        """Whether `work` would open a connection now."""
        if self._client is not None or not self.device.is_reachable(now):
            return False
        return self._retry_at is None or now >= self._retry_at

    def work(self) -> None:
        """What is due now: connect, give up, keep alive, send."""
        now = self._clock()
        if not self.device.is_reachable(now):
            if self._client is not None:
                self.drop()
            return
        if self._client is None:
            if self.wants_to_connect(now):
                self._connect(now)
            return
        if not self._open and self._opened_at is not None and now - self._opened_at > ANSWER_TIMEOUT:
            self._lost()
            return
        if self._client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
            self._lost()
            return
        if self._open:
            self._send(now)

    def ready(self, readable: bool, writable: bool) -> None:
        """The socket has something for us."""
        client = self._client
        if client is None:
            return
        bad = readable and client.loop_read() != mqtt.MQTT_ERR_SUCCESS
        bad = bad or (writable and self._client is client and client.loop_write() != mqtt.MQTT_ERR_SUCCESS)
        if self._client is not client:
            return
        if bad:
            self._lost()

    def say_goodbye(self) -> None:
        """Leave as a device does that is switched off: say offline, disconnect. Its last will stays unspoken."""
        client = self._client
        was_open = self._open
        self._forget()
        if client is not None and was_open:
            client.publish(self.device.status_topic, "offline", qos=1, retain=True)
            client.disconnect()
            client.loop_write()

    def drop(self) -> None:
        """Vanish without a word, as a dead battery or a torn cable does: the broker speaks the last will."""
        if self._client is not None:
            raw = self._client.socket()
            self._forget()
            if raw is not None:
                raw.close()
            self._told(self.device.code, "vanished from the network")
        self._failures = 0
        self._retry_at = None

    def _connect(self, now: datetime) -> None:
        device = self.device
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=device.code, clean_session=True, reconnect_on_failure=False
        )
        client.username_pw_set(device.entry.code, device.entry.password)
        client.will_set(device.status_topic, "offline", qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(WINDOW * 2)
        if self._broker.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_want_no_write
        self._client = client
        self._opened_at = now
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        except (OSError, ValueError):
            self._lost()

    def _send(self, now: datetime) -> None:
        """One message a look at the clock: a logger on a village's mobile link is no faster either."""
        client, memory = self._client, self.device.memory
        if client is None or not memory.waiting or memory.on_their_way >= WINDOW:
            return
        records = memory.take(RECORDS_PER_MESSAGE)
        info = client.publish(self.device.topic, self.device.encode(records, now), qos=1)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            memory.put_back(records)
            return
        memory.sent(info.mid, records)

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, *_: object) -> None:
        if reason.is_failure:
            self._told(self.device.code, f"the broker refuses it: {reason}")
            self._lost()
            return
        self._open = True
        self._failures = 0
        client.publish(self.device.status_topic, "online", qos=1, retain=True)
        self.device.memory.reconnected()
        if self._has_been_open:
            self._told(self.device.code, f"is back, {self.device.memory.waiting} records to deliver")
        self._has_been_open = True

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, *_: object) -> None:
        self.device.memory.confirmed(mid, self._clock())

    def _on_disconnect(self, client: mqtt.Client, *_: object) -> None:
        if client is self._client:
            self._lost()

    def _on_socket_open(self, _client: mqtt.Client, _data: object, raw: mqtt.SocketLike) -> None:
        self._socket = raw
        self._selector.register(raw, selectors.EVENT_READ, self)

    def _on_socket_close(self, _client: mqtt.Client, _data: object, raw: mqtt.SocketLike) -> None:
        # The library may close an old socket late, when a new connection stands already.
        if self._socket is raw:
            self._unregister()

    def _on_want_write(self, _client: mqtt.Client, _data: object, raw: mqtt.SocketLike) -> None:
        if self._socket is raw:
            self._selector.modify(raw, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def _on_want_no_write(self, _client: mqtt.Client, _data: object, raw: mqtt.SocketLike) -> None:
        if self._socket is raw:
            self._selector.modify(raw, selectors.EVENT_READ, self)

    def _unregister(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket = None

    def _lost(self) -> None:
        was_open = self._open
        raw = self._client.socket() if self._client is not None else None
        self._forget()
        if raw is not None:
            raw.close()
        pause = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**self._failures)
        now = self._clock()
        self._failures = min(self._failures + 1, 10)
        # Spread: a whole fleet that comes back in the same instant is its own second outage.
        self._retry_at = now + timedelta(seconds=pause * uniform(0.5, 1.0, self.device.code, now.isoformat()))
        if was_open:
            self._told(self.device.code, "lost the broker, will try again")

    def _forget(self) -> None:
        self._unregister()
        self._client = None
        self._open = False
        self._opened_at = None
