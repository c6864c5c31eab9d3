"""Many clients at once: does overload bend the house or break it?

One server process with pages, 10 to 200 clients that ask again as soon as they are answered (after what `Retry-After` says, where they
are refused), each for strangers with a false cookie, a page for one who has logged in, and bookings of one and the same session; beside
each, 25 requests whose bodies never end. Only 503 and 429 may come besides 2xx. Run alone: `python -m benchmarks load`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as day_time
from itertools import chain, repeat
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from benchmarks.common import Row, migrated_engine, percentile, private_services
from benchmarks.product import PRODUCT, add_product
from rantai.local.ports import free_port
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, add_account, ensure_unit, open_login
from tracker.database.engine import transaction
from tracker.edge.line import HEADER
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.service.commands import PlanSession
from tracker.quota.service.sessions import plan_session
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

CLIENTS = (10, 20, 30, 60, 200)
SLOW_BODIES = 25
PEOPLE = 8_000
WARM_UP_S = 2.0
KEEPS = 0.8  # of the throughput with 20 clients, with 200
SECRET = "a secret for benchmarks only, at least 32 characters"
COOKIE = "rantai_login"


@dataclass(frozen=True, slots=True)
class Asking:
    """One request, asked over and over; `bodies` for those that say something new each time."""

    method: str
    path: str
    headers: dict[str, str]
    bodies: Iterator[dict[str, str] | None] = field(default_factory=lambda: repeat(None))


@dataclass(slots=True)
class Seen:
    """What some clients saw in some seconds."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def served(self) -> float:
        """Requests answered with what was asked for, each second."""
        return sum(count for status, count in self.statuses.items() if status < 400) / self.seconds

    @property
    def broken(self) -> int:
        """Answers that no overload excuses; 0 stands for a connection that broke."""
        return (
            sum(count for status, count in self.statuses.items() if status >= 400 and status not in (429, 503))
            + self.statuses[0]
        )


def measure(*, quick: bool) -> list[Row]:
    """A house of its own; `quick`: three seconds a figure."""
    with _house(people=PEOPLE // 4 if quick else PEOPLE) as house:
        inside = {"Cookie": f"{COOKIE}={house.cookie}"}
        kinds = {
            "strangers": Asking("GET", "/masuk", {"Cookie": f"{COOKIE}=false"}),
            "pages": Asking("GET", "/fasilitas", inside),
            "one hot session": Asking(
                "POST", "/api/v1/bookings", inside | {"X-CSRF-Token": house.csrf}, house.bookings()
            ),
        }
        rows = []
        for name, asking in kinds.items():
            seen = {n: asyncio.run(_load(house.address, asking, n, 3.0 if quick else 10.0)) for n in CLIENTS}
            for n, one in seen.items():
                p99 = percentile(one.waits, 0.99)
                print(f"  {name}, {n} clients: {one.served:.0f}/s, p99 {p99:.2f} s, {dict(one.statuses)}", flush=True)
            bent = seen[200].served / max(seen[20].served, 0.001)
            ours, bare = f"{seen[200].served:.0f}/s", f"20 clients: {seen[20].served:.0f}/s"
            rows.append(Row(name=f"{name}, 200 clients", ours=ours, bare=bare, figure=bent, bound=KEEPS, unit="×"))
            broken = sum(one.broken for one in seen.values())
            none = Row(
                name=f"{name}, errors but 503 and 429",
                ours=str(broken),
                bare="",
                figure=broken,
                bound=0,
                unit="",
                at_least=False,
            )
            rows.append(none)
        return rows


async def _load(address: str, asking: Asking, clients: int, seconds: float) -> Seen:
    seen = Seen(seconds)
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=address, headers=asking.headers, limits=limits, timeout=40) as client:
        # All connections are made first; what is answered after it counts.
        begun = time.perf_counter() + WARM_UP_S
        ends = begun + seconds

        async def ask() -> None:
            place: dict[str, str] = {}
            body = next(asking.bodies)
            while (began := time.perf_counter()) < ends:
                try:
                    answer = await client.request(asking.method, asking.path, json=body, headers=place)
                except httpx2.HTTPError:
                    seen.statuses[0] += 1
                    continue
                now = time.perf_counter()
                seen.waits.append(now - began)
                if begun <= now <= ends or answer.status_code >= 400:
                    seen.statuses[answer.status_code] += 1
                if answer.status_code in (429, 503):
                    # Whoever was given a place in the line keeps it and asks the same again with it, as the API says.
                    shown = answer.json().get("params", {}).get("place")
                    place = {HEADER: shown} if shown else place
                    await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
                else:
                    place, body = {}, next(asking.bodies)

        with _slow_bodies(address):
            await asyncio.gather(*(ask() for _ in range(clients)))
    return seen


@contextmanager
def _slow_bodies(address: str) -> Iterator[None]:
    head = b"POST /masuk HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\na="
    host, port = address.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for _ in range(SLOW_BODIES):
            stack.enter_context(socket.create_connection((host, int(port)))).sendall(head)
        yield


