"""Vaccination sessions with what they still offer, and the promises of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select, true, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import LateralFromClause

from dashboard.frame.listing import Listed, listed
from dashboard.quota.displaced import WAITING
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation, Vaccine
from tracker.database.types import any_of
from tracker.edge.paging import Key
from tracker.kit.days import earliest_day, latest_day
from tracker.network.models import Equipment, Facility
from tracker.network.queries import coordinates, local_today, not_past
from tracker.quota.models import Booking, Bucket, Displacement, VaccinationSession
from tracker.quota.queries.numbers import Numbers, pool_numbers
from tracker.quota.queries.quota import pool_name
from tracker.quota.rules.buckets import Seats, open_to
from tracker.quota.rules.words import SessionState
from tracker.stock.models import Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session; seats in persons, `pool_*` in vials and shared with other sessions of the same `pool`."""

    id: UUID
    facility_id: UUID
    facility: str
    facility_code: str
    zone: str
    lat: float | None
    lon: float | None
    product: str
    vaccine: str
    vaccine_code: str
    doses: tuple[int, ...]
    day: date
    opens_at: datetime
    closes_at: datetime
    state: str
    capacity: int
    taken: int
    live: int
    numbers: Numbers
    buckets: tuple[tuple[str, int], ...]
    """Kind of bucket and places open to it now."""
    pool: str

    @property
    def capacity_left(self) -> int:
        """Places the staff still have."""
        return max(0, self.capacity - self.taken)

    @property
    def persons(self) -> int:
        """How many more persons staff and vials together can serve, whatever their bucket."""
        return min(self.capacity_left, self.numbers.persons)

    @property
    def lacking(self) -> bool:
        """Whether vials lack for what was promised, or for any of the places the staff still have."""
        return self.numbers.short > 0 or (self.capacity_left > 0 and self.persons == 0)


