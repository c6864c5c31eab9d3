"""Appending to the feed and moving a reader's cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.feed.bell import ring_after_commit
from tracker.feed.models import FeedCursor, FeedPending
from tracker.kit.ids import uuid7


def append(
    db: Session,
    kind: str,
    *,
    unit_id: UUID | None,
    subject: str,
    data: Mapping[str, Any],
    occurred_at: datetime,
    now: datetime,
) -> UUID:
    """Say that something happened; it becomes visible, numbered, once the transaction has committed.

    `kind` is "room.what"; `unit_id` is the unit within whose subtree one must stand to see it (None:
    seen by national roles only); `subject` is the id or code of the thing; `data` holds JSON values
    and never personal data. Returns the event's id.
    """
    event_id = uuid7()
    db.execute(
        insert(FeedPending),
        {
            "id": event_id,
            "kind": kind,
            "subject": subject,
            "unit_id": unit_id,
            "data": dict(data),
            "occurred_at": occurred_at,
            "recorded_at": now,
        },
    )
    ring_after_commit(db)
    return event_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened; the fields are those of `append`."""

    kind: str
    unit_id: UUID | None
    subject: str
    data: Mapping[str, Any]
    occurred_at: datetime


_APPEND_ALL = text(
    """
    INSERT INTO feed_pending (id, kind, subject, unit_id, data, occurred_at, recorded_at)
    SELECT h.*, :now FROM json_to_recordset(CAST(:happenings AS json)) AS h(
        id uuid, kind text, subject text, unit_id uuid, data jsonb, occurred_at timestamptz)
    """
)


def append_all(db: Session, happenings: Sequence[Happening], *, now: datetime) -> None:
    """What `append` does, for several things at once and in one statement; for hot paths."""
    if not happenings:
        return
    rows = [
        {
            "id": uuid7(),
            "kind": happening.kind,
            "subject": happening.subject,
            "unit_id": happening.unit_id,
            "data": dict(happening.data),
            "occurred_at": happening.occurred_at,
        }
        for happening in happenings
    ]
    db.connection().execute(_APPEND_ALL, {"now": now, "happenings": orjson.dumps(rows).decode()})
    ring_after_commit(db)


def cursor_of(db: Session, name: str, *, lock: bool = False) -> int:
    """The position up to which `name` has read; 0 for a new reader. `lock` keeps others out until commit."""
    query = select(FeedCursor.position).where(FeedCursor.name == name)
    if lock:
        db.execute(upsert(FeedCursor).values(name=name, position=0).on_conflict_do_nothing())
        query = query.with_for_update()
    return db.scalar(query) or 0


def move_cursor(db: Session, name: str, position: int) -> None:
    """Remember that `name` has read up to and including `position`; never backwards."""
    statement = upsert(FeedCursor).values(name=name, position=position)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[FeedCursor.name],
            set_={"position": statement.excluded.position},
            where=FeedCursor.position < statement.excluded.position,
        )
    )
