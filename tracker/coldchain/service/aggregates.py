"""Hourly thermal aggregates in their table."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.coldchain.rules.hours import Hours
from tracker.coldchain.rules.instants import HOUR, Micros, from_micros
from tracker.coldchain.rules.thermal import COLUMNS
from tracker.coldchain.service.binary import copy_in

_COPIED = ("channel_id", "hour", *COLUMNS)


def store_hours(db: Session, hours: Hours, since: Sequence[tuple[int, Micros]]) -> None:
    """Replace each channel's hours from that of its `since` instant on by the recomputed ones."""
    db.execute(
        text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS channel_hour_new "
            "(LIKE channel_hour INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
        )
    )
    db.execute(text("TRUNCATE channel_hour_new"))
    copy_in(db, "channel_hour_new", _COPIED, keys=hours.channel, instants=hours.hour, values=hours.rows)
    # All later hours are recomputed; one that only a longer nominal interval had reached into stays away.
    db.execute(
        text(
            "DELETE FROM channel_hour h USING unnest(cast(:ids AS bigint[]), cast(:hours AS timestamptz[])) "
            "AS since(channel_id, hour) WHERE h.channel_id = since.channel_id AND h.hour > since.hour"
        ),
        {
            "ids": [channel_id for channel_id, _ in since],
            "hours": [from_micros(at // HOUR * HOUR) for _, at in since],
        },
    )
    columns = ", ".join(COLUMNS)
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS)
    db.execute(
        text(
            f"INSERT INTO channel_hour (channel_id, hour, {columns}) "
            f"SELECT channel_id, hour, {columns} FROM channel_hour_new "
            f"ON CONFLICT (channel_id, hour) DO UPDATE SET {changes}"
        )
    )
