"""Events that a reaction could not handle: kept in sight until somebody has them tried again with success."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tracker.feed.contract import Undecodable
from tracker.feed.events import EventSetAside
from tracker.feed.models import FeedEvent, FeedSetAside, FeedTry
from tracker.feed.service import append
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The event a reaction fails at, since when, how often, and with what the last time."""

    position: int
    since: datetime
    tries: int
    error: str
    detail: str


def count_try(
    db: Session, reaction: str, position: int, error: str, detail: str, *, now: datetime, more: int = 1
) -> Trouble:
    """Remember that a reaction tried the event at `position` `more` times; answers since when and how often it has.

    It stands in the database, not in a worker's memory: the event may be the one that ends the worker.
    """
    statement = upsert(FeedTry).values(
        reaction=reaction, position=position, tries=more, since=now, error=error, detail=detail
    )
    fresh = statement.excluded
    same = FeedTry.position == fresh.position
    found = db.execute(
        statement.on_conflict_do_update(
            index_elements=[FeedTry.reaction],
            set_={
                "position": fresh.position,
                "tries": case((same, FeedTry.tries + fresh.tries), else_=fresh.tries),
                "since": case((same, FeedTry.since), else_=fresh.since),
                "error": fresh.error,
                "detail": fresh.detail,
            },
        ).returning(FeedTry.since, FeedTry.tries)
    ).one()
    return Trouble(position=position, since=found.since, tries=int(found.tries), error=error, detail=detail)


def set_aside(db: Session, reaction: str, row: FeedEvent, trouble: Trouble, *, now: datetime) -> None:
    """Keep the event for later and say so on the feed; the same event twice is kept once."""
    statement = upsert(FeedSetAside).values(
        id=uuid7(),
        reaction=reaction,
        event_id=row.id,
        position=row.position,
        kind=row.kind,
        error=trouble.error,
        detail=trouble.detail,
        tries=trouble.tries,
        first_tried_at=trouble.since,
        last_tried_at=now,
    )
    db.execute(statement.on_conflict_do_nothing())
    told = EventSetAside(reaction=reaction, event_kind=row.kind, position=row.position)
    append(db, told, unit_id=None, subject=row.subject, occurred_at=now, now=now, caused_by=row.id)


def waiting_aside(db: Session, *, most: int = 500) -> list[FeedSetAside]:
    """What waits to be tried again, in the order of the feed."""
    query = select(FeedSetAside).where(FeedSetAside.resolved_at.is_(None))
    return list(db.scalars(query.order_by(FeedSetAside.position, FeedSetAside.reaction).limit(most)))


def count_aside(db: Session) -> int:
    """How many events wait to be tried again."""
    return db.scalar(select(func.count()).where(FeedSetAside.resolved_at.is_(None))) or 0


def waiting_for_update(db: Session, aside_id: UUID) -> FeedSetAside | None:
    """One event that waits, locked; None when there is none or somebody else has just settled it."""
    return db.scalar(
        select(FeedSetAside)
        .where(FeedSetAside.id == aside_id, FeedSetAside.resolved_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def described(error: Exception) -> str:
    """What went wrong, without a value of anybody's: a database's or Python's own message may hold one."""
    if isinstance(error, Undecodable):
        return str(error)[:300]
    if isinstance(error, DomainError):
        return error.code
    where = _place(error)
    if isinstance(error, DBAPIError):
        diagnosis = getattr(error.orig, "diag", None)
        facts = (getattr(diagnosis, name, None) for name in ("sqlstate", "table_name", "constraint_name"))
        return " ".join(fact for fact in (*facts, where) if fact)
    return where


def _place(error: Exception) -> str:
    """The innermost line of our own code the error came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(_ROOT))]
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}" if ours else ""
