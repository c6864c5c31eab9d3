"""A publisher that keeps its own list of what the broker acknowledged, and an ingester that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from ingest.mqtt.link import BrokerAddress
from tests.support.services import Services
from tests.support.waiting import eventually
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.telemetry.queries import broker_credentials
from tracker.telemetry.rules.words import DeviceKind
from tracker.telemetry.service.commands import NewDevice
from tracker.telemetry.service.devices import add_device

SECRET = "a secret for tests only, at least 32 characters"
START = datetime(2026, 1, 5, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def make_devices(engine: Engine, codes: list[str], *, kind: DeviceKind = DeviceKind.NATIVE) -> dict[str, str]:
    """Devices at one facility; their passwords by code."""
    passwords = {}
    with transaction(engine) as db:
        unit = ensure_unit(db, code="PKM", name="Puskesmas", kind=UnitKind.PUSKESMAS, parent=None)
        for code in codes:
            added = add_device(db, SYSTEM, NewDevice(code=code, unit=unit.code, kind=kind), now=utc_now())
            assert added.password is not None
            passwords[code] = added.password
    return passwords


def admit(services: Services, engine: Engine) -> None:
    """Have the broker know the devices of the database."""
    with transaction(engine) as db:
        services.broker.set_users(broker_credentials(db))


def database_url(engine: Engine) -> str:
    """The libpq address of an engine."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


class IngestProcess:
    """`rantai ingest` as a process of its own; SIGKILL and start again."""

    def __init__(self, services: Services, engine: Engine, log: Path, **settings: str) -> None:
        self._environment = {
            **os.environ,
            "RANTAI_DATABASE_URL": database_url(engine),
            "RANTAI_MQTT_URL": services.mqtt_url,
            "RANTAI_SECRET_KEY": SECRET,
            **settings,
        }
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start; returns at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rantai", "ingest"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """SIGKILL, and reap."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def end(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    @contextmanager
    def alive(self) -> Iterator[IngestProcess]:
        """Started, and killed at the end whatever happened."""
        self.start()
        try:
            yield self
        finally:
            if self.running:
                self.kill()


def open_session(services: Services) -> None:
    """Make the ingester's persistent session before anything is published: the broker keeps nothing for nobody."""
    address = BrokerAddress.of(services.mqtt_url)
    client = Client(CallbackAPIVersion.VERSION2, client_id="rantai-ingest", clean_session=False)
    client.username_pw_set(address.username, address.password)
    subscribed = threading.Event()
    client.on_connect = lambda me, *_: me.subscribe([("rantai/v1/+/readings", 1), ("rantai/v1/+/ems", 1)])
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(address.host, address.port)
    client.loop_start()
    assert subscribed.wait(10)
    client.disconnect()
    client.loop_stop()


class Publisher:
    """One device that sends numbered readings; `acknowledged` holds the numbers the broker confirmed.

    Number n is measured at START + n seconds with the value n mod 70 / 10, so that what is stored can
    be told from what was sent, one by one.
    """

    WINDOW = 500

    def __init__(self, services: Services, code: str, password: str) -> None:
        address = BrokerAddress.of(services.mqtt_url)
        self.topic = f"rantai/v1/{code}/readings"
        self.acknowledged: set[int] = set()
        self.sent = 0
        self._numbers: dict[int, int] = {}
        self._confirmations: deque[int] = deque()
        self._window = threading.Semaphore(self.WINDOW)
        self._stop = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"device-{code}", clean_session=False)
        self._client.username_pw_set(code, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(self.WINDOW)
        self._client.on_publish = self._confirmed
        self._client.connect(address.host, address.port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._send, name=f"publisher-{code}")

    def start(self) -> Publisher:
        """Begin to send, as fast as the broker confirms."""
        self._thread.start()
        return self

    def finish(self) -> set[int]:
        """Stop sending, wait until all is confirmed; answers the numbers."""
        self._stop.set()
        self._thread.join(30)
        eventually(self._all_confirmed, timeout_s=60, what="all PUBACKs")
        self.close()
        return self.acknowledged

    def close(self) -> None:
        """Leave; safe to call twice."""
        self._stop.set()
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self) -> None:
        while not self._stop.is_set():
            if not self._window.acquire(timeout=0.2):
                continue
            number = self.sent
            at = START + timedelta(seconds=number)
            body = f'{{"readings":[{{"at":"{at.isoformat()}","channel":"t1","temperature_c":{number % 70 / 10}}}]}}'
            self._numbers[self._client.publish(self.topic, body, qos=1).mid] = number
            self.sent += 1
            self._note_confirmed()
            # Some thousand a second are enough to always have a batch under way.
            self._stop.wait(0.0003)

    def _confirmed(self, _client: Client, _userdata: object, mid: int, *_: object) -> None:
        # Only queued here: paho calls this with its lock held, and perhaps before `publish` has returned.
        self._confirmations.append(mid)
        self._window.release()

    def _note_confirmed(self) -> None:
        while self._confirmations:
            self.acknowledged.add(self._numbers.pop(self._confirmations.popleft()))

    def _all_confirmed(self) -> bool:
        self._note_confirmed()
        return len(self.acknowledged) == self.sent


def stored_numbers(engine: Engine) -> list[int]:
    """The numbers of all stored readings, doubles included."""
    with transaction(engine) as db:
        rows = db.execute(
            text("SELECT extract(epoch FROM measured_at)::bigint - :start FROM reading"),
            {"start": int(START.timestamp())},
        )
        return [row[0] for row in rows]


def stored_count(engine: Engine) -> int:
    """How many readings are stored; -1 while the database is away."""
    try:
        with transaction(engine) as db:
            return int(db.scalar(text("SELECT count(*) FROM reading")) or 0)
    except DBAPIError:
        return -1


def _more_than(engine: Engine, count: int) -> int | None:
    """How many readings are stored once there are more than `count`; None when half a minute brings no more."""
    found = [count]

    def grown() -> bool:
        found.append(stored_count(engine))
        return found[-1] > count

    try:
        eventually(grown, timeout_s=30)
    except AssertionError:
        return None
    return found[-1]


def assert_nothing_lost(engine: Engine, acknowledged: set[int]) -> None:
    """Every confirmed number is stored, exactly once, and nothing that was never sent."""

    stored_at_last = -1
    # However long a busy machine takes: given up is where half a minute brings nothing more.
    while stored_at_last < len(acknowledged) and (more := _more_than(engine, stored_at_last)):
        stored_at_last = more
    stored = stored_numbers(engine)
    missing = acknowledged - set(stored)
    doubled = len(stored) - len(set(stored))
    assert not missing, (
        f"{len(missing)} of {len(acknowledged)} confirmed messages are missing, such as {sorted(missing)[:5]}"
    )
    assert doubled == 0, f"{doubled} readings are stored twice"
    assert set(stored) <= acknowledged
