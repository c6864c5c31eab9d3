"""What may still be promised. Pure.

A vial can serve any day up to its last usable day. Promises for days d₁ ≤ d₂ ≤ … can all be served from a
set of vials exactly when, for today and for the day after each expiry, the vials needed on all days from
there on do not exceed the vials still usable from there on (Hall's condition on nested sets). One `Step` is
one such day. Steps are absolute dates, so nothing has to run at midnight: on day T the largest step ≤ T and
all later ones bind; those before it have passed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

FIRST = date.min  # the step before all expiries


@dataclass(frozen=True, slots=True)
class Step:
    """`vials` usable on or after `step`, `needed` on days on or after it, and by how much the first falls `short`."""

    step: date
    vials: int
    needed: int
    short: int


def settled(step: Step) -> Step:
    """The row with `short` at the least value that the promise needs."""
    return replace(step, short=max(0, step.needed - step.vials))


def step_after(expiry: date) -> date:
    """The step that the vials of a batch no longer serve: the day after its expiry."""
    return expiry + timedelta(days=1) if expiry < date.max else expiry


def with_step(steps: Sequence[Step], day: date, need: Mapping[date, int]) -> list[Step]:
    """`steps` (ascending) with one for `day`; `need` is vials needed by day, all days of the pool.

    Every batch that has vials has its step, so none expires between the step before `day` and `day`
    itself: from `day` on the same vials are usable as from the step before.
    """
    at = bisect_left([s.step for s in steps], day)
    if at < len(steps) and steps[at].step == day:
        return list(steps)
    vials = steps[at - 1].vials if at > 0 else 0
    needed = sum(count for on, count in need.items() if on >= day)
    return [*steps[:at], settled(Step(day, vials, needed, 0)), *steps[at:]]


def with_vials(steps: Iterable[Step], expiry: date, delta: int) -> list[Step]:
    """Usable vials of a batch rose or fell by `delta`; `short` follows in either direction.

    The ledger always has its way: what was lost is lost, whatever was promised.
    """
    return [settled(replace(s, vials=s.vials + delta)) if s.step <= expiry else s for s in steps]


def with_need(steps: Iterable[Step], deltas: Mapping[date, int]) -> list[Step]:
    """Vials needed changed by `deltas` (day → vials); `short` follows."""
    return [settled(replace(s, needed=s.needed + sum(d for on, d in deltas.items() if on >= s.step))) for s in steps]


def binding(steps: Sequence[Step], today: date) -> list[Step]:
    """The rows (ascending) that bind on `today`."""
    at = bisect_right([s.step for s in steps], today)
    return list(steps[max(0, at - 1) :])


def passed(steps: Sequence[Step], today: date) -> list[Step]:
    """The rows (ascending) that no day asks any more: before those that bound yesterday, but for the base row.

    Yesterday, because a transaction may have looked at its clock just before midnight.
    """
    bound = binding(steps, today - timedelta(days=1))
    return [s for s in steps if bound and FIRST < s.step < bound[0].step]


def overdrawn(steps: Sequence[Step], deltas: Mapping[date, int], today: date) -> Step | None:
    """The first binding row on which a rise of need would exceed the vials; None when all can be promised.

    A row whose need does not rise is not asked: what is short there already is displacement's matter,
    and no vial that could serve the rise is concerned by it.
    """
    changed = {s.step: s for s in with_need(steps, deltas)}
    for old in binding(steps, today):
        new = changed[old.step]
        if new.needed > old.needed and new.needed > new.vials:
            return new
    return None


def bears(steps: Sequence[Step], day: date, today: date) -> int:
    """Vials that can still be promised for `day` (0 for a day that has passed)."""
    if day < today:
        return 0
    rows = [s for s in binding(steps, today) if s.step <= day]
    return max(0, min((s.vials - s.needed for s in rows), default=0))


def short_days(steps: Sequence[Step], need: Iterable[date], today: date) -> list[date]:
    """The days from today on whose promises a shortage touches, ascending."""
    short = [s.step for s in binding(steps, today) if s.short > 0]
    if not short:
        return []
    return sorted(day for day in need if day >= max(min(short), today))
