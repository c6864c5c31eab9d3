"""The truths of the ledger, asserted, and its contents to compare."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.quota.queries.books import contradictions as of_bookings
from tracker.stock.queries.books import contradictions
from tracker.stock.queries.standing import contradictions as of_states


def check_books(db: Session, now: datetime | None = None) -> None:
    """Raise AssertionError when any truth of the ledger does not hold; with `now`, of the states kept of facilities either."""
    states = [] if now is None else of_states(db, now)
    assert not (found := [*contradictions(db), *of_bookings(db), *states]), found


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
