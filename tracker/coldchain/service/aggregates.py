"""Hourly thermal aggregates of many channels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.coldchain.rules.instants import HOUR, Micros, from_micros
from tracker.coldchain.rules.limits import Floats
from tracker.coldchain.rules.standing import Instants, Series, Standing
from tracker.coldchain.rules.thermal import COLUMNS, Exposure, merged
from tracker.coldchain.service.binary import copy_in

_COPIED = ("channel_id", "hour", *COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One temperature channel's stretch of readings, from where its evaluation went on."""

    channel_id: int
    series: Series
    standing: Standing
    partial: Floats | None
    """What the first reading's hour had before that reading, shape (22,)."""
    cuts: Sequence[int]
    """Indices into the series for which the same figure is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Aggregates of channel-hours: arrays of shape (n,), matrix (n, 22); and per part one partial a cut."""

    channel: Instants
    hour: Instants
    """Start of the hour, microseconds."""
    rows: Floats
    partials: list[list[Floats]]


def hours_of(parts: Sequence[Part]) -> Hours:
    """All hours the parts touch, complete; `parts` not empty."""
    exposure = Exposure(
        np.concatenate([part.series.low for part in parts]),
        np.concatenate([part.series.high for part in parts]),
        np.concatenate([part.standing.start for part in parts]),
        np.concatenate([part.standing.end for part in parts]),
    )
    pieces = exposure.pieces
    sizes = np.array([part.series.at.size for part in parts])
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    owner = np.repeat(np.arange(len(parts)), sizes)[pieces.row]
    new = np.concatenate(([True], (owner[1:] != owner[:-1]) | (pieces.hour[1:] != pieces.hour[:-1])))
    first = np.flatnonzero(new)
    rows = exposure.over(first, np.append(first[1:], owner.size))
    starts = np.searchsorted(owner, np.arange(len(parts)))  # first piece of each part
    partials = _partials(parts, exposure, offsets, starts)
    leading = np.searchsorted(first, starts)  # row of each part's first hour
    for number, part in enumerate(parts):
        if part.partial is not None:
            at = leading[number]
            rows[at : at + 1] = merged(rows[at : at + 1], part.partial[None, :])
    ids = np.array([part.channel_id for part in parts], dtype=np.int64)
    return Hours(channel=ids[owner[first]], hour=pieces.hour[first] * HOUR, rows=rows, partials=partials)


def _partials(
    parts: Sequence[Part], exposure: Exposure, offsets: NDArray[np.intp], starts: NDArray[np.intp]
) -> list[list[Floats]]:
    """For each part and cut: the aggregate of the cut reading's hour up to that reading."""
    pieces = exposure.pieces
    lows: list[int] = []
    highs: list[int] = []
    for number, part in enumerate(parts):
        begin = int(starts[number])
        for cut in part.cuts:
            after = int(np.searchsorted(pieces.row, offsets[number] + cut))
            hour = int(part.series.at[cut]) // HOUR
            lows.append(begin + int(np.searchsorted(pieces.hour[begin:after], hour)))
            highs.append(after)
    found = exposure.over(np.array(lows, dtype=np.intp), np.array(highs, dtype=np.intp))
    answer: list[list[Floats]] = []
    position = 0
    for part in parts:
        mine: list[Floats] = []
        for cut in part.cuts:
            row = found[position : position + 1]
            position += 1
            if part.partial is not None and int(part.series.at[cut]) // HOUR == int(part.series.at[0]) // HOUR:
                row = merged(row, part.partial[None, :])
            mine.append(row[0])
        answer.append(mine)
    return answer


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
