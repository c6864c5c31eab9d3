"""Events of the feed whose time is over, as far as everybody has read them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.orm import Session

from tracker.database.forgotten import last_that_took
from tracker.feed.looking import Reader
from tracker.feed.models import FeedEvent, FeedSetAside, FeedWaiting
from tracker.feed.queries import read_after
from tracker.feed.service import cursor_of

# Who was locked out, which key was made: the feed alone says so, and these are few.
KEPT_ROOM = "access."
WHAT = "events of the feed"
"""The rule's name, under which its runs are noted."""


def gone_up_to(db: Session) -> int:
    """The position of the newest event that was let go; 0 where none was. Who has read less far has missed something."""
    run = last_that_took(db, WHAT)
    return 0 if run is None or run.reached is None else int(json.loads(run.reached)[0])


def reactions_have_read(db: Session, readers: Collection[Reader]) -> int | None:
    """The position behind which some reaction has an event of its kinds to read yet; None where each has read all of its kinds."""
    firsts = (read_after(db, cursor_of(db, one.cursor), limit=1, kinds=one.kinds) for one in readers)
    return min((rows[0].position - 1 for rows in firsts if rows), default=None)


def old_events(before: datetime, read_up_to: Collection[int | None]) -> Select[*tuple[Any, ...]]:
    """Events recorded before that instant that everybody has read, up to the least of these positions.

    The newest event stays whatever its age, for the numberer counts on from it; and what a reaction is to try again.
    """
    newest = select(func.max(FeedEvent.position)).scalar_subquery()
    # Numbers are given in the order of recording but for moments; behind the first that is young enough nothing is looked at.
    first_young = (
        select(FeedEvent.position).where(FeedEvent.recorded_at >= before).order_by(FeedEvent.recorded_at).limit(1)
    )
    bounds = [position for position in read_up_to if position is not None]
    query = select(FeedEvent.position).where(
        FeedEvent.recorded_at < before,
        FeedEvent.position < func.coalesce(first_young.scalar_subquery(), newest),
        FeedEvent.position < newest,
        ~FeedEvent.kind.startswith(KEPT_ROOM),
        ~select(FeedWaiting.position).where(FeedWaiting.position == FeedEvent.position).exists(),
        ~select(FeedSetAside.position)
        .where(FeedSetAside.position == FeedEvent.position, FeedSetAside.resolved_at.is_(None))
        .exists(),
    )
    return query.where(FeedEvent.position <= min(bounds)) if bounds else query


def forget_events(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them. What they led to keeps the name of its cause, which then leads nowhere."""
    del now
    db.execute(delete(FeedEvent).where(FeedEvent.position.in_([row.position for row in rows])))
