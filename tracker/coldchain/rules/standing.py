"""How long a reading stands.

A reading stands until the next one if that comes within max_gap = max(3 × nominal interval, 30 min).
Before a longer gap, and at the end of the data, it stands for one nominal interval; what follows is
unknown: neither exposure nor safety. (mSupply counts a gap as exposure; a published SQL bridges six
days. Both are wrong against the minutes real devices print.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracker.coldchain.rules.instants import MINUTE, SECOND, Micros
from tracker.coldchain.rules.limits import Bools, Floats
from tracker.telemetry.rules.words import SILENT_AFTER

Instants = NDArray[np.int64]

LEAST_MAX_GAP: Micros = 30 * MINUTE
DEFAULT_INTERVAL: Micros = 10 * MINUTE
"""For a channel nobody has given an interval: the commonest setting of 30-day loggers."""


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one channel: ascending distinct instants, and the lowest and highest value told for each.

    Two values for one instant are a conflict; both count, so an instant violates if any of its values
    does, whatever the order of arrival. All three arrays have shape (n,).
    """

    at: Instants
    low: Floats
    high: Floats


def series_of(at: ArrayLike, values: ArrayLike) -> Series:
    """Any order, repeats and conflicts in; a `Series` out. Both arguments have shape (n,)."""
    instants = np.asarray(at, dtype=np.int64)
    numbers = np.asarray(values, dtype=np.float64)
    if instants.size > 1 and not bool(np.all(instants[1:] > instants[:-1])):
        order = np.lexsort((numbers, instants))
        instants, numbers = instants[order], numbers[order]
        first = np.flatnonzero(np.concatenate(([True], instants[1:] != instants[:-1])))
        last = np.append(first[1:], instants.size) - 1
        return Series(instants[first], numbers[first], numbers[last])
    return Series(instants, numbers, numbers)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Nominal intervals of a channel, each in force from an instant on; the first also serves all time before."""

    from_at: Instants
    interval: Instants

    def at(self, instants: Instants) -> Instants:
        """The nominal interval in force at each instant, shape (n,), microseconds."""
        if self.interval.size == 1:
            return np.full(instants.shape, self.interval[0])
        row = np.searchsorted(self.from_at, instants, side="right") - 1
        return self.interval[np.maximum(row, 0)]

    def one(self, instant: Micros) -> Micros:
        """The nominal interval in force at one instant."""
        return int(self.at(np.asarray([instant], dtype=np.int64))[0])


def intervals_of(rows: Sequence[tuple[Micros, Micros]]) -> Intervals:
    """From (from_at, interval) pairs in any order; of two rows for one instant the later listed wins."""
    latest = dict(rows) or {0: DEFAULT_INTERVAL}
    ordered = sorted(latest.items())
    return Intervals(
        np.asarray([start for start, _ in ordered], dtype=np.int64),
        np.asarray([interval for _, interval in ordered], dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """The stretch [start, end] each reading of a series stands for, all of shape (n,).

    `joined[i]`: reading i's stretch leads to reading i + 1 without unknown time between (False for
    the last). `unfinished`: the last stretch reaches `until`, so what it means is not settled yet.
    """

    start: Instants
    end: Instants
    joined: Bools
    unfinished: bool


def max_gap(interval: Instants) -> Instants:
    """The longest distance between two readings that is still bridged."""
    return np.maximum(3 * interval, LEAST_MAX_GAP)


def largest_gap(interval: Micros) -> Micros:
    """`max_gap` of one interval."""
    return max(3 * interval, LEAST_MAX_GAP)


def standing_of(
    at: Instants, intervals: Intervals, until: Micros, *, sums: bool = False, before: Micros | None = None
) -> Standing:
    """How long each reading stands; `at` ascending, distinct, not empty, none after `until`.

    `sums`: the values add up what happened since the reading before, and say nothing of what
    follows; `before` is then the instant of the reading before the first.
    """
    nominal = intervals.at(at)
    joined = np.zeros(at.shape, dtype=np.bool_)
    if sums:
        # The same rule mirrored in time: the later reading reaches back to the one before it.
        reach = np.concatenate(([at[0] - before if before is not None else np.iinfo(np.int64).max], np.diff(at)))
        bridged = reach <= max_gap(nominal)
        start = np.where(bridged, at - np.where(bridged, reach, 0), at - nominal)
        joined[:-1] = bridged[1:]
        end = at.copy()
    else:
        joined[:-1] = at[1:] - at[:-1] <= max_gap(nominal)[:-1]
        start = at
        end = at + nominal
        end[:-1] = np.where(joined[:-1], at[1:], end[:-1])
        end[-1] = min(int(end[-1]), until)
    return Standing(start, end, joined, unfinished=bool(at[-1] + nominal[-1] >= until))


def spans_of(at: Instants, intervals: Intervals, before: Micros | None) -> Floats:
    """The seconds each sum of a series adds up: since the one before, its nominal interval at most."""
    nominal = intervals.at(at)
    reach = np.concatenate(([at[0] - before if before is not None else np.iinfo(np.int64).max], np.diff(at)))
    return np.asarray(np.minimum(reach, nominal) / SECOND, dtype=np.float64)


def watched_from(began: Micros, interval: Micros) -> Micros:
    """The last instant at which a channel that has not spoken since its watch began does not count as silent."""
    return began + max(SILENT_AFTER * interval, LEAST_MAX_GAP)


def silent_from(newest: Micros, interval: Micros) -> Micros:
    """The last instant at which a channel whose newest reading is `newest` does not count as silent."""
    return newest + SILENT_AFTER * interval


def is_silent(newest: Micros, interval: Micros, now: Micros) -> bool:
    """Whether too many nominal intervals have passed without a reading."""
    return now > silent_from(newest, interval)


def until_of(newest: Micros, interval: Micros, now: Micros) -> Micros:
    """Up to when a channel's episodes are known: its newest reading, or now once it is silent."""
    return now if is_silent(newest, interval, now) else newest
