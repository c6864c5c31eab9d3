"""Events that wait because the database refused what a reaction had to do: each facility's for themselves.

Where rows of one facility are locked, its events step aside, in order, and are tried again, later and later; those of other
facilities go on meanwhile. The first that waits holds back the facility's later ones, so their order is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.feed.models import FeedEvent, FeedWaiting

_AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (0.5, 1, 2, 5, 10))


_MUST_WAIT = text(
    """
    SELECT EXISTS (SELECT 1 FROM feed_waiting WHERE reaction = :reaction AND unit_id IS NOT DISTINCT FROM :unit),
           set_config('lock_timeout', :ms, true)
    """
)


def must_wait(db: Session, reaction: str, unit_id: UUID | None, *, patience_ms: int) -> bool:
    """Whether an earlier event of the unit waits; asked under the cursor's lock, where alone events begin to wait.

    From then on this transaction waits for no lock longer than `patience_ms`.
    """
    return bool(db.execute(_MUST_WAIT, {"reaction": reaction, "unit": unit_id, "ms": str(patience_ms)}).one()[0])


def step_aside(db: Session, reaction: str, row: FeedEvent, *, error: str, detail: str, now: datetime) -> None:
    """Let the event wait: `error` is what it met, empty when it waits behind another one."""
    statement = upsert(FeedWaiting).values(
        reaction=reaction,
        position=row.position,
        unit_id=row.unit_id,
        kind=row.kind,
        since=now,
        again_at=now + _AGAIN_AFTER[0] if error else now,
        tries=1 if error else 0,
        failures=0,
        error=error,
        detail=detail,
    )
    db.execute(statement.on_conflict_do_nothing())


def due(db: Session, reaction: str, now: datetime) -> list[FeedWaiting]:
    """Of each unit the first event that waits, where its time has come."""
    first = select(func.min(FeedWaiting.position)).where(FeedWaiting.reaction == reaction).group_by(FeedWaiting.unit_id)
    query = select(FeedWaiting).where(FeedWaiting.reaction == reaction, FeedWaiting.position.in_(first))
    return list(db.scalars(query.where(FeedWaiting.again_at <= now).order_by(FeedWaiting.position)))


def begin_try(db: Session, reaction: str, position: int, now: datetime) -> FeedWaiting | None:
    """Count a try before it is made; None when another worker has just begun one, or has done it.

    It counts as failed until the opposite is known: should it end the worker, the next one knows.
    """
    row = locked(db, reaction, position)
    if row is None or row.again_at > now:
        return None
    row.again_at = now + _AGAIN_AFTER[min(row.tries, len(_AGAIN_AFTER) - 1)]
    row.tries += 1
    row.failures += 1
    db.flush()
    return row


def locked(db: Session, reaction: str, position: int) -> FeedWaiting | None:
    """One event that waits, locked; None when another worker is at it or has done it."""
    query = select(FeedWaiting).where(FeedWaiting.reaction == reaction, FeedWaiting.position == position)
    return db.scalars(query.with_for_update(skip_locked=True).execution_options(populate_existing=True)).one_or_none()


def done_waiting(db: Session, row: FeedWaiting) -> None:
    """It has been reacted to, or set aside."""
    db.execute(delete(FeedWaiting).where(FeedWaiting.reaction == row.reaction, FeedWaiting.position == row.position))


def next_of(db: Session, row: FeedWaiting) -> FeedWaiting | None:
    """The unit's next event behind this one."""
    query = select(FeedWaiting).where(
        FeedWaiting.reaction == row.reaction, _of(row.unit_id), FeedWaiting.position > row.position
    )
    return db.scalars(query.order_by(FeedWaiting.position).limit(1)).one_or_none()


def count_waiting(db: Session) -> int:
    """How many events wait."""
    return db.scalar(select(func.count()).select_from(FeedWaiting)) or 0


def first_waiting(db: Session, *, most: int) -> Sequence[FeedWaiting]:
    """Those that others wait behind, the longest waiting first."""
    query = select(FeedWaiting).where(FeedWaiting.tries > 0).order_by(FeedWaiting.position, FeedWaiting.reaction)
    return db.scalars(query.limit(most)).all()


def _of(unit_id: UUID | None) -> ColumnElement[bool]:
    return FeedWaiting.unit_id.is_not_distinct_from(unit_id)
