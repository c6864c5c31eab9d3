"""One hot session that sells out, against pgbench writing the same rows in the same database.

The bare limit is `pgbench -M simple` with eight clients, all at one session: a booking, the two counters, who serves the person, what is
told on the feed, and for every fifth person the vial that is promised. It asks nothing and checks nothing; the session's row lines its
clients up as it does ours. Ours goes through the use case, in eight processes of one connection each, until the session is full.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from multiprocessing.synchronize import Barrier
from uuid import UUID

from sqlalchemy import Engine, text

from benchmarks.bench_load import hot_session
from benchmarks.common import Row, migrated_engine, pgbench, print_table, private_services
from benchmarks.product import add_product
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.database.engine import make_engine, transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.quota.errors import Exhausted
from tracker.quota.rules.words import Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book
from tracker.settings import DatabaseSettings

CLIENTS = 8
PLACES = 4_000
SPARE = 90_000  # places of the session that pgbench books
_FIRST_OF_BARE = 10_000  # its people come behind ours

# Identifiers that pgbench can spell from a number.
_PERSON = "00000005-0000-7000-8000-"
PEOPLE = f"""
    INSERT INTO person (id, identity, without_nik, name, birth_date, sex, groups, registered_at)
    SELECT ('{_PERSON}' || lpad(to_hex(n), 12, '0'))::uuid, 'none', 'no_papers', 'Warga Rekaan', '1990-01-01', 'female', '[]',
           now()
    FROM generate_series(1, CAST(:last AS integer)) n
"""

_PGBENCH = rf"""
\set n :n + 1
\set who :start + :n * {CLIENTS} + :client_id
\set vial random(1, 5)
BEGIN;
UPDATE vaccination_session SET taken = taken + 1, live = live + 1 WHERE id = '{{session}}';
UPDATE session_bucket SET taken = taken + 1 WHERE id = '{{bucket}}';
INSERT INTO booking (id, session_id, bucket_id, person_id, vaccine_id, dose, medium, state, made_at, changed_at, expires_at)
VALUES (gen_random_uuid(), '{{session}}', '{{bucket}}', ('{_PERSON}' || lpad(to_hex(:who), 12, '0'))::uuid, '{{vaccine}}',
        1, 'app', 'reserved', now(), now(), now() + interval '10 minutes');
INSERT INTO person_unit (person_id, unit_id)
VALUES (('{_PERSON}' || lpad(to_hex(:who), 12, '0'))::uuid, '{{facility}}') ON CONFLICT DO NOTHING;
INSERT INTO feed_pending (id, kind, subject, unit_id, data, occurred_at, recorded_at)
VALUES (gen_random_uuid(), 'quota.booked', :who, '{{facility}}',
        '{{{{"booking_id": "{{session}}", "session_id": "{{session}}", "facility_id": "{{facility}}",
           "presentation_id": "{{presentation}}", "dose": 1}}}}', now(), now());
