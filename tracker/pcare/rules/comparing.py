"""What two registers have of the same day, side by side. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from tracker.pcare.rules.words import State


@dataclass(frozen=True, slots=True)
class Ours:
    """A record of ours that matters to the day: one accepted, or one that their list names. `settled`: not changed since they were asked."""

    id: UUID
    state: State
    number: str | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The difference: `arrived` are ours that they have though we did not know, by id; `strangers` theirs, by number, with ours that it repeats."""

    lost: Collection[UUID]
    arrived: Mapping[UUID, str]
    strangers: Mapping[str, UUID | None]


def compared(ours: Collection[Ours], theirs: Mapping[str, UUID | None]) -> Found:
    """`theirs`: what each number is called there, where that is one of ours. What changed since they were asked proves nothing."""
    known = {one.number: one for one in ours if one.state is State.ACCEPTED}
    by_id = {one.id: one for one in ours}
    arrived: dict[UUID, str] = {}
    strangers: dict[str, UUID | None] = {}
    for number, named in theirs.items():
        if number in known:
            continue
        record = None if named is None else by_id.get(named)
        if record is not None and not record.settled:
            continue
        if record is not None and record.state is State.SENT and record.id not in arrived:
            arrived[record.id] = number
        else:
            strangers[number] = None if record is None else record.id
    lost = [one.id for one in known.values() if one.settled and one.number not in theirs]
    return Found(lost=lost, arrived=arrived, strangers=strangers)
