"""The script that runs the broker in containers, with this machine's Mosquitto: spoilt store, new users, clean end."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from rantai.local import mosquitto
from rantai.local.broker import INGEST_USER, connect_code
from rantai.local.ports import HOST, free_port
from tests.support.running import local_servers_missing
from tests.support.waiting import eventually
from tracker.telemetry.rules.credentials import hash_password

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(bool(local_servers_missing()), reason=local_servers_missing())


class Broker:
    """A folder as the container has it, and the script run on it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        folder.chmod(0o777)
        self.store = folder / "mosquitto.db"
        self.passwords, access = folder / "passwords", folder / "access"
        self.write_users({"one": "secret"})
        access.write_text(mosquitto.access_file(readers=[]), encoding="utf-8")
        files = mosquitto.BrokerFiles(data=folder, passwords=self.passwords, access=access)
        self.configuration = folder / "mosquitto.conf"
        # As whom the test runs: the script does not change users.
        text = mosquitto.configuration(files, port=self.port, bind=HOST, user="root")
        self.configuration.write_text(text, encoding="utf-8")
        self.log = folder / "log"

    def write_users(self, users: dict[str, str]) -> None:
        """Another file in its place, as `rantai broker users` does."""
        beside = self.passwords.with_name("new")
        beside.write_text(
            mosquitto.password_file({name: hash_password(word) for name, word in users.items()}), encoding="utf-8"
        )
        beside.replace(self.passwords)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The script, until it is ended."""
        with self.log.open("ab") as log:
            paths = (ROOT / "deploy" / "broker.sh", self.configuration, self.store, self.passwords)
            command = ["sh", *map(str, paths)]
            process = subprocess.Popen(command, stderr=log, stdout=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            assert process.wait(20) is not None

    def lets_in(self, name: str, word: str) -> bool:
        """Whether it answers and knows the user."""
        return connect_code(self.port, username=name, password=word) == 0

    @property
    def said(self) -> str:
        """All it wrote."""
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    """Not started."""
    return Broker(tmp_path)


def test_it_reads_new_users_and_ends_cleanly_with_its_store_written(broker: Broker) -> None:
    with broker.running() as process:
        eventually(lambda: broker.lets_in("one", "secret"), what="it answers")
        broker.write_users({"one": "secret", "two": "other"})
        eventually(lambda: broker.lets_in("two", "other"), what="the new user is let in")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert broker.store.stat().st_size > 0


def test_it_waits_for_the_first_users_and_says_so(broker: Broker) -> None:
    broker.passwords.unlink()
    with broker.running() as process:
        eventually(lambda: "no users are written yet" in broker.said or process.poll() is not None, what="it says so")
        broker.write_users({"one": "secret"})
        eventually(lambda: broker.lets_in("one", "secret"), what="it answers")
    assert "rror" not in broker.said


def test_it_ends_while_it_waits_for_the_first_users(broker: Broker) -> None:
    broker.passwords.unlink()
    with broker.running() as process:
        eventually(lambda: "no users are written yet" in broker.said or process.poll() is not None, what="it says so")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize("left", [b"\x00" * 40, b"nonsense that is no store at all, but long enough for a header"])
def test_a_spoilt_store_is_set_aside_and_the_broker_starts(broker: Broker, left: bytes) -> None:
    broker.store.write_bytes(left)
    with broker.running():
        eventually(lambda: broker.lets_in("one", "secret"), what="it starts with an empty store")
    assert "was set aside as" in broker.said
    (aside,) = broker.store.parent.glob("mosquitto.db.unreadable-*")
    assert aside.read_bytes() == left
    with broker.running():
        eventually(lambda: broker.lets_in("one", "secret"), what="it starts again")
    assert broker.said.count("was set aside as") == 1


def test_a_store_cut_off_in_the_middle_does_not_keep_it_down(broker: Broker) -> None:
    with broker.running():
        eventually(lambda: broker.lets_in("one", "secret"), what="it answers")
    whole = broker.store.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        broker.store.write_bytes(whole[:length])
        with broker.running():
            eventually(lambda: broker.lets_in("one", "secret"), what=f"it starts with {length} bytes")


def test_a_full_broker_is_emptied_after_a_start_and_nothing_confirmed_is_lost(broker: Broker) -> None:
    """Full, it lets nobody in, whoever would empty it neither; each start gives it more room than the last one had."""
    given = 3_000_000
    text = re.sub("memory_limit .*", f"memory_limit {given}", broker.configuration.read_text(encoding="utf-8"))
    broker.configuration.write_text(text, encoding="utf-8")
    broker.write_users({"one": "secret", INGEST_USER: "secret"})
    (broker.store.parent / "access").write_text(mosquitto.access_file(readers=[INGEST_USER]), encoding="utf-8")
    with broker.running():
        eventually(lambda: broker.lets_in("one", "secret"), what="it answers")
        with _client(broker, INGEST_USER) as reader:
            subscribed = threading.Event()
            reader.on_subscribe = lambda *_: subscribed.set()
            reader.subscribe("rantai/#", qos=1)
            assert subscribed.wait(10)
        confirmed = _fill(broker)
    with broker.running():
        eventually(lambda: broker.lets_in("one", "secret"), what="it answers")
        heard: set[int] = set()
        with _client(broker, INGEST_USER, lambda message: heard.add(int(message[:8]))):
            eventually(lambda: confirmed <= heard, what="all that was confirmed")
    assert f"bounded by {given * 2} instead of {given}" in broker.said
    with broker.running():
        eventually(lambda: broker.lets_in("one", "secret"), what="it answers")
    assert (broker.store.parent / "mosquitto.db.memory_limit").read_text(encoding="ascii").strip() == str(given)


@contextmanager
def _client(broker: Broker, name: str, take: Callable[[bytes], None] = lambda _: None) -> Iterator[mqtt.Client]:
    """A client whose session stays at the broker."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    client.username_pw_set(name, "secret")
    client.on_message = lambda _client, _data, message: take(bytes(message.payload))
    client.connect(HOST, broker.port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _fill(broker: Broker) -> set[int]:
    """Publishes until the broker ends the connection; the numbers of what it confirmed."""
    sent: dict[int, int] = {}
    confirmed: list[int] = []
    full = threading.Event()
    with _client(broker, "one") as device:
        device.on_publish = lambda _client, _data, mid, *_: confirmed.append(mid)
        device.on_disconnect = lambda *_: full.set()
        eventually(device.is_connected, what="the device is let in")
        while not full.is_set():
            number = len(sent)
            assert number < 60_000, "it is never full"
            sent[device.publish("rantai/v1/one/readings", b"%08d" % number + b"x" * 300, qos=1).mid] = number
            if number - len(confirmed) > 500:
                time.sleep(0.01)
    return {sent[mid] for mid in confirmed}


def test_another_failure_is_told_and_not_taken_for_a_spoilt_store(broker: Broker) -> None:
    broker.store.write_bytes(b"kept")
    broker.configuration.write_text("listener nonsense\n", encoding="utf-8")
    with broker.running() as process:
        assert process.wait(20) != 0
    assert broker.store.read_bytes() == b"kept"
    assert "set aside" not in broker.said
