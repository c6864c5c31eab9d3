"""Appending to the feed and moving a reader's cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.database.hot import packed, run
from tracker.feed.bell import ring_after_commit
from tracker.feed.contract import Audience, Event
from tracker.feed.models import FeedCursor
from tracker.kit.ids import uuid7

_CAUSE = "rantai_cause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened; the fields are those of `append`."""

    event: Event
    unit_id: UUID | None
    subject: UUID | str
    occurred_at: datetime
    caused_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)


def append(
    db: Session,
    event: Event,
    *,
    unit_id: UUID | None,
    subject: UUID | str,
    occurred_at: datetime,
    now: datetime,
    caused_by: UUID | None = None,
    event_id: UUID | None = None,
) -> UUID:
    """Say that something happened; it becomes visible, numbered, once the transaction has committed.

    `unit_id` is the unit within whose subtree one must stand to see it (None: an event for the nation);
    `subject` is the id or code of the thing. Without `caused_by` the cause is that of the surrounding
    `causing`. An `event_id` made beforehand lets others name this event as their cause. Returns the event's id.
    """
    happening = Happening(
        event=event,
        unit_id=unit_id,
        subject=subject,
        occurred_at=occurred_at,
        caused_by=caused_by,
        id=event_id or uuid7(),
    )
    # What is told must stand in the transaction, not only in the session's memory.
    db.flush()
    append_all(db, [happening], now=now)
    return happening.id


APPEND = """
    INSERT INTO feed_pending (id, kind, subject, unit_id, data, caused_by, occurred_at, recorded_at)
    SELECT h.*, %(told_at)s FROM json_to_recordset(CAST(%(happenings)s AS json)) AS h(
        id uuid, kind text, subject text, unit_id uuid, data jsonb, caused_by uuid, occurred_at timestamptz)
"""
"""Puts what `appended` answers on the feed: a statement, or the last part of one that writes what is told as well."""


def append_all(db: Session, happenings: Sequence[Happening], *, now: datetime) -> None:
    """What `append` does, for several things at once and in one statement; for hot paths."""
    if happenings:
        run(db.connection(), APPEND, appended(db, happenings, now=now))


def appended(db: Session, happenings: Sequence[Happening], *, now: datetime) -> dict[str, object]:
    """The values of `APPEND`; whoever asks for them executes it in this session's transaction."""
    cause = db.info.get(_CAUSE)
    rows = [
        {
            "id": happening.id,
            "kind": happening.event.KIND,
            "subject": str(happening.subject),
            "unit_id": _checked_unit(happening),
            "data": happening.event,
            "caused_by": happening.caused_by or cause,
            "occurred_at": happening.occurred_at,
        }
        for happening in happenings
    ]
    if rows:
        ring_after_commit(db)
    return {"told_at": now, "happenings": packed(rows)}


def _checked_unit(happening: Happening) -> UUID | None:
    """An event of a facility told under no unit would be hidden from it, one of the nation's under a unit shown to it."""
    if (happening.unit_id is None) is not (happening.event.AUDIENCE is Audience.NATION):
        raise ValueError(f"{happening.event.KIND} is told to its {happening.event.AUDIENCE.value}")
    return happening.unit_id


@contextmanager
def causing(db: Session, event_id: UUID | None) -> Iterator[None]:
    """Within it, whatever is appended in this session and names no cause of its own was caused by `event_id`.

    None, where a cause was not noted, leaves the surrounding one.
    """
    before = db.info.get(_CAUSE)
    db.info[_CAUSE] = event_id or before
    try:
        yield
    finally:
        db.info[_CAUSE] = before


def cause_of(db: Session) -> UUID | None:
    """The event of the surrounding `causing`, for what carries its cause elsewhere than on the feed."""
    cause: UUID | None = db.info.get(_CAUSE)
    return cause


def cursor_of(db: Session, name: str, *, lock: bool = False) -> int:
    """The position up to which `name` has read; 0 for a new reader. `lock` keeps others out until commit."""
    query = select(FeedCursor.position).where(FeedCursor.name == name)
    if not lock:
        return db.scalar(query) or 0
    query = query.with_for_update()
    position = db.scalar(query)
    if position is None:
        db.execute(upsert(FeedCursor).values(name=name, position=0).on_conflict_do_nothing())
        position = db.scalar(query)
    return position or 0


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
