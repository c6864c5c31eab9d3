"""The numberer: gives committed feed rows the next number, one numberer at a time."""

from __future__ import annotations

from sqlalchemy import Engine, text

from tracker.database.engine import transaction
from tracker.feed.bell import NUMBERED, ring_after_commit

# Any constant will do; it only has to be the same in every process.
_ADVISORY_KEY = 7_202_601

# Rows appended in one transaction keep their order (UUIDv7 of one process rises).
_MOVE = text(
    """
    WITH taken AS (
        DELETE FROM feed_pending
        WHERE id IN (SELECT id FROM feed_pending ORDER BY id LIMIT :most)
        RETURNING id, kind, subject, unit_id, data, caused_by, occurred_at, recorded_at
    ), base AS (
        SELECT coalesce(max(position), 0) AS position FROM feed_event
    )
    INSERT INTO feed_event (position, id, kind, subject, unit_id, data, caused_by, occurred_at, recorded_at)
    SELECT base.position + row_number() OVER (ORDER BY taken.id),
           taken.id, kind, subject, unit_id, data, caused_by, occurred_at, recorded_at
    FROM taken, base
    ORDER BY taken.id
    """
)


def number_pending(engine: Engine, *, most: int = 2_000) -> int:
    """Number up to `most` committed rows; returns how many. 0 also when another numberer is at work.

    The number and the row's place in the feed commit together, so a numberer killed half-way leaves
    nothing half-numbered, and positions have no gaps a reader could trip over.
    """
    with transaction(engine) as db:
        mine = db.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
        if not mine:
            return 0
        moved: int = db.execute(_MOVE, {"most": most}).rowcount  # type: ignore[attr-defined]  # CursorResult
        if moved:
            ring_after_commit(db, NUMBERED)
        return moved
