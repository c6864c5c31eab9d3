"""The one writer of readings.

COPY into a temporary table, then INSERT … ON CONFLICT DO NOTHING: a repeat is dropped by its key
(channel, instant, value), and only channels that got something new are marked for evaluation. Of
the ways that survive duplicates this was measured as the fastest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import psycopg
from sqlalchemy import insert, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tracker.database.copying import EPOCH_S, HEADER, TRAILER, driver_connection
from tracker.database.partitions import ensure_months, month_of
from tracker.feed.bell import READINGS, ring_after_commit
from tracker.kit.clock import AHEAD
from tracker.telemetry.models import ReadingMark, SensorFault
from tracker.telemetry.queries.archive import YOUNGEST_ARCHIVE, archived_until
from tracker.telemetry.rules.clocks import is_wrong, place
from tracker.telemetry.rules.faults import ChannelRef, fault_of
from tracker.telemetry.rules.words import EARLIEST, TimeSource
from tracker.telemetry.service.misplaced import Misplaced, place_readings

Measured = tuple[ChannelRef, datetime, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came in one message, request or file.

    `measured` holds (channel, instant with zone, value in the quantity's unit). A wrong clock is
    judged and mended per arrival, from `received_at`, the instant of *this* receipt.
    """

    received_at: datetime
    time_source: TimeSource
    measured: Sequence[Measured]
    message_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Stored:
    """Counts of one call: readings new and repeated, faults kept aside, readings placed by us."""

    new: int = 0
    repeated: int = 0
    faults: int = 0
    placed: int = 0
    channels: int = 0


@dataclass(slots=True)
class _Sorted:
    """Arrivals taken apart: ready rows, readings to place, faults; and the days the rows fall on."""

    rows: list[bytes] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
    misplaced: list[Arrival] = field(default_factory=list)
    faults: list[dict[str, object]] = field(default_factory=list)


_DAY_US = 86_400_000_000
_AHEAD_S = AHEAD.total_seconds()
_EARLIEST_S = EARLIEST.timestamp()
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

# A row of COPY's binary form: field count, then (length, value) per field. What a whole arrival shares stands behind.
_ROW = struct.Struct(">h iq iq id")
_SHARED = struct.Struct(">iq ih")
_LENGTH = struct.Struct(">i")

