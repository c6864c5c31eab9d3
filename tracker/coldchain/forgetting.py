"""Hourly aggregates that no passport of a usable batch needs any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.database.letting_go import Piece

WHAT = "hours of sensors"
"""The rule's name, under which its runs are noted."""

# By channel, for the key begins with it and a table of billions of hours has no second index; of each channel the oldest first.
_FOUND = """
    FROM (SELECT id FROM channel WHERE id >= :first ORDER BY id) AS c
    CROSS JOIN LATERAL (
        SELECT h.channel_id, h.hour FROM channel_hour h WHERE h.channel_id = c.id AND h.hour < :before
        ORDER BY h.hour LIMIT :most
    ) AS old
"""
_COUNT = text(f"SELECT count(*) FROM (SELECT 1 {_FOUND} LIMIT :most) AS found")
_ALL = text("SELECT count(*) FROM channel_hour WHERE hour < :before")
_DELETE = text(
    f"""
    WITH found AS (SELECT old.channel_id, old.hour {_FOUND} LIMIT :most),
    gone AS (
        DELETE FROM channel_hour h USING found WHERE h.channel_id = found.channel_id AND h.hour = found.hour
        RETURNING h.channel_id
    )
    SELECT count(*), max(channel_id) FROM gone
    """
)
# Twenty columns and one index: some 1 MB a piece.
PIECE = 5_000


class OldHours:
    """Hours that began before an instant."""

    def count(self, db: Session, before: datetime, *, most: int) -> int:
        """How many are from before that instant, at most `most`."""
        return db.scalar(_COUNT, {"first": 0, "before": before, "most": most}) or 0

    def count_all(self, db: Session, before: datetime) -> int:
        """All of them."""
        return db.scalar(_ALL, {"before": before}) or 0

    def next(self, db: Session, before: datetime, reached: str | None, *, now: datetime) -> Piece:
        """Let the next go; `reached` is the channel at which the piece before ended, which may have more."""
        del now
        how_many, last = db.execute(_DELETE, {"first": int(reached or 0), "before": before, "most": PIECE}).one()
        return Piece(how_many=how_many, reached=str(last) if how_many else None)
