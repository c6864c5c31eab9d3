"""The ledger: supplies of one line, against pgbench writing the same rows in the same database.

The bare limit is `pgbench -M simple` with eight clients whose script writes what a supply writes: one event,
its two entries, the balance, the rows of availability, the sum of the day, two rows for the feed. It asks nothing, checks
nothing and takes no lock. Ours goes through the use case, in eight processes of one connection each, and
then over HTTP with an API key and two server processes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
import uvicorn
from sqlalchemy import Engine, text

from benchmarks.common import Row, migrated_engine, pgbench, print_table, private_services
from tracker.access.keys import NewKey, make_key
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, add_account, ensure_unit
from tracker.database.engine import make_engine, transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.settings import DatabaseSettings
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

FACILITIES = 400
CLIENTS = 8
SERVERS = 2
SECRET = "for measurements only, at least 32 characters"
# Identifiers that pgbench can spell from a number.
_PREFIXES = {"facility": "00000001", "equipment": "00000002", "batch": "00000003"}

_WORLD = """
    INSERT INTO unit (id, code, name, kind, parent_id, path)
    SELECT ('00000001-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'pkm-' || n, 'Puskesmas ' || n, 'puskesmas',
           u.id, (u.path::text || '.p' || n)::ltree
    FROM generate_series(1, {count}) n, unit u WHERE u.code = 'ID';
    INSERT INTO facility (id, code, name, kind)
    SELECT id, code, name, kind FROM unit WHERE kind = 'puskesmas';
    INSERT INTO equipment (id, facility_id, code, name, kind, place_kind)
    SELECT ('00000002-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           ('00000001-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'k-' || n, 'K', 'fridge', 'fridge'
    FROM generate_series(1, {count}) n;
    INSERT INTO vaccine (id, code, name) VALUES (gen_random_uuid(), 'v', 'V');
    INSERT INTO storage_class (id, code, name, freeze_sensitive, shake_test_valid, bands, source)
    VALUES (gen_random_uuid(), 's', 'S', true, true, '[]', 'made up');
    INSERT INTO presentation (id, code, name, vaccine_id, storage_class_id, manufacturer, gtin, box_gtin,
                              doses_per_vial, vials_per_box, uses_vvm)
    SELECT '00000004-0000-7000-8000-000000000001', 'p', 'P', v.id, s.id, 'M', '08990000000017', '08990000000024',
           1, 10, false
    FROM vaccine v, storage_class s;
    INSERT INTO batch (id, presentation_id, lot, expiry, manufacturer)
    VALUES ('00000003-0000-7000-8000-000000000001', '00000004-0000-7000-8000-000000000001', 'L1', '2031-12-31', 'M');
"""

_PGBENCH = r"""
\set n random(1, {count})
\set number random(1000000000, 9000000000000)
BEGIN;
INSERT INTO stock_event (id, number, kind, facility_id, occurred_at, recorded_at, recorded_by, content)
VALUES (('0000000a-0000-7000-8000-' || lpad(to_hex(:number), 12, '0'))::uuid, :number, 'supply',
        ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, '2026-03-02', '2026-03-02', 'bench',
        '0123456789abcdef0123456789abcdef');
INSERT INTO stock_entry (event_id, seq, account, holder_id, place_id, facility_id, batch_id, status, vials,
                         occurred_at, recorded_at, number, ordinal)
VALUES (('0000000a-0000-7000-8000-' || lpad(to_hex(:number), 12, '0'))::uuid, 0, 'supplier',
        ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, NULL,
        ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, '00000003-0000-7000-8000-000000000001',
        'usable', -1, '2026-03-02', '2026-03-02', :number, :number),
       (('0000000a-0000-7000-8000-' || lpad(to_hex(:number), 12, '0'))::uuid, 1, 'place',
        ('00000002-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid,
        ('00000002-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid,
        ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, '00000003-0000-7000-8000-000000000001',
        'usable', 1, '2026-03-02', '2026-03-02', :number, :number);
INSERT INTO stock_balance AS b (holder_id, batch_id, status, account, place_id, facility_id, vials, touched_at,
                                touched_event_id)
VALUES (('00000002-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, '00000003-0000-7000-8000-000000000001',
        'usable', 'place', ('00000002-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid,
        ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, 1, '2026-03-02',
        ('0000000a-0000-7000-8000-' || lpad(to_hex(:number), 12, '0'))::uuid)
ON CONFLICT (holder_id, batch_id, status) DO UPDATE
SET vials = b.vials + 1, touched_at = excluded.touched_at, touched_event_id = excluded.touched_event_id;
UPDATE availability SET vials = vials + 1
WHERE pool_id = ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid
  AND presentation_id = '00000004-0000-7000-8000-000000000001' AND step <= '2031-12-31';
INSERT INTO stock_day AS d (facility_id, presentation_id, day, used, moves)
VALUES (('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid, '00000004-0000-7000-8000-000000000001',
        '2026-03-02', 0, 1)
ON CONFLICT (facility_id, presentation_id, day) DO UPDATE SET used = d.used + excluded.used, moves = d.moves + 1;
INSERT INTO feed_pending (id, kind, subject, unit_id, data, occurred_at, recorded_at)
VALUES (gen_random_uuid(), 'stock.moved', :n, ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid,
        '{{"event": "0000000a-0000-7000-8000-000000000000", "kind": "supply", "facility": "00000001-0000-7000-8000-1",
           "presentation": "00000004-0000-7000-8000-000000000001", "batches": ["00000003-0000-7000-8000-1"]}}',
        '2026-03-02', '2026-03-02');
INSERT INTO feed_pending (id, kind, subject, unit_id, data, occurred_at, recorded_at)
VALUES (gen_random_uuid(), 'stock.available', :n, ('00000001-0000-7000-8000-' || lpad(to_hex(:n), 12, '0'))::uuid,
        '{{"facility_id": "00000001-0000-7000-8000-1", "presentation_id": "00000004-0000-7000-8000-1", "vials": 1}}',
        '2026-03-02', '2026-03-02');
END;
"""


def numbered(what: str, number: int) -> UUID:
    """The identifier of the n-th facility, equipment or batch."""
    return UUID(f"{_PREFIXES[what]}-0000-7000-8000-{number:012x}")


def command(number: int) -> PostEvent:
    """A supply of one vial to the n-th puskesmas."""
    return PostEvent(
        id=uuid7(),
        kind=Kind.SUPPLY,
        facility_id=numbered("facility", number),
        occurred_at=utc_now(),
        lines=(Line(batch_id=numbered("batch", 1), place_id=numbered("equipment", number), vials=1),),
    )


def make_world(engine: Engine) -> str:
    """Facilities, one batch, its first vial everywhere; returns an API key that may write anywhere."""
    now = utc_now()
    with transaction(engine) as db:
        ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        account = add_account(
            db,
            SYSTEM,
            NewAccount(username="bench", name="Bench", password=None, role=Role.NATIONAL, unit="ID"),
            now=now,
        )
        key = make_key(db, SYSTEM, NewKey(account=account.username, label="bench"), now=now).secret or ""
        db.execute(text(_WORLD.format(count=FACILITIES)))
    for number in range(1, FACILITIES + 1):
        with transaction(engine) as db:
            post_event(db, SYSTEM, command(number), now=now)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return key


def bare(url: str, seconds: int) -> float:
    """Transactions per second of pgbench writing the same rows."""
    return pgbench(url, _PGBENCH.format(count=FACILITIES), clients=CLIENTS, seconds=seconds)


def _use_case(url: str, seed: int, seconds: int, gate: Barrier, counts: multiprocessing.Queue[tuple[int, str]]) -> None:
    engine = make_engine(url, DatabaseSettings(pool_size=1), name="rantai-bench")
    dice, done, problem = Random(seed), 0, ""
    for warming in (True, False):
        gate.wait()
        until = time.perf_counter() + (2 if warming else seconds)
        done = 0
        while time.perf_counter() < until:
            try:
                with transaction(engine) as db:
                    post_event(db, SYSTEM, command(dice.randint(1, FACILITIES)), now=utc_now())
            except Exception as error:  # noqa: BLE001 - whatever it is, the run reports it
                problem = repr(error)
                break
            done += 1
    counts.put((done, problem))
    engine.dispose()


def _gathered(start: Callable[[int, Barrier, multiprocessing.Queue[tuple[int, str]]], multiprocessing.Process]) -> int:
    gate = multiprocessing.get_context("spawn").Barrier(CLIENTS)
    counts: multiprocessing.Queue[tuple[int, str]] = multiprocessing.get_context("spawn").Queue()
    workers = [start(seed, gate, counts) for seed in range(CLIENTS)]
    results = [counts.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join(30)
    problems = [problem for _, problem in results if problem]
    if problems:
        raise RuntimeError(f"{len(problems)} workers failed, first: {problems[0]}")
    return sum(done for done, _ in results)


def through_use_case(url: str, seconds: int) -> float:
    """Events per second of eight processes with one connection each."""

    def start(seed: int, gate: Barrier, counts: multiprocessing.Queue[tuple[int, str]]) -> multiprocessing.Process:
        context = multiprocessing.get_context("spawn")
        worker = context.Process(target=_use_case, args=(url, seed, seconds, gate, counts))
        worker.start()
        return worker  # type: ignore[return-value]  # a spawned process is a process

    return _gathered(start) / seconds


def serve(port: int) -> None:
    """One server process of the core's application; settings come from the environment."""
    from tracker.api.app import create_app  # noqa: PLC0415 - only the server processes need it
    from tracker.edge.services import Services  # noqa: PLC0415 - same
    from tracker.settings import settings  # noqa: PLC0415 - same

    current = settings()
    engine = make_engine(current.database_url.get_secret_value(), current.database, name="rantai-bench-api")
    app = create_app(Services(engine=engine, settings=current))
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


def over_http(url: str, key: str, seconds: int) -> float:
    """Events per second over HTTP: eight kept connections to two server processes."""
    ports = [_free_port() for _ in range(SERVERS)]
    environment = {
        **os.environ,
        "RANTAI_DATABASE_URL": url,
        "RANTAI_SECRET_KEY": SECRET,
    }
    servers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bench_ledger", "--serve", str(port)],
            env=environment,
            cwd=Path(__file__).resolve().parents[1],
        )
        for port in ports
    ]
    try:
        for port in ports:
            _wait_for(port)
        _drive(ports, key, 2)
        return _drive(ports, key, seconds) / seconds
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(20)


def _drive(ports: list[int], key: str, seconds: int) -> int:
    counts = [0] * CLIENTS
    problems: list[str] = []

    def client(index: int) -> None:
        dice = Random(index)
        connection = http.client.HTTPConnection("127.0.0.1", ports[index % len(ports)], timeout=30)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and not problems:
            connection.request("POST", "/api/v1/stock/events", _body(dice.randint(1, FACILITIES)), headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 201:
                problems.append(f"{answer.status} {body[:300]!r}")
            counts[index] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(index,)) for index in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise RuntimeError(problems[0])
    return sum(counts)


def _body(number: int) -> str:
    return json.dumps(
        {
            "id": str(uuid7()),
            "kind": "supply",
            "facility": f"pkm-{number}",
            "occurred_at": datetime.now(UTC).isoformat(),
            "lines": [{"batch": "L1", "place": f"k-{number}", "vials": 1}],
        }
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("a server process does not answer")


def _deadlocks(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    return int(row[0]) if row else 0


def measure_at(url: str, engine: Engine, *, quick: bool) -> list[Row]:
    """The figures on a migrated, empty database."""
    seconds = 4 if quick else 15
    key = make_world(engine)
    limit = bare(url, seconds)
    ours = through_use_case(url, seconds)
    http_rate = over_http(url, key, seconds)
    # The bare limit again: the machine may have changed its mood meanwhile, and the higher one counts.
    limit = max(limit, bare(url, seconds))
    return [
        Row(
            name="ledger: supplies of one line through the use case, 8 connections",
            ours=f"{ours:,.0f} /s",
            bare=f"pgbench -M simple, same rows: {limit:,.0f} /s",
            figure=ours / limit,
            bound=0.25,
            unit="×",
        ),
        Row(
            name="ledger: the same over HTTP, 2 server processes",
            ours=f"{http_rate:,.0f} /s",
            bare=f"{limit:,.0f} /s",
            figure=http_rate / limit,
            bound=0.15,
            unit="×",
        ),
        Row(
            name="ledger: deadlocks meanwhile",
            ours=f"{_deadlocks(url)}",
            bare="0",
            figure=_deadlocks(url),
            bound=0,
            unit="deadlocks",
            at_least=False,
        ),
    ]


def measure(*, quick: bool = False) -> list[Row]:
    """On a private, durable database of this run."""
    with private_services() as services, migrated_engine(services) as engine:
        return measure_at(services.database_url, engine, quick=quick)


def main() -> None:
    """`python -m benchmarks.bench_ledger [--quick]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    print_table(measure(quick=asked.quick))


if __name__ == "__main__":
    main()