_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS reading_staging (
    channel_id bigint, measured_at timestamptz, value double precision,
    received_at timestamptz, time_source smallint, message_id text
)
"""
_COPY = "COPY reading_staging FROM STDIN (FORMAT binary)"
# Sorted, so that two writers lock keys in one order and rows land next to their neighbours.
_INSERT = """
WITH fresh AS (
    INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags, message_id)
    SELECT channel_id, measured_at, value, received_at, time_source, 0, message_id
    FROM reading_staging AS staged
    WHERE NOT EXISTS (
        SELECT FROM clock_fault AS placed
        WHERE placed.channel_id = staged.channel_id
          AND placed.claimed_at = staged.measured_at AND placed.value = staged.value
    )
    ORDER BY channel_id, measured_at, value
    ON CONFLICT DO NOTHING
    RETURNING channel_id, measured_at
), marked AS (
    INSERT INTO reading_mark (channel_id, earliest_at)
    SELECT channel_id, min(measured_at) FROM fresh GROUP BY channel_id ORDER BY channel_id
    RETURNING channel_id
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM marked)
"""

# A reading of a month that is archived cannot be judged any more: it is kept where no mean, limit or passport takes it.
_ASIDE = """
WITH gone AS (
    DELETE FROM reading_staging WHERE measured_at < :until RETURNING channel_id, measured_at, value, received_at
), kept AS (
    INSERT INTO sensor_fault (channel_id, measured_at, reason, raw, received_at)
    SELECT DISTINCT ON (channel_id, measured_at) channel_id, measured_at, 'archived', value::text, received_at
    FROM gone ORDER BY channel_id, measured_at, value
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM gone
"""


def store_readings(db: Session, arrivals: Iterable[Arrival]) -> Stored:
    """Store what is new of `arrivals`, in the caller's transaction.

    Repeats are dropped, conflicts (another value at the same instant) both stay, what is no
    measurement goes to `sensor_fault`, readings of a wrong clock are placed (see `rules.clocks`).
    Raises psycopg's errors when the database refuses; the transaction is then lost.
    """
    parts = _Sorted()
    received: datetime | None = None
    for arrival in arrivals:
        received = arrival.received_at if received is None else max(received, arrival.received_at)
        _take_apart(arrival, parts)
    stored = Stored()
    if parts.misplaced:
        _place(db, parts, stored)
    if parts.faults:
        db.execute(upsert(SensorFault).on_conflict_do_nothing(), parts.faults)
        stored.faults = len(parts.faults)
    if parts.rows and received is not None:
        until = _archived_until(db, min(parts.days), received)
        ensure_months(db, "reading", _months(parts.days if until is None else {d for d in parts.days if d >= until}))
        new, channels, aside = _copy_and_insert(db, parts.rows, until)
        stored.new += new
        stored.channels += channels
        stored.faults += aside
        stored.repeated += len(parts.rows) - new - aside
    if stored.new:
        ring_after_commit(db, READINGS)
    return stored


def _take_apart(arrival: Arrival, parts: _Sorted) -> None:
    """The hot path: some 100 000 readings a second go through this loop."""
    received_s = arrival.received_at.timestamp()
    latest_s = received_s + _AHEAD_S
    received_us = round((received_s - EPOCH_S) * 1_000_000)
    shared = _SHARED.pack(8, received_us, 2, arrival.time_source) + _text_field(arrival.message_id)
    pack = _ROW.pack
    rows: list[bytes] = []
    days: set[int] = set()
    faults: list[dict[str, object]] = []
    instant: datetime | None = None
    at_us = day = 0
    for channel, measured_at, value in arrival.measured:
        # The objects of one record share their instant, and are told one after another.
        if measured_at is not instant:
            at_s = measured_at.timestamp()
            if not _EARLIEST_S <= at_s <= latest_s:
                parts.misplaced.append(arrival)
                return
            instant, at_us = measured_at, round((at_s - EPOCH_S) * 1_000_000)
            day = at_us // _DAY_US
        if not channel.low <= value <= channel.high or value == channel.power_on:
            faults.append(_fault(arrival, channel, measured_at, value))
            continue
        days.add(day)
        rows.append(pack(6, 8, channel.id, 8, at_us, 8, value) + shared)
    parts.rows += rows
    parts.days |= days
    parts.faults += faults


def _fault(arrival: Arrival, channel: ChannelRef, measured_at: datetime, value: float) -> dict[str, object]:
    at = arrival.received_at if is_wrong(measured_at, arrival.received_at) else measured_at
    return {
        "channel_id": channel.id,
        "measured_at": at,
        "reason": fault_of(channel, value) or "clock",
        "raw": repr(value),
        "received_at": arrival.received_at,
    }


def _text_field(value: str | None) -> bytes:
    if value is None:
        return _LENGTH.pack(-1)
    encoded = (_storable(value) or "").encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _storable(value: str | None) -> str | None:
    """PostgreSQL's text holds no NUL, and a lone surrogate has no UTF-8: neither may cost the readings."""
    return None if value is None else value.replace("\0", "").encode("utf-8", "replace").decode()


def _months(days: Iterable[int]) -> set[date]:
    epoch = date(2000, 1, 1)
    return {month_of(epoch + timedelta(days=day)) for day in days}


def _archived_until(db: Session, oldest: int, received: datetime) -> int | None:
    """The day behind the archived months where some reading may lie in one; asked for old ones only."""
    if oldest >= (received - YOUNGEST_ARCHIVE - _EPOCH).days:
        return None
    until = archived_until(db)
    return None if until is None or oldest >= (until - _EPOCH).days else (until - _EPOCH).days


def _copy_and_insert(db: Session, rows: Sequence[bytes], until: int | None) -> tuple[int, int, int]:
    """Readings inserted, channels marked, readings kept aside because their month is archived."""
    db.execute(text(_STAGING))
    db.execute(text("TRUNCATE reading_staging"))
    try:
        with driver_connection(db).cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(b"".join((HEADER, *rows, TRAILER)))
    except psycopg.OperationalError as error:
        # In the shape in which everything else of the session fails, so that edges know one kind.
        raise OperationalError(_COPY, None, error) from error
    aside = 0
    if until is not None:
        aside = db.execute(text(_ASIDE), {"until": _EPOCH + timedelta(days=until)}).scalar_one()
    new, channels = db.execute(text(_INSERT)).one()
    return new, channels, aside


def _place(db: Session, parts: _Sorted, stored: Stored) -> None:
    """Take arrivals in which some instant cannot be true apart run by run, and place the wrong runs."""
    misplaced: list[Misplaced] = []
    for arrival in parts.misplaced:
        good: list[Measured] = []
        claimed = [measured_at for _, measured_at, _ in arrival.measured]
        for measured, placed_at in zip(arrival.measured, place(claimed, arrival.received_at), strict=True):
            channel, claimed_at, value = measured
            if placed_at is None:
                good.append(measured)
            elif fault_of(channel, value) is not None or placed_at < EARLIEST:
                # A run of decades begins before any device measured: its beginning has no place at all.
                parts.faults.append(_fault(arrival, channel, claimed_at, value))
            else:
                misplaced.append(
                    (channel.id, claimed_at, value, placed_at, arrival.received_at, _storable(arrival.message_id))
                )
        _take_apart(replace(arrival, measured=good), parts)
    new, placed = place_readings(db, misplaced)
    stored.new += new
    stored.placed += placed
    stored.repeated += len(misplaced) - placed


def mark(db: Session, channel_id: int, earliest_at: datetime) -> None:
    """Have a channel evaluated again from `earliest_at`: its assignment or interval changed."""
    db.execute(insert(ReadingMark).values(channel_id=channel_id, earliest_at=earliest_at))
    ring_after_commit(db, READINGS)


__all__ = ["Arrival", "Measured", "Stored", "mark", "store_readings"]
