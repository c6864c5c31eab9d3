"""Every page and list there is, asked by an account: how long, how large, by how many statements, how much read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, event, select, text

from benchmarks.common import percentile
from benchmarks.nation.tree import ACCOUNTS
from dashboard.app import ROUTERS, mount_pages
from dashboard.frame.rendering import compile_templates
from tracker.access.models import LoginAccount
from tracker.access.service import open_login
from tracker.api import accounts, keys
from tracker.api.app import ROOM_ROUTERS, create_app
from tracker.database.engine import transaction
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.services import Services
from tracker.kit.garbage import keep_what_stands
from tracker.registration.service.tickets import TicketOffice

OWN = {"pusat": "nasional", "provinsi": "prov-000", "kota": "kota-0000", "kepala": "pkm-00018"}
ANYBODY = ""
# The puskesmas that is looked at; all accounts see it. Its number is even, so the lot at half the nation lies there.
SITE = 18
# What nobody asks to see something: files, ways in and out, what the phone keeps.
_NO_LISTS = re.compile(r"^/(static|tanda|bahasa|masuk)|sw\.js$|health-answers|tiket-hilang/|^/contoh|tickets/key")
# Asked besides as these, or only so where it must be said what of.
_BESIDES = {
    "/pengiriman": ("", "?tampil=all"),
    "/fasilitas/{code}": ("", "biofarma"),
    "/penarikan/mulai": ("?batch={lot}",),
    "/lot-salah": ("?fasilitas={site}&lot={lot}",),
    "/api/v1/quota": ("?area={own}", "?facility={site}"),
    "/api/v1/stock/availability": ("?facility={site}&product=vaksin-1",),
    "/api/v1/stock/pick": ("?facility={site}&product=vaksin-1&vials=3",),
    "/api/v1/batches/{ref:path}/trace": ("", "?facility={site}"),
    "/api/v1/batches/{batch:path}/passport": ("?facility={site}",),
    "/api/v1/stock/lot-corrections/foreseen": ("?event={event}&wrong={lot}&right={other}",),
    "/kuota/minggu": ("?fasilitas={site}",),
    "/kuota/rencana": ("?fasilitas={site}&produk={product}",),
    "/cari": ("?q=pkm-00018", "?q=Puskesmas"),
    "/daftar": ("", "?vaksin=vaksin3"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page or list as one account saw it; `rows` and `buffers` the database read for it."""

    account: str
    route: str
    address: str
    status: int
    p95_s: float
    size: int
    statements: int
    rows: int
    buffers: int


@dataclass(slots=True)
class Counts:
    """What one request cost the database."""

    statements: int = 0
    rows: int = 0
    buffers: int = 0


