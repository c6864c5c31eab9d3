"""A nation's database, made by a few large statements: minutes, where the use cases would take days."""

from __future__ import annotations

import sys
import time

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.nation.books import make_books, make_pools
from benchmarks.nation.people import make_people
from benchmarks.nation.sizes import FUNCTIONS, Nation
from benchmarks.nation.tree import make_tree
from benchmarks.nation.watch import make_feed, make_watch
from tracker.database.engine import transaction
from tracker.stock.service.standing import reckon_standings


def make_nation(engine: Engine, nation: Nation, *, password: str | None = None, aloud: bool = False) -> None:
    """Fill a migrated, empty database. Needs a superuser: triggers and foreign keys rest meanwhile."""
    began = time.perf_counter()
    with transaction(engine) as db:
        _let_it_take_its_time(db)
        db.execute(text("SET LOCAL work_mem = '256MB'"))
        db.execute(text("SET LOCAL synchronous_commit = off"))
        db.connection().exec_driver_sql(FUNCTIONS)
        make_tree(db, nation, password=password)
        db.execute(text("SET LOCAL session_replication_role = replica"))
        indexes = _taken_off(db)
        for step in (make_books, make_people, make_pools, make_watch, make_feed):
            step(db, nation)
            if aloud:
                print(f"  {step.__name__}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        for index in indexes:
            db.execute(text(index))
        if aloud:
            print(f"  indexes: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        # Its triggers rested, so what they would have marked is marked here.
        db.execute(text("INSERT INTO stock_mark (facility_id) SELECT DISTINCT facility_id FROM equipment"))
    done = 1
    while done:
        with transaction(engine) as db:
            _let_it_take_its_time(db)
            done = reckon_standings(db, now=nation.now)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM (ANALYZE)"))


def _let_it_take_its_time(db: Session) -> None:
    """The house's guard times are for requests; on a busy machine they would end this after minutes of work."""
    for guard in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        db.execute(text("SELECT set_config(:guard, '0', true)"), {"guard": guard})


def _taken_off(db: Session) -> list[str]:
    """Take the indexes off the largest tables, and answer how to put them back: made once they cost a fraction."""
    rows = db.execute(
        text(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' AND i.tablename = ANY(:tables) "
            "AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"
        ),
        {"tables": ["stock_event", "stock_entry", "stock_balance", "open_vial", "booking", "person", "feed_event"]},
    ).all()
    for name, _ in rows:
        db.execute(text(f'DROP INDEX "{name}"'))
    return [made for _, made in rows]
