"""A place's watch that passes from one channel to another: exposure belongs to the place (domain.md §5).

The series of such a watch is the last reading of the channel before, then the new channel's own. So a run, or a
sum, goes on exactly when the two readings lie within the largest gap, by the same arithmetic as within one channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from tracker.coldchain.rules.episodes import Checkpoint, Evaluation, evaluate
from tracker.coldchain.rules.instants import Micros
from tracker.coldchain.rules.limits import Limit, Mode, Placement, Window
from tracker.coldchain.rules.standing import Intervals, Series, intervals_of, largest_gap, spans_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What a channel leaves to the next one at its place: its last reading there, and its state just before it."""

    place: Placement
    checkpoint: Checkpoint
    """At that reading."""
    low: float
    high: float
    interval: Micros
    """Nominal, of the channel that leaves."""
    sums: bool

    def violates(self, limit: Limit) -> bool:
        """Whether the last reading violates the limit."""
        at = np.asarray([self.checkpoint.at], dtype=np.int64)
        spans = spans_of(at, intervals_of([(0, self.interval)]), self.checkpoint.before) if self.sums else None
        return bool(limit.violated_by(np.asarray([self.low]), np.asarray([self.high]), spans)[0])

    def reaches(self, at: Micros) -> bool:
        """Whether the last reading still stands when the next channel first speaks."""
        return at - self.checkpoint.at <= largest_gap(self.interval)


class Watched(Protocol):
    """A time at a place: [from_at, to_at)."""

    @property
    def from_at(self) -> Micros: ...
    @property
    def to_at(self) -> Micros | None: ...


def passes_at(leaving: Watched, coming: Watched, gap: Micros) -> Micros | None:
    """When the watch of a place passes on: where one came at most `gap` before or after the other went; else None.

    Two that watch side by side for longer are judged each by itself.
    """
    if leaving.to_at is None or leaving.from_at >= coming.from_at or abs(leaving.to_at - coming.from_at) > gap:
        return None
    return min(leaving.to_at, coming.from_at)


def last_to_leave(handed: Sequence[Handover]) -> list[Handover]:
    """Those of several that did not themselves hand over to another of them."""
    return [
        one
        for one in handed
        if not any(passes_at(one.place, other.place, largest_gap(one.interval)) is not None for other in handed)
    ]


def begins_at(place: Placement, series: Series, before: Micros | None) -> int | None:
    """The index in the series of the first reading a channel made at a place; None: it was made earlier, or not yet."""
    first = int(np.searchsorted(series.at, place.from_at, "left"))
    if first == series.at.size or (place.to_at is not None and int(series.at[first]) >= place.to_at):
        return None
    return first if first > 0 or before is None or before < place.from_at else None


def evaluate_watch(
    series: Series,
    windows: Sequence[Window],
    intervals: Intervals,
    *,
    until: Micros,
    sums: bool,
    resume: Checkpoint | None,
    cuts: Sequence[int],
    begins: Mapping[str, tuple[int, Sequence[Handover]]],
) -> Evaluation:
    """`rules.episodes.evaluate`, going on from others where a place's watch passed to this channel.

    `begins`: for each place whose first reading is in the series, its index and what those before handed over.
    """
    # What an earlier look had taken over there is taken over anew.
    if resume is not None and begins:
        kept = {key: carry for key, carry in resume.carries.items() if key[1] not in begins}
        resume = replace(resume, carries=kept)
    taken: list[tuple[Window, int, Handover]] = []
    own: list[Window] = []
    for window in windows:
        first, handed = begins.get(window.place, (0, ()))
        heir = _worst(window, [one for one in handed if one.reaches(int(series.at[first]))])
        if heir is None:
            own.append(window)
        else:
            taken.append((window, first, heir))
    found = evaluate(series, own, intervals, until=until, sums=sums, resume=resume, cuts=cuts)
    for window, first, handover in taken:
        found = _with(found, _taken_over(series, window, intervals, first, handover, until, sums, cuts), cuts, first)
    starts = {(window.limit.id, window.place): window.from_at for window in windows}
    # What was over before this channel came is told by the one that saw it.
    mine = [one for one in found.episodes if one.ended_at is None or one.ended_at >= starts[one.limit_id, one.place]]
    mine.sort(key=lambda episode: (episode.started_at, episode.limit_id, episode.place))
    return replace(found, episodes=tuple(mine))


def _worst(window: Window, handed: Sequence[Handover]) -> Handover | None:
    """Of several channels that left, the one whose run of this limit is longest; None where none has one."""
    running: list[tuple[Micros, str, Handover]] = []
    for one in handed:
        carry = one.checkpoint.carries.get((window.limit.id, one.place.key))
        violates = one.violates(window.limit)
        if carry is not None:
            running.append((carry.started_at, one.place.key, one))
        elif violates and one.checkpoint.at >= window.limit.from_at:
            running.append((one.checkpoint.at, one.place.key, one))
    return min(running, key=lambda each: each[:2])[2] if running else None


def _taken_over(
    series: Series,
    window: Window,
    intervals: Intervals,
    first: int,
    handover: Handover,
    until: Micros,
    sums: bool,
    cuts: Sequence[int],
) -> Evaluation:
    """One window on the last reading of the channel before and the own readings from `first` on."""
    at = handover.checkpoint.at
    joint = Series(
        np.concatenate(([at], series.at[first:])),
        np.concatenate(([handover.low], series.low[first:])),
        np.concatenate(([handover.high], series.high[first:])),
    )
    start = int(series.at[first])
    own = [
        (int(begin), int(nominal))
        for begin, nominal in zip(intervals.from_at, intervals.interval, strict=True)
        if begin > start
    ]
    carry = handover.checkpoint.carries.get((window.limit.id, handover.place.key))
    if carry is not None and window.limit.mode is Mode.FOREVER:
        # Its stay at the place does not end with the channel that left.
        carry = replace(carry, settled_at=window.to_at)
    return evaluate(
        joint,
        [replace(window, from_at=max(window.limit.from_at, handover.place.from_at))],
        intervals_of([(at, handover.interval), (start, intervals.one(start)), *own]),
        until=until,
        sums=sums,
        resume=replace(
            handover.checkpoint, carries={(window.limit.id, window.place): carry} if carry is not None else {}
        ),
        cuts=[cut - first + 1 for cut in cuts if cut >= first],
    )


def _with(found: Evaluation, more: Evaluation, cuts: Sequence[int], first: int) -> Evaluation:
    """Both evaluations of one series: episodes of both, and at each cut the carries of both."""
    earlier = sum(1 for cut in cuts if cut < first)
    checkpoints = [
        one if number < earlier else replace(one, carries={**one.carries, **more.checkpoints[number - earlier].carries})
        for number, one in enumerate(found.checkpoints)
    ]
    return replace(found, episodes=(*found.episodes, *more.episodes), checkpoints=tuple(checkpoints))
