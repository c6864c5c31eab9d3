"""Keeps each facility's state, so that a page over the nation adds up a column and not the ledger. The worker's step.

Marks are taken first and the books read after, by statements that see what has been committed till then; one at a time, so
that an older reckoning never overwrites a newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.stock.models import StockMark, StockStanding
from tracker.stock.queries.standing import reckoned

# Facilities of one step: some tenths of a second.
_AT_ONCE = 200
# Marks of one step; a busy facility has many.
_MARKS = 1_000


def reckon_standings(db: Session, *, now: datetime) -> int:
    """Reckon the facilities whose books have changed, or whose time has come; answers how many were looked at."""
    if not db.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('stock standings'))")):
        return 0
    due = set(_marked(db))
    if len(due) < _AT_ONCE:
        over = or_(StockStanding.holds_until <= now, StockStanding.holds_from > now)
        due |= set(db.scalars(select(StockStanding.facility_id).where(over).limit(_AT_ONCE - len(due))))
    if due:
        _keep(db, sorted(due), now)
    return len(due)


def _marked(db: Session) -> Sequence[UUID]:
    oldest = select(StockMark.id, StockMark.facility_id).order_by(StockMark.id).limit(_MARKS).cte("oldest")
    these = select(oldest.c.facility_id).distinct().limit(_AT_ONCE).cte("these")
    taken = select(oldest.c.id).where(oldest.c.facility_id.in_(select(these.c.facility_id)))
    gone = delete(StockMark).where(StockMark.id.in_(taken)).returning(StockMark.facility_id)
    return db.scalars(gone).all()


def _keep(db: Session, due: Sequence[UUID], now: datetime) -> None:
    found = reckoned(db, due, now)
    without = set(due) - {one.facility_id for one in found}
    if without:
        db.execute(delete(StockStanding).where(StockStanding.facility_id.in_(without)))
    if found:
        new = insert(StockStanding).values(
            [
                {
                    "facility_id": one.facility_id,
                    "state": one.state,
                    "holds_from": one.holds_from,
                    "holds_until": one.holds_until,
                }
                for one in found
            ]
        )
        db.execute(
            new.on_conflict_do_update(
                index_elements=["facility_id"],
                set_={name: new.excluded[name] for name in ("state", "holds_from", "holds_until")},
            )
        )
