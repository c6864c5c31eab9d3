"""Who must give way when vials are gone. Pure.

Newest first-dose bookings on the days that are short give way first, then claims without a session, second
doses last; who has arrived never does. Bookings give way a vial at a time: moving one person of a vial that
nine others still need would help nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from uuid import UUID

from tracker.quota.rules.need import SessionLoad, vials_for


class Rank(IntEnum):
    """The order in which promises give way."""

    FIRST_DOSE = 0
    CLAIM = 1
    LATER_DOSE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A booking or a claim that may give way."""

    id: UUID
    rank: Rank
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Promises that share vials: a session, a whole day, or the claims of a day.

    `persons` counts all of them, those who have arrived too; `movable` only those who may give way.
    """

    day: date
    persons: int
    open_doses: int
    movable: tuple[Promise, ...]


def grouped(
    loads: Iterable[SessionLoad],
    by_session: Mapping[UUID, Sequence[Promise]],
    by_due_day: Mapping[date, Sequence[Promise]],
    claim_doses: Mapping[date, int],
    *,
    whole_day: bool,
) -> list[Group]:
    """Promises as they share vials: by session and by day of claims, or all of a day together.

    `claim_doses`: doses of open vials counted for the claims of a day.
    """
    groups = [
        Group(
            day=each.day,
            persons=each.load.persons,
            open_doses=each.load.open_doses,
            movable=tuple(by_session.get(each.session_id, ())),
        )
        for each in loads
    ]
    groups += [
        Group(day=day, persons=len(claims), open_doses=claim_doses.get(day, 0), movable=tuple(claims))
        for day, claims in by_due_day.items()
    ]
    return _merged(groups) if whole_day else groups


def _merged(groups: list[Group]) -> list[Group]:
    return [
        Group(
            day=day,
            persons=sum(g.persons for g in groups if g.day == day),
            open_doses=sum(g.open_doses for g in groups if g.day == day),
            movable=tuple(promise for g in groups if g.day == day for promise in g.movable),
        )
        for day in sorted({g.day for g in groups})
    ]


@dataclass(slots=True)
class _Standing:
    """A group on its way."""

    day: date
    persons: int
    open_doses: int
    doses_per_vial: int
    movable: list[Promise] = field(default_factory=list)

    def vials(self) -> int:
        return vials_for(self.persons, self.open_doses, self.doses_per_vial)

    def cut(self) -> list[Promise] | None:
        """The fewest promises that free one vial, first to go first; None when that cannot be done."""
        vials = self.vials()
        if vials == 0:
            return None
        count = self.persons - self.open_doses - (vials - 1) * self.doses_per_vial
        return self.movable[:count] if count <= len(self.movable) else None

    def drop(self, count: int) -> None:
        del self.movable[:count]
        self.persons -= count


def _gives_way(promise: Promise) -> tuple[int, float, int]:
    return (promise.rank, -promise.made_at.timestamp(), -promise.id.int)


def displaced(supply: Iterable[tuple[date, int]], groups: Sequence[Group], doses_per_vial: int) -> list[Promise]:
    """Promises to withdraw so that on every binding day what is needed from there on does not exceed `supply`.

    `supply`: (step, vials usable from that day on), the rows that bind today. The result is in the order of
    withdrawal; a shortage that only people who have arrived cause remains.
    """
    return [promise for cut in cuts(supply, groups, doses_per_vial) for promise in cut]


def cuts(supply: Iterable[tuple[date, int]], groups: Sequence[Group], doses_per_vial: int) -> Iterator[list[Promise]]:
    """What `displaced` withdraws, a freed vial at a time.

    Whoever stops between two and asks anew of what remains is told the rest: what gives way first depends on nobody
    who has gone.
    """
    standing = [
        _Standing(g.day, g.persons, g.open_doses, doses_per_vial, sorted(g.movable, key=_gives_way)) for g in groups
    ]
    # From the last day backwards: who gives way on a late day helps all earlier steps too.
    for step, vials in sorted(supply, reverse=True):
        late = [group for group in standing if group.day >= step]
        while sum(group.vials() for group in late) > vials:
            possible = [(cut, group) for group in late if (cut := group.cut()) is not None]
            if not possible:
                break
            cut, group = min(possible, key=lambda pair: _cut_order(pair[0]))
            group.drop(len(cut))
            yield cut


def _cut_order(cut: Sequence[Promise]) -> tuple[int, tuple[int, float, int]]:
    """Cuts that touch no second dose come first, among them the one with the newest booking."""
    return (max(promise.rank for promise in cut), _gives_way(cut[0]))
