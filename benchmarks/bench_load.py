"""Many clients at once: does overload bend the house or break it?

One server process with pages, 10 to 200 clients that ask again as soon as they are answered (after what `Retry-After` says, where they
are refused), each for strangers with a false cookie, a page for one who has logged in, and a write to one and the same row; beside each,
25 requests whose bodies never end. Only 503 and 429 may come besides 2xx. Run alone: `python -m benchmarks load`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx2

from benchmarks.common import Row, migrated_engine, percentile, private_services
from rantai.local.ports import free_port
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, add_account, ensure_unit, open_login
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now

CLIENTS = (10, 20, 30, 60, 200)
SLOW_BODIES = 25
WARM_UP_S = 2.0
KEEPS = 0.8  # of the throughput with 20 clients, with 200
SECRET = "a secret for benchmarks only, at least 32 characters"
COOKIE = "rantai_login"


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
    with _house() as (address, cookie, csrf):
        kinds = {
            "strangers": ("GET", "/masuk", {"Cookie": f"{COOKIE}=false"}),
            "pages": ("GET", "/fasilitas", {"Cookie": f"{COOKIE}={cookie}"}),
            "one hot row": (
                "POST",
                "/api/v1/accounts/hot/end-logins",
                {"Cookie": f"{COOKIE}={cookie}", "X-CSRF-Token": csrf},
            ),
        }
        rows = []
        for name, (method, path, headers) in kinds.items():
            seen = {n: asyncio.run(_load(address, method, path, headers, n, 3.0 if quick else 10.0)) for n in CLIENTS}
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


async def _load(address: str, method: str, path: str, headers: dict[str, str], clients: int, seconds: float) -> Seen:
    seen = Seen(seconds)
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=40) as client:
        # All connections are made first; what is answered after it counts.
        begun = time.perf_counter() + WARM_UP_S
        ends = begun + seconds

        async def ask() -> None:
            while (began := time.perf_counter()) < ends:
                try:
                    answer = await client.request(method, path)
                except httpx2.HTTPError:
                    seen.statuses[0] += 1
                    continue
                now = time.perf_counter()
                seen.waits.append(now - began)
                if begun <= now <= ends or answer.status_code >= 400:
                    seen.statuses[answer.status_code] += 1
                if answer.status_code in (429, 503):
                    await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

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


@contextmanager
def _house() -> Iterator[tuple[str, str, str]]:
    """A served house; its address, a cookie of one who has logged in, and its CSRF token."""
    with private_services() as services, migrated_engine(services) as engine:
        with transaction(engine) as db:
            now, logins = utc_now(), {}
            ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
            for name in ("pusat", "hot"):
                made = NewAccount(username=name, name=name, password=None, role=Role.NATIONAL, unit="ID")
                account = add_account(db, SYSTEM, made, now=now)
                logins[name] = open_login(db, account, now=now, hours=5)
        port = free_port()
        environment = {
            "RANTAI_DATABASE_URL": services.database_url,
            "RANTAI_SECRET_KEY": SECRET,
            "RANTAI_API__PORT": str(port),
        }
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(environment,))
        server.start()
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address)
            yield address, logins["pusat"].cookie, logins["pusat"].csrf
        finally:
            server.terminate()
            server.join(20)


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
