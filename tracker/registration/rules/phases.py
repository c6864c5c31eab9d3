"""Whose turn it is to register. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tracker.people.rules.groups import PersonGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Only people of this group register by themselves; `until` is the day from which all do, where that is known."""

    only: PersonGroup
    until: date | None = None


def phase_on(day: date, phases: Iterable[tuple[date, PersonGroup | None]]) -> Phase | None:
    """What holds on a day of phases that begin on theirs; None where all may."""
    only: PersonGroup | None = None
    until: date | None = None
    for begins, group in sorted(phases, key=lambda one: one[0]):
        if begins <= day:
            only = group
        elif group is None:
            until = begins
            break
    return None if only is None else Phase(only=only, until=until)