\if :vial = 1
UPDATE availability SET needed = needed + 1
WHERE pool_id = '{{facility}}' AND presentation_id = '{{presentation}}' AND step <= '{{day}}';
INSERT INTO stock_need AS n (pool_id, facility_id, presentation_id, day, vials)
VALUES ('{{facility}}', '{{facility}}', '{{presentation}}', '{{day}}', 1)
ON CONFLICT (pool_id, presentation_id, day) DO UPDATE SET vials = n.vials + 1;
\endif
END;
"""


def person(number: int) -> UUID:
    """The identifier of the n-th of the people."""
    return UUID(f"{_PERSON}{number:012x}")


def make_world(engine: Engine, places: int) -> tuple[UUID, UUID]:
    """People, a session of so many places for us, and one that does not end for pgbench."""
    now = utc_now()
    with transaction(engine) as db:
        ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        batch = add_product(db, now=now)
        ours = hot_session(db, batch, places, now=now)
        bare = hot_session(db, batch, SPARE, now=now, code="pkm-2")
        db.execute(text(PEOPLE), {"last": _FIRST_OF_BARE + SPARE})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return ours, bare


def script_for(engine: Engine, session: UUID) -> str:
    """What pgbench writes for a booking of this session."""
    with engine.connect() as connection:
        row = connection.execute(
            text(
                "SELECT s.id AS session, s.facility_id AS facility, s.presentation_id AS presentation, "
                "s.vaccine_id AS vaccine, s.day, b.id AS bucket FROM vaccination_session s "
                "JOIN session_bucket b ON b.session_id = s.id WHERE s.id = :session ORDER BY b.places DESC LIMIT 1"
            ),
            {"session": session},
        ).one()
        named = row._asdict()
    # The bare limit asks no bucket's limit, as it asks nothing.
    with engine.begin() as connection:
        connection.execute(text("UPDATE session_bucket SET places = :n WHERE id = :id"), {"n": SPARE, "id": row.bucket})
    return _PGBENCH.format_map(named)


def _book(url: str, session: UUID, first: int, last: int, gate: Barrier, told: multiprocessing.Queue[object]) -> None:
    engine = make_engine(
        url, DatabaseSettings(pool_size=1, statement_timeout_ms=0, lock_timeout_ms=0), name="rantai-bench"
    )
    done, began, ended, problem = 0, 0.0, 0.0, ""
    with transaction(engine) as db:
        db.execute(text("SELECT 1"))
    gate.wait()
    began = ended = time.time()
    for number in range(first, last):
        asked = Book(id=uuid7(), session_id=session, person_id=person(number), dose=1, medium=Medium.APP)
        try:
            with transaction(engine) as db:
                book(db, SYSTEM, asked, now=utc_now())
        except Exhausted:
            break
        except Exception as error:  # noqa: BLE001 - whatever it is, the run reports it
            problem = repr(error)
            break
        done, ended = done + 1, time.time()
    told.put((done, began, ended, problem))
    engine.dispose()


def through_use_case(url: str, session: UUID, places: int) -> tuple[int, float]:
    """Bookings made until nobody got one, and how many a second; each of eight processes has people for a half more than its share."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(CLIENTS)
    told: multiprocessing.Queue[tuple[int, float, float, str]] = context.Queue()
    each = places * 3 // (2 * CLIENTS)
    workers = [
        context.Process(target=_book, args=(url, session, 1 + n * each, 1 + (n + 1) * each, gate, told))
        for n in range(CLIENTS)
    ]
    for worker in workers:
        worker.start()
    answers = [told.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join(30)
    problems = [problem for *_, problem in answers if problem]
    if problems:
        raise RuntimeError(f"{len(problems)} workers failed, first: {problems[0]}")
    made = sum(done for done, *_ in answers)
    return made, made / (max(ended for _, _, ended, _ in answers) - min(began for _, began, *_ in answers))


def oversold(engine: Engine, session: UUID, places: int) -> int:
    """Persons with a booking beyond the places that were planned, or beyond the doses that lie there."""
    asked = """
        SELECT (SELECT count(*) FROM booking WHERE session_id = s.id AND state = 'reserved') AS booked,
               (SELECT sum(vials) * 5 FROM stock_balance WHERE facility_id = s.facility_id) AS doses
        FROM vaccination_session s WHERE s.id = :session
    """
    with engine.connect() as connection:
        row = connection.execute(text(asked), {"session": session}).one()
    return max(0, int(row.booked) - min(places, int(row.doses)))


def measure(*, quick: bool = False) -> list[Row]:
    """On a private, durable database of this run."""
    places, seconds = (PLACES // 10, 4) if quick else (PLACES, 10)
    with private_services() as services, migrated_engine(services) as engine:
        url = services.database_url
        session, other = make_world(engine, places)
        script = script_for(engine, other)
        limit = pgbench(url, script, clients=CLIENTS, seconds=seconds, variables={"n": 0, "start": _FIRST_OF_BARE})
        made, ours = through_use_case(url, session, places)
        # Again: the machine may have changed its mood meanwhile, and the higher one counts.
        again = {"n": 0, "start": _FIRST_OF_BARE + SPARE // 2}
        limit = max(limit, pgbench(url, script, clients=CLIENTS, seconds=seconds, variables=again))
        beyond = oversold(engine, session, places)
    if made != places:
        raise RuntimeError(f"{made} of {places} places were booked")
    return [
        Row(
            name=f"booking: {places} places of one session through the use case, {CLIENTS} connections",
            ours=f"{ours:,.0f} /s",
            bare=f"pgbench -M simple, same rows: {limit:,.0f} /s",
            figure=ours / limit,
            bound=0.15,
            unit="×",
        ),
        Row(
            name="booking: persons oversold",
            ours=f"{beyond}",
            bare="0",
            figure=beyond,
            bound=0,
            unit="persons",
            at_least=False,
        ),
    ]


def main() -> None:
    """`python -m benchmarks.bench_booking [--quick]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print_table(measure(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
