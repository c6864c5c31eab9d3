"""The pair of servers as containers (testcontainers), with the same verbs as the private ones.

Host ports are chosen by us and bound: Docker gives a restarted container another random port, and a killed
server must come back under its address. They are bound to this machine only.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import psycopg
from docker.errors import APIError
from psycopg import sql
from testcontainers.core.config import ConnectionMode
from testcontainers.core.container import DockerContainer

from rantai.local import mosquitto
from rantai.local.broker import INGEST_USER, speaks_mqtt
from rantai.local.ports import HOST, free_port
from tests.support.choice import BROKER_IMAGE, POSTGRES_IMAGE
from tracker.telemetry.rules.credentials import hash_password

_READY_TIMEOUT_S = 120.0
_START_ATTEMPTS = 4
_FILES = mosquitto.BrokerFiles(
    data=Path("/mosquitto/data"), passwords=Path("/rantai/passwords"), access=Path("/rantai/access")
)


class ContainerPostgres:
    """PostGIS in a container."""

    def __init__(self) -> None:
        self._at = ("", 0)
        self._password = secrets.token_urlsafe(18)
        self._container: DockerContainer | None = None

    @property
    def running(self) -> bool:
        """Whether the container runs."""
        return _is_running(self._container)

    def url(self, database: str = "rantai") -> str:
        """Address of a database."""
        host, port = self._at
        return f"postgresql://rantai:{self._password}@{host}:{port}/{database}"

    def create_database(self, name: str, *, template: str | None = None) -> bool:
        """Create a database unless it exists; True when it was created."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                return False
            command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template is not None:
                command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(command)
            return True

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        if self._container is None:
            self._container = _launch(
                lambda: (
                    DockerContainer(POSTGRES_IMAGE)
                    .with_env("POSTGRES_USER", "rantai")
                    .with_env("POSTGRES_PASSWORD", self._password)
                    .with_env("POSTGRES_DB", "rantai")
                    .with_command("postgres -c fsync=off -c full_page_writes=off -c max_connections=200")
                ),
                5432,
            )
        elif not self.running:
            self._container.get_wrapped_container().start()
        self._at = _address(self._container, 5432)
        _wait_until(self._answers, "the PostgreSQL container")

    def stop(self) -> None:
        """Clean stop."""
        _started(self._container).get_wrapped_container().stop(timeout=60)

    def kill(self) -> None:
        """SIGKILL: the container's processes end at once."""
        _started(self._container).get_wrapped_container().kill()
        _wait_until(lambda: not self.running, "the end of the PostgreSQL container")

    def remove(self) -> None:
        """Remove the container and its data."""
        if self._container is not None:
            self._container.stop()

    def _answers(self) -> bool:
        # The image starts a first server for its set-up, on the Unix socket only: TCP is the real one.
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True


class ContainerBroker:
    """Mosquitto in a container, with the production file."""

    def __init__(self) -> None:
        self._at = ("", 0)
        self._container: DockerContainer | None = None
        self._ingest = secrets.token_urlsafe(18)
        self._users: dict[str, str] = {INGEST_USER: hash_password(self._ingest)}
        self._readers = {INGEST_USER}
        self._writers: dict[str, tuple[str, ...]] = {}

    @property
    def running(self) -> bool:
        """Whether the container runs."""
        return _is_running(self._container)

    def url(self, username: str = INGEST_USER, password: str | None = None) -> str:
        """Address with user and password; the ingester's when only asked for the address."""
        if password is None:
            if username != INGEST_USER:
                raise ValueError("a password is needed for any user but the ingester")
            password = self._ingest
        host, port = self._at
        return f"mqtt://{username}:{password}@{host}:{port}"

    def add_user(self, username: str, password: str, *, reader: bool = False, topics: Iterable[str] = ()) -> str:
        """Add one user and give its address."""
        self._users[username] = hash_password(password)
        if reader:
            self._readers.add(username)
        if topics:
            self._writers[username] = tuple(topics)
        self._reload()
        return self.url(username, password)

    def set_users(self, hashes: Mapping[str, str], *, readers: Iterable[str] = ()) -> None:
        """Make exactly these users known beside the ingester."""
        self._users = {**hashes, INGEST_USER: self._users[INGEST_USER]}
        self._readers = {INGEST_USER, *readers}
        self._reload()

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        if self._container is None:
            # The image's own account cannot read files that were copied in as root.
            configuration = mosquitto.configuration(_FILES, port=1883, user="root")
            self._container = _launch(
                lambda: (
                    DockerContainer(BROKER_IMAGE)
                    .with_copy_into_container(configuration.encode(), "/rantai/mosquitto.conf")
                    .with_copy_into_container(self._passwords(), str(_FILES.passwords), 0o600)
                    .with_copy_into_container(self._access(), str(_FILES.access), 0o600)
                    .with_command("mosquitto -c /rantai/mosquitto.conf")
                ),
                1883,
            )
        elif not self.running:
            self._container.get_wrapped_container().start()
        self._at = _address(self._container, 1883)
        _wait_until(self._answers, "the Mosquitto container")

    def stop_clean(self) -> None:
        """SIGTERM and wait."""
        _started(self._container).get_wrapped_container().stop(timeout=60)

    def kill(self) -> None:
        """SIGKILL."""
        _started(self._container).get_wrapped_container().kill()
        _wait_until(lambda: not self.running, "the end of the Mosquitto container")

    def remove(self) -> None:
        """Remove the container and its data."""
        if self._container is not None:
            self._container.stop()

    def _reload(self) -> None:
        if not self.running:
            return
        container = _started(self._container)
        container.copy_into_container(self._access(), str(_FILES.access), 0o600)
        container.copy_into_container(self._passwords(), str(_FILES.passwords), 0o600)
        container.get_wrapped_container().kill(signal="HUP")

    def _passwords(self) -> bytes:
        return mosquitto.password_file(self._users).encode()

    def _access(self) -> bytes:
        return mosquitto.access_file(readers=self._readers, writers=self._writers).encode()

    def _answers(self) -> bool:
        host, port = self._at
        return speaks_mqtt(port, host)


