"""What a pool's promises need, and keeping the stock room's book of it in step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tracker.database.hot import ask
from tracker.kit.days import local_day
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.loads import AS_JSON, Promised, asked_of, promised, promised_by
from tracker.quota.rules.need import DayLoad, vials_of_day
from tracker.quota.rules.sharing import Opened
from tracker.quota.rules.words import SessionState
from tracker.stock.queries.availability import NOTED, Pool, PoolBook, book_of, need_by_day
from tracker.stock.service.availability import release, reserve
from tracker.stock.service.reading import Anchor, lock_anchors


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFacts:
    """A pool and what its arithmetic needs; `today` is the facility's local day.

    What lies in the facility's stores, or with a `place_id` in the equipment that sessions take along.
    """

    facility_id: UUID
    presentation_id: UUID
    place_id: UUID | None
    vaccine_id: UUID
    vaccine_code: str
    doses_per_vial: int
    open_vial_hours: int | None
    open_vial_days: int | None
    today: date
    timezone: str

    @property
    def whole_day(self) -> bool:
        """Whether vials keep for days once open, and all of a day share them."""
        return self.open_vial_days is not None

    @property
    def key(self) -> Pool:
        """By what the stock room knows the pool: facility or place, and presentation."""
        return self.place_id or self.facility_id, self.presentation_id

    @property
    def anchor(self) -> Anchor:
        """The lock of all pools of a presentation at a facility."""
        return self.facility_id, self.presentation_id

    @property
    def stores(self) -> PoolFacts:
        """The pool of the facility's stores."""
        return replace(self, place_id=None)


def pool_facts(db: Session, facility_id: UUID, presentation_id: UUID, now: datetime) -> PoolFacts:
    """The facts of the pool of a facility's stores; both ids are known to exist."""
    row = db.execute(
        text(
            "SELECT f.timezone, p.vaccine_id, v.code, p.doses_per_vial, p.open_vial_hours, "
            "p.open_vial_days FROM facility f, presentation p "
            "JOIN vaccine v ON v.id = p.vaccine_id WHERE f.id = :facility AND p.id = :presentation"
        ),
        {"facility": facility_id, "presentation": presentation_id},
    ).one()
    return PoolFacts(
        facility_id=facility_id,
        presentation_id=presentation_id,
        place_id=None,
        vaccine_id=row.vaccine_id,
        vaccine_code=row.code,
        doses_per_vial=row.doses_per_vial,
        open_vial_hours=row.open_vial_hours,
        open_vial_days=row.open_vial_days,
        today=local_day(now, row.timezone),
        timezone=row.timezone,
    )


def pool_of(db: Session, session: VaccinationSession, now: datetime) -> PoolFacts:
    """The facts of the pool that a session draws from."""
    stores = pool_facts(db, session.facility_id, session.presentation_id, now)
    return replace(stores, place_id=session.place_id)


def pools_beside(db: Session, pool: PoolFacts) -> list[PoolFacts]:
    """The stores' pool and those that sessions still to be held draw from, of a facility and presentation; it is locked."""
    db.flush()
    places = db.scalars(
        select(VaccinationSession.place_id)
        .where(
            VaccinationSession.facility_id == pool.facility_id,
            VaccinationSession.presentation_id == pool.presentation_id,
            VaccinationSession.place_id.is_not(None),
            VaccinationSession.state != SessionState.CLOSED,
        )
        .distinct()
    )
    return [pool.stores, *(replace(pool, place_id=place) for place in sorted(filter(None, places)))]


