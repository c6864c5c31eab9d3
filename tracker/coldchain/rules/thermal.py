"""The thermal aggregate: what a channel's hour adds to whatever lay there.

A commutative monoid: any stretch of time is a merge of hours and two edges. It is a row of 22 numbers
(`COLUMNS`), so that thousands of channel-hours are computed, merged and stored as one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.coldchain.rules.instants import HOUR, SECOND
from tracker.coldchain.rules.kinetics import VVM_TYPES, arrhenius, mkt_of_mean, vvm_life_per_s
from tracker.coldchain.rules.limits import Floats
from tracker.coldchain.rules.standing import Instants

BANDS = (
    "below_m90",  # T < −90
    "m90_to_m60",  # −90 <= T <= −60
    "m60_to_m25",  # −60 < T < −25
    "m25_to_m15",  # −25 <= T <= −15
    "m15_to_m05",  # −15 < T <= −0.5
    "m05_to_0",  # −0.5 < T <= 0
    "0_to_2",  # 0 < T < 2
    "2_to_8",  # 2 <= T <= 8
    "8_to_10",  # 8 < T < 10
    "10_to_25",  # 10 <= T <= 25
    "25_to_30",  # 25 < T < 30
    "30_to_45",  # 30 <= T < 45
    "from_45",  # 45 <= T
)
"""Cut where storage classes and limits cut, each edge on the side those take it."""

_UP = np.inf
_EDGES = np.array(
    [
        -90.0,
        np.nextafter(-60.0, _UP),
        -25.0,
        np.nextafter(-15.0, _UP),
        np.nextafter(-0.5, _UP),
        np.nextafter(0.0, _UP),
        2.0,
        np.nextafter(8.0, _UP),
        10.0,
        np.nextafter(25.0, _UP),
        30.0,
        45.0,
    ]
)

COLUMNS = (
    "known_s",
    "integral_c_s",
    "arrhenius_s",
    *(f"{name.lower()}_used" for name in VVM_TYPES),
    *(f"s_{band}" for band in BANDS),
    "min_c",
    "max_c",
)
"""Column order of every matrix here; all add up but the last two."""

_SUMS = len(COLUMNS) - 2
_FIRST_BAND = 3 + len(VVM_TYPES)


def empty(rows: int = 1) -> Floats:
    """The neutral element, shape (rows, 22)."""
    matrix = np.zeros((rows, len(COLUMNS)))
    matrix[:, -2] = np.inf
    matrix[:, -1] = -np.inf
    return matrix


def merged(one: Floats, other: Floats) -> Floats:
    """Row by row; shapes (n, 22)."""
    total = one + other
    total[:, -2] = np.minimum(one[:, -2], other[:, -2])
    total[:, -1] = np.maximum(one[:, -1], other[:, -1])
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermal:
    """One aggregate, for reading: seconds, °C, °C·s, shares of VVM life."""

    known_s: float
    min_c: float | None
    max_c: float | None
    mean_c: float | None
    mkt_c: float | None
    vvm_used: dict[str, float]
    seconds: dict[str, float]
    """Per band, in the order of `BANDS`."""

    @property
    def below_0_s(self) -> float:
        """Seconds at 0 °C or below."""
        return sum(self.seconds[band] for band in BANDS[:6])

    @property
    def above_8_s(self) -> float:
        """Seconds above +8 °C."""
        return sum(self.seconds[band] for band in BANDS[8:])


def thermal_of(row: Floats) -> Thermal:
    """Reads one row of a matrix, shape (22,). MKT is None without known time; do not show it for frozen classes."""
    known = float(row[0])
    seen = bool(np.isfinite(row[-2]))
    return Thermal(
        known_s=known,
        min_c=float(row[-2]) if seen else None,
        max_c=float(row[-1]) if seen else None,
        mean_c=float(row[1]) / known if known > 0 else None,
        mkt_c=mkt_of_mean(float(row[2]) / known) if known > 0 and row[2] > 0 else None,
        vvm_used={name: float(value) for name, value in zip(VVM_TYPES, row[3:_FIRST_BAND], strict=True)},
        seconds={name: float(value) for name, value in zip(BANDS, row[_FIRST_BAND:_SUMS], strict=True)},
    )


@dataclass(frozen=True, slots=True)
class Pieces:
    """Standing readings cut at full hours: `row[i]` of the input, its hour (µs // HOUR), its seconds."""

    row: NDArray[np.intp]
    hour: Instants
    seconds: Floats


def cut_at_hours(start: Instants, end: Instants) -> Pieces:
    """Cut [start, end] stretches at full hours; shapes (n,). A stretch without length keeps one piece of 0 s."""
    first = start // HOUR
    last = np.maximum((end - 1) // HOUR, first)
    count = last - first + 1
    row = np.repeat(np.arange(start.size), count)
    offset = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    hour = first[row] + offset
    begin = np.maximum(start[row], hour * HOUR)
    finish = np.minimum(end[row], (hour + 1) * HOUR)
    return Pieces(row, hour, np.maximum(finish - begin, 0) / SECOND)


class Exposure:
    """Standing readings, ready to be aggregated over any stretches of time.

    Where values conflict, the lowest and the highest both enter min and max; time and heat damage take
    the highest unless the lowest froze.
    """

    def __init__(self, low: Floats, high: Floats, start: Instants, end: Instants) -> None:
        """All of shape (n,); `low` and `high` in °C."""
        self.pieces = cut_at_hours(start, end)
        self.low, self.high = low, high
        self.value = np.where(low <= 0, low, high)
        self.heat = arrhenius(high)
        self.life = vvm_life_per_s(high)
        self.band = np.searchsorted(_EDGES, self.value, side="right")

    def over(self, first: NDArray[np.intp], after: NDArray[np.intp]) -> Floats:
        """One aggregate for each range [first, after) of pieces, shape (g, 22); an empty range gives `empty`."""
        result = empty(first.size)
        filled = np.flatnonzero(after > first)
        if filled.size == 0:
            return result
        count = (after - first)[filled]
        group = np.repeat(np.arange(filled.size), count)
        starts = np.cumsum(count) - count
        index = np.arange(group.size) - np.repeat(starts, count) + np.repeat(first[filled], count)
        row, seconds = self.pieces.row[index], self.pieces.seconds[index]
        sums = np.empty((filled.size, len(COLUMNS)))

        def total(weights: Floats) -> Floats:
            return np.bincount(group, weights=weights, minlength=filled.size).astype(np.float64)

        sums[:, 0] = total(seconds)
        sums[:, 1] = total(self.value[row] * seconds)
        sums[:, 2] = total(self.heat[row] * seconds)
        for number in range(len(VVM_TYPES)):
            sums[:, 3 + number] = total(self.life[row, number] * seconds)
        cells = filled.size * len(BANDS)
        by_band = np.bincount(group * len(BANDS) + self.band[row], weights=seconds, minlength=cells)
        sums[:, _FIRST_BAND:_SUMS] = by_band.reshape(filled.size, len(BANDS))
        sums[:, -2] = np.minimum.reduceat(self.low[row], starts)
        sums[:, -1] = np.maximum.reduceat(self.high[row], starts)
        result[filled] = sums
        return result