@dataclass(frozen=True, slots=True)
class House:
    """A served house: its address, the cookie and CSRF token of one who has logged in, a session and who may book it."""

    address: str
    cookie: str
    csrf: str
    session: UUID
    people: tuple[UUID, ...]

    def bookings(self) -> Iterator[dict[str, str]]:
        """A booking for each of the people; fails when there are not enough for what is measured."""
        for person in self.people:
            yield {"id": str(uuid7()), "person": str(person), "session": str(self.session)}
        raise RuntimeError("more bookings were made than there are people: raise PEOPLE")


@contextmanager
def _house(*, people: int) -> Iterator[House]:
    with private_services() as services, migrated_engine(services) as engine:
        with transaction(engine) as db:
            now = utc_now()
            ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
            made = NewAccount(username="pusat", name="pusat", password=None, role=Role.NATIONAL, unit="ID")
            login = open_login(db, add_account(db, SYSTEM, made, now=now), now=now, hours=5)
            session = hot_session(db, add_product(db, now=now), people, now=now)
        booked = tuple(
            chain.from_iterable(_people(engine, first, min(first + 500, people)) for first in range(0, people, 500))
        )
        with served(services.database_url, 1) as (port,):
            yield House(f"http://127.0.0.1:{port}", login.cookie, login.csrf, session, booked)


@contextmanager
def served(url: str, processes: int, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[list[int]]:
    """The ports of so many server processes with pages, at work; `more` settings of theirs."""
    ports, servers = [free_port() for _ in range(processes)], []
    try:
        for port in ports:
            environment = {
                "RANTAI_DATABASE_URL": url,
                "RANTAI_SECRET_KEY": SECRET,
                "RANTAI_API__PORT": str(port),
                **more,
            }
            server = multiprocessing.get_context("spawn").Process(target=_serve, args=(environment,))
            server.start()
            servers.append(server)
        for port in ports:
            _wait_for(f"http://127.0.0.1:{port}")
        yield ports
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.join(20)


def hot_session(db: Session, batch: UUID, people: int, *, now: datetime, code: str = "pkm") -> UUID:
    """A session with a place and a dose for each of the people, at a new puskesmas."""
    stocked(db, batch, people, now=now, code=code)
    return planned(db, code, people, now=now, ahead=2)


def stocked(db: Session, batch: UUID, people: int, *, now: datetime, code: str) -> None:
    """A new puskesmas with a dose for each of the people."""
    puskesmas = NewFacility(code=code, name=code, kind=UnitKind.PUSKESMAS, parent="ID", longitude=106.7, latitude=-6.2)
    facility = add_facility(db, SYSTEM, puskesmas, now=now)
    fridge = NewEquipment(code=f"{code}-k1", name=f"{code}-k1", facility=code, kind=EquipmentKind.FRIDGE)
    place = add_equipment(db, SYSTEM, fridge, now=now).id
    line = Line(batch_id=batch, place_id=place, vials=people // 5 + 1)
    supply = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=facility.id, occurred_at=now, lines=(line,))
    post_event(db, SYSTEM, supply, now=now)


def planned(db: Session, code: str, people: int, *, now: datetime, ahead: int) -> UUID:
    """A session of so many places, so many days ahead; today's can be booked and served whenever this runs."""
    local = now.astimezone(ZoneInfo("Asia/Jakarta"))
    opens: day_time | datetime = day_time(8)
    closes: day_time | datetime = day_time(12)
    if ahead == 0:
        opens, closes = (day_time(0), day_time(23, 59)) if local.hour < 12 else (day_time(12), now + timedelta(hours=8))
    session = PlanSession(
        id=uuid7(),
        facility=code,
        day=local.date() + timedelta(days=ahead),
        opens=opens,
        closes=closes,
        presentation=PRODUCT,
        doses=(1,),
        capacity=people,
    )
    return plan_session(db, SYSTEM, session, now=now)[0]


def _people(engine: Engine, first: int, last: int) -> list[UUID]:
    vault, now = NikVault.from_secret(SECRET), utc_now()
    with transaction(engine) as db:
        numbers = (f"367101{n // 3360 % 28 + 1:02d}{n // 280 % 12 + 1:02d}90{n + 1:04d}" for n in range(first, last))
        people = (NewPerson(id=uuid7(), nik=nik, name="Warga Rekaan") for nik in numbers)
        return [register_person(db, SYSTEM, one, vault=vault, now=now).person.id for one in people]


def _serve(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    from rantai.serve import run_api  # noqa: PLC0415 - only the server process needs it
    from tracker.settings import settings  # noqa: PLC0415 - same

    run_api(settings())


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            httpx2.get(f"{address}/livez", timeout=2)
        except httpx2.HTTPError:
            time.sleep(0.1)
        else:
            # The first page compiles the templates; that is not what is measured.
            httpx2.get(f"{address}/masuk", timeout=60)
            return
    raise RuntimeError("the server did not start")