def lock_pool(db: Session, pool: PoolFacts) -> None:
    """Take the pool's anchor: from here on nobody else changes its promises or its vials."""
    db.flush()
    lock_anchors(db, {pool.anchor})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A pool as it stands behind its lock, read at once: what is promised, what the stock room has noted, who waits for it."""

    pool: PoolFacts
    promised: Promised
    book: PoolBook
    claims_wait: bool


_STANDING = f"""
    SELECT json_build_object(
        'facts', (
            SELECT json_build_object(
                'timezone', f.timezone, 'vaccine_id', p.vaccine_id, 'vaccine_code', v.code, 'doses_per_vial', p.doses_per_vial,
                'open_vial_hours', p.open_vial_hours, 'open_vial_days', p.open_vial_days)
            FROM facility f, presentation p JOIN vaccine v ON v.id = p.vaccine_id
            WHERE f.id = %(facility)s AND p.id = %(presentation)s
        ),
        'claims_wait', EXISTS (
            SELECT FROM dose_claim
            WHERE facility_id = %(facility)s AND presentation_id = %(presentation)s AND state = 'unfunded'
        ),
        'promised', ({AS_JSON}), {NOTED})::text
"""


def stand_of(db: Session, facility_id: UUID, presentation_id: UUID, place_id: UUID | None, now: datetime) -> Standing:
    """A pool in one statement; its anchor is locked, and whoever is about to write what is counted has written it."""
    anchor = (facility_id, presentation_id)
    asked = {
        "facility": facility_id,
        "presentation": presentation_id,
        "pool": place_id or facility_id,
        **asked_of([anchor], now, None),
    }
    found = ask(db.connection(), _STANDING, asked)
    facts = found["facts"]
    return Standing(
        pool=PoolFacts(
            facility_id=facility_id,
            presentation_id=presentation_id,
            place_id=place_id,
            today=local_day(now, facts["timezone"]),
            **{**facts, "vaccine_id": UUID(facts["vaccine_id"])},
        ),
        promised=promised_by(found["promised"], [anchor], now),
        book=book_of(found),
        claims_wait=found["claims_wait"],
    )


def needed_by_day(
    db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None, *, also: Opened | None = None
) -> dict[date, int]:
    """Vials the promises of each day need, as they stand in this transaction; `also` is a vial about to be opened."""
    db.flush()
    carried = promised(db, {pool.anchor}, now, days, also=None if also is None else {pool.anchor: also})
    return _needed(pool, carried, days)


def _needed(pool: PoolFacts, carried: Promised, days: Collection[date] | None) -> dict[date, int]:
    loads = carried.days
    return {
        day: vials_of_day(loads.get((pool.key, day), DayLoad()), pool.doses_per_vial, whole_day=pool.whole_day)
        for day in {*(day for key, day in loads if key == pool.key), *(days or ())}
    }


def drift(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> dict[date, int]:
    """By how many vials the promises of each day differ from what the stock room has noted."""
    return _drift(needed_by_day(db, pool, now, days), need_by_day(db, *pool.key), days)


def _drift(wanted: Mapping[date, int], noted: Mapping[date, int], days: Collection[date] | None) -> dict[date, int]:
    asked = set(wanted) if days is not None else {*wanted, *noted}
    deltas = {day: wanted.get(day, 0) - noted.get(day, 0) for day in asked}
    return {day: delta for day, delta in deltas.items() if delta}


def settle(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> None:
    """Note what the promises need now; the pool is locked. Raises stock's NotAvailable when vials are missing.

    A day that has passed needs no more than was noted: a session of last night that nobody has closed yet, whose
    opened vial has run out since, must not keep anybody from booking today.
    """
    _note(db, pool, drift(db, pool, now, days))


def settle_as(db: Session, standing: Standing) -> None:
    """What `settle` does, of a pool that was read as it stands."""
    wanted = _drift(_needed(standing.pool, standing.promised, None), standing.book.need, None)
    _note(db, standing.pool, wanted, standing.book)


def _note(db: Session, pool: PoolFacts, wanted: Mapping[date, int], book: PoolBook | None = None) -> None:
    deltas = {day: vials for day, vials in wanted.items() if vials < 0 or day >= pool.today}
    reserve(db, *pool.anchor, deltas, today=pool.today, place_id=pool.place_id, book=book)


def give_back(db: Session, pool: PoolFacts, now: datetime, days: Collection[date] | None = None) -> None:
    """Note where less is needed, and only that: giving back can never be refused."""
    less = {day: -delta for day, delta in drift(db, pool, now, days).items() if delta < 0}
    release(db, *pool.anchor, less, today=pool.today, place_id=pool.place_id)
