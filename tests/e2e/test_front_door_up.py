"""`rantai up` as people meet it: it starts, mends itself, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from rantai.local.ports import free_port
from rantai.local.process import command_of
from rantai.local.services import LocalServices
from rantai.local.state import InstanceState
from tests.support import databases
from tests.support.running import Running, all_gone, descendants, local_servers_missing
from tests.support.waiting import eventually
from tracker.database import migrations

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
    pytest.mark.skipif(bool(local_servers_missing()), reason=local_servers_missing()),
]


CLUSTER_IS_MADE = "Making a private PostgreSQL cluster"


def address_of(running: Running) -> str:
    match = re.search(r"Pages: +(http://\S+)/", running.said)
    assert match is not None
    return match.group(1)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "instance"
    LocalServices(tmp_path / "instance").forget()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which a house stood before: its cluster is made and its schema up to date."""
    folder = tmp_path_factory.mktemp("made") / "instance"
    with LocalServices(folder) as services, databases.engine_of(services.database_url) as engine:
        migrations.upgrade(engine)
    yield folder
    LocalServices(folder).forget()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(folder: Path, *more: str, through: tuple[str, ...] = ()) -> Running:
        port = () if "--port" in more else ("--port", str(free_port()))
        arguments = [*through, sys.executable, "-m", "rantai", "up", "--folder", str(folder), *port, *more]
        started.append(Running(arguments, tmp_path / f"heard-{len(started)}"))
        return started[-1]

    yield start
    for one in started:
        one.end_hard()


def ready(address: str) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.loads(error.read()))
    except OSError:
        return {}


def test_it_starts_mends_a_killed_program_ends_at_ctrl_c_keeps_its_data_and_ends_after_the_minutes_asked_for(
    up: Callable[..., Running], folder: Path
) -> None:
    # Ctrl-C works even where SIGINT was ignored at the start, as a shell does with its background jobs.
    first = up(folder, through=("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh"))
    first.wait_for("ready after")
    first.wait_for("Ctrl-C")
    assert ready(address_of(first))["status"] == "ready"
    pids = descendants(first.process.pid)
    programs = {
        name: pid for pid in pids for name in ("api", "ingest", "worker") if command_of(pid)[-2:] == ["rantai", name]
    }
    assert set(programs) == {"api", "ingest", "worker"}

    os.kill(programs["ingest"], signal.SIGKILL)
    first.wait_for("ingest is started again")
    eventually(lambda: ready(address_of(first)).get("status") == "ready")

    with psycopg.connect(database_of(folder)) as db:
        db.execute("CREATE TABLE kept (n int)")
    made_once = what_is_made_once(folder)
    pids |= descendants(first.process.pid)
    first.process.send_signal(signal.SIGINT)
    assert first.ends() == 0
    assert "Everything is stopped" in first.said
    eventually(lambda: all_gone(pids))

    second = up(folder, "--minutes", "0.02")
    second.wait_for("Starting API")
    # What the first start did once is found, not done again.
    assert CLUSTER_IS_MADE in first.said
    assert CLUSTER_IS_MADE not in second.said
    assert what_is_made_once(folder) == made_once
    with psycopg.connect(database_of(folder)) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    second.wait_for("ready after")
    pids = descendants(second.process.pid)
    assert second.ends() == 0
    eventually(lambda: all_gone(pids))


def what_is_made_once(folder: Path) -> tuple[object, ...] | None:
    """The cluster, its schema, and the transaction that wrote the schema's number."""
    with psycopg.connect(database_of(folder)) as db:
        return db.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system()), 'alembic_version'::regclass::oid,"
            " (SELECT array_agg(xmin::text || version_num) FROM alembic_version)"
        ).fetchone()


def database_of(folder: Path) -> str:
    state = InstanceState(folder)
    return f"postgresql://rantai:{state.text('postgres_password')}@127.0.0.1:{state.number('postgres_port')}/rantai"


def test_a_second_one_in_the_same_folder_is_refused_and_a_kill_of_the_first_takes_all_with_it(
    up: Callable[..., Running], made: Path
) -> None:
    running = up(made)
    running.wait_for("Ctrl-C")
    second = up(made)
    assert second.ends() == 3
    assert f"already runs from this folder (process {running.process.pid})" in second.said
    assert ready(address_of(running))["status"] == "ready"
    pids = descendants(running.process.pid)
    assert len(pids) > 4
    running.process.kill()
    eventually(lambda: all_gone(pids))


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("Making a private PostgreSQL", signal.SIGINT),
        ("Starting the private Mosquitto", signal.SIGINT),
        ("Starting API", signal.SIGTERM),
    ],
)
def test_a_signal_in_the_middle_of_the_start_leaves_nothing(
    up: Callable[..., Running], folder: Path, made: Path, words: str, number: signal.Signals
) -> None:
    running = up(folder if words.startswith("Making") else made)
    running.wait_for(words)
    running.process.send_signal(number)
    pids = descendants(running.process.pid)
    assert running.ends(60) == 0
    assert "ready after" not in running.said
    eventually(lambda: all_gone(pids))


def test_a_port_that_is_taken_is_said_in_a_sentence(up: Callable[..., Running], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taker:
        running = up(folder, "--port", str(taker.getsockname()[1]))
        assert running.ends() == 3
    assert re.fullmatch(r"rantai: port \d+ is taken; choose another with --port\.\n", running.said)


def test_make_that_alone_is_interrupted_ends_it_too(tmp_path: Path, made: Path) -> None:
    # `kill -INT` of make, not Ctrl-C: make tells its children nothing and waits for them.
    makefile = tmp_path / "Makefile"
    makefile.write_text(
        f"up:\n\t@exec {sys.executable} -m rantai up --folder {made} --port {free_port()}\n", encoding="utf-8"
    )
    running = Running(["make", "--no-print-directory", "-f", str(makefile), "up"], tmp_path / "heard")
    try:
        # Whether make is ending is asked between the steps of the start as it is afterwards.
        running.wait_for("Starting the private Mosquitto")
        pids = descendants(running.process.pid)
        running.process.send_signal(signal.SIGINT)
        running.ends()
        eventually(lambda: all_gone(pids))
        assert "ready after" not in running.said
    finally:
        running.end_hard()