class ContainerServices:
    """Both containers."""

    def __init__(self) -> None:
        self.postgres = ContainerPostgres()
        self.broker = ContainerBroker()

    @property
    def database_url(self) -> str:
        """Address of the database `rantai`."""
        return self.postgres.url()

    @property
    def mqtt_url(self) -> str:
        """Address of the broker for the ingester."""
        return self.broker.url()

    def start(self) -> ContainerServices:
        """Start both."""
        try:
            self.postgres.start()
            self.broker.start()
        except BaseException:
            self.forget()
            raise
        return self

    def forget(self) -> None:
        """Remove both."""
        self.broker.remove()
        self.postgres.remove()


def _launch(make: Callable[[], DockerContainer], inside: int) -> DockerContainer:
    """Start a container on a free host port; another process may take the port first, so try again."""
    for attempt in range(_START_ATTEMPTS):
        container = make()
        published = (_door(container), free_port())
        container.ports[str(inside)] = published  # type: ignore[assignment]  # handed on to docker-py, which takes both
        try:
            return container.start()
        except APIError:
            container.stop()
            if attempt == _START_ATTEMPTS - 1:
                raise
    raise AssertionError("the loop above returns or raises")


def _door(container: DockerContainer) -> str:
    """On which of the engine's addresses a port is published: this machine's own, where we reach that one.

    Tests that run in a container reach the engine's machine by the bridge; an engine elsewhere by its outer address.
    """
    client = container.get_docker_client()
    mode, host = client.get_connection_mode(), client.host()
    if mode is ConnectionMode.bridge_ip or (mode is ConnectionMode.docker_host and host in {"localhost", HOST}):
        return HOST
    gateway = bridge_gateway(client.client.networks.get("bridge").attrs["IPAM"]["Config"])
    return gateway if mode is ConnectionMode.gateway_ip or host == gateway else "0.0.0.0"


def bridge_gateway(networks: Sequence[Mapping[str, str]]) -> str:
    """The engine's machine as its containers see it. Until an engine is started a second time it does not say so."""
    first = networks[0]
    return first.get("Gateway") or str(next(ip_network(first["Subnet"]).hosts()))


def _address(container: DockerContainer, inside: int) -> tuple[str, int]:
    """Where the server is for us: the published port, or its own where we stand in the same network of containers."""
    host = container.get_container_host_ip()
    # The name leads to ::1 first, where nobody listens.
    return HOST if host == "localhost" else host, container.get_exposed_port(inside)


def _started(container: DockerContainer | None) -> DockerContainer:
    if container is None:
        raise RuntimeError("the container was not started yet")
    return container


def _is_running(container: DockerContainer | None) -> bool:
    if container is None:
        return False
    wrapped = container.get_wrapped_container()
    wrapped.reload()
    return str(wrapped.status) == "running"


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_READY_TIMEOUT_S:.0f} s for {what}")
        time.sleep(0.1)
