"""What a pool's promises need, and keeping the stock room's book of it in step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tracker.catalog.models import Presentation
from tracker.network.models import Facility
from tracker.quota.models import Claim
from tracker.quota.rules.need import DayLoad, Load, vials_of_day
from tracker.quota.rules.words import ClaimState
from tracker.stock.queries.availability import need_by_day
from tracker.stock.service.availability import release, reserve
from tracker.stock.service.reading import lock_anchors


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFacts:
    """A pool and what its arithmetic needs; `today` is the facility's local day."""

    facility_id: UUID
    presentation_id: UUID
    vaccine_id: UUID
    vaccine_code: str
    doses_per_vial: int
    whole_day: bool
    today: date
    timezone: str


def pool_facts(db: Session, facility_id: UUID, presentation_id: UUID, now: datetime) -> PoolFacts:
    """The facts of one pool; both ids are known to exist."""
    row = db.execute(
        text(
            "SELECT f.timezone, p.vaccine_id, v.code, p.doses_per_vial, p.open_vial_days FROM facility f, presentation p "
            "JOIN vaccine v ON v.id = p.vaccine_id WHERE f.id = :facility AND p.id = :presentation"
        ),
        {"facility": facility_id, "presentation": presentation_id},
    ).one()
    return PoolFacts(
        facility_id=facility_id,
        presentation_id=presentation_id,
        vaccine_id=row.vaccine_id,
        vaccine_code=row.code,
        doses_per_vial=row.doses_per_vial,
        whole_day=row.open_vial_days is not None,
        today=now.astimezone(ZoneInfo(row.timezone)).date(),
        timezone=row.timezone,
    )


def lock_pool(db: Session, pool: PoolFacts) -> None:
    """Take the pool's anchor: from here on nobody else changes its promises or its vials."""
    db.flush()
    lock_anchors(db, {(pool.facility_id, pool.presentation_id)})


# Doses left in vials opened for a session that may still be used now.
_LOADS = text(
    """
    SELECT s.id, s.day, s.live, coalesce(o.doses, 0) AS open_doses
    FROM vaccination_session s
    LEFT JOIN LATERAL (
        SELECT sum(v.remaining)::int AS doses FROM open_vial v
        JOIN batch b ON b.id = v.batch_id
        WHERE v.facility_id = s.facility_id AND v.session_id = s.id AND b.presentation_id = s.presentation_id
          AND v.closed_at IS NULL AND v.status = 'usable' AND v.discard_by > :now
    ) o ON true
    WHERE s.facility_id = :facility AND s.presentation_id = :presentation AND s.state <> 'closed'
      AND (CAST(:days AS date[]) IS NULL OR s.day = ANY(CAST(:days AS date[])))
    ORDER BY s.day, s.id
    """
)


@dataclass(frozen=True, slots=True)
class SessionLoad:
    """One session's part of its day."""

    session_id: UUID
    day: date
    load: Load


def session_loads(
    db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None
) -> list[SessionLoad]:
    """What every session of the pool that is not closed carries; all days when `days` is None."""
    rows = db.execute(
        _LOADS,
        {
            "facility": pool.facility_id,
            "presentation": pool.presentation_id,
            "now": now,
            "days": None if days is None else list(days),
        },
    )
    return [SessionLoad(row.id, row.day, Load(row.live, row.open_doses)) for row in rows]


def funded_claims(db: Session, pool: PoolFacts, days: Collection[date] | None = None) -> dict[date, int]:
    """Claims that vials are counted for, by due day."""
    query = select(Claim.due_day, func.count()).where(
        Claim.facility_id == pool.facility_id,
        Claim.presentation_id == pool.presentation_id,
        Claim.state == ClaimState.FUNDED,
    )
    if days is not None:
        query = query.where(Claim.due_day.in_(list(days)))
    return {row[0]: row[1] for row in db.execute(query.group_by(Claim.due_day))}


def needed_by_day(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> dict[date, int]:
    """Vials the promises of each day need, as they stand in this transaction."""
    db.flush()
    loads: dict[date, list[Load]] = defaultdict(list)
    for each in session_loads(db, pool, now, days):
        loads[each.day].append(each.load)
    claims = funded_claims(db, pool, days)
    return {
        day: vials_of_day(
            DayLoad(sessions=tuple(loads.get(day, ())), claims=claims.get(day, 0)),
            pool.doses_per_vial,
            whole_day=pool.whole_day,
        )
        for day in {*loads, *claims, *(days or ())}
    }


def drift(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> dict[date, int]:
    """By how many vials the promises of each day differ from what the stock room has noted."""
    wanted = needed_by_day(db, pool, now, days)
    noted = need_by_day(db, pool.facility_id, pool.presentation_id)
    asked = set(wanted) if days is not None else {*wanted, *noted}
    deltas = {day: wanted.get(day, 0) - noted.get(day, 0) for day in asked}
    return {day: delta for day, delta in deltas.items() if delta}


def settle(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> None:
    """Note what the promises need now; the pool is locked. Raises stock's NotAvailable when vials are missing.

    A day that has passed needs no more than was noted: a session of last night that nobody has closed yet, whose
    opened vial has run out since, must not keep anybody from booking today.
    """
    wanted = drift(db, pool, now, days)
    deltas = {day: vials for day, vials in wanted.items() if vials < 0 or day >= pool.today}
    reserve(db, pool.facility_id, pool.presentation_id, deltas, today=pool.today)


def give_back(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> None:
    """Note where less is needed, and only that: giving back can never be refused."""
    less = {day: -delta for day, delta in drift(db, pool, now, days).items() if delta < 0}
    release(db, pool.facility_id, pool.presentation_id, less, today=pool.today)


def timezone_of(facility: Facility) -> ZoneInfo:
    """The clock of the facility's wall."""
    return ZoneInfo(facility.timezone)


def is_whole_day(presentation: Presentation) -> bool:
    """Whether opened vials keep for days, so that all sessions of a day share them."""
    return presentation.open_vial_days is not None
