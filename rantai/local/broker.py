"""A private Mosquitto on 127.0.0.1."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rantai.errors import ServiceMissing
from rantai.local import mosquitto
from rantai.local.ports import HOST, free_port, is_free
from rantai.local.process import ServerProcess, command_of, end_process, is_alive
from rantai.local.system import SystemAccount
from tracker.telemetry.rules.credentials import hash_password

# Also the name of its session, for the broker takes the user for the client id.
INGEST_USER = "rantai-ingest"
_START_ATTEMPTS = 6
_READY_TIMEOUT_S = 30.0
_PORT_TIMEOUT_S = 15.0
_RELOAD_TIMEOUT_S = 10.0


class PrivateBroker:
    """One broker with its own users: start, stop cleanly, kill, and start again under the same address."""

    def __init__(
        self,
        *,
        program: str,
        folder: Path,
        account: SystemAccount | None,
        ingest_password: str,
        log: Path,
        port: int | None = None,
        choose_port: Callable[[], int] = free_port,
        outlives_parent: bool = False,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._tell = tell
        self._free_port = choose_port
        self._outlives_parent = outlives_parent
        self._program = program
        self._folder = folder
        self._account = account
        self._files = mosquitto.BrokerFiles(
            data=folder, passwords=folder / "passwords", access=folder / "access", pid=folder / "broker.pid"
        )
        self._configuration = folder / "mosquitto.conf"
        self._log = log
        self._ingest_password = ingest_password
        self._port = port
        self._pinned = False
        self._server: ServerProcess | None = None
        self._users: dict[str, str] = {INGEST_USER: hash_password(ingest_password)}
        self._readers = {INGEST_USER}
        self._writers: dict[str, tuple[str, ...]] = {}

    @property
    def port(self) -> int:
        """The port it listens on; known after the first start."""
        if self._port is None:
            raise ServiceMissing("The private broker was not started yet.")
        return self._port

    @property
    def running(self) -> bool:
        """Whether the broker lives."""
        return self._server is not None and self._server.running

    @property
    def pid(self) -> int | None:
        """Process id while it is ours."""
        return self._server.pid if self._server is not None else None

    def url(self, username: str = INGEST_USER, password: str | None = None) -> str:
        """Address with user and password; the ingester's when only asked for the address."""
        if password is None:
            if username != INGEST_USER:
                raise ValueError("a password is needed for any user but the ingester")
            password = self._ingest_password
        return f"mqtt://{username}:{password}@{HOST}:{self.port}"

    def set_users(self, hashes: Mapping[str, str], *, readers: Iterable[str] = ()) -> None:
        """Make exactly these users (name → `$7$` hash) known beside the ingester; a running broker re-reads.

        The broker disconnects clients whose user is gone or whose password is another now.
        """
        users = {**hashes, INGEST_USER: self._users[INGEST_USER]}
        if users == self._users and {INGEST_USER, *readers} == self._readers:
            return
        self._users = users
        self._readers = {INGEST_USER, *readers}
        if self.running:
            self._write_users()
            self._signal_reload()

    def add_user(self, username: str, password: str, *, reader: bool = False, topics: Iterable[str] = ()) -> str:
        """Add one user and give its address, once the broker lets it in; empty while the broker is down.

        A `reader` hears everything; `topics` may be written besides its own.
        """
        self._users[username] = hash_password(password)
        if reader:
            self._readers.add(username)
        if topics:
            self._writers[username] = tuple(topics)
        if not self.running:
            return ""
        self._write_users()
        self._signal_reload()
        deadline = time.monotonic() + _RELOAD_TIMEOUT_S
        while connect_code(self.port, username=username, password=password) != 0:
            if time.monotonic() > deadline:
                raise ServiceMissing(f"The private broker does not take the user {username} (log: {self._log}).")
            time.sleep(0.02)
        return self.url(username, password)

    def start(self) -> None:
        """Start and wait until it answers MQTT; the first start takes a free port, later ones keep it."""
        if self.running:
            return
        self._end_orphan()
        self._write_users()
        for attempt in range(_START_ATTEMPTS):
            port = self._choose_port()
            self._write(self._configuration, mosquitto.configuration(self._files, port=port, bind=HOST))
            server = ServerProcess(
                [self._program, "-c", str(self._configuration)],
                log=self._log,
                account=self._account,
                outlives_parent=self._outlives_parent,
            )
            if self._wait_ready(server, port):
                self._server, self._port, self._pinned = server, port, True
                return
            if not self._set_aside_store(server):
                time.sleep(0.2 * (attempt + 1))
        raise ServiceMissing(f"The private broker does not start: {server.tail()} (log: {self._log}).")

    def _set_aside_store(self, server: ServerProcess) -> bool:
        """Put a store that the broker cannot read (cut off by a power cut) beside, so that it starts with an empty one."""
        store = self._files.data / "mosquitto.db"
        if "Couldn't open database" not in server.tail() or not store.exists():
            return False
        aside = store.with_name(f"mosquitto.db.unreadable-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
        store.replace(aside)
        self._tell(
            f"The broker's store cannot be read and was set aside as {aside}; it starts with an empty one. Devices send "
            "again what was not confirmed; confirmed messages that nobody had fetched yet are lost."
        )
        return True

    def stop_clean(self) -> None:
        """SIGTERM: everything it acknowledged is on disk when this returns."""
        if self._server is not None:
            self._server.stop(timeout_s=60)
            self._server = None

    def kill(self) -> None:
        """SIGKILL: what it acknowledged within the last second may be lost."""
        if self._server is not None:
            self._server.kill()
            self._server = None

    def _write_users(self) -> None:
        self._write(self._files.access, mosquitto.access_file(readers=self._readers, writers=self._writers))
        self._write(self._files.passwords, mosquitto.password_file(self._users))

    def _write(self, file: Path, text: str) -> None:
        """Replace the file at once, readable by the broker only: a half-written one would lock everybody out."""
        beside = file.with_name(file.name + ".new")
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        beside.write_text(text, encoding="utf-8")
        if self._account is not None:
            os.chown(beside, self._account.uid, self._account.gid)
        beside.replace(file)

    def _signal_reload(self) -> None:
        if self._server is not None:
            self._server.send(signal.SIGHUP)

    def _choose_port(self) -> int:
        if self._port is None:
            return self._free_port()
        if self._pinned:
            deadline = time.monotonic() + _PORT_TIMEOUT_S
            while not is_free(self._port) and time.monotonic() < deadline:
                time.sleep(0.05)
            return self._port
        return self._port if is_free(self._port) else self._free_port()

    def _wait_ready(self, server: ServerProcess, port: int) -> bool:
        """True when our broker answers; False when it ended (port taken). A big store takes a while to load."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if not server.running:
                return False
            if speaks_mqtt(port):
                # Somebody else's broker may answer here while ours is about to give up on the port.
                time.sleep(0.05)
                return server.running
            time.sleep(0.02)
        server.stop()
        raise ServiceMissing(f"The private broker does not answer after {_READY_TIMEOUT_S:.0f} s (log: {self._log}).")

    def _end_orphan(self) -> None:
        """End a broker on our data whose parent was killed; we hold the instance's lock, so nobody uses it."""
        if self._files.pid is None:
            return
        try:
            pid = int(self._files.pid.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return
        if is_alive(pid) and str(self._configuration) in command_of(pid):
            end_process(pid, signal.SIGTERM)
        self._files.pid.unlink(missing_ok=True)


def connect_code(port: int, host: str = HOST, *, username: str = "", password: str = "") -> int | None:
    """The CONNACK return code of MQTT 3.1.1 (0 welcome, 5 not authorised); None when no broker answers there."""
    fields = [b"", *([username.encode(), password.encode()] if username else [])]
    flags = 0xC2 if username else 0x02  # user name and password present; clean session
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x0a"
    body += b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    if len(body) > 127:
        raise ValueError("user name and password are too long for this probe")
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(bytes([0x10, len(body)]) + body)
            answer = connection.recv(4)
    except OSError:
        return None
    return answer[3] if len(answer) == 4 and answer[0] == 0x20 else None


def speaks_mqtt(port: int, host: str = HOST) -> bool:
    """Whether a broker answers there; a mere TCP accept could be anybody's."""
    return connect_code(port, host) is not None
