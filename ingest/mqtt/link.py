"""The link to the broker: one persistent session, messages queued for the worker, acknowledged by it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = structlog.get_logger(__name__)

KEEPALIVE_S = 30
_RECONNECT_MOST_S = 10
# So many connections in a row that ended at once: a broker that restarts does not do that, a second of our name does.
_SHORT_S = 10.0
_SHORT_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> BrokerAddress:
        """From mqtt://user:password@host:port or mqtts://…"""
        parts = urlsplit(url)
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class Incoming:
    """A message as it came off the wire. Written out by hand: one is made for each message."""

    __slots__ = ("generation", "mid", "payload", "qos", "received_s", "retain", "topic")

    def __init__(self, generation: int, message: MQTTMessage) -> None:
        self.generation = generation
        self.mid = message.mid
        self.qos = message.qos
        self.retain = message.retain
        self.topic = message.topic
        self.payload = bytes(message.payload)
        self.received_s = time.time()


class Link:
    """Connects and reconnects by itself, keeps the session while away, hands messages over in order.

    A message is acknowledged by `acknowledge`, never before. Each connection has a generation: an
    acknowledgement for a message of an earlier one is dropped, because the packet number may by now
    mean another message; the broker sends the old one again, and the store drops it as a repeat.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        filters: Sequence[str],
        most_waiting: int = 100_000,
        most_bytes: int = 64_000_000,
    ) -> None:
        self._address = address
        self._filters = list(filters)
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._waiting: deque[Incoming] = deque()
        # Written by one thread each; their difference is what waits.
        self._received_bytes = 0
        self._taken_bytes = 0
        self._filled = threading.Event()
        self._stopping = threading.Event()
        self._generation = 0
        self._generation_lock = threading.Lock()
        self._connected_s: float | None = None
        self._short = 0
        self._thread_name = f"paho-mqtt-client-{client_id}"
        # Set while connected and subscribed: only then does the broker keep or send anything for us.
        self.listening = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=True,
        )
        self._client.reconnect_delay_set(1, _RECONNECT_MOST_S)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if address.tls:
            self._client.tls_set()
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @property
    def backlog(self) -> int:
        """Messages received and not taken yet."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to connect; returns at once, also when the broker is away."""
        self._client.connect_async(self._address.host, self._address.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def keep_running(self) -> None:
        """Start the network thread again should an error have ended it."""
        if self._stopping.is_set() or any(thread.name == self._thread_name for thread in threading.enumerate()):
            return
        log.error("mqtt.network_thread_died")
        self._new_generation()
        self._client.loop_stop()
        self.start()

    def stop(self) -> None:
        """Say goodbye; the session and what is not acknowledged stay with the broker."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, most: int, most_bytes: int, *, wait_s: float, gather_s: float) -> list[Incoming]:
        """The next messages in order: waits up to `wait_s` for the first, then `gather_s` for a full batch.

        Full is `most` messages or `most_bytes` of payload (the last message may go beyond).
        """
        if not self._waiting:
            self._filled.clear()
            if not self._waiting and not self._filled.wait(wait_s):
                return []
        deadline = time.monotonic() + gather_s
        while not self._full(most, most_bytes) and time.monotonic() < deadline and not self._stopping.is_set():
            time.sleep(min(0.005, gather_s))
        taken: list[Incoming] = []
        size = 0
        pop = self._waiting.popleft
        try:
            while len(taken) < most and size < most_bytes:
                message = pop()
                size += len(message.payload)
                taken.append(message)
        except IndexError:
            # The network thread only adds: empty means that all there was is taken.
            pass
        self._taken_bytes += size
        return taken

    def _full(self, most: int, most_bytes: int) -> bool:
        return len(self._waiting) >= most or self._received_bytes - self._taken_bytes >= most_bytes

    def acknowledge(self, messages: Iterable[Incoming]) -> int:
        """Tell the broker that these are safe; returns how many were still of this connection."""
        count = 0
        ack = self._client.ack
        with self._generation_lock:
            for message in messages:
                if message.generation == self._generation and message.qos:
                    ack(message.mid, message.qos)
                    count += 1
        return count

    def wake(self) -> None:
        """End a `take` that waits."""
        self._stopping.set()
        self._filled.set()

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del userdata, properties
        if reason.is_failure:
            log.error("mqtt.refused", reason=str(reason))
            return
        self._new_generation()
        self._connected_s = time.monotonic()
        log.info("mqtt.connected", session_present=flags.session_present)
        # Also with a session: one made by an older release may lack filters (MQTT 3.1.1 §3.8 replaces equal ones).
        client.subscribe([(name, 1) for name in self._filters])

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, userdata, flags, properties
        self._new_generation()
        if not self._stopping.is_set():
            log.warning("mqtt.disconnected", reason=str(reason))
            self._count_short()

    def _count_short(self) -> None:
        """Say so when the broker ends one connection after another: MQTT 3.1.1 has no word for a session taken over."""
        began, self._connected_s = self._connected_s, None
        if began is None:
            return
        self._short = self._short + 1 if time.monotonic() - began < _SHORT_S else 0
        if self._short >= _SHORT_MOST:
            self._short = 0
            log.error(
                "mqtt.pushed_out",
                hint="the broker ends each connection at once: does another client use this name, of another house?",
            )

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        del client, userdata, mid, properties
        for name, reason in zip(self._filters, reasons, strict=False):
            if reason.is_failure:
                log.error("mqtt.subscription_refused", filter=name, reason=str(reason))
        if not any(reason.is_failure for reason in reasons):
            self.listening.set()

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        del client, userdata
        # The broker's window (max_inflight_messages) normally bounds what waits; should it be larger,
        # not reading the socket is the back-pressure. The worker wakes us by taking.
        # So it is for messages of QoS 0, which no window bounds, while the database stands still.
        while self._full(self._most_waiting, self._most_bytes) and not self._stopping.is_set():
            time.sleep(0.01)
        incoming = Incoming(self._generation, message)
        self._received_bytes += len(incoming.payload)
        self._waiting.append(incoming)
        if not self._filled.is_set():
            self._filled.set()

    def _new_generation(self) -> None:
        with self._generation_lock:
            self._generation += 1
        self.listening.clear()
