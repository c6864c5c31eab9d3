"""Episodes of loggers that print figures of whole days and keep no readings.

The resolution is a day and is never made finer: an episode begins with its first day and ends with its last. Pure.

Of a day are known its lowest and highest value, the minutes beyond the logger's own limit, and when the logger's own
alarm was on. What follows from that about one of our limits:

- where the day's extreme keeps to the limit, nothing happened; where the other extreme breaks it too, all of it did;
- the logger's alarm decides where its limit is at least as far and as long as ours: it measured every minute;
- where its limit is no farther and no longer than ours, and it raised no alarm, ours was not met;
- otherwise the minutes beyond the logger's limit decide, summed over days that a run may have gone on through: figures
  cannot tell one run from several, and what minutes cannot rule out counts. Where its limit lies farther out than ours,
  the minutes between the two are unknown and do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tracker.coldchain.rules.instants import Micros
from tracker.coldchain.rules.limits import Limit, Mode, Window
from tracker.coldchain.rules.tracking import Episode, worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the logger's own two limits on one day: °C, the duration of its alarm, time beyond, when it was on."""

    limit_c: float
    duration: Micros
    beyond: Micros
    alarm_at: Micros | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """[start, end) as far as the logger tells; `unknown`: time without its sensor."""

    start: Micros
    end: Micros
    low_c: float
    high_c: float
    unknown: Micros = 0
    below: Side | None = None
    above: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A violating day as one limit sees it, cut to the window."""

    start: Micros
    end: Micros
    peak: float
    exposed: Micros
    known: Micros
    met_at: Micros | None
    """When the logger's own word says that the duration was met."""
    ruled_out: bool
    """The logger's silence says that no run was long enough."""
    goes_on: bool
    """The run had begun the day before, or nobody can say that it had not."""
    whole: bool
    """All of the day violated."""


def episodes_of_days(days: Sequence[Day], windows: Iterable[Window]) -> list[Episode]:
    """Episodes of each window over days in order; a day on which the channel moved counts at both places."""
    found: list[Episode] = []
    for window in windows:
        chain: list[_Seen] = []
        for day in days:
            if window.to_at is not None and day.start >= window.to_at:
                break
            if day.end <= window.from_at:
                continue
            seen = _seen(window, day)
            if chain and (seen is None or not _joined(window.limit, chain[-1], seen)):
                if window.limit.mode is not Mode.CONTINUOUS and seen is None:
                    continue  # a sum survives a clean day
                found.append(_episode(window, chain))
                chain = []
            if seen is not None:
                chain.append(seen)
        if chain:
            found.append(_episode(window, chain))
    return found


def _seen(window: Window, day: Day) -> _Seen | None:
    """None: nothing of the day violates."""
    limit = window.limit
    upward = limit.operator.upward
    worst, best = (day.high_c, day.low_c) if upward else (day.low_c, day.high_c)
    if not _violates(limit, worst):
        return None
    start = max(day.start, window.from_at)
    end = day.end if window.to_at is None else min(day.end, window.to_at)
    known = max(end - start - day.unknown, 0)
    whole = _violates(limit, best)
    side = day.above if upward else day.below
    farther = side is not None and (side.limit_c >= limit.value if upward else side.limit_c <= limit.value)
    nearer = side is not None and (side.limit_c <= limit.value if upward else side.limit_c >= limit.value)
    beyond = 0 if side is None else min(side.beyond, known)
    met_at = None
    if side is not None and side.alarm_at is not None and farther and side.duration >= limit.duration:
        met_at = min(max(side.alarm_at, start), end)
    return _Seen(
        start=start,
        end=end,
        peak=worst,
        exposed=known if whole else beyond,
        known=known,
        met_at=met_at,
        ruled_out=side is not None and side.alarm_at is None and nearer and side.duration <= limit.duration,
        goes_on=_may_go_on(side, day, limit),
        whole=whole,
    )


def _may_go_on(side: Side | None, day: Day, limit: Limit) -> bool:
    """A run over midnight long enough to matter shows by the logger's alarm, if that is no longer than ours."""
    if side is None or side.duration > limit.duration:
        return True
    return side.alarm_at is not None and side.alarm_at - side.duration < day.start


def _violates(limit: Limit, value: float) -> bool:
    one = np.array([value])
    return bool(limit.violated_by(one, one)[0])


def _joined(limit: Limit, before: _Seen, after: _Seen) -> bool:
    if limit.mode is Mode.FOREVER:
        return True
    if limit.mode is Mode.WINDOW:
        return after.start - before.end <= (limit.window or 0)
    return after.start == before.end and (after.goes_on or before.whole or after.whole)


def _episode(window: Window, chain: Sequence[_Seen]) -> Episode:
    limit = window.limit
    peak = chain[0].peak
    alarmed_at: Micros | None = None
    exposed = 0
    for day in chain:
        peak = worse(limit, peak, day.peak)
        exposed += day.exposed
        ruled_out = day.ruled_out and not day.whole and limit.mode is Mode.CONTINUOUS and limit.duration > 0
        if alarmed_at is None and day.met_at is not None:
            alarmed_at = day.met_at
        elif alarmed_at is None and exposed >= limit.duration and not ruled_out:
            # Somewhere in the day: by its end at the latest.
            alarmed_at = day.end
    return Episode(
        limit_id=limit.id,
        place=window.place,
        started_at=chain[0].start,
        alarmed_at=alarmed_at,
        ended_at=chain[-1].end,
        settled_at=chain[-1].end,
        peak=peak,
        exposed=exposed,
        known=sum(day.known for day in chain),
    )
