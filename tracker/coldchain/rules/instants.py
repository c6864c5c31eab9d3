"""Instants as integers.

Evaluation compares and subtracts millions of instants; an aware datetime costs a microsecond each
time, an int64 nothing. PostgreSQL's resolution is the microsecond, so nothing is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def to_micros(instant: datetime) -> Micros:
    """Exact conversion of an aware datetime."""
    return (instant - _EPOCH) // _TICK


def from_micros(micros: Micros) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=int(micros))