def _sessions(*where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(VaccinationSession, Facility, *coordinates(), Presentation, Vaccine, Equipment.code)
        .outerjoin(Equipment, Equipment.id == VaccinationSession.place_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .join(Vaccine, Vaccine.id == VaccinationSession.vaccine_id)
        .where(VaccinationSession.state != SessionState.CLOSED, *where)
    )


_BY_DAY = (VaccinationSession.day, Facility.name, VaccinationSession.opens_at, VaccinationSession.id)


def _left(now: datetime) -> LateralFromClause:
    """Beside a session: `vials` of its pool that are left to promise for its day, reckoned once for order and place in the list."""
    reached = (
        select(
            (Availability.vials - Availability.needed).label("left"),
            Availability.step,
            # Of the steps passed already the last one binds.
            func.max(Availability.step).filter(Availability.step <= local_today(now)).over().label("binding"),
        )
        .where(
            Availability.pool_id == func.coalesce(VaccinationSession.place_id, VaccinationSession.facility_id),
            Availability.presentation_id == VaccinationSession.presentation_id,
            Availability.step <= VaccinationSession.day,
        )
        .correlate(VaccinationSession, Facility)
        .subquery("reached")
    )
    fewest = func.coalesce(func.min(reached.c.left), 0).label("vials")
    return select(fewest).where(reached.c.step >= func.coalesce(reached.c.binding, date.min)).lateral("pool_left")


def _rows(db: Session, query: Select[Any], now: datetime) -> Iterator[SessionRow]:
    return _told(db, db.execute(query).all(), now)


def _told(db: Session, found: Sequence[Any], now: datetime) -> Iterator[SessionRow]:
    """What is to be said of the rows of `_sessions`."""
    sessions = [row[0] for row in found]
    numbers = pool_numbers(db, sessions, now)
    seats = _seats(db, [session.id for session in sessions])
    for session, facility, lon, lat, presentation, vaccine, place in found:
        mine = seats.get(session.id, [])
        yield SessionRow(
            id=session.id,
            facility_id=facility.id,
            facility=facility.name,
            facility_code=facility.code,
            zone=facility.timezone,
            lat=lat,
            lon=lon,
            product=presentation.name,
            vaccine=vaccine.name,
            vaccine_code=vaccine.code,
            doses=tuple(session.doses),
            day=session.day,
            opens_at=session.opens_at,
            closes_at=session.closes_at,
            state=session.state.value,
            capacity=session.capacity,
            taken=session.taken,
            live=session.live,
            numbers=numbers[session.id],
            buckets=tuple((seat.kind.value, open_to(mine, seat.kind, now)) for seat in mine),
            pool=pool_name(facility.code, presentation.code, place),
        )


def _seats(db: Session, ids: Sequence[UUID]) -> dict[UUID, list[Seats]]:
    found: dict[UUID, list[Seats]] = {}
    for row in db.scalars(select(Bucket).where(any_of(Bucket.session_id, ids)).order_by(Bucket.session_id, Bucket.id)):
        found.setdefault(row.session_id, []).append(
            Seats(id=row.id, kind=row.kind, places=row.places, taken=row.taken, release_at=row.release_at)
        )
    return found


def sessions_visible_to(
    db: Session,
    principal: Principal,
    now: datetime,
    *,
    ahead: timedelta,
    facility_id: UUID | None = None,
    vaccine: str | None = None,
    limit: int = 100,
) -> list[SessionRow]:
    """Sessions from today (at the place) to whole days `ahead`, by day and facility."""
    where = [
        visible_to(principal, Unit.path, Permission.QUOTA_READ),
        VaccinationSession.day.between(earliest_day(now), latest_day(now) + ahead),
        VaccinationSession.day >= local_today(now),
        VaccinationSession.day <= local_today(now) + ahead.days,
    ]
    if facility_id is not None:
        where.append(Facility.id == facility_id)
    if vaccine:
        where.append(Vaccine.code == vaccine)
    return list(_rows(db, _sessions(*where).order_by(*_BY_DAY).limit(limit), now))


SessionKey = tuple[date, str, UUID]
"""Day, facility's name, id: where a long list goes on."""


def next_sessions(
    db: Session, principal: Principal, now: datetime, *, ahead: timedelta, after: SessionKey | None, limit: int
) -> tuple[list[SessionRow], SessionKey | None]:
    """The next sessions by day and facility, and the key behind which more stand; None where there are no more."""
    where = [
        visible_to(principal, Unit.path, Permission.QUOTA_READ),
        VaccinationSession.day.between(earliest_day(now), latest_day(now) + ahead),
        VaccinationSession.day.between(local_today(now), local_today(now) + ahead.days),
    ]
    key = (VaccinationSession.day, Facility.name, VaccinationSession.id)
    if after is not None:
        where += [VaccinationSession.day >= after[0], tuple_(*key) > tuple_(*(literal(value) for value in after))]
    rows = list(_rows(db, _sessions(*where).order_by(*key).limit(limit), now))
    last = (rows[-1].day, rows[-1].facility, rows[-1].id) if len(rows) == limit else None
    return rows, last


def sessions_on(
    db: Session, principal: Principal, now: datetime, day: date, *, most: int, after: str = ""
) -> Listed[SessionRow]:
    """A page of the sessions of one day, those first whose pool has the least left; raises BadCursor."""
    query = _sessions(
        visible_to(principal, Unit.path, Permission.QUOTA_READ),
        VaccinationSession.day == day,
        not_past(VaccinationSession.day, now),
    )
    left = _left(now)
    keys: list[Key] = [left.c.vials, Facility.name, VaccinationSession.id]
    turned = listed(
        db,
        [query.join(left, true()).add_columns(left.c.vials)],
        keys=keys,
        key_of=lambda row: [row.vials, row[1].name, row[0].id],
        most=most,
        after=after,
    )
    rows = list(_told(db, [row[:-1] for row in turned.rows], now))
    return Listed(rows=rows, onward=turned.onward, begun=turned.begun)


def count_by_day(db: Session, principal: Principal, now: datetime, *, ahead: timedelta) -> dict[date, int]:
    """How many sessions there are on each day from today (at the place) to whole days `ahead`, by day."""
    rows = db.execute(
        select(VaccinationSession.day, func.count())
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .where(
            visible_to(principal, Unit.path, Permission.QUOTA_READ),
            VaccinationSession.state != SessionState.CLOSED,
            VaccinationSession.day.between(earliest_day(now), latest_day(now) + ahead),
            VaccinationSession.day.between(local_today(now), local_today(now) + ahead.days),
        )
        .group_by(VaccinationSession.day)
        .order_by(VaccinationSession.day)
    )
    return {row[0]: int(row[1]) for row in rows}


def session_by_id(db: Session, session_id: UUID, now: datetime) -> SessionRow | None:
    """One session that is still to come or going on; None otherwise. For citizens: every session is public."""
    query = _sessions(VaccinationSession.id == session_id, VaccinationSession.closes_at > now)
    return next(_rows(db, query, now), None)


def vaccines_with_sessions(db: Session, now: datetime) -> list[tuple[str, str]]:
    """(code, name) of vaccines with a session to come; of each one session is looked for."""
    one = (
        select(VaccinationSession.id)
        .where(
            VaccinationSession.vaccine_id == Vaccine.id,
            VaccinationSession.state != SessionState.CLOSED,
            VaccinationSession.day >= earliest_day(now),
            VaccinationSession.closes_at > now,
        )
        .order_by(VaccinationSession.day)
        .limit(1)
        .correlate(Vaccine)
        .lateral("one")
    )
    query = select(Vaccine.code, Vaccine.name).join(one, true()).order_by(Vaccine.name)
    return [(row.code, row.name) for row in db.execute(query)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Today's bookings of the caller's subtree, and displaced persons who have no answer yet."""

    sessions: int
    live: int
    vaccinated: int
    displaced: int


def promises_today(db: Session, principal: Principal, now: datetime) -> Promises:
    """Counts for the overview."""
    seen = visible_to(principal, Unit.path, Permission.QUOTA_READ)
    # Said as days, too: what is today somewhere is found by an index, and then asked of the place.
    today = VaccinationSession.day.between(earliest_day(now), latest_day(now)) & (
        VaccinationSession.day == local_today(now)
    )
    sessions, live, vaccinated = db.execute(
        select(func.count(), func.sum(VaccinationSession.live), func.sum(VaccinationSession.vaccinated))
        .select_from(VaccinationSession)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .where(seen, today)
    ).one()
    displaced = db.scalar(
        select(func.count())
        .select_from(Displacement)
        .join(Booking, Booking.id == Displacement.booking_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(seen, Displacement.state.in_(WAITING))
    )
    return Promises(sessions=sessions, live=int(live or 0), vaccinated=int(vaccinated or 0), displaced=displaced or 0)
