"""Many channels at once: their readings folded to instants, their hours folded to thermal aggregates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.coldchain.rules.instants import HOUR
from tracker.coldchain.rules.limits import Floats
from tracker.coldchain.rules.standing import Instants, Series, Standing
from tracker.coldchain.rules.thermal import Exposure, merged


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of many channels, folded to distinct instants: arrays of shape (n,), channel after channel."""

    channel: Instants
    at: Instants
    low: Floats
    high: Floats

    def slices(self) -> list[tuple[int, int, int]]:
        """(channel id, first, after) for each channel that has readings."""
        if self.channel.size == 0:
            return []
        first = np.flatnonzero(np.concatenate(([True], self.channel[1:] != self.channel[:-1])))
        after = np.append(first[1:], self.channel.size)
        return list(zip(self.channel[first].tolist(), first.tolist(), after.tolist(), strict=True))


def folded(channel: Instants, at: Instants, value: Floats) -> Readings:
    """Readings in any order, as many values at an instant as there are: by channel and instant, lowest and highest."""
    ordered = channel.size < 2 or bool(
        np.all((channel[1:] > channel[:-1]) | ((channel[1:] == channel[:-1]) & (at[1:] > at[:-1])))
    )
    if ordered:
        return Readings(channel, at, value, value)
    order = np.lexsort((value, at, channel))
    channel, at, value = channel[order], at[order], value[order]
    new = np.concatenate(([True], (channel[1:] != channel[:-1]) | (at[1:] != at[:-1])))
    first = np.flatnonzero(new)
    last = np.append(first[1:], channel.size) - 1
    return Readings(channel[first], at[first], value[first], value[last])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
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
    """Aggregates of channel-hours: arrays of shape (n,), matrix (n, 22); and per stretch one partial a cut."""

    channel: Instants
    hour: Instants
    """Start of the hour, microseconds."""
    rows: Floats
    partials: list[list[Floats]]


def hours_of(stretches: Sequence[Stretch]) -> Hours:
    """All hours the stretches touch, complete; `stretches` not empty."""
    exposure = Exposure(
        np.concatenate([stretch.series.low for stretch in stretches]),
        np.concatenate([stretch.series.high for stretch in stretches]),
        np.concatenate([stretch.standing.start for stretch in stretches]),
        np.concatenate([stretch.standing.end for stretch in stretches]),
    )
    pieces = exposure.pieces
    sizes = np.array([stretch.series.at.size for stretch in stretches])
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    owner = np.repeat(np.arange(len(stretches)), sizes)[pieces.row]
    new = np.concatenate(([True], (owner[1:] != owner[:-1]) | (pieces.hour[1:] != pieces.hour[:-1])))
    first = np.flatnonzero(new)
    rows = exposure.over(first, np.append(first[1:], owner.size))
    starts = np.searchsorted(owner, np.arange(len(stretches)))  # first piece of each stretch
    partials = _partials(stretches, exposure, offsets, starts)
    leading = np.searchsorted(first, starts)  # row of each stretch's first hour
    for number, stretch in enumerate(stretches):
        if stretch.partial is not None:
            at = leading[number]
            rows[at : at + 1] = merged(rows[at : at + 1], stretch.partial[None, :])
    ids = np.array([stretch.channel_id for stretch in stretches], dtype=np.int64)
    return Hours(channel=ids[owner[first]], hour=pieces.hour[first] * HOUR, rows=rows, partials=partials)


def _partials(
    stretches: Sequence[Stretch], exposure: Exposure, offsets: NDArray[np.intp], starts: NDArray[np.intp]
) -> list[list[Floats]]:
    """For each stretch and cut: the aggregate of the cut reading's hour up to that reading."""
    pieces = exposure.pieces
    lows: list[int] = []
    highs: list[int] = []
    for number, stretch in enumerate(stretches):
        begin = int(starts[number])
        for cut in stretch.cuts:
            after = int(np.searchsorted(pieces.row, offsets[number] + cut))
            hour = int(stretch.series.at[cut]) // HOUR
            lows.append(begin + int(np.searchsorted(pieces.hour[begin:after], hour)))
            highs.append(after)
    found = exposure.over(np.array(lows, dtype=np.intp), np.array(highs, dtype=np.intp))
    answer: list[list[Floats]] = []
    position = 0
    for stretch in stretches:
        mine: list[Floats] = []
        for cut in stretch.cuts:
            row = found[position : position + 1]
            position += 1
            if stretch.partial is not None and int(stretch.series.at[cut]) // HOUR == int(stretch.series.at[0]) // HOUR:
                row = merged(row, stretch.partial[None, :])
            mine.append(row[0])
        answer.append(mine)
    return answer
