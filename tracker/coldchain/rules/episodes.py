"""Episodes: a pure function of readings, limits in force, placements, nominal intervals and `until`.

Any order, delay, batching or duplication of arrival gives the same episodes: `series_of` sorts and
folds repeats, and `Evaluator` may be resumed at any reading from what was known just before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from tracker.coldchain.rules.instants import Micros, to_micros
from tracker.coldchain.rules.limits import SUMS, Bools, Floats, Limit, Placement, Window, windows_of
from tracker.coldchain.rules.standing import (
    Instants,
    Intervals,
    Series,
    Standing,
    intervals_of,
    series_of,
    spans_of,
    standing_of,
)
from tracker.coldchain.rules.tracking import Carry, Episode, Stretch, extended, finished, goes_on, opened
from tracker.telemetry.rules.words import Quantity, Role

Key = tuple[int, str]
"""Limit id and place: what an episode belongs to besides its channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that evaluation needs to go on at the reading at `at`, without the readings before it."""

    at: Micros
    before: Micros | None
    """Instant of the reading before; sums reach back to it."""
    carries: Mapping[Key, Carry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one evaluation found."""

    episodes: tuple[Episode, ...]
    checkpoints: tuple[Checkpoint, ...]
    """One for each cut asked for, in time order."""
    standing: Standing
    """How long each reading stands."""


def episodes_of(
    readings: Iterable[tuple[datetime, float]],
    *,
    limits: Iterable[Limit],
    placements: Sequence[Placement],
    intervals: Sequence[tuple[Micros, Micros]] = (),
    until: datetime | None = None,
    quantity: Quantity = Quantity.TEMPERATURE,
    role: Role = Role.STORAGE,
) -> tuple[Episode, ...]:
    """All episodes of one channel, from nothing but its readings (aware instants, °C or seconds).

    `intervals` are (from_at, nominal interval) pairs; `until` is the newest reading unless given;
    readings after it do not count.
    """
    pairs = [(at, value) for at, value in readings if until is None or at <= until]
    if not pairs:
        return ()
    series = series_of([to_micros(at) for at, _ in pairs], [value for _, value in pairs])
    end = int(series.at[-1]) if until is None else to_micros(until)
    windows = windows_of(limits, placements, quantity=quantity, role=role)
    return evaluate(series, windows, intervals_of(intervals), until=end, sums=quantity in SUMS).episodes


def evaluate(
    series: Series,
    windows: Sequence[Window],
    intervals: Intervals,
    *,
    until: Micros,
    sums: bool = False,
    resume: Checkpoint | None = None,
    cuts: Sequence[int] = (),
) -> Evaluation:
    """Episodes that `series` (not empty) touches, going on from `resume` if given.

    `resume.at` must be the first instant of the series. `cuts` are ascending indices into the series
    for which a checkpoint is wanted: the state just before that reading.
    """
    before = resume.before if resume else None
    standing = standing_of(series.at, intervals, until, sums=sums, before=before)
    carried = dict(resume.carries) if resume else {}
    found: list[Episode] = []
    states: list[dict[Key, Carry]] = [{} for _ in cuts]
    spans = spans_of(series.at, intervals, before) if sums else None
    for window in windows:
        key = (window.limit.id, window.place)
        violating = window.limit.violated_by(series.low, series.high, spans)
        if key not in carried and not violating.any():
            continue
        watch = _Watch(window, series, standing, violating)
        carry = _bounded(carried.get(key), window)
        start = 0
        for number, cut in enumerate(cuts):
            carry = watch.advance(carry, start, cut, found)
            carry = _kept(carry, int(series.at[cut]), found, window)
            if carry is not None:
                states[number][key] = carry
            start = cut
        watch.close(watch.advance(carry, start, series.at.size, found), found)
    checkpoints = tuple(
        Checkpoint(
            at=int(series.at[cut]),
            before=int(series.at[cut - 1]) if cut else before,
            carries=state,
        )
        for cut, state in zip(cuts, states, strict=True)
    )
    found.sort(key=lambda episode: (episode.started_at, episode.limit_id, episode.place))
    return Evaluation(episodes=tuple(found), checkpoints=checkpoints, standing=standing)


