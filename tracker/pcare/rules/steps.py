"""What a change of a dose does to its records, and what an answer does. Pure: the one home of the states' order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracker.pcare.rules.words import OPEN, State, Task

MAY: Mapping[State, frozenset[State]] = {
    State.WAITING: frozenset({State.SENT, State.HANDED, State.CORRECTED, State.DELETED}),
    State.SENT: frozenset({State.WAITING, State.ACCEPTED, State.REFUSED, State.DELETED}),
    State.ACCEPTED: frozenset({State.SENT, State.CORRECTED}),  # sent again: P-Care forgot it, and is asked first
    State.HANDED: frozenset({State.CORRECTED}),
    State.REFUSED: frozenset({State.WAITING, State.CORRECTED, State.DELETED}),
    State.CORRECTED: frozenset(),
    State.DELETED: frozenset(),
}
"""Which state may follow which."""


@dataclass(frozen=True, slots=True)
class Version:
    """The newest record of a dose: what it says of it, None where it says that none was given."""

    state: State
    dose: Mapping[str, object] | None

    @property
    def stands(self) -> Mapping[str, object] | None:
        """What is told, or will be, once this record is through."""
        return None if self.state is State.DELETED else self.dose


@dataclass(frozen=True, slots=True)
class Change:
    """What noting does: a new state for the newest record, and whether another follows it; `wake`: try it at once."""

    newest: State | None = None
    adds: bool = False
    wake: bool = False


def on_change(newest: Version | None, dose: Mapping[str, object] | None, *, known: bool, anew: bool = False) -> Change:
    """A dose stands as `dose` now (None: it was not given). The same again changes nothing.

    `known`: the other side has a version of it, or may have. `anew`: who had it is described otherwise now, which the
    records do not say: what was told must be told again, and what waited for that need wait no longer.
    """
    if newest is None:
        return Change(adds=dose is not None)
    if newest.stands == dose and (dose is None or not anew):
        return Change()
    if newest.state is State.WAITING and newest.dose == dose:
        return Change(wake=True)
    replaced = newest.state in {State.WAITING, State.REFUSED}
    if dose is None and replaced and not known:
        return Change(newest=State.DELETED)
    return Change(newest=State.CORRECTED if replaced else None, adds=True)


def task(dose_stands: bool, *, held: bool) -> Task:
    """What brings the other side from what it holds of a dose to what stands."""
    if dose_stands:
        return Task.CHANGE if held else Task.ADD
    return Task.REMOVE if held else Task.NOTHING


def done(dose_stands: bool) -> State:
    """What a record is once the other side has done what it asks."""
    return State.ACCEPTED if dose_stands else State.DELETED


def on_lost(*, newest: bool) -> State:
    """What an accepted record is that the other side has no more: asked about and told again, unless a later version will be."""
    return State.SENT if newest else State.CORRECTED


def may_send_again(state: State) -> bool:
    """Whether a person may ask for it."""
    return state in OPEN


def handed_over(dose_stands: bool) -> State:
    """What a record is once it stands in a file."""
    return State.HANDED if dose_stands else State.DELETED
