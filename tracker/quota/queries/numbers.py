"""What the pools behind sessions still bear, for many sessions in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Presentation
from tracker.database.types import any_of
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.quota.queries.loads import promised
from tracker.quota.rules.need import DayLoad, Load, room_in_vials, shared
from tracker.stock.queries.availability import Pool, PoolState, StepRow, pool_states
from tracker.stock.service.reading import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A session's pool on the session's day: the row that binds tightest, and what it bears.

    `available`: vials that may still be promised; `persons`: those plus free doses in vials promised already.
    """

    vials: int
    needed: int
    short: int
    available: int
    persons: int


class Drawing(Protocol):
    """What draws vials from a pool on a day: a session, or the thought of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def facility_id(self) -> UUID: ...
    @property
    def presentation_id(self) -> UUID: ...
    @property
    def place_id(self) -> UUID | None: ...
    @property
    def day(self) -> date: ...
    @property
    def live(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A session that nobody has planned yet, so nobody is booked in it."""

    facility_id: UUID
    presentation_id: UUID
    place_id: UUID | None
    day: date
    live: int = 0
    id: UUID = field(default_factory=uuid7)


def pool_numbers(db: Session, sessions: Sequence[Drawing], now: datetime) -> dict[UUID, Numbers]:
    """The numbers of each session, by its id."""
    if not sessions:
        return {}
    facts = _facts(db, sessions)
    zones = {zone for zone, _, _ in facts.values()}
    states: dict[Pool, PoolState] = {}
    for zone in zones:
        there = {_pool(s) for s in sessions if facts[s.facility_id, s.presentation_id][0] == zone}
        states.update(pool_states(db, there, local_day(now, zone)))
    carried = promised(db, facts.keys(), now, {session.day for session in sessions})
    loads = {each.session_id: each.load for each in carried.sessions}
    days = carried.days
    numbers = {}
    for session in sessions:
        pool = _pool(session)
        _, per_vial, whole_day = facts[session.facility_id, session.presentation_id]
        mine = loads.get(session.id, Load(session.live))
        load = shared(days.get((pool, session.day), DayLoad())) if whole_day else mine
        numbers[session.id] = _numbers(states[pool], session.day, load, per_vial)
    return numbers


def _pool(session: Drawing) -> Pool:
    return session.place_id or session.facility_id, session.presentation_id


def _numbers(state: PoolState, day: date, load: Load, per_vial: int) -> Numbers:
    rows = [row for row in state.rows if row.step <= day]
    if not rows or day < state.today:
        return Numbers(vials=0, needed=0, short=0, available=0, persons=0)
    tight: StepRow = min(rows, key=lambda row: (row.vials - row.needed, -row.step.toordinal()))
    available = max(0, tight.vials - tight.needed)
    # Doses left over in a vial count only where that vial itself is there.
    spare = 0 if tight.short else load.spare_doses + room_in_vials(load.persons, load.open_doses, per_vial)
    return Numbers(
        vials=tight.vials,
        needed=tight.needed,
        short=tight.short,
        available=available,
        persons=available * per_vial + spare,
    )


def _facts(db: Session, sessions: Sequence[Drawing]) -> dict[Anchor, tuple[str, int, bool]]:
    """Time zone, doses per vial, and whether opened vials serve the whole day, by facility and presentation."""
    zones = {
        row.id: row.timezone
        for row in db.execute(
            select(Facility.id, Facility.timezone).where(any_of(Facility.id, {s.facility_id for s in sessions}))
        )
    }
    vials = {
        row.id: (row.doses_per_vial, row.open_vial_days is not None)
        for row in db.execute(
            select(Presentation.id, Presentation.doses_per_vial, Presentation.open_vial_days).where(
                Presentation.id.in_({s.presentation_id for s in sessions})
            )
        )
    }
    return {(s.facility_id, s.presentation_id): (zones[s.facility_id], *vials[s.presentation_id]) for s in sessions}