READ = """
    SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)) FILTER (WHERE relkind = 'r'), 0)
           + coalesce(sum(pg_stat_get_xact_tuples_fetched(oid)) FILTER (WHERE relkind = 'i'), 0),
           coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)
    FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""
"""Rows and buffers that a transaction has read so far."""


@contextmanager
def counted(engine: Engine) -> Iterator[Counts]:
    """Statements, rows and buffers of the transactions meanwhile, the counting itself left out."""
    counts = Counts()
    before: dict[int, tuple[int, int]] = {}

    def read(connection: Connection) -> tuple[int, int]:
        cursor = connection.connection.cursor()
        cursor.execute(READ)
        rows, buffers = cursor.fetchone() or (0, 0)
        cursor.close()
        return int(rows), int(buffers)

    def note(connection: Connection, *_: object) -> None:
        before.setdefault(id(connection), read(connection))
        counts.statements += 1

    def ended(connection: Connection) -> None:
        if id(connection) in before:
            rows, buffers = read(connection)
            counts.rows += rows - before[id(connection)][0]
            counts.buffers += buffers - before.pop(id(connection))[1]

    def dropped(connection: Connection) -> None:
        before.pop(id(connection), None)

    heard = (("before_cursor_execute", note), ("commit", ended), ("rollback", dropped))
    for name, heed in heard:
        event.listen(engine, name, heed)
    try:
        yield counts
    finally:
        for name, heed in heard:
            event.remove(engine, name, heed)


def routes() -> list[str]:
    """The path of everything that can be asked for by GET."""
    listed = (*ROUTERS, *ROOM_ROUTERS, accounts.router, keys.router)
    found = {
        str(getattr(route, "path", ""))
        for router in listed
        for route in router.routes
        if "GET" in (getattr(route, "methods", None) or ())
    }
    return sorted(path for path in found if not _NO_LISTS.search(path))


def addresses(engine: Engine, office: TicketOffice, account: str) -> list[tuple[str, str]]:
    """(route, address) of everything, as this account would ask for it."""
    blanks = _blanks(engine, office) | {"own": OWN.get(account, "kota-0000"), "code": OWN.get(account, "pkm-00018")}
    found = []
    for route in routes():
        for more in _BESIDES.get(route, ("",)):
            here = {**blanks, "code": more} if more and not more.startswith("?") else dict(blanks)
            lots = (("vaksin-1/L00001"), here["lot"]) if "path}" in route and "batch" in route else (here["lot"],)
            if route.startswith("/perangkat/"):
                here["code"] = "dev-00018"
            for lot in lots:
                path = _filled(route, {**here, "ref:path": lot, "batch:path": lot})
                query = _filled(more, here) if more.startswith("?") else ""
                found.append((route, path + query))
    return found


def _filled(form: str, blanks: Mapping[str, str]) -> str:
    return re.sub(r"\{([^}]+)\}", lambda blank: blanks[blank[1]], form)


def _blanks(engine: Engine, office: TicketOffice) -> dict[str, str]:
    def nid(kind: int, number: int) -> UUID:
        return UUID(f"{number:012x}7{kind:03x}8000000000000000")

    with engine.connect() as connection:
        one = connection.execute(
            text(
                "SELECT e.event_id, p.code || '/' || b.lot AS lot, p.code AS product, b.id AS batch_id FROM stock_entry e "
                "JOIN batch b ON b.id = e.batch_id JOIN presentation p ON p.id = b.presentation_id "
                "JOIN stock_event v ON v.id = e.event_id AND v.kind = 'receipt' "
                "WHERE e.facility_id = :site AND e.account = 'place' AND b.lot <> 'L00001' ORDER BY e.number LIMIT 1"
            ),
            {"site": nid(1, 10_000 + SITE)},
        ).one()
    booking = nid(10, (SITE * 4 + 2) * 64 + 7)
    return {
        "site": f"pkm-{SITE:05d}",
        "sensor": str(SITE * 2 + 1),
        "lot": one.lot,
        "other": one.lot,
        "event": str(one.event_id),
        "event_id": str(one.event_id),
        "product": one.product,
        "batch_id": str(one.batch_id),
        "ref": f"pkm-{SITE:05d}",
        "session_id": str(nid(7, SITE * 4 + 2)),
        "booking_id": str(booking),
        "person_id": str(nid(9, SITE * 128 + 40)),
        "recall_id": str(nid(17, 1)),
        "vial_id": str(nid(6, (SITE * 12 + 3) * 16 + 1)),
        "open_vial_id": str(nid(6, (SITE * 12 + 3) * 16 + 1)),
        "secret": office.sealed(booking),
        "username": "kepala",
        "code_id": str(booking),
        "webhook_id": str(booking),
        "key_id": str(booking),
        "job": "pindah",
        # Nobody counts on a sheet there, and no phone has a book.
        "sheet_id": str(booking),
        "step_id": str(booking),
        "handset_id": str(booking),
        "adverse_id": str(booking),
        "card_id": str(booking),
        "call_id": str(booking),
    }


_REFS = {
    "/pengiriman/{ref}": f"K{300_000_000 + SITE * 16 + 5}",
    "/api/v1/shipments/{ref}": f"K{300_000_000 + SITE * 16 + 5}",
    "/api/v1/products/{ref}": "vaksin-1",
    "/api/v1/equipment/{ref}": f"pkm-{SITE:05d}-k0",
    "/api/v1/sensors/{ref}/episodes": str(SITE * 2 + 1),
}


class Asker:
    """The application on this database, with a log-in for each account."""

    def __init__(self, services: Services) -> None:
        self.engine = services.engine
        self._office = TicketOffice.from_secret(services.settings.secret_key.get_secret_value())
        self._app = create_app(services)
        mount_pages(self._app, services)
        # As the server does before its first request.
        compile_templates()
        keep_what_stands()
        self._cookies = {ANYBODY: ""} | {name: self._cookie(name, services) for name, _, _ in ACCOUNTS}

    def _cookie(self, username: str, services: Services) -> str:
        with transaction(self.engine) as db:
            account = db.scalars(select(LoginAccount).where(LoginAccount.username == username)).one()
            return open_login(db, account, now=services.clock(), hours=12).cookie

    def ask_all(self, account: str, *, times: int, only: Sequence[str] = ()) -> Iterator[Asked]:
        """Everything once counted, then timed `times` times; `only` addresses that begin with one of these."""
        # Nothing of it is started: no bell, no stream, for none is asked.
        client = TestClient(self._app, follow_redirects=False, raise_server_exceptions=False)
        headers = {"Cookie": f"{LOGIN_COOKIE}={self._cookies[account]}"}
        for route, address in addresses(self.engine, self._office, account):
            place = address.replace(f"pkm-{SITE:05d}", _REFS[route], 1) if route in _REFS else address
            if not only or place.startswith(tuple(only)):
                yield self._ask(client, account, route, place, headers, times)

    def _ask(
        self, client: TestClient, account: str, route: str, address: str, headers: dict[str, str], times: int
    ) -> Asked:
        kind = "*/*" if address.startswith(("/api", "/epcis")) else "text/html"
        with counted(self.engine) as counts:
            answer = client.get(address, headers={**headers, "Accept": kind})
        waits = []
        for _ in range(times):
            began = time.perf_counter()
            client.get(address, headers={**headers, "Accept": kind})
            waits.append(time.perf_counter() - began)
            if waits[-1] > 2.0:
                break
        return Asked(
            account=account or "anybody",
            route=route,
            address=address,
            status=answer.status_code,
            p95_s=percentile(waits, 0.95) if waits else 0.0,
            size=len(answer.content),
            statements=counts.statements,
            rows=counts.rows,
            buffers=counts.buffers,
        )
