"""Evaluation state to and from its rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from tracker.coldchain.rules.episodes import Checkpoint, Key
from tracker.coldchain.rules.instants import Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import Floats
from tracker.coldchain.rules.tracking import Carry


def carries_to_json(carries: Mapping[Key, Carry]) -> list[Any]:
    """One list a carry: limit, place, then its fields in order."""
    return [
        [
            limit_id,
            place,
            carry.started_at,
            carry.alarmed_at,
            carry.last_end,
            carry.settled_at,
            carry.peak,
            carry.exposed,
            carry.known,
            carry.known_since,
            [list(part) for part in carry.recent],
        ]
        for (limit_id, place), carry in carries.items()
    ]


def carries_from_json(rows: list[Any] | None) -> dict[Key, Carry]:
    """The inverse of `carries_to_json`."""
    return {
        (row[0], row[1]): Carry(
            started_at=row[2],
            alarmed_at=row[3],
            last_end=row[4],
            settled_at=row[5],
            peak=float(row[6]),
            exposed=row[7],
            known=row[8],
            known_since=row[9],
            recent=tuple((part[0], part[1]) for part in row[10]),
        )
        for row in rows or ()
    }


def checkpoint_of(at: datetime, before: datetime | None, carries: list[Any] | None) -> Checkpoint:
    """A checkpoint from the columns of its row."""
    return Checkpoint(at=to_micros(at), before=micros_or_none(before), carries=carries_from_json(carries))


def micros_or_none(at: datetime | None) -> Micros | None:
    """`to_micros`, None passed on."""
    return None if at is None else to_micros(at)


def instant_or_none(at: Micros | None) -> datetime | None:
    """`from_micros`, None passed on."""
    return None if at is None else from_micros(at)


def partial_to_bytes(row: Floats) -> bytes:
    """A row of aggregates for its bytea column: little-endian doubles, infinities (nothing seen) included."""
    return row.astype("<f8").tobytes()


def partial_from_bytes(content: bytes | None) -> Floats | None:
    """The inverse."""
    return None if content is None else np.frombuffer(content, dtype="<f8").astype(np.float64)
