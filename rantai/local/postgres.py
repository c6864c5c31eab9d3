"""A private PostgreSQL cluster on 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from rantai.errors import ServiceMissing
from rantai.local.ports import HOST, free_port, is_free
from rantai.local.process import ServerProcess, command_of, end_process, folder_of, is_alive, run_once
from rantai.local.system import PostgresPrograms, SystemAccount

SUPERUSER = "rantai"
_START_ATTEMPTS = 6
# Recovery after a crash replays the write-ahead log since the last checkpoint.
_READY_TIMEOUT_S = 120.0
_PORT_TIMEOUT_S = 15.0


def address_of(port: int, password: str, database: str) -> str:
    """Address of a database of a private server for libpq and SQLAlchemy."""
    return f"postgresql://{SUPERUSER}:{password}@{HOST}:{port}/{database}"


class PrivatePostgres:
    """One cluster: start, stop, kill and start again under the same address.

    Passwords are checked over TCP only; there is no Unix socket, because its path may be longer than the
    107 bytes the system allows when the checkout lies deep. `durable=False` switches fsync off: that loses
    data when the *machine* goes down, never when only the server processes are killed.
    """

    def __init__(
        self,
        *,
        programs: PostgresPrograms,
        folder: Path,
        account: SystemAccount | None,
        password: str,
        log: Path,
        port: int | None = None,
        durable: bool = True,
        choose_port: Callable[[], int] = free_port,
        outlives_parent: bool = False,
    ) -> None:
        self._free_port = choose_port
        self._outlives_parent = outlives_parent
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._account = account
        self._password = password
        self._log = log
        self._port = port
        self._pinned = False
        self._durable = durable
        self._server: ServerProcess | None = None

    @property
    def port(self) -> int:
        """The port it listens on; known after the first start."""
        if self._port is None:
            raise ServiceMissing("The private PostgreSQL was not started yet.")
        return self._port

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self._server is not None and self._server.running

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster while it is ours."""
        return self._server.pid if self._server is not None else None

    def url(self, database: str = "rantai") -> str:
        """Address of one of its databases."""
        return address_of(self.port, self._password, database)

    def initialise(self) -> bool:
        """Make the cluster when there is none; True when it was made. A half-made one is begun again."""
        if (self._data / "PG_VERSION").is_file():
            return False
        making = self._folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password + "\n", encoding="utf-8")
        if self._account is not None:
            os.chown(password_file, self._account.uid, self._account.gid)
        try:
            run_once(
                [
                    self._programs.initdb,
                    f"--pgdata={making}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    *([] if self._durable else ["--no-sync"]),
                ],
                account=self._account,
                environment=_environment(),
                what="Making the private PostgreSQL cluster",
            )
        finally:
            password_file.unlink(missing_ok=True)
        shutil.rmtree(self._data, ignore_errors=True)
        making.rename(self._data)
        return True

    def start(self) -> None:
        """Start and wait until it answers; the first start takes a free port, later ones keep it."""
        if self.running:
            return
        self._clear_stale_lock()
        for attempt in range(_START_ATTEMPTS):
            port = self._choose_port()
            server = self._launch(port)
            if self._wait_ready(server, port):
                self._server, self._port, self._pinned = server, port, True
                return
            # Another process took the port, or the last server's children still let go of shared memory.
            time.sleep(0.3 * (attempt + 1))
        raise ServiceMissing(f"The private PostgreSQL does not start: {server.tail()} (log: {self._log}).")

    def stop(self) -> None:
        """Fast shutdown: clients are cut off, a checkpoint is written."""
        if self._server is not None:
            self._server.stop(timeout_s=60)
            self._server = None

    def kill(self) -> None:
        """SIGKILL every process of the server at one instant, as a crash would."""
        if self._server is None:
            return
        # Stopped first, so that the postmaster neither forks nor starts its own crash recovery meanwhile.
        self._server.send(signal.SIGSTOP)
        children = _children_of(self._server.pid)
        for pid in children:
            _kill_quietly(pid)
        self._server.kill()
        self._server = None
        deadline = time.monotonic() + 10
        while any(is_alive(pid) for pid in children) and time.monotonic() < deadline:
            time.sleep(0.01)

    def create_database(self, name: str, *, template: str | None = None) -> bool:
        """Create a database unless it exists; True when it was created."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if there:
                return False
            command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template is not None:
                command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(command)
            return True

    def _launch(self, port: int) -> ServerProcess:
        options = {
            "port": str(port),
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "log_min_messages": "warning",
            # Neither the row that a rule refused nor the statement with it: they may be a person's.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "timezone": "UTC",
            # Containers often have a /dev/shm of 64 MB, which parallel plans overrun.
            "max_parallel_workers_per_gather": "0",
            # synchronous_commit stays on: without it a killed process loses commits it had already confirmed.
            **({} if self._durable else {"fsync": "off", "full_page_writes": "off"}),
        }
        arguments = [self._programs.postgres, "-D", str(self._data)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        return ServerProcess(
            arguments,
            log=self._log,
            stop_signal=signal.SIGINT,
            outlives_parent=self._outlives_parent,
            account=self._account,
            environment=_environment(),
        )

    def _choose_port(self) -> int:
        """The port of the last start when it can be had; a restart in this process insists on it."""
        if self._port is None:
            return self._free_port()
        if self._pinned:
            _wait_for(lambda: is_free(self.port), _PORT_TIMEOUT_S)
            return self._port
        return self._port if is_free(self._port) else self._free_port()

    def _wait_ready(self, server: ServerProcess, port: int) -> bool:
        """True when our server lets us in; False when it ended. Raises when it is there but never ready."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        address = address_of(port, self._password, "postgres")
        while time.monotonic() < deadline:
            if not server.running:
                return False
            try:
                with psycopg.connect(address, connect_timeout=2) as connection:
                    row = connection.execute("SHOW data_directory").fetchone()
            except psycopg.Error:
                time.sleep(0.05)
                continue
            # A foreign server on this port would not have our password; belt and braces: it has other data.
            return row is not None and Path(row[0]) == self._data
        server.stop()
        raise ServiceMissing(f"The private PostgreSQL is not ready after {_READY_TIMEOUT_S:.0f} s (log: {self._log}).")

    def _clear_stale_lock(self) -> None:
        """After a crash `postmaster.pid` names a process that is gone, or by now is somebody else.

        PostgreSQL then refuses to start when that number happens to belong to a process of its own account.
        We hold the instance's lock, so a living server on this data is an orphan of a killed parent: end it.
        """
        lock = self._data / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            lock.unlink(missing_ok=True)
            return
        if is_alive(pid) and self._is_our_server(pid):
            end_process(pid, signal.SIGINT)
        lock.unlink(missing_ok=True)

    def _is_our_server(self, pid: int) -> bool:
        """The postmaster works inside its data folder; where no /proc tells, the command line has to do."""
        return folder_of(pid) == self._data.resolve() or str(self._data) in command_of(pid)


def _environment() -> dict[str, str]:
    """A clean environment: PG* variables of the caller must not steer the private server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _children_of(pid: int) -> list[int]:
    """Direct children, from /proc; empty where there is none (the children then notice by themselves)."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # "1234 (name) S 1 …": the name may hold spaces and brackets.
            parent = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == pid:
            children.append(int(stat.parent.name))
    return children


def _kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
