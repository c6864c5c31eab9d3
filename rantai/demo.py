"""`rantai demo` and `rantai up`: everything on this machine, from servers to pages, and a clean end."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from rantai.broker_users import device_hashes
from rantai.doors import doors
from rantai.errors import ServiceMissing
from rantai.interrupts import Interrupts
from rantai.local.ports import HOST, free_port, is_free
from rantai.local.services import LocalServices
from rantai.programs import Programs
from rantai.readiness import readiness
from rantai.story import Story
from tracker.database import migrations
from tracker.database.engine import make_engine, transaction
from tracker.settings import DatabaseSettings

CHECKOUT = Path(__file__).resolve().parents[1]
_FIRST_PORT = 8000
_READY_TIMEOUT_S = 60.0
_TICK_S = 0.25
_MOUTHS = ("WHATSAPP_SECRET", "WHATSAPP_VERIFY_TOKEN", "SMS_PASSWORD", "USSD_PASSWORD")
_BROKER_USERS_EVERY_S = 1.0
# Migrating and seeding are done by one who waits; the programs' own guard times are much shorter.
# Seeding computes between its statements, for longer than a request may where the machine is busy.
_PATIENT = DatabaseSettings(pool_size=2, statement_timeout_ms=120_000, idle_in_transaction_ms=120_000)


def run_demo(*, port: int | None, minutes: float | None, simulate: bool, root: Path | None = None) -> None:
    """Start everything, tell the story, stop everything: at Ctrl-C, SIGTERM, or after `minutes`."""
    began = time.monotonic()
    interrupts = Interrupts()
    with ExitStack() as stack:
        house = _House((root or CHECKOUT / ".rantai").absolute(), port=port, simulate=simulate, interrupts=interrupts)
        stack.callback(house.stop)
        if house.start():
            say(f"ready after {time.monotonic() - began:.0f} s")
            house.print_doors()
            house.run(None if minutes is None else time.monotonic() + 60 * minutes)
        say("Stopping …")
    say(f"Everything is stopped; the data stays in {root or '.rantai'}.")


def say(line: str) -> None:
    """One line for whoever sits at the terminal; never held back in a buffer."""
    print(line, flush=True)


class _House:
    """What one `rantai demo` has started."""

    def __init__(self, root: Path, *, port: int | None, simulate: bool, interrupts: Interrupts) -> None:
        self._root = root
        self._port = _choose_port(port)
        self._simulate = simulate
        self._interrupts = interrupts
        self._services = LocalServices(root, progress=say)
        self._programs: Programs | None = None
        self._engine: Engine | None = None
        self._log_ins: list[tuple[str, str, str]] = []
        self._gateway_port: int | None = None

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> bool:
        """All steps in order; False when somebody wanted the end meanwhile."""
        steps: tuple[Callable[[], None], ...] = (
            self._start_servers,
            self._migrate,
            self._seed,
            self._let_devices_in,
            self._start_programs,
            self._wait_ready,
            self._start_simulators,
        )
        for step in steps:
            if self._interrupts.wanted:
                return False
            step()
        return not self._interrupts.wanted

    def run(self, until: float | None) -> None:
        """Tend the programs and tell the story until the end is wanted or the time is over."""
        story = Story(self._database(), say)
        next_users = 0.0
        while not self._interrupts.wait(_TICK_S):
            now = time.monotonic()
            if until is not None and now >= until:
                return
            try:
                self._services.tend()
            except ServiceMissing as error:
                say(str(error))
                self._interrupts.wait(2.0)
                continue
            self._children().tend()
            try:
                story.tell_news()
                if now >= next_users:
                    next_users = now + _BROKER_USERS_EVERY_S
                    self._let_devices_in()
            except SQLAlchemyError as error:
                say(f"The database does not answer: {str(error).splitlines()[0]}")
                self._interrupts.wait(2.0)

    def stop(self) -> None:
        """Everything, in the order of need: simulators and programs, then broker and database."""
        if self._programs is not None:
            self._programs.stop()
        if self._engine is not None:
            self._engine.dispose()
        self._services.stop()

    def print_doors(self) -> None:
        """Where to go and who to be."""
        gateway = None if self._gateway_port is None else self._gateway_address()
        below = f"Logs:   {self._root / 'logs'}    Times are WIB. Ctrl-C ends everything."
        say(doors(self.address, gateway=gateway, phone=True, log_ins=self._log_ins, below=below))

    def _start_servers(self) -> None:
        self._services.start()
        self._engine = make_engine(self._services.database_url, _PATIENT, name="rantai-demo")

    def _migrate(self) -> None:
        say("Bringing the database's schema up to date …")
        migrations.upgrade(self._database())

    def _seed(self) -> None:
        """The world with real places; idempotent, so a second start changes nothing."""
        if not self._simulate:
            return
        from rantai.world.seed import seed_world  # noqa: PLC0415 - `rantai up` needs no world

        say("Making the world: places, fridges, vaccines, people, and their past (the first time takes a while) …")
        self._log_ins = seed_world(
            self._database(), self._root / "world.json", secret_key=self._services.secret_key, tell=say
        )

    def _let_devices_in(self) -> None:
        with transaction(self._database()) as db:
            hashes = device_hashes(db)
        self._services.broker.set_users(hashes)

    def _start_programs(self) -> None:
        say("Starting API, ingester and worker …")
        self._programs = Programs(
            logs=self._root / "logs",
            folder=CHECKOUT,
            tell=say,
            environment={
                "RANTAI_DATABASE_URL": self._services.database_url,
                "RANTAI_MQTT_URL": self._services.mqtt_url,
                "RANTAI_SECRET_KEY": self._services.secret_key,
                "RANTAI_API__HOST": HOST,
                "RANTAI_API__PORT": str(self._port),
                "RANTAI_API__PUBLIC_URL": self.address,
                **self._gateway_settings(),
            },
        )
        if self._gateway_port is not None:
            self._programs.start(
                "gateway", "simulators.gateway", "--port", str(self._gateway_port), "--house", self.address
            )
        for name in ("api", "ingest", "worker"):
            self._programs.start(name, "rantai", name)

    def _gateway_settings(self) -> dict[str, str]:
        """The settings by which messages leave for the simulated gateway; none where nothing is simulated."""
        if not self._simulate:
            return {}
        from simulators.gateway import PCARE_USER, WHATSAPP_NUMBER  # noqa: PLC0415 - `rantai up` simulates nothing

        self._gateway_port = free_port()
        return {
            "RANTAI_DELIVERY__SMS_URL": f"{self._gateway_address()}/cgi-bin/sendsms",
            "RANTAI_DELIVERY__SMS_USERNAME": "rantai",
            "RANTAI_DELIVERY__SMS_PASSWORD": secrets.token_urlsafe(18),
            "RANTAI_DELIVERY__WHATSAPP_URL": f"{self._gateway_address()}/v20.0/{WHATSAPP_NUMBER}/messages",
            "RANTAI_DELIVERY__WHATSAPP_TOKEN": secrets.token_urlsafe(18),
            # Called only for a browser whose owner asked for it on the page of a ticket.
            "RANTAI_DELIVERY__PUSH_CONTACT": "mailto:demo@example.org",
            "RANTAI_PCARE__URL": f"{self._gateway_address()}/pcare-rest",
            "RANTAI_PCARE__CONS_ID": PCARE_USER,
            "RANTAI_PCARE__USERNAME": PCARE_USER,
            **{f"RANTAI_PCARE__{name}": secrets.token_urlsafe(18) for name in ("SECRET", "USER_KEY", "PASSWORD")},
            **{f"RANTAI_MOUTHS__{name}": secrets.token_urlsafe(18) for name in _MOUTHS},
        }

    def _gateway_address(self) -> str:
        return f"http://{HOST}:{self._gateway_port}"

    def _wait_ready(self) -> None:
        started = time.monotonic()
        missing = "the API"
        while time.monotonic() < started + _READY_TIMEOUT_S:
            missing = readiness(self.address, fresh_s=time.monotonic() - started)
            if not missing:
                return
            self._children().tend()
            if self._interrupts.wait(_TICK_S):
                return
        raise ServiceMissing(
            f"not ready after {_READY_TIMEOUT_S:.0f} s, still waiting for {missing}; see {self._root / 'logs'}."
        )

    def _start_simulators(self) -> None:
        if not self._simulate:
            return
        say("Switching on the simulated sensors and people …")
        self._children().start(
            "simulators",
            "simulators",
            "--manifest",
            str(self._root / "world.json"),
            "--mqtt-url",
            f"mqtt://{HOST}:{self._services.broker.port}",
            "--api-url",
            self.address,
        )

    def _database(self) -> Engine:
        if self._engine is None:
            raise ServiceMissing("The database was not started yet.")
        return self._engine

    def _children(self) -> Programs:
        if self._programs is None:
            raise ServiceMissing("The programs were not started yet.")
        return self._programs


def _choose_port(wanted: int | None) -> int:
    """The port asked for, or 8000, or the next free one after it."""
    if wanted is not None:
        if not is_free(wanted):
            raise ServiceMissing(f"port {wanted} is taken; choose another with --port.")
        return wanted
    for port in range(_FIRST_PORT, _FIRST_PORT + 50):
        if is_free(port):
            if port != _FIRST_PORT:
                print(f"Port {_FIRST_PORT} is taken; the pages are on {port}.", file=sys.stderr)
            return port
    return free_port()
