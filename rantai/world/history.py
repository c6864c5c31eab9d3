"""What the sensors wrote before the world began: half a year of ordinary days, so that curves have a past.

Readings every second hour, then every hour for the last month, through the one writer and the one evaluation: aggregates and
curves agree with them as with any reading. Nothing in it breaks a limit, because an alarm of last month raised today would be a lie:
the fridges that were ill in the past weeks have been told night by night (`past`). Some stretches are missing, as in life.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from rantai.world.calendar import DAYS
from tracker.coldchain.service.evaluation import evaluate_marked
from tracker.database.engine import transaction
from tracker.telemetry.models import Channel, Device, Reading
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import Quantity, Role, TimeSource
from tracker.telemetry.service.writer import Arrival, Measured, store_readings

LENGTH = timedelta(days=182)
FINER_SINCE = timedelta(days=31)
MEMORY = timedelta(hours=12)
ENDS_BEFORE = MEMORY + timedelta(minutes=30)
"""The simulated loggers bring the last twelve hours in their own memory; between lies less than one interval."""
COARSE_S, FINE_S = 7_200, 3_600
_ROLES = (Role.STORAGE, Role.FREEZER)
_CHUNK = timedelta(days=14)
_NO_GAPS_SINCE = timedelta(days=DAYS + 2)  # stock has lain here since; its passport shall not begin with holes

# °C: usual mean and the limits no value comes near (storage +2 … +8, freezers up to −15).
_USUAL = {Role.STORAGE: (4.7, 2.7, 7.1), Role.FREEZER: (-20.0, -23.5, -16.8)}

Instants = np.ndarray[tuple[int], np.dtype[np.float64]]


def seed_history(engine: Engine, *, now: datetime, length: timedelta = LENGTH) -> int:
    """Give a past to every watched temperature channel that has none, `length` long; returns the readings stored. Idempotent.

    All that waits is evaluated as of `now`.
    """
    with transaction(engine) as db:
        channels = _without_past(db)
    if not channels:
        return 0
    stored = 0
    first, last = now - length, now - ENDS_BEFORE
    curves = [(ref, *past_of(code, ref.role, first, last)) for code, ref in channels]
    start = first
    while start < last:
        end = min(start + _CHUNK, last + timedelta(seconds=1))
        with transaction(engine) as db:
            stored += store_readings(db, _arrivals(curves, start, end)).new
        start = end
    while evaluate_marked(engine, now=now):
        pass
    return stored


def _without_past(db: Session) -> list[tuple[str, ChannelRef]]:
    query = (
        select(Device.code, Channel.id, Channel.quantity, Channel.role)
        .join(Channel, Channel.device_id == Device.id)
        .where(
            Channel.quantity == Quantity.TEMPERATURE,
            Channel.role.in_(_ROLES),
            ~select(Reading.channel_id).where(Reading.channel_id == Channel.id).exists(),
        )
        .order_by(Channel.id)
    )
    return [(code, ChannelRef(number, quantity, role)) for code, number, quantity, role in db.execute(query)]


def past_of(code: str, role: Role, first: datetime, last: datetime) -> tuple[Instants, Instants]:
    """(seconds since the epoch, °C) of one sensor's past: the same for the same sensor and the same span."""
    chance = np.random.default_rng(int.from_bytes(sha256(code.encode()).digest()[:8]))
    finer = last - FINER_SINCE
    coarse = np.arange(first.timestamp(), finer.timestamp(), COARSE_S)
    fine = np.arange(finer.timestamp(), last.timestamp(), FINE_S)
    at = np.concatenate([coarse, fine]) + float(chance.integers(0, 600))
    at = at[at < last.timestamp()]
    usual, least, most = _USUAL[role]
    hour = (at / 3_600 + 7) % 24  # WIB, as the simulators' weather has it
    day = at / 86_400
    # The room's day (warmest at 14), weeks of hot and of cool weather, and the thermostat's own wandering.
    value = (
        usual
        + chance.uniform(-0.5, 0.5)
        + 0.45 * np.cos((hour - 14) / 24 * 2 * np.pi)
        + 0.35 * np.sin(day / chance.uniform(9, 17) * 2 * np.pi)
        + chance.normal(0, 0.28, at.size)
    )
    # Doors stand open while people work: every few days one reading is clearly warmer.
    busy = (hour > 8) & (hour < 15) & (chance.random(at.size) < 0.06)
    value = value + busy * chance.uniform(0.6, 1.8, at.size)
    value = np.clip(value, least + chance.uniform(0, 0.2, at.size), most - chance.uniform(0, 0.3, at.size))
    known = np.ones(at.size, dtype=bool)
    latest_gap = last.timestamp() - _NO_GAPS_SINCE.total_seconds()
    for _ in range(int(chance.integers(2, 6))):
        start = chance.uniform(first.timestamp(), latest_gap)
        length = chance.uniform(5, 60) * 3_600
        known &= ~((at >= start) & (at < min(start + length, latest_gap)))
    return at[known], np.round(value[known], 1)


def _arrivals(
    curves: Sequence[tuple[ChannelRef, Instants, Instants]], start: datetime, end: datetime
) -> Iterator[Arrival]:
    """The readings of [start, end), received day by day as if they had come in then."""
    day = start
    while day < end:
        until = min(day + timedelta(days=1), end)
        measured: list[Measured] = []
        for ref, at, values in curves:
            low, high = np.searchsorted(at, [day.timestamp(), until.timestamp()])
            measured += [
                (ref, datetime.fromtimestamp(second, UTC), value)
                for second, value in zip(at[low:high].tolist(), values[low:high].tolist(), strict=True)
            ]
        yield Arrival(received_at=until, time_source=TimeSource.DEVICE, measured=measured)
        day = until
