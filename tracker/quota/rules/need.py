"""How many vials promises need. Pure.

A vial cannot be opened in part: a session with 11 persons and vials of 10 doses needs two. Vials that stay
usable for days once open are shared by all sessions of the day. Doses left in a vial that is open already
serve people before a further vial is opened; whom, `rules.sharing` says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID


def vials_for(persons: int, open_doses: int, doses_per_vial: int) -> int:
    """Whole vials still to be opened for `persons`, with `open_doses` left in opened vials."""
    return max(0, -((open_doses - persons) // doses_per_vial))


def room_in_vials(persons: int, open_doses: int, doses_per_vial: int) -> int:
    """How many persons more those vials would serve without a further one."""
    return vials_for(persons, open_doses, doses_per_vial) * doses_per_vial + open_doses - persons


@dataclass(frozen=True, slots=True)
class Load:
    """Persons who need a dose, doses of open vials counted for them, and doses in those vials that nobody is counted for."""

    persons: int
    open_doses: int = 0
    spare_doses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLoad:
    """All that is promised at a pool on one day: its sessions, and funded claims without a session."""

    sessions: tuple[Load, ...] = ()
    claims: Load = Load(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLoad:
    """One session's part of its day; `pool` is facility (for its stores) or the equipment taken along, and presentation."""

    session_id: UUID
    pool: tuple[UUID, UUID]
    day: date
    load: Load


def by_day(
    sessions: Iterable[SessionLoad], claims: Mapping[tuple[tuple[UUID, UUID], date], Load]
) -> dict[tuple[tuple[UUID, UUID], date], DayLoad]:
    """All that is promised, by pool and day; `claims` are the funded ones."""
    loads: dict[tuple[tuple[UUID, UUID], date], list[Load]] = defaultdict(list)
    for each in sessions:
        loads[each.pool, each.day].append(each.load)
    return {
        key: DayLoad(sessions=tuple(loads.get(key, ())), claims=claims.get(key, Load(0))) for key in {*loads, *claims}
    }


def shared(load: DayLoad) -> Load:
    """Everything of the day as one. What is spare in a vial is spare for each, and counts once."""
    parts = (*load.sessions, load.claims)
    return Load(
        sum(part.persons for part in parts),
        sum(part.open_doses for part in parts),
        max(part.spare_doses for part in parts),
    )


def vials_of_day(load: DayLoad, doses_per_vial: int, *, whole_day: bool) -> int:
    """Vials the day needs; `whole_day` where opened vials keep for days."""
    groups: Iterable[Load] = [shared(load)] if whole_day else [*load.sessions, load.claims]
    return sum(vials_for(group.persons, group.open_doses, doses_per_vial) for group in groups)
