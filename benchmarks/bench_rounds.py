"""What the worker does by itself: many who give way at once, and a round in which there is nothing to do.

Run alone: `python -m benchmarks rounds`; `--quick` takes a tenth of the persons and a hundredth of the nation.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import Engine, text

from benchmarks.bench_booking import person
from benchmarks.bench_load import hot_session
from benchmarks.bench_nation import NOW, SECRET
from benchmarks.common import Row, migrated_engine, private_services
from benchmarks.nation.asking import counted
from benchmarks.nation.generate import make_nation
from benchmarks.nation.sizes import Nation
from benchmarks.product import add_product
from rantai.wiring import worker_loops
from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.quota.service.displacing import displace
from tracker.settings import DatabaseSettings, load_settings

GIVE_WAY = 2_000
ROUNDS = {"lookout", "numbering", "evaluation", "silence", "escalation", "pools"}
_BOOKED = """
    INSERT INTO person (id, identity, without_nik, name, birth_date, sex, groups, registered_at)
    SELECT CAST(one AS uuid), 'none', 'no_papers', 'Warga Rekaan', '1990-01-01', 'female', '[]', now()
    FROM unnest(CAST(:people AS text[])) AS one
"""
_BOOKINGS = """
    INSERT INTO booking (id, session_id, bucket_id, person_id, vaccine_id, dose, medium, state, made_at, changed_at)
    SELECT gen_random_uuid(), s.id, b.id, CAST(one AS uuid), s.vaccine_id, 1, 'app', 'confirmed',
           now() + n * interval '1 millisecond', now()
    FROM unnest(CAST(:people AS text[])) WITH ORDINALITY AS p (one, n), vaccination_session s
    JOIN session_bucket b ON b.session_id = s.id AND b.kind = 'general' WHERE s.id = :session
"""
_COUNTED = "UPDATE vaccination_session SET taken = :people, live = :people WHERE id = :session"
_BUCKET = "UPDATE session_bucket SET taken = :people, places = :people WHERE session_id = :session AND kind = 'general'"
# As when every vial of the lot is found spoilt: what lay there counts no more.
_SPOILT = "UPDATE availability SET vials = 0, short = needed WHERE facility_id = :facility"


def measure(*, quick: bool = False) -> list[Row]:
    """Both on private, durable databases of this run."""
    with private_services() as services, migrated_engine(services) as engine:
        rows = _displacement(engine, GIVE_WAY // 10 if quick else GIVE_WAY)
    with private_services() as services, migrated_engine(services) as engine:
        make_nation(engine, Nation.shrunk(NOW, 100) if quick else Nation(now=NOW), aloud=True)
        return [*rows, _idle(engine, services.database_url)]


def _displacement(engine: Engine, people: int) -> list[Row]:
    now = utc_now()
    facility, presentation = _crowd(engine, people, now)
    spent: list[float] = []
    gone, more = 0, True
    with counted(engine) as counts:
        while more:
            began = time.perf_counter()
            with transaction(engine) as db:
                done = displace(db, facility, presentation, now=now + timedelta(seconds=10))
            spent.append(time.perf_counter() - began)
            gone, more = gone + len(done.bookings), done.more
    if gone != people:
        raise RuntimeError(f"{gone} of {people} bookings gave way")
    name = f"{people} bookings of one pool give way"
    told = f"{counts.statements} statements in {len(spent)} transactions"
    guard = DatabaseSettings().lock_timeout_ms / 1000
    return [
        Row(name=name, ours=told, bare="", figure=sum(spent), bound=10, unit="s", at_least=False),
        Row(
            name=f"{name}: the longest transaction",
            ours="",
            bare=f"who waits for the lock gives up after {guard:.0f} s",
            figure=max(spent),
            bound=guard,
            unit="s",
            at_least=False,
        ),
    ]


def _crowd(engine: Engine, people: int, now: datetime) -> tuple[UUID, UUID]:
    """So many confirmed bookings of one session, and no vial left for them."""
    with transaction(engine) as db:
        ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        session = hot_session(db, add_product(db, now=now), people, now=now)
        asked = {"people": [str(person(n)) for n in range(1, people + 1)], "session": session}
        db.execute(text(_BOOKED), asked)
        db.execute(text(_BOOKINGS), asked)
        for statement in (_BUCKET, _COUNTED):
            db.execute(text(statement), {"people": people, "session": session})
        found = db.execute(
            text("SELECT facility_id, presentation_id FROM vaccination_session WHERE id = :session"), asked
        ).one()
        # The promise is noted, then the vials go.
        displace(db, *found, now=now)
        db.execute(text(_SPOILT), {"facility": found.facility_id})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return found.facility_id, found.presentation_id


def _idle(engine: Engine, url: str) -> Row:
    """One round of each loop after one that did what there was to do; who waits for a place is left out."""
    with transaction(engine) as db:
        db.execute(text("UPDATE displacement SET state = 'rebooked'"))
    turns = count(1)
    loops = worker_loops(
        engine,
        load_settings(database_url=url, secret_key=SECRET),
        clock=lambda: NOW + timedelta(seconds=30 * next(turns)),
    )
    steps = [loop.step for loop in loops if loop.name in ROUNDS]
    for step in steps:
        while step():
            pass
    with counted(engine) as counts:
        for step in steps:
            step()
    began = time.perf_counter()
    for step in steps:
        step()
    return Row(
        name="a round of the worker with nothing to do, a nation at rest",
        ours=f"{counts.statements} statements, {counts.rows} rows, {counts.buffers} buffers",
        bare="",
        figure=(time.perf_counter() - began) * 1000,
        bound=50,
        unit="ms",
        at_least=False,
    )
