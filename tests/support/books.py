"""The truths of the ledger, asked of the whole database at once."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.stock.rules.availability import FIRST


def check_books(db: Session) -> None:
    """Raise AssertionError when any truth of the ledger does not hold."""
    for check in (_sums, _balances, _history, _statuses, _counts, _availability, _open_vials):
        check(db)


def books(db: Session) -> dict[str, list[tuple[Any, ...]]]:
    """All that a repeat must leave as it is."""
    return {
        name: [tuple(row) for row in db.execute(text(query))]
        for name, query in {
            "events": "SELECT id, number, kind, occurred_at FROM stock_event ORDER BY number",
            "entries": "SELECT event_id, seq, account, holder_id, vials FROM stock_entry ORDER BY number, seq",
            "balances": "SELECT * FROM stock_balance ORDER BY holder_id, batch_id, status",
            "steps": "SELECT * FROM availability ORDER BY facility_id, presentation_id, step",
            "need": "SELECT * FROM stock_need WHERE vials > 0 ORDER BY 1, 2, 3",
            "open": "SELECT * FROM open_vial ORDER BY id",
            "told": "SELECT id FROM feed_pending ORDER BY id",
        }.items()
    }


def _none(db: Session, query: str, what: str) -> None:
    rows = db.execute(text(query)).all()
    assert not rows, f"{what}: {rows[:3]}"


def _sums(db: Session) -> None:
    query = "SELECT event_id, batch_id, sum(vials) FROM stock_entry GROUP BY 1, 2 HAVING sum(vials) <> 0"
    _none(db, query, "entries of an event do not sum to zero")


def _balances(db: Session) -> None:
    query = """
        SELECT holder_id, batch_id, status, b.vials, e.vials
        FROM (SELECT holder_id, batch_id, status, sum(vials) AS vials FROM stock_entry
              WHERE account IN ('place', 'transit', 'open') GROUP BY 1, 2, 3) e
        FULL JOIN stock_balance b USING (holder_id, batch_id, status)
        WHERE coalesce(b.vials, 0) <> coalesce(e.vials, 0)
    """
    _none(db, query, "a balance is not the sum of its entries")


def _history(db: Session) -> None:
    query = """
        SELECT * FROM (
            SELECT holder_id, batch_id, status, occurred_at,
                   sum(sum(vials)) OVER (PARTITION BY holder_id, batch_id, status ORDER BY occurred_at) AS running
            FROM stock_entry WHERE account IN ('place', 'transit', 'open') GROUP BY 1, 2, 3, 4
        ) h WHERE running < 0
    """
    _none(db, query, "a place is below zero at some instant")


def _statuses(db: Session) -> None:
    query = """
        SELECT e.event_id FROM stock_entry e JOIN stock_event v ON v.id = e.event_id
        WHERE v.kind NOT IN ('status', 'reversal') AND NOT (
            v.kind = 'relabel' AND EXISTS (SELECT FROM stock_event b WHERE b.number = e.ordinal AND b.kind = 'status')
        )
        GROUP BY e.event_id, e.batch_id, e.status HAVING sum(e.vials) <> 0
    """
    _none(db, query, "something else than a status change moved vials between statuses")


def _counts(db: Session) -> None:
    query = """
        SELECT c.event_id, c.vials, s.vials FROM stock_count c
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(e.vials), 0) AS vials FROM stock_entry e
            WHERE (e.holder_id, e.batch_id, e.status) = (c.holder_id, c.batch_id, c.status)
              AND (e.occurred_at, e.ordinal) <= (c.occurred_at, c.number)
        ) s
        WHERE s.vials <> c.vials AND NOT EXISTS (SELECT FROM stock_event r WHERE r.reverses_id = c.event_id)
    """
    _none(db, query, "a count does not assert its instant")


def _open_vials(db: Session) -> None:
    query = """
        SELECT facility_id, batch_id, status, b.vials, v.vials
        FROM (SELECT facility_id, batch_id, status, count(*) AS vials FROM open_vial
              WHERE closed_at IS NULL GROUP BY 1, 2, 3) v
        FULL JOIN (SELECT * FROM stock_balance WHERE account = 'open') b USING (facility_id, batch_id, status)
        WHERE coalesce(b.vials, 0) <> coalesce(v.vials, 0)
    """
    _none(db, query, "opened vials and their account differ")


def _availability(db: Session) -> None:
    """Every row against what it means, computed anew from balances, fridges, monitors, packed vials and needs."""
    usable: dict[tuple[UUID, UUID], list[tuple[date, int]]] = defaultdict(list)
    awaited = "SELECT place_id FROM vaccination_session WHERE place_id IS NOT NULL AND state <> 'closed'"
    apart = set(db.scalars(text("SELECT id FROM equipment WHERE apart")))
    assert apart == set(db.scalars(text(awaited))), "apart is what sessions take along"
    for row in db.execute(
        text(
            "SELECT CASE WHEN e.apart THEN e.id ELSE b.facility_id END AS pool_id, t.presentation_id, t.expiry, "
            "b.vials - b.packed AS vials FROM stock_balance b "
            "JOIN batch t ON t.id = b.batch_id JOIN equipment e ON e.id = b.place_id "
            "WHERE b.status = 'usable' AND b.vials > b.packed AND e.in_service "
            "AND (b.vvm_stage IS NULL OR b.vvm_stage IN (1, 2))"
        )
    ):
        usable[row.pool_id, row.presentation_id].append((row.expiry, row.vials))
    need: dict[tuple[UUID, UUID], list[tuple[date, int]]] = defaultdict(list)
    for row in db.execute(text("SELECT * FROM stock_need WHERE vials > 0")):
        need[row.pool_id, row.presentation_id].append((row.day, row.vials))
    rows = db.execute(text("SELECT * FROM availability")).all()
    pools = {(row.pool_id, row.presentation_id) for row in rows if row.step == FIRST}
    assert pools >= usable.keys() | need.keys(), "a pool has no rows"
    for row in rows:
        pool = (row.pool_id, row.presentation_id)
        assert row.vials == sum(vials for expiry, vials in usable[pool] if expiry >= row.step), f"vials of {row}"
        assert row.needed == sum(vials for day, vials in need[pool] if day >= row.step), f"needed of {row}"
        assert row.needed <= row.vials + row.short, f"a promise is not backed: {row}"
        assert row.short == max(0, row.needed - row.vials), f"short is more than it must be: {row}"
    for pool, parcels in usable.items():
        have = {row.step for row in rows if (row.pool_id, row.presentation_id) == pool}
        ends = {date.fromordinal(expiry.toordinal() + 1) for expiry, _ in parcels}
        # Steps that have passed may be forgotten, from the first on; none between two that are kept.
        kept = min(have - {FIRST}, default=FIRST)
        missing = {day for day in ends - have if day > kept}
        assert not missing, f"a step is missing at {pool}: {missing}"
