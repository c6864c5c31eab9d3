"""The truths of the ledger and of its promises, asked of the whole database at once.

They hold at every instant, whatever the house did: its constraints and use cases keep them. Asking is for whoever has
restored, upgraded or moved a database, and for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

# The step before all expiries: `FIRST` of tracker/stock/rules/availability.py as PostgreSQL writes it.
_FIRST = "DATE '0001-01-01'"
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A truth that does not hold: what is wrong, in how many rows, and the first of them."""

    what: str
    rows: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.what} ({self.rows} {'row' if self.rows == 1 else 'rows'}, first: {'; '.join(self.first)})"


def contradictions(db: Session) -> list[Contradiction]:
    """What does not hold of the ledger; empty when the books are right."""
    return found_by(db, TRUTHS)


def ask_in_bulk(db: Session) -> None:
    """Let this transaction read tables from end to end, side by side, for that is what each truth asks.

    Without it a database that was just restored, whose statistics are not there yet, looks up one row after another by index.
    The memory is that of one sort, of which a query has a few.
    """
    db.execute(
        text(
            "SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true), "
            "set_config('work_mem', '64MB', true)"
        )
    )


def found_by(
    db: Session, truths: Mapping[str, str], *, asking: Callable[[str], None] = lambda _: None
) -> list[Contradiction]:
    """Ask each query of `truths` (what is wrong → rows that show it) and tell those that found something.

    `asking` is told of each before it is asked.
    """
    found = []
    for what, query in truths.items():
        asking(what)
        rows = db.execute(text(f"SELECT wrong::text, count(*) OVER () FROM ({query}) AS wrong LIMIT {_SHOWN}")).all()
        if rows:
            found.append(Contradiction(what=what, rows=rows[0][1], first=tuple(row[0] for row in rows)))
    return found


# What may be promised of each pool: vials that lie usable and free in a fridge in service, monitor at stage 1 or 2.
_USABLE = """
    SELECT CASE WHEN e.apart THEN e.id ELSE b.facility_id END AS pool_id, t.presentation_id, t.expiry,
           sum(b.vials - b.packed) AS vials
    FROM stock_balance b JOIN batch t ON t.id = b.batch_id JOIN equipment e ON e.id = b.place_id
    WHERE b.status = 'usable' AND b.vials > b.packed AND e.in_service
      AND (b.vvm_stage IS NULL OR b.vvm_stage IN (1, 2))
    GROUP BY 1, 2, 3
"""

