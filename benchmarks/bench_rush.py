"""Eight o'clock: all citizens at once for the places of a province, then many for one session, then the desk.

Two server processes with pages, 200 connections. Every citizen asks from the first second on and, where told to stand in line, asks
again with their place when they were told to (`Retry-After`), as a browser does; a connection serves whoever is due. A wait begins when
one is let in: what one stood at the front of the line is not of it. The bare limit is `pgbench -M simple` doing the rows of a booking at
a hundred sessions, asking nothing and checking nothing. Run alone: `python -m benchmarks rush`.
"""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from benchmarks.bench_booking import CLIENTS as BARE_CLIENTS
from benchmarks.bench_booking import PEOPLE, person, script_for
from benchmarks.bench_load import planned, served, stocked
from benchmarks.common import Row, migrated_engine, percentile, pgbench, private_services
from benchmarks.product import add_product
from tracker.access.keys import NewKey, make_key
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, add_account, ensure_unit
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

CONNECTIONS, SERVERS = 200, 2
FACILITIES, DAYS = 40, 5
_BARE_SESSIONS = 100  # pgbench takes at most 128 scripts
_SPARE = 60_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many come, and to how many places."""

    citizens: int
    hot_places: int
    hot_tries: int
    at_the_desk: int
    bare_seconds: int

    @property
    def people(self) -> int:
        """Ours; those of pgbench come behind them."""
        return self.citizens + self.hot_tries + self.at_the_desk


WHOLE = Size(citizens=20_000, hot_places=100, hot_tries=5_000, at_the_desk=100, bare_seconds=10)
QUICK = Size(citizens=2_000, hot_places=100, hot_tries=500, at_the_desk=20, bare_seconds=3)


@dataclass(frozen=True, slots=True)
class World:
    """What is open, and who may ask."""

    key: str
    sessions: Sequence[UUID]
    hot: UUID
    today: UUID
    bare: Sequence[UUID]


@dataclass(slots=True)
class Seen:
    """What the citizens were told."""

    booked: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def make_world(engine: Engine, size: Size) -> World:
    """People, 200 sessions at 40 puskesmas, a hot one, one of today, and others for pgbench."""
    now = utc_now()
    with transaction(engine) as db:
        ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        made = NewAccount(username="pusat", name="pusat", password=None, role=Role.NATIONAL, unit="ID")
        account = add_account(db, SYSTEM, made, now=now)
        key = make_key(db, SYSTEM, NewKey(account=account.username, label="bench"), now=now).secret or ""
        batch = add_product(db, now=now)
        db.execute(text(PEOPLE), {"last": size.people + _SPARE})

    def sessions(prefix: str, places: int) -> Iterator[UUID]:
        for number in range(FACILITIES):
            with transaction(engine) as db:
                stocked(db, batch, places * DAYS, now=now, code=f"{prefix}-{number}")
                for ahead in range(2, 2 + DAYS):
                    yield planned(db, f"{prefix}-{number}", places, now=now, ahead=ahead)

    ours = list(sessions("pkm", size.citizens // (FACILITIES * DAYS)))
    bare = list(sessions("bare", 2 * _SPARE // (FACILITIES * DAYS)))[:_BARE_SESSIONS]
    with transaction(engine) as db:
        stocked(db, batch, size.hot_places + size.at_the_desk, now=now, code="hot")
        hot = planned(db, "hot", size.hot_places, now=now, ahead=2)
        today = planned(db, "hot", size.at_the_desk, now=now, ahead=0)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return World(key=key, sessions=ours, hot=hot, today=today, bare=bare)


@dataclass(slots=True)
class Client:
    """One kept connection of somebody with the key."""

    port: int
    key: str
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)

    def post(self, path: str, body: dict[str, Any], place: str = "") -> tuple[int, dict[str, Any], float]:
        """The status, what was said, and how many seconds this request stood in the line."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if place:
            headers["Rantai-Place"] = place
        try:
            answer = self._send(path, json.dumps(body), headers)
        except (ConnectionError, http.client.RemoteDisconnected):
            # A kept connection that was idle is closed by the server; the id makes sending it again harmless.
            self.connection.close()
            answer = self._send(path, json.dumps(body), headers)
        stood = (answer.getheader("Server-Timing") or "").rpartition("line;dur=")[2]
        return answer.status, json.loads(answer.read() or b"{}"), float(stood or 0) / 1_000

    def _send(self, path: str, body: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        self.connection.request("POST", path, body, headers)
        return self.connection.getresponse()


@dataclass(slots=True)
class Crowd:
    """Who is still to be served, by when they ask next; the connections take from it."""

    wanted: Iterator[tuple[UUID, UUID]]
    seen: Seen = field(default_factory=Seen)
    _due: list[tuple[float, int, dict[str, str], str]] = field(default_factory=list)
    _asking: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        now = time.perf_counter()
        for number, (who, session) in enumerate(self.wanted):
            body = {"id": str(uuid7()), "person": str(who), "session": str(session)}
            self._due.append((now, number, body, ""))

    def serve(self, client: Client) -> None:
        """Ask for whoever is due until nobody is left."""
        while (one := self._next()) is not None:
            _, number, body, place = one
            began = time.perf_counter()
            try:
                status, said, stood = client.post("/api/v1/bookings", body, place)
            except (OSError, http.client.HTTPException) as error:
                client.connection.close()
                status, said, stood = 0, {"code": repr(error)}, 0.0
            self._told(number, body, place, status, said, began + stood)

    def _next(self) -> tuple[float, int, dict[str, str], str] | None:
        with self._lock:
            while True:
                now = time.perf_counter()
                if self._due and self._due[0][0] <= now:
                    self._asking += 1
                    return heapq.heappop(self._due)
                if not self._due and not self._asking:
                    return None
                self._lock.wait(self._due[0][0] - now if self._due else 0.5)

    def _told(
        self, number: int, body: dict[str, str], place: str, status: int, said: dict[str, Any], began: float
    ) -> None:
        now = time.perf_counter()
        with self._lock:
            self._asking -= 1
            self.seen.statuses[status] += 1
            if status == 429:
                again = said["params"]
                heapq.heappush(self._due, (now + again["again_s"], number, body, again["place"]))
            elif status in (0, 503):
                heapq.heappush(self._due, (now + 1, number, body, place))
            else:
                self.seen.waits.append(now - began)
            if status == 201:
                self.seen.booked.append(body["id"])
            elif status not in (429, 409):
                self.seen.problems.append(f"{status} {said.get('code')}")
            self._lock.notify()


def crowd(ports: Sequence[int], key: str, wanted: Iterator[tuple[UUID, UUID]]) -> Seen:
    """All of them at once, until each has an answer."""
    waiting = Crowd(wanted)
    clients = [
        threading.Thread(target=waiting.serve, args=(Client(ports[n % len(ports)], key),)) for n in range(CONNECTIONS)
    ]
    began = time.perf_counter()
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    waiting.seen.seconds = time.perf_counter() - began
    print(
        f"  {waiting.seen.seconds:.1f} s, {dict(waiting.seen.statuses)}, {Counter(waiting.seen.problems)}", flush=True
    )
    return waiting.seen


def desk_steps(port: int, key: str, session: UUID, people: Iterator[UUID]) -> list[float]:
    """How long each step at the desk took: arrived, screened, vaccinated."""
    client, waits = Client(port, key), []
    for who in people:
        booking = str(uuid7())
        for path, body, counts in (
            ("", {"id": booking, "person": str(who), "session": str(session), "medium": "walk_in"}, False),
            (f"/{booking}/arrive", {}, True),
            (f"/{booking}/screen", {"result": "fit"}, True),
            (f"/{booking}/vaccinate", {}, True),
        ):
            began = time.perf_counter()
            status, said, _ = client.post(f"/api/v1/bookings{path}", body)
            if status not in (200, 201):
                raise RuntimeError(f"{path}: {status} {said}")
            if counts:
                waits.append(time.perf_counter() - began)
    return waits


def oversold(engine: Engine, sessions: Sequence[UUID]) -> int:
    """Bookings of these sessions beyond their places."""
    asked = """
        SELECT coalesce(sum(greatest(0, booked - capacity)), 0) FROM (
            SELECT s.capacity, (SELECT count(*) FROM booking b WHERE b.session_id = s.id AND b.state <> 'expired') AS booked
            FROM vaccination_session s WHERE s.id = ANY(:sessions)) counted
    """
    with engine.connect() as connection:
        return int(connection.scalar(text(asked), {"sessions": list(sessions)}) or 0)


def lost(engine: Engine, told: Sequence[str], wanted: int) -> int:
    """Citizens who were told of a booking that is not there, or for whom there was a place and none was booked."""
    with engine.connect() as connection:
        there = connection.scalar(
            text("SELECT count(*) FROM booking WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": list(told)}
        )
    return len(told) - int(there or 0) + wanted - len(set(told))


def measure(*, quick: bool = False) -> list[Row]:
    """On a private, durable database of this run."""
    size = QUICK if quick else WHOLE
    with private_services() as services, migrated_engine(services) as engine:
        url = services.database_url
        world = make_world(engine, size)
        scripts = [script_for(engine, session) for session in world.bare]

        def bare(start: int) -> float:
            given = {"n": 0, "start": size.people + start}
            return pgbench(url, *scripts, clients=BARE_CLIENTS, seconds=size.bare_seconds, variables=given)

        numbers = itertools.count(1)
        limit = bare(0)
        with served(url, SERVERS) as ports:
            everybody = zip(
                (person(next(numbers)) for _ in range(size.citizens)), itertools.cycle(world.sessions), strict=False
            )
            rush = crowd(ports, world.key, everybody)
            hot = crowd(ports, world.key, ((person(next(numbers)), world.hot) for _ in range(size.hot_tries)))
            at_desk = (person(next(numbers)) for _ in range(size.at_the_desk))
            steps = desk_steps(ports[0], world.key, world.today, at_desk)
        # Again: the machine may have changed its mood meanwhile, and the higher one counts.
        limit = max(limit, bare(_SPARE // 2))
        beyond = oversold(engine, [*world.sessions, world.hot])
        gone = lost(engine, rush.booked, size.citizens) + lost(engine, hot.booked, size.hot_places)
    problems = rush.problems + hot.problems
    rate = len(rush.booked) / rush.seconds
    p99, p95 = percentile(rush.waits, 0.99), percentile(steps, 0.95)
    rows = [
        Row(
            name=f"rush: {size.citizens} citizens for {FACILITIES * DAYS} sessions, {CONNECTIONS} connections",
            ours=f"{rate:,.0f} /s",
            bare=f"pgbench -M simple, same rows: {limit:,.0f} /s",
            figure=rate / limit,
            bound=0.15,
            unit="×",
        )
    ]
    for name, figure, bound, unit in (
        ("rush: whoever was let in, p99", p99, 1, "s"),
        ("rush: oversold", beyond, 0, "persons"),
        ("rush: lost", gone, 0, "persons"),
        ("rush: answers but 201, 409 and a place in the line", len(problems), 0, ""),
        (f"rush: {size.hot_tries} tries for {size.hot_places} places have settled", hot.seconds, 15, "s"),
        ("rush: a step at the desk, p95", p95, 0.1, "s"),
    ):
        ours = f"{figure:.3g} {unit}"
        rows.append(Row(name=name, ours=ours, bare="", figure=figure, bound=bound, unit=unit, at_least=False))
    return rows
