"""What the pools behind sessions still bear, for many sessions in three statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from tracker.catalog.models import Presentation
from tracker.network.models import Facility
from tracker.quota.models import Claim, VaccinationSession
from tracker.quota.rules.need import DayLoad, Load, room_in_vials, shared
from tracker.quota.rules.words import ClaimState
from tracker.stock.queries.availability import Pool, PoolState, StepRow, pool_states


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


def pool_numbers(db: Session, sessions: Sequence[VaccinationSession], now: datetime) -> dict[UUID, Numbers]:
    """The numbers of each session, by its id."""
    if not sessions:
        return {}
    facts = _facts(db, sessions)
    zones = {zone for zone, _, _ in facts.values()}
    pools = {(s.facility_id, s.presentation_id) for s in sessions}
    states: dict[Pool, PoolState] = {}
    for zone in zones:
        there = {pool for pool in pools if facts[pool][0] == zone}
        states.update(pool_states(db, there, now.astimezone(ZoneInfo(zone)).date()))
    loads, days = _loads(db, pools, now)
    numbers = {}
    for session in sessions:
        pool = (session.facility_id, session.presentation_id)
        _, per_vial, whole_day = facts[pool]
        mine = loads.get(session.id, Load(session.live))
        load = shared(days[pool, session.day]) if whole_day else mine
        numbers[session.id] = _numbers(states[pool], session.day, load, per_vial)
    return numbers


def _numbers(state: PoolState, day: date, load: Load, per_vial: int) -> Numbers:
    rows = [row for row in state.rows if row.step <= day]
    if not rows or day < state.today:
        return Numbers(vials=0, needed=0, short=0, available=0, persons=0)
    tight: StepRow = min(rows, key=lambda row: (row.vials - row.needed, -row.step.toordinal()))
    available = max(0, tight.vials - tight.needed)
    # Doses left over in a vial count only where that vial itself is there.
    spare = 0 if tight.short else max(0, room_in_vials(load.persons, load.open_doses, per_vial))
    return Numbers(
        vials=tight.vials,
        needed=tight.needed,
        short=tight.short,
        available=available,
        persons=available * per_vial + spare,
    )


def _facts(db: Session, sessions: Sequence[VaccinationSession]) -> dict[Pool, tuple[str, int, bool]]:
    """Time zone, doses per vial, and whether opened vials serve the whole day, by pool."""
    zones = {
        row.id: row.timezone
        for row in db.execute(
            select(Facility.id, Facility.timezone).where(Facility.id.in_({s.facility_id for s in sessions}))
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


_LOADS = text(
    """
    SELECT s.id, s.facility_id, s.presentation_id, s.day, s.live,
           coalesce(sum(v.remaining) FILTER (WHERE b.presentation_id = s.presentation_id), 0)::int AS open_doses
    FROM vaccination_session s
    LEFT JOIN open_vial v ON v.facility_id = s.facility_id AND v.session_id = s.id AND v.closed_at IS NULL
         AND v.status = 'usable' AND v.discard_by > :now
    LEFT JOIN batch b ON b.id = v.batch_id
    WHERE s.state <> 'closed' AND (s.facility_id, s.presentation_id) IN (
        SELECT * FROM unnest(CAST(:facilities AS uuid[]), CAST(:presentations AS uuid[]))
    )
    GROUP BY s.id
    """
)


def _loads(db: Session, pools: set[Pool], now: datetime) -> tuple[dict[UUID, Load], dict[tuple[Pool, date], DayLoad]]:
    """Loads by session, and whole days by pool."""
    listed = sorted(pools)
    by_session: dict[UUID, Load] = {}
    by_day: dict[tuple[Pool, date], list[Load]] = defaultdict(list)
    rows = db.execute(
        _LOADS, {"now": now, "facilities": [f for f, _ in listed], "presentations": [p for _, p in listed]}
    )
    for row in rows:
        load = Load(row.live, row.open_doses)
        by_session[row.id] = load
        by_day[(row.facility_id, row.presentation_id), row.day].append(load)
    claims = {
        ((row[0], row[1]), row[2]): row[3]
        for row in db.execute(
            select(Claim.facility_id, Claim.presentation_id, Claim.due_day, func.count())
            .where(Claim.state == ClaimState.FUNDED, tuple_(Claim.facility_id, Claim.presentation_id).in_(listed))
            .group_by(Claim.facility_id, Claim.presentation_id, Claim.due_day)
        )
    }
    days: dict[tuple[Pool, date], DayLoad] = defaultdict(DayLoad)
    for key in {*by_day, *claims}:
        days[key] = DayLoad(sessions=tuple(by_day.get(key, ())), claims=claims.get(key, 0))
    return by_session, days
