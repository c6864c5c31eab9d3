"""Readings of wrong clocks: placed once, and found again at every replay.

What was placed before keeps its place, found by claimed instant and value, also when the claimed
instant has meanwhile become possible. The price of that key: a device set right again may claim an
instant it wrongly claimed before; an equal value there counts as the repeat it cannot be told from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tracker.database.copying import driver_connection
from tracker.database.partitions import ensure_months, month_of
from tracker.telemetry.rules.words import Flag, TimeSource

# Channel, claimed instant, value, place, receipt, message.
Misplaced = tuple[int, datetime, float, datetime, datetime, str | None]

_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS misplaced_staging (
    channel_id bigint, claimed_at timestamptz, value double precision, placed_at timestamptz,
    received_at timestamptz, message_id text, ordinal bigint GENERATED ALWAYS AS IDENTITY
)
"""
_COPY = "COPY misplaced_staging (channel_id, claimed_at, value, placed_at, received_at, message_id) FROM STDIN"
# A reading that stood as claimed, in company that made its instant look true, is not moved later.
_INSERT = text(
    """
    WITH candidate AS (
        SELECT DISTINCT ON (channel_id, claimed_at, value) *
        FROM misplaced_staging AS staged
        WHERE NOT EXISTS (
            SELECT FROM reading AS stands
            WHERE stands.channel_id = staged.channel_id AND stands.measured_at = staged.claimed_at
              AND stands.value = staged.value AND stands.flags = 0
        )
        ORDER BY channel_id, claimed_at, value, ordinal
    ), placed AS (
        INSERT INTO clock_fault (channel_id, claimed_at, value, placed_at, received_at)
        SELECT channel_id, claimed_at, value, placed_at, received_at FROM candidate
        ORDER BY channel_id, claimed_at, value
        ON CONFLICT DO NOTHING
        RETURNING channel_id, claimed_at, value
    ), fresh AS (
        INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags, message_id)
        SELECT channel_id, placed_at, value, received_at, :source, :flags, message_id
        FROM candidate JOIN placed USING (channel_id, claimed_at, value)
        ORDER BY channel_id, placed_at, value
        ON CONFLICT DO NOTHING
        RETURNING channel_id, measured_at
    ), marked AS (
        INSERT INTO reading_mark (channel_id, earliest_at)
        SELECT channel_id, min(measured_at) FROM fresh GROUP BY channel_id ORDER BY channel_id
    )
    SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM placed)
    """
)


def place_readings(db: Session, rows: Sequence[Misplaced]) -> tuple[int, int]:
    """Store readings at their places unless they came before; (readings new, claims placed now)."""
    if not rows:
        return 0, 0
    ensure_months(db, "reading", {month_of(row[3].astimezone(UTC).date()) for row in rows})
    db.execute(text(_STAGING))
    db.execute(text("TRUNCATE misplaced_staging"))
    try:
        with driver_connection(db).cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.OperationalError as error:
        raise OperationalError(_COPY, None, error) from error
    new, placed = db.execute(_INSERT, {"source": int(TimeSource.RECEIVER), "flags": int(Flag.CLOCK_FAULT)}).one()
    return new, placed
