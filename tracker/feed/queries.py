"""Reading the feed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, ScalarSelect, Select, func, literal, select
from sqlalchemy.orm import Session

from tracker.feed.models import FeedEvent, FeedPending


def read_after(
    db: Session,
    position: int,
    *,
    limit: int = 500,
    kinds: Collection[str] | None = None,
    where: ColumnElement[bool] | None = None,
) -> list[FeedEvent]:
    """The next events after `position`, in order, at most `limit`."""
    query = select(FeedEvent).where(FeedEvent.position > position).order_by(FeedEvent.position).limit(limit)
    if kinds is not None:
        query = query.where(FeedEvent.kind.in_(kinds))
    if where is not None:
        query = query.where(where)
    return list(db.scalars(query))


def last_position(db: Session, *, until: datetime | None = None) -> int:
    """The newest number given, to all or to what was recorded by an instant; 0 where there is none."""
    newest = _newest()
    if until is not None:
        newest = newest.where(FeedEvent.recorded_at <= until)
    return db.scalar(newest) or 0


def last_position_then() -> ScalarSelect[int | None]:
    """The same as a column of a statement that asks for more; null where there is none."""
    return _newest().scalar_subquery()


def _newest() -> Select[int]:
    return select(FeedEvent.position).order_by(FeedEvent.position.desc()).limit(1)


def oldest_pending(db: Session) -> datetime | None:
    """When the oldest row that still waits for its number was recorded; None when none waits."""
    return db.scalar(select(func.min(FeedPending.recorded_at)))


# From an alarm to the message that tells of an offer it is five steps; a longer chain is followed so far only.
_STEPS = 12
_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """How many things of one kind an event led to (each subject counts once), and when first and last."""

    subjects: int
    first_at: datetime
    last_at: datetime


def _following(roots: Collection[UUID]) -> CTE:
    """The positions of all events that these led to, over any number of steps up to the bound."""
    steps = literal(1).label("steps")
    first = select(FeedEvent.id, FeedEvent.position, steps).where(FeedEvent.caused_by.in_(roots))
    chain = first.cte("chain", recursive=True)
    return chain.union_all(
        select(FeedEvent.id, FeedEvent.position, chain.c.steps + 1)
        .join(chain, FeedEvent.caused_by == chain.c.id)
        .where(chain.c.steps < _STEPS)
    )


def consequences_by_kind(db: Session, roots: Collection[UUID]) -> dict[str, Consequences]:
    """What these events led to, directly or not, counted by kind; at most 20,000 events are looked at."""
    found = select(_following(roots).c.position).limit(_MOST).subquery()
    rows = db.execute(
        select(
            FeedEvent.kind,
            func.count(FeedEvent.subject.distinct()),
            func.min(FeedEvent.recorded_at),
            func.max(FeedEvent.recorded_at),
        )
        .join(found, found.c.position == FeedEvent.position)
        .group_by(FeedEvent.kind)
    )
    return {kind: Consequences(subjects=count, first_at=first, last_at=last) for kind, count, first, last in rows}


def consequences(db: Session, roots: Collection[UUID], kinds: Collection[str], *, most: int = 1_000) -> list[FeedEvent]:
    """The events of these kinds that `roots` led to, directly or not, in order."""
    found = select(_following(roots).c.position).limit(_MOST).subquery()
    return list(
        db.scalars(
            select(FeedEvent)
            .join(found, found.c.position == FeedEvent.position)
            .where(FeedEvent.kind.in_(kinds))
            .order_by(FeedEvent.position)
            .limit(most)
        )
    )


def origins(db: Session, ids: Collection[UUID], kinds: Collection[str]) -> dict[UUID, UUID]:
    """For each event that goes back to one of these kinds: the nearest such event; an event may be its own."""
    begin, steps = FeedEvent.id.label("begin"), literal(0).label("steps")
    first = select(begin, FeedEvent.id, FeedEvent.kind, FeedEvent.caused_by, steps).where(FeedEvent.id.in_(ids))
    chain = first.cte("chain", recursive=True)
    chain = chain.union_all(
        select(chain.c.begin, FeedEvent.id, FeedEvent.kind, FeedEvent.caused_by, chain.c.steps + 1)
        .join(chain, FeedEvent.id == chain.c.caused_by)
        .where(chain.c.steps < _STEPS)
    )
    rows = db.execute(
        select(chain.c.begin, chain.c.id).where(chain.c.kind.in_(kinds)).order_by(chain.c.begin, chain.c.steps.desc())
    )
    return {row.begin: row.id for row in rows}