def _bounded(carry: Carry | None, window: Window) -> Carry | None:
    """A carry that nothing settled so far, in a window that has been given an end since."""
    if carry is None or carry.settled_at is not None:
        return carry
    return replace(carry, settled_at=window.to_at)


def _kept(carry: Carry | None, at: Micros, found: list[Episode], window: Window) -> Carry | None:
    """The carry if a reading at `at` or later may touch it; else it is settled and moves to `found`."""
    if carry is None or carry.settled_at is None or carry.settled_at >= at:
        return carry
    found.append(finished(window, carry, going_on=False))
    return None


class _Watch:
    """One window's view of a series: which readings lie in it, which violate, how long they stand."""

    def __init__(self, window: Window, series: Series, standing: Standing, violating: Bools) -> None:
        self.window = window
        self.at: Instants = series.at
        last = series.at.size if window.to_at is None else int(np.searchsorted(series.at, window.to_at, "left"))
        self.first = int(np.searchsorted(series.at, window.from_at, "left"))
        self.last = max(self.first, last)
        violating[: self.first] = False
        violating[self.last :] = False
        self.violating: Bools = violating
        self.worst: Floats = series.high if window.limit.operator.upward else series.low
        self.standing = standing
        # What a reading says of a place holds only while the channel was there.
        self.start: Instants = np.maximum(standing.start, window.from_at)
        self.end: Instants = standing.end if window.to_at is None else np.minimum(standing.end, window.to_at)

    def advance(self, carry: Carry | None, start: int, stop: int, found: list[Episode]) -> Carry | None:
        """Fold readings [start, stop) into the carry; episodes that are over for good go to `found`."""
        position = start
        for stretch, first, after in self._stretches(start, stop):
            if carry is not None and goes_on(self.window, carry, stretch):
                carry = extended(self.window, carry, stretch, known_between=self._known(position, first))
            else:
                if carry is not None:
                    found.append(finished(self.window, carry, going_on=False))
                carry = opened(self.window, stretch)
            position = after
        if carry is not None and position < stop:
            carry = replace(carry, known_since=carry.known_since + self._known(position, stop))
        return carry

    def close(self, carry: Carry | None, found: list[Episode]) -> None:
        """The data are at their end: the carried episode is over or goes on."""
        if carry is None:
            return
        last = self.at.size - 1
        going_on = (
            self.standing.unfinished
            and bool(self.violating[last])
            and (self.window.to_at is None or int(self.standing.end[last]) < self.window.to_at)
        )
        found.append(finished(self.window, carry, going_on=going_on))

    def _stretches(self, start: int, stop: int) -> Iterable[tuple[Stretch, int, int]]:
        indices = self.violating[start:stop].nonzero()[0] + start
        if indices.size == 0:
            return
        breaks = (indices[1:] - indices[:-1] > 1) | ~self.standing.joined[indices[:-1]]
        firsts = np.concatenate((indices[:1], indices[1:][breaks]))
        lasts = np.concatenate((indices[:-1][breaks], indices[-1:]))
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            worst = self.worst[first : last + 1]
            yield (
                Stretch(
                    first_at=int(self.at[first]),
                    start=int(self.start[first]),
                    end=int(self.end[last]),
                    peak=float(worst.max() if self.window.limit.operator.upward else worst.min()),
                    joined=bool(self.standing.joined[last]),
                    next_at=int(self.at[last + 1]) if last + 1 < self.at.size else None,
                ),
                first,
                last + 1,
            )

    def _known(self, start: int, stop: int) -> Micros:
        start, stop = max(start, self.first), min(stop, self.last)
        return int((self.end[start:stop] - self.start[start:stop]).sum()) if start < stop else 0
