"""The private PostgreSQL and the private Mosquitto of one instance, together."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from rantai.errors import ServiceMissing
from rantai.local.broker import PrivateBroker
from rantai.local.folders import data_folder, remove_folders
from rantai.local.ports import free_port
from rantai.local.postgres import PrivatePostgres
from rantai.local.state import InstanceLock, InstanceState
from rantai.local.system import find_mosquitto, find_postgres, server_account

DATABASE = "rantai"


class LocalServices:
    """Private servers whose data, ports and passwords belong to the folder `root`.

    `with LocalServices(Path(".rantai")) as services:` starts both and stops both. `services.postgres` and
    `services.broker` can be killed and started again meanwhile. One process at a time may use a folder.
    `durable=False` (tests) trades safety against a power cut for speed. `choose_port` finds a port where none is
    remembered; `outlives_parent` leaves servers behind when this process is killed, as on systems that cannot help it.
    """

    def __init__(
        self,
        root: Path,
        *,
        durable: bool = True,
        progress: Callable[[str], None] | None = None,
        choose_port: Callable[[], int] = free_port,
        outlives_parent: bool = False,
    ) -> None:
        self.root = root.absolute()
        self._choose_port = choose_port
        self._outlives_parent = outlives_parent
        self._durable = durable
        self._tell = progress or (lambda _line: None)
        self._lock = InstanceLock(self.root)
        self._postgres: PrivatePostgres | None = None
        self._broker: PrivateBroker | None = None
        self._state: InstanceState | None = None

    @property
    def postgres(self) -> PrivatePostgres:
        """The database server; `ServiceMissing` before `prepare` or `start`."""
        if self._postgres is None:
            raise ServiceMissing("The private PostgreSQL was not started yet.")
        return self._postgres

    @property
    def broker(self) -> PrivateBroker:
        """The MQTT broker; `ServiceMissing` before `prepare` or `start`."""
        if self._broker is None:
            raise ServiceMissing("The private broker was not started yet.")
        return self._broker

    @property
    def database_url(self) -> str:
        """Address of the database `rantai`."""
        return self.postgres.url(DATABASE)

    @property
    def mqtt_url(self) -> str:
        """Address of the broker for the ingester."""
        return self.broker.url()

    @property
    def secret_key(self) -> str:
        """The signing key of this instance, made once (`RANTAI_SECRET_KEY`)."""
        return self._remembered("secret_key")

    def start(self) -> Self:
        """Start both servers and create the database; safe to call when they run."""
        self.prepare()
        self._tell("Starting the private PostgreSQL …")
        try:
            self.postgres.start()
            self.postgres.create_database(DATABASE)
            self._tell("Starting the private Mosquitto …")
            self.broker.start()
        except BaseException:
            self.stop()
            raise
        self._instance().remember(postgres_port=self.postgres.port, broker_port=self.broker.port)
        return self

    def tend(self) -> None:
        """Start again what has ended by itself. Raises ServiceMissing when that fails."""
        for name, server in (("PostgreSQL", self.postgres), ("Mosquitto", self.broker)):
            if not server.running:
                self._tell(f"The private {name} has ended; starting it again …")
                server.start()

    def prepare(self) -> None:
        """Take the lock, choose folders, make the cluster; starts nothing yet."""
        if self._postgres is not None:
            return
        _make_root(self.root)
        self._lock.take()
        try:
            self._postgres, self._broker = self._build()
        except BaseException:
            self._lock.release()
            raise

    def stop(self) -> None:
        """Stop both servers cleanly and let the next one in; safe to call twice."""
        if self._broker is not None:
            self._broker.stop_clean()
        if self._postgres is not None:
            self._postgres.stop()
        self._postgres = self._broker = None
        self._lock.release()

    def forget(self) -> None:
        """Stop and remove everything the instance ever wrote."""
        self.stop()
        remove_folders(self.root)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _build(self) -> tuple[PrivatePostgres, PrivateBroker]:
        state = self._state = InstanceState(self.root)
        logs = self.root / "logs"
        logs.mkdir(exist_ok=True)
        database_account = server_account("postgres")
        database_folder = data_folder(self.root, "postgres", database_account)
        postgres = PrivatePostgres(
            programs=find_postgres(_version_of(database_folder)),
            folder=database_folder,
            account=database_account,
            password=self._remembered("postgres_password"),
            log=logs / "postgres.log",
            port=state.number("postgres_port"),
            durable=self._durable,
            choose_port=self._choose_port,
            outlives_parent=self._outlives_parent,
        )
        broker_account = server_account("mosquitto")
        broker = PrivateBroker(
            program=find_mosquitto(),
            folder=data_folder(self.root, "broker", broker_account),
            account=broker_account,
            ingest_password=self._remembered("ingest_password"),
            log=logs / "broker.log",
            port=state.number("broker_port"),
            choose_port=self._choose_port,
            outlives_parent=self._outlives_parent,
            tell=self._tell,
        )
        state.remember(postgres_folder=str(database_folder))
        if _version_of(database_folder) is None:
            self._tell("Making a private PostgreSQL cluster (only this once) …")
        postgres.initialise()
        return postgres, broker

    def _instance(self) -> InstanceState:
        if self._state is None:
            raise ServiceMissing("The private servers were not started yet.")
        return self._state

    def _remembered(self, key: str) -> str:
        """A secret of this instance, drawn on first use. Known characters only: it goes into addresses."""
        state = self._instance()
        value = state.text(key)
        if value is None:
            value = secrets.token_hex(24)
            state.remember(**{key: value})
        return value


def _make_root(root: Path) -> None:
    """The folder must let the servers' accounts through (x), without being listable by everybody."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o711)


def _version_of(folder: Path) -> int | None:
    """Major version that wrote the cluster in `folder`; None when there is none."""
    try:
        return int((folder / "data" / "PG_VERSION").read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None
