"""What the house has still to do, and by how much it is behind: asked by `/readyz` and `/metrics` alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from tracker.database.backups import newest_backup
from tracker.database.heartbeat import Heartbeat
from tracker.database.partitions import next_month
from tracker.delivery.models import MessageState, OutMessage, Webhook
from tracker.feed.aside import count_aside
from tracker.feed.queries import last_position, oldest_pending, read_after
from tracker.feed.service import cursor_of
from tracker.feed.waiting import count_waiting
from tracker.pcare.queries import line_of
from tracker.reactions import REACTIONS
from tracker.telemetry.models import ReadingMark
from tracker.telemetry.queries.deadletters import dead_letters_by_reason

# More are not counted: whether it is ten thousand or a million, somebody is to look.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Seconds since something should have been done, 0 where nothing waits; counts end at `MOST_COUNTED`."""

    loop_ages_s: Mapping[str, float]
    """Since each loop last did its work."""
    feed_s: float
    """Since the oldest event was recorded that has no place in the feed yet."""
    reactions_s: Mapping[str, float]
    """Since the oldest event was recorded that a reaction has not looked at."""
    messages_s: float
    webhooks_s: float
    messages: int
    """Messages to people that are due."""
    webhooks_failing: int
    readings: int
    """Notes of new readings that are not judged yet."""
    months_ahead_days: float | None
    """Until the last month that readings have a partition for ends; None when there is none."""
    waiting: int
    set_aside: int
    backup_s: float | None
    """Since the newest backup was complete; None where nobody has told of one."""
    pcare_s: float
    """Since the oldest dose was noted that could go to P-Care and has not; 0 where there is no line."""
    dead_letters: Mapping[str, int] = field(default_factory=dict)


def look_behind(db: Session, now: datetime) -> Behind:
    """How things stand: some twenty small statements, none of which grows with history."""
    newest = last_position(db)
    due = (OutMessage.state == MessageState.PENDING) & (OutMessage.next_at <= now)
    on = Webhook.stopped_at.is_(None)
    hears = on & (Webhook.position < newest) & (Webhook.next_at <= now)
    return Behind(
        loop_ages_s={row.name: _since(row.beat_at, now) for row in db.scalars(select(Heartbeat))},
        feed_s=_since(oldest_pending(db), now),
        reactions_s={one.name: _since(_next_for(db, one.cursor, [k.KIND for k in one.on]), now) for one in REACTIONS},
        messages_s=_since(db.scalar(select(func.min(OutMessage.next_at)).where(due)), now),
        webhooks_s=_since(db.scalar(select(func.min(Webhook.next_at)).where(hears)), now),
        messages=_count(db, select(OutMessage.id).where(due)),
        webhooks_failing=_count(db, select(Webhook.id).where(on, Webhook.failures > 0)),
        readings=_count(db, select(ReadingMark.id)),
        months_ahead_days=_ahead(db, now),
        waiting=count_waiting(db),
        set_aside=count_aside(db),
        backup_s=None if (made := newest_backup(db)) is None else _since(made, now),
        pcare_s=_since(line.oldest, now) if (line := line_of(db)).connected else 0.0,
        dead_letters=dead_letters_by_reason(db),
    )


def _since(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _next_for(db: Session, cursor: str, kinds: list[str]) -> datetime | None:
    rows = read_after(db, cursor_of(db, cursor), limit=1, kinds=kinds)
    return rows[0].recorded_at if rows else None


def _count(db: Session, rows: Select[UUID] | Select[int]) -> int:
    return db.scalar(select(func.count()).select_from(rows.limit(MOST_COUNTED).subquery())) or 0


def _ahead(db: Session, now: datetime) -> float | None:
    """Partitions are named for their month (`tracker/database/partitions.py`)."""
    last = db.scalar(
        text(
            "SELECT max(right(c.relname, 8)) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'reading'::regclass AND c.relname ~ '_y\\d{4}m\\d{2}$'"
        )
    )
    if last is None:
        return None
    month = date(int(last[1:5]), int(last[6:8]), 1)
    return (datetime.combine(next_month(month), time(), UTC) - now).total_seconds() / 86_400
