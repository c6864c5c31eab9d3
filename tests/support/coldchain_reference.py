"""Episodes the slow and obvious way, minute by minute, to compare the fast one with.

Everything is in whole minutes after `tests.support.coldchain.START`. It shares no code with the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MOST_MINUTES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLimit:
    """A limit on one channel within [from_at, to_at)."""

    violates: Callable[[float], bool]
    upward: bool
    minutes: int
    mode: str = "continuous"
    window: int | None = None
    from_at: int = 0
    to_at: int | None = None


@dataclass(frozen=True, slots=True)
class PlainEpisode:
    started: int
    alarmed: int | None
    ended: int | None
    peak: float
    exposed: int


def nominal_at(intervals: Sequence[tuple[int, int]], minute: int) -> int:
    """The interval in force at a minute; the first also serves the time before."""
    found = min(intervals)[1]
    for start, interval in sorted(intervals):
        if start <= minute:
            found = interval
    return found


def stretches(
    points: Mapping[int, set[float]], intervals: Sequence[tuple[int, int]], until: int, *, sums: bool
) -> list[tuple[int, int, int]]:
    """(instant, from, to) for which each instant's values stand."""
    instants = sorted(points)
    found = []
    for number, minute in enumerate(instants):
        interval = nominal_at(intervals, minute)
        longest = max(3 * interval, 30)
        if sums:
            before = instants[number - 1] if number else None
            start = before if before is not None and minute - before <= longest else minute - interval
            found.append((minute, start, minute))
            continue
        after = instants[number + 1] if number + 1 < len(instants) else None
        if after is None:
            found.append((minute, minute, min(minute + interval, until)))
        elif after - minute <= longest:
            found.append((minute, minute, after))
        else:
            found.append((minute, minute, minute + interval))
    return found


def reference_episodes(
    points: Mapping[int, set[float]],
    limit: PlainLimit,
    intervals: Sequence[tuple[int, int]],
    until: int,
    *,
    sums: bool = False,
) -> list[PlainEpisode]:
    """All episodes of one limit."""
    last = max(points)
    unfinished = last + nominal_at(intervals, last) >= until
    runs: list[tuple[int, int, int, list[float]]] = []  # first instant, from, to, violating values
    previous_end: int | None = None
    for instant, start, end in stretches(points, intervals, until, sums=sums):
        inside = limit.from_at <= instant and (limit.to_at is None or instant < limit.to_at)
        bad = [value for value in points[instant] if limit.violates(value)]
        if not inside or not bad:
            previous_end = None
            continue
        begin = max(start, limit.from_at)
        finish = end if limit.to_at is None else min(end, limit.to_at)
        if runs and previous_end == start:
            first, run_start, _, values = runs[-1]
            runs[-1] = (first, run_start, finish, values + bad)
        else:
            runs.append((instant, begin, finish, bad))
        previous_end = end
    last_end = next(
        end for instant, _, end in reversed(stretches(points, intervals, until, sums=sums)) if instant == last
    )
    goes_on = (
        unfinished
        and any(limit.violates(value) for value in points[last])
        and limit.from_at <= last
        and (limit.to_at is None or last_end < limit.to_at)
    )
    groups = _grouped(runs, limit)
    return [
        _episode(group, limit, goes_on=goes_on and number == len(groups) - 1) for number, group in enumerate(groups)
    ]


Run = tuple[int, int, int, list[float]]


def _grouped(runs: Sequence[Run], limit: PlainLimit) -> list[list[Run]]:
    groups: list[list[Run]] = []
    for run in runs:
        near = groups and (limit.window is None or run[0] - groups[-1][-1][2] <= limit.window)
        if groups and limit.mode != "continuous" and near:
            groups[-1].append(run)
        else:
            groups.append([run])
    return groups


def _episode(group: Sequence[Run], limit: PlainLimit, *, goes_on: bool) -> PlainEpisode:
    values = [value for run in group for value in run[3]]
    bad_minutes = {minute for run in group for minute in range(run[1], run[2])}
    return PlainEpisode(
        started=group[0][1],
        alarmed=_alarm(group, bad_minutes, limit),
        ended=None if goes_on else group[-1][2],
        peak=max(values) if limit.upward else min(values),
        exposed=len(bad_minutes),
    )


def _alarm(group: Sequence[Run], bad: set[int], limit: PlainLimit) -> int | None:
    """The first minute at which enough violating time lies behind, while it violates."""
    for run in group:
        for minute in range(run[1], run[2] + 1):
            reach = minute - limit.window if limit.mode == "window" and limit.window else group[0][1]
            if len([one for one in range(max(reach, group[0][1]), minute) if one in bad]) >= limit.minutes:
                return minute
    return None
