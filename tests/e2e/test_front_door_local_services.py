"""The private servers as they are met in life: killed, restarted, squeezed out of their port, twice at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from rantai.errors import ServiceMissing
from rantai.local.broker import connect_code
from rantai.local.ports import free_port
from rantai.local.process import is_alive
from rantai.local.services import LocalServices
from rantai.local.state import InstanceState, outside_place
from tests.support.running import local_servers_missing
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(bool(local_servers_missing()), reason=local_servers_missing())

# Holds servers as a demo would, until it is told to end or dies.
HOLDER = """
import sys, time
from pathlib import Path
from rantai.local.services import LocalServices
services = LocalServices(Path(sys.argv[1]), durable=False).start()
print(services.postgres.pid, services.broker.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A checkout's folder. Under root, pytest's own folders are closed to the servers' accounts, as a private home is."""
    yield tmp_path / ".rantai"
    LocalServices(tmp_path / ".rantai").forget()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    """One pair for the tests that leave both servers as they found them: making a pair costs more than such a test."""
    root = tmp_path_factory.mktemp("shared") / ".rantai"
    with LocalServices(root, durable=False) as running:
        yield running
    LocalServices(root).forget()


@pytest.fixture
def local(place: Path) -> Iterator[LocalServices]:
    with LocalServices(place, durable=False) as running:
        yield running


class Client:
    """An MQTT 3.1.1 client that remembers what it heard and what was acknowledged."""

    def __init__(self, url: str, name: str, *, keep: bool = False) -> None:
        at = urlsplit(url)
        self.heard: list[bytes] = []
        self.answer: str | None = None
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not keep)
        self.client.username_pw_set(at.username, at.password)
        self.client.on_message = lambda _c, _u, message: self.heard.append(bytes(message.payload))
        self.client.on_connect = lambda _c, _u, _f, reason, _p: setattr(self, "answer", str(reason))
        self.client.connect(at.hostname or "", at.port or 0)
        self.client.loop_start()
        eventually(lambda: self.answer is not None)

    def publish(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(10)

    def subscribe(self, topic: str) -> None:
        done: list[int] = []
        self.client.on_subscribe = lambda *_: done.append(1)
        self.client.subscribe(topic, 1)
        eventually(lambda: bool(done))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def note(services: LocalServices, number: int) -> None:
    with psycopg.connect(services.database_url) as db:
        db.execute("CREATE TABLE IF NOT EXISTS note (n int)")
        db.execute("INSERT INTO note VALUES (%s)", (number,))


def notes(services: LocalServices) -> list[int]:
    with psycopg.connect(services.database_url) as db:
        return [row[0] for row in db.execute("SELECT n FROM note ORDER BY n")]


def test_a_second_start_keeps_data_ports_and_passwords(place: Path) -> None:
    with LocalServices(place, durable=False) as first:
        note(first, 1)
        address, broker, key = first.database_url, first.mqtt_url, first.secret_key
    with LocalServices(place, durable=False) as second:
        assert (second.database_url, second.mqtt_url, second.secret_key) == (address, broker, key)
        assert notes(second) == [1]


def test_data_lies_where_the_servers_account_can_reach_it(place: Path) -> None:
    with LocalServices(place, durable=False) as services:
        folder = Path(InstanceState(place).text("postgres_folder") or "")
        assert (folder / "data" / "PG_VERSION").is_file()
        owner = folder.stat().st_uid
        if os.geteuid() == 0:
            assert owner != 0
            assert folder.is_relative_to(outside_place(place))
        else:
            assert folder.is_relative_to(place)
        assert services.postgres.running
    LocalServices(place).forget()
    assert not folder.exists()
    assert not place.exists()


def test_postgis_can_be_created(shared: LocalServices) -> None:
    with psycopg.connect(shared.database_url) as db:
        db.execute("CREATE EXTENSION postgis")
        db.execute("CREATE EXTENSION ltree")
        row = db.execute("SELECT ST_AsText(ST_Point(106.63, -6.17))").fetchone()
        assert row == ("POINT(106.63 -6.17)",)


def test_a_killed_database_keeps_what_it_committed_and_comes_back_under_its_address(local: LocalServices) -> None:
    address = local.database_url
    for number in range(3):
        note(local, number)
        pid = local.postgres.pid
        local.postgres.kill()
        assert pid is not None
        assert not is_alive(pid)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(address, connect_timeout=2)
        local.postgres.start()
        assert local.database_url == address
    assert notes(local) == [0, 1, 2]


def test_a_stale_lock_file_that_names_a_living_stranger_of_the_same_account_is_cleared(place: Path) -> None:
    with LocalServices(place, durable=False) as services:
        note(services, 1)
        account = services.postgres._account
    folder = Path(InstanceState(place).text("postgres_folder") or "")
    stranger = subprocess.Popen(
        ["sleep", "600"], user=account.uid if account else None, group=account.gid if account else None
    )
    try:
        lock = folder / "data" / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{folder}/data\n", encoding="utf-8")
        if account:
            os.chown(lock, account.uid, account.gid)
        with LocalServices(place, durable=False) as services:
            assert notes(services) == [1]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_ports_taken_meanwhile_are_left_to_their_takers(place: Path) -> None:
    with LocalServices(place, durable=False) as services:
        ports = [services.postgres.port, services.broker.port]
    takers = [socket.create_server(("127.0.0.1", port)) for port in ports]
    try:
        with LocalServices(place, durable=False) as services:
            assert not {services.postgres.port, services.broker.port} & set(ports)
            note(services, 1)
    finally:
        for taker in takers:
            taker.close()


def test_a_port_lost_in_the_race_between_choosing_and_binding_is_tried_anew(place: Path) -> None:
    # The race itself cannot be timed; each server is told a port that is taken first, as it would be when it lost.
    with socket.create_server(("127.0.0.1", 0)) as taker:
        lost = taker.getsockname()[1]
        chosen: list[int] = []

        def loses_every_other_time() -> int:
            chosen.append(free_port() if len(chosen) % 2 else lost)
            return chosen[-1]

        with LocalServices(place, durable=False, choose_port=loses_every_other_time) as services:
            assert chosen.count(lost) == 2
            assert lost not in {services.postgres.port, services.broker.port}


def test_two_checkouts_run_at_once_and_one_checkout_runs_once(tmp_path: Path, local: LocalServices) -> None:
    with LocalServices(tmp_path / "other" / ".rantai", durable=False) as other:
        note(local, 1)
        note(other, 2)
        assert notes(local) == [1]
        assert notes(other) == [2]
        with pytest.raises(ServiceMissing, match=f"already runs from this folder .process {os.getpid()}"):
            LocalServices(local.root).start()
    LocalServices(tmp_path / "other" / ".rantai").forget()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_servers_die_with_a_killed_parent(place: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(place)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert holder.stdout is not None
    pids = [int(pid) for pid in holder.stdout.readline().split()]
    assert len(pids) == 2
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    eventually(lambda: not any(is_alive(pid) for pid in pids))


def test_servers_left_over_by_a_killed_parent_are_ended_at_the_next_start(place: Path) -> None:
    # As on a system without a parent-death signal: the orphans live on, on our data.
    first = LocalServices(place, durable=False, outlives_parent=True).start()
    note(first, 1)
    orphans = [first.postgres.pid or 0, first.broker.pid or 0]
    children = [first.postgres._server, first.broker._server]
    first._lock.release()
    with LocalServices(place, durable=False) as services:
        assert notes(services) == [1]
        assert {services.postgres.pid, services.broker.pid}.isdisjoint(orphans)
        assert not any(is_alive(pid) for pid in orphans)
    for child in children:
        assert child is not None
        child.stop()


def test_a_half_made_cluster_is_begun_again(place: Path) -> None:
    with LocalServices(place, durable=False):
        pass
    folder = Path(InstanceState(place).text("postgres_folder") or "")
    (folder / "data").rename(folder / "making")
    (folder / "making" / "PG_VERSION").unlink()
    with LocalServices(place, durable=False) as services:
        note(services, 1)
        assert notes(services) == [1]


def test_servers_listen_on_this_machine_only_and_let_nobody_in_without_password(shared: LocalServices) -> None:
    at = urlsplit(shared.database_url)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://{at.username}:wrong@{at.hostname}:{at.port}/rantai")
    with psycopg.connect(shared.database_url) as db:
        assert db.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    anonymous = Client(f"mqtt://127.0.0.1:{shared.broker.port}", "nobody")
    assert anonymous.answer == "Not authorized"
    anonymous.close()


def test_a_device_added_at_run_time_writes_below_its_own_name_only(shared: LocalServices) -> None:
    listener = Client(shared.mqtt_url, "listener")
    listener.subscribe("#")
    device = Client(shared.broker.add_user("fridge-1", "secret"), "fridge-1")
    left: list[int] = []
    device.client.on_disconnect = lambda *_: left.append(1)
    for topic, payload in [
        ("rantai/v1/fridge-2/readings", b"forged"),
        ("elsewhere", b"strayed"),
        ("rantai/v1/fridge-1/readings", b"own"),
    ]:
        device.publish(topic, payload)
    eventually(lambda: b"own" in listener.heard)
    assert listener.heard == [b"own"]
    assert left == [], "a gateway that says one thing too many must not lose its connection for it"
    device.close()
    listener.close()


def test_a_device_taken_off_the_list_is_disconnected_and_kept_out(shared: LocalServices) -> None:
    device = Client(shared.broker.add_user("fridge-1", "secret"), "fridge-1")
    left: list[int] = []
    device.client.on_disconnect = lambda *_: left.append(1)
    shared.broker.set_users({})
    eventually(lambda: bool(left))
    assert connect_code(shared.broker.port, username="fridge-1", password="secret") == 5
    device.close()


def test_what_waits_for_an_absent_ingester_survives_a_clean_restart(local: LocalServices) -> None:
    count = 3_000  # three times what Mosquitto keeps by default
    absent = Client(local.mqtt_url, "rantai-ingest", keep=True)
    absent.subscribe("rantai/v1/#")
    absent.close()
    device = Client(local.broker.add_user("fridge-1", "secret"), "fridge-1")
    sent = [device.client.publish("rantai/v1/fridge-1/readings", str(n).encode(), qos=1) for n in range(count)]
    for message in sent:
        message.wait_for_publish(30)
    device.close()
    local.broker.stop_clean()
    local.broker.start()
    back = Client(local.mqtt_url, "rantai-ingest", keep=True)
    eventually(lambda: len(back.heard) >= count)
    assert sorted(map(int, back.heard)) == list(range(count))
    back.close()


def test_what_was_acknowledged_over_a_second_ago_survives_a_kill_of_the_broker(local: LocalServices) -> None:
    absent = Client(local.mqtt_url, "rantai-ingest", keep=True)
    absent.subscribe("rantai/v1/#")
    absent.close()
    device = Client(local.broker.add_user("fridge-1", "secret"), "fridge-1")
    for number in range(500):
        device.publish("rantai/v1/fridge-1/readings", str(number).encode())
    device.close()
    store = local.broker._folder / "mosquitto.db"
    acknowledged = time.time()
    # The autosave runs once a second; wait for one that began after the last acknowledgement.
    eventually(lambda: store.exists() and store.stat().st_mtime > acknowledged + 0.05)
    local.broker.kill()
    local.broker.start()
    back = Client(local.mqtt_url, "rantai-ingest", keep=True)
    eventually(lambda: len(back.heard) >= 500)
    assert sorted(map(int, back.heard)) == list(range(500))
    back.close()


def test_a_broker_whose_store_was_cut_off_starts_and_says_what_became_of_it(tmp_path: Path) -> None:
    told: list[str] = []
    with LocalServices(tmp_path / "house", durable=False, progress=told.append) as services:
        store = services.broker._files.data / "mosquitto.db"
        services.broker.stop_clean()
        store.write_bytes(store.read_bytes()[:40])
        services.broker.start()
        assert services.broker.running
        assert any("set aside" in line for line in told)
        assert list(store.parent.glob("mosquitto.db.unreadable-*"))


def test_servers_that_are_killed_are_started_again(tmp_path: Path) -> None:
    with LocalServices(tmp_path / "house", durable=False) as services:
        for server in (services.broker, services.postgres):
            pid = server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: not server.running, timeout_s=10)  # noqa: B023
            services.tend()
            assert server.running
            assert server.pid != pid
