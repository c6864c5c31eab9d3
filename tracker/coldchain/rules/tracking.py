"""What is carried from one stretch of readings to the next, and how violating stretches become episodes.

Evaluation is a fold: `advance` takes the episodes that readings still to come could touch and a block
of readings, and gives settled episodes and the new carry. However the readings are cut into blocks the
result is the same, which is why a channel that has been hot for half a year needs its newest two
readings only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracker.coldchain.rules.instants import Micros
from tracker.coldchain.rules.limits import Limit, Mode, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One episode of one limit on one channel at one place. Durations in microseconds."""

    limit_id: int
    place: str
    started_at: Micros
    """The first violating reading."""
    alarmed_at: Micros | None
    """The instant the limit's duration was met; None: not met."""
    ended_at: Micros | None
    """The first clean reading, or the start of the unknown; None: it goes on."""
    settled_at: Micros | None
    """No reading later than this can touch the episode; None: any may."""
    peak: float
    exposed: Micros
    """Violating time."""
    known: Micros
    """Time of which readings tell anything, between start and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Violating readings without clean or unknown time between them."""

    first_at: Micros
    """Instant of its first reading; a sum's stretch starts before it."""
    start: Micros
    end: Micros
    peak: float
    joined: bool
    """The reading after the last follows without unknown time."""
    next_at: Micros | None
    """Instant of that next reading; None: there is none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """An episode as known just before the reading at which a block ends."""

    started_at: Micros
    alarmed_at: Micros | None
    last_end: Micros
    """End of its last violating stretch."""
    settled_at: Micros | None
    peak: float
    exposed: Micros
    known: Micros
    """Known time from the start to `last_end`."""
    known_since: Micros = 0
    """Known time from `last_end` on; becomes part of `known` when the episode goes on."""
    recent: tuple[tuple[Micros, Micros], ...] = ()
    """Violating stretches that a trailing window may still reach."""


def worse(limit: Limit, one: float, other: float) -> float:
    """The peak of two."""
    return max(one, other) if limit.operator.upward else min(one, other)


def opened(window: Window, stretch: Stretch) -> Carry:
    """A new episode out of its first stretch."""
    empty = Carry(
        started_at=stretch.start,
        alarmed_at=None,
        last_end=stretch.start,
        settled_at=None,
        peak=stretch.peak,
        exposed=0,
        known=0,
    )
    return extended(window, empty, stretch, known_between=0)


def extended(window: Window, carry: Carry, stretch: Stretch, *, known_between: Micros) -> Carry:
    """The episode with one more stretch; `known_between` is the known time between the two."""
    limit = window.limit
    length = stretch.end - stretch.start
    exposed = carry.exposed + length
    recent = (*carry.recent, (stretch.start, stretch.end)) if limit.mode is Mode.WINDOW else ()
    alarmed_at = carry.alarmed_at
    if alarmed_at is None:
        alarmed_at = _met_at(limit, carry, stretch)
    if limit.window is not None:
        recent = tuple(part for part in recent if part[1] + limit.window >= stretch.end)
    return replace(
        carry,
        alarmed_at=alarmed_at,
        last_end=stretch.end,
        settled_at=_settled_at(window, stretch),
        peak=worse(limit, carry.peak, stretch.peak),
        exposed=exposed,
        known=carry.known + carry.known_since + known_between + length,
        known_since=0,
        recent=recent,
    )


def goes_on(window: Window, carry: Carry, stretch: Stretch) -> bool:
    """Whether `stretch` belongs to the carried episode."""
    if stretch.start == carry.last_end:
        # The same stretch, only cut in two: a sum's may reach back further than the window.
        return True
    if window.limit.mode is Mode.CONTINUOUS:
        return False
    if window.limit.window is None:
        return True
    return stretch.first_at - carry.last_end <= window.limit.window


def finished(window: Window, carry: Carry, *, going_on: bool) -> Episode:
    """The carried episode as it stands; `going_on`: its last stretch reaches up to the present."""
    return Episode(
        limit_id=window.limit.id,
        place=window.place,
        started_at=carry.started_at,
        alarmed_at=carry.alarmed_at,
        ended_at=None if going_on else carry.last_end,
        settled_at=None if going_on else carry.settled_at,
        peak=carry.peak,
        exposed=carry.exposed,
        known=carry.known,
    )


def _met_at(limit: Limit, carry: Carry, stretch: Stretch) -> Micros | None:
    """When, within `stretch`, violating time reached the duration."""
    if limit.mode is Mode.WINDOW:
        return _met_in_window(limit, carry.recent, stretch)
    missing = limit.duration - carry.exposed
    return stretch.start + missing if missing <= stretch.end - stretch.start else None


def _met_in_window(limit: Limit, recent: tuple[tuple[Micros, Micros], ...], stretch: Stretch) -> Micros | None:
    # Within the stretch the sum over the trailing window grows at rate one, less what falls out of
    # the window at its far end; its slope changes only where an older stretch starts or stops leaving.
    length = limit.window or 0
    corners = {stretch.start, stretch.end, stretch.start + length}
    corners.update(edge + length for part in recent for edge in part)
    ordered = sorted(x for x in corners if stretch.start <= x <= stretch.end)

    def total(instant: Micros) -> Micros:
        parts = (*recent, (stretch.start, instant))
        return sum(max(0, min(end, instant) - max(start, instant - length)) for start, end in parts)

    previous = ordered[0]
    before = total(previous)
    if before >= limit.duration:
        return previous
    for corner in ordered[1:]:
        here = total(corner)
        if here >= limit.duration:
            # The slope is 0 or 1 between corners, and it rose: so it is 1.
            return previous + (limit.duration - before)
        previous, before = corner, here
    return None


def _settled_at(window: Window, stretch: Stretch) -> Micros | None:
    limit = window.limit
    if limit.mode is Mode.FOREVER:
        return window.to_at
    # A stretch that begins within the window after this one still belongs to the episode.
    settled = stretch.end + (limit.window or 0)
    if stretch.joined and stretch.next_at is not None:
        # A second value at the instant of the reading that ended it could still extend it.
        settled = max(settled, stretch.next_at)
    return settled