TRUTHS: Mapping[str, str] = {
    "entries of an event do not sum to zero": """
        SELECT event_id, batch_id, sum(vials) FROM stock_entry GROUP BY 1, 2 HAVING sum(vials) <> 0
    """,
    "a balance is not the sum of its entries": """
        SELECT holder_id, batch_id, status, b.vials AS kept, e.vials AS summed
        FROM (SELECT holder_id, batch_id, status, sum(vials) AS vials FROM stock_entry
              WHERE account IN ('place', 'transit', 'open') GROUP BY 1, 2, 3) e
        FULL JOIN stock_balance b USING (holder_id, batch_id, status)
        WHERE coalesce(b.vials, 0) <> coalesce(e.vials, 0)
    """,
    "a place is below zero at some instant": """
        SELECT * FROM (
            SELECT holder_id, batch_id, status, occurred_at,
                   sum(sum(vials)) OVER (PARTITION BY holder_id, batch_id, status ORDER BY occurred_at) AS running
            FROM stock_entry WHERE account IN ('place', 'transit', 'open') GROUP BY 1, 2, 3, 4
        ) h WHERE running < 0
    """,
    "something else than a status change moved vials between statuses": """
        SELECT e.event_id FROM stock_entry e JOIN stock_event v ON v.id = e.event_id
        WHERE v.kind NOT IN ('status', 'reversal') AND NOT (
            v.kind = 'relabel' AND EXISTS (SELECT FROM stock_event b WHERE b.number = e.ordinal AND b.kind = 'status')
        )
        GROUP BY e.event_id, e.batch_id, e.status HAVING sum(e.vials) <> 0
    """,
    # Counts and entries in one row of time: a sum up to each count anew would be the square of a long history.
    "a count does not assert its instant": """
        SELECT event_id, counted, summed FROM (
            SELECT event_id, counted, coalesce(sum(vials) OVER (
                PARTITION BY holder_id, batch_id, status ORDER BY occurred_at, ordinal), 0) AS summed
            FROM (
                SELECT c.event_id, c.vials AS counted, c.holder_id, c.batch_id, c.status, c.occurred_at,
                       c.number AS ordinal, 0 AS vials FROM stock_count c
                UNION ALL
                SELECT NULL, NULL, e.holder_id, e.batch_id, e.status, e.occurred_at, e.ordinal, e.vials
                FROM stock_entry e WHERE EXISTS (
                    SELECT FROM stock_count c
                    WHERE (c.holder_id, c.batch_id, c.status) = (e.holder_id, e.batch_id, e.status))
            ) both_of_them
        ) s
        WHERE summed <> counted AND NOT EXISTS (SELECT FROM stock_event r WHERE r.reverses_id = s.event_id)
    """,
    "opened vials and their account differ": """
        SELECT facility_id, batch_id, status, b.vials AS kept, v.vials AS opened
        FROM (SELECT facility_id, batch_id, status, count(*) AS vials FROM open_vial
              WHERE closed_at IS NULL GROUP BY 1, 2, 3) v
        FULL JOIN (SELECT * FROM stock_balance WHERE account = 'open') b USING (facility_id, batch_id, status)
        WHERE coalesce(b.vials, 0) <> coalesce(v.vials, 0)
    """,
    # What takes an event back, or tells it of another lot, counts as the event beside which it stands.
    "a day's sums are not those of its entries": """
        SELECT facility_id, presentation_id, day, d.used, e.used AS summed, d.moves, e.moves AS counted
        FROM (SELECT e.facility_id, b.presentation_id, CAST(e.occurred_at AT TIME ZONE f.timezone AS date) AS day,
                     sum(CASE WHEN v.kind IN ('opening', 'dispatch') THEN -e.vials ELSE 0 END) AS used, count(*) AS moves
              FROM stock_entry e JOIN batch b ON b.id = e.batch_id JOIN facility f ON f.id = e.facility_id
              JOIN stock_event v ON v.number = e.ordinal
              WHERE e.account = 'place' GROUP BY 1, 2, 3) e
        FULL JOIN stock_day d USING (facility_id, presentation_id, day)
        WHERE (d.used, d.moves) IS DISTINCT FROM (e.used, e.moves)
    """,
    "a pool does not count the vials that may be promised": f"""
        SELECT a.pool_id, a.presentation_id, a.step, a.vials AS kept, coalesce(sum(u.vials), 0) AS usable
        FROM availability a LEFT JOIN ({_USABLE}) u
          ON (u.pool_id, u.presentation_id) = (a.pool_id, a.presentation_id) AND u.expiry >= a.step
        GROUP BY 1, 2, 3, 4 HAVING a.vials <> coalesce(sum(u.vials), 0)
    """,
    "a pool does not count what is needed of it": """
        SELECT a.pool_id, a.presentation_id, a.step, a.needed AS kept, coalesce(sum(n.vials), 0) AS needed
        FROM availability a LEFT JOIN stock_need n
          ON (n.pool_id, n.presentation_id) = (a.pool_id, a.presentation_id) AND n.vials > 0 AND n.day >= a.step
        GROUP BY 1, 2, 3, 4 HAVING a.needed <> coalesce(sum(n.vials), 0)
    """,
    "a promise is backed neither by a vial nor by a shortage, or a shortage is more than it must be": """
        SELECT pool_id, presentation_id, step, vials, needed, short FROM availability
        WHERE short <> greatest(0, needed - vials)
    """,
    "a pool has no rows": f"""
        SELECT pool_id, presentation_id FROM ({_USABLE}) u
        UNION SELECT pool_id, presentation_id FROM stock_need WHERE vials > 0
        EXCEPT SELECT pool_id, presentation_id FROM availability WHERE step = {_FIRST}
    """,
    # Steps that have passed may be forgotten, from the first on; none between two that are kept.
    "a step is missing": f"""
        SELECT u.pool_id, u.presentation_id, u.expiry + 1 AS step
        FROM ({_USABLE}) u
        JOIN (SELECT pool_id, presentation_id, min(step) AS first FROM availability
              WHERE step <> {_FIRST} GROUP BY 1, 2) k USING (pool_id, presentation_id)
        LEFT JOIN availability a
          ON (a.pool_id, a.presentation_id, a.step) = (u.pool_id, u.presentation_id, u.expiry + 1)
        WHERE u.expiry + 1 > k.first AND a.step IS NULL
    """,
}
