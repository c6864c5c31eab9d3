"""`GET /quota`: what may still be promised, as consumers read it. Numbers nobody types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, Select, column, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import at_or_below, unit_by_ref, visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation, Vaccine
from tracker.catalog.queries import presentation_by_ref
from tracker.database.types import any_of
from tracker.kit.days import earliest_day, latest_day
from tracker.network.models import Equipment, Facility, ServiceArea
from tracker.network.queries import facility_by_code_or_id, local_today
from tracker.quota.models import Bucket, VaccinationSession
from tracker.quota.queries.numbers import Numbers, pool_numbers
from tracker.quota.rules.buckets import Seats, open_to, serves_dose
from tracker.quota.rules.last_booking import last_booking
from tracker.quota.rules.words import BucketKind, SessionState

USUAL_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaAsked:
    """Filters: facility and product by id or code, area by unit code or area code, days inclusive.

    Without `from_day` each place's today, without `to_day` a fortnight after that.
    """

    from_day: date | None = None
    to_day: date | None = None
    facility: str | None = None
    area: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaItem:
    """One session, dose and bucket. `pool_*` in vials, `available` in persons."""

    facility: str
    facility_id: UUID
    session: UUID
    date: date
    product: str
    dose: int
    bucket: BucketKind
    capacity_left: int
    bucket_left: int
    pool: str
    pool_vials: int
    pool_needed: int
    pool_short: int
    pool_available: int
    available: int
    as_of: datetime


def quota_of(db: Session, rows: Sequence[Row[VaccinationSession, str, str, str]], *, now: datetime) -> list[QuotaItem]:
    """What may be promised of these rows of `sessions_asked`; five statements, however many there are."""
    sessions = [row[0] for row in rows]
    numbers = pool_numbers(db, sessions, now)
    seats = _seats(db, sessions)
    return [
        item
        for session, facility, product, place in rows
        for item in _items(
            session, facility, product, place, seats=seats.get(session.id, []), numbers=numbers[session.id], now=now
        )
    ]


def pool_name(facility: str, product: str, place: str | None) -> str:
    """By what a pool is known outside: sessions of one share their vials, and are never added up."""
    return f"{facility}:{product}" if place is None else f"{facility}:{product}:{place}"


def _items(
    session: VaccinationSession,
    facility: str,
    product: str,
    place: str | None,
    *,
    seats: list[Seats],
    numbers: Numbers,
    now: datetime,
) -> Iterator[QuotaItem]:
    open_still = last_booking(session.opens_at, session.closes_at) > now
    capacity_left = session.capacity - session.taken if open_still else 0
    for dose in session.doses:
        for seat in seats:
            if not serves_dose(seat.kind, dose):
                continue
            bucket_left = open_to(seats, seat.kind, now)
            yield QuotaItem(
                facility=facility,
                facility_id=session.facility_id,
                session=session.id,
                date=session.day,
                product=product,
                dose=dose,
                bucket=seat.kind,
                capacity_left=capacity_left,
                bucket_left=bucket_left,
                pool=pool_name(facility, product, place),
                pool_vials=numbers.vials,
                pool_needed=numbers.needed,
                pool_short=numbers.short,
                pool_available=numbers.available,
                available=max(0, min(capacity_left, bucket_left, numbers.persons)),
                as_of=now,
            )


def sessions_asked(
    db: Session, principal: Principal, asked: QuotaAsked, now: datetime
) -> Select[VaccinationSession, str, str, str]:
    """A select of (session, facility code, presentation code, code of its place or None), not ordered.

    Raises FacilityNotFound, PresentationNotFound.
    """
    start = local_today(now) if asked.from_day is None else literal(asked.from_day)
    end = start + USUAL_DAYS if asked.to_day is None else literal(asked.to_day)
    query = (
        select(VaccinationSession, Facility.code, Presentation.code, Equipment.code)
        .outerjoin(Equipment, Equipment.id == VaccinationSession.place_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .where(
            visible_to(principal, Unit.path, Permission.QUOTA_READ),
            VaccinationSession.day.between(start, end),
            VaccinationSession.day.between(*_around(asked, now)),
            VaccinationSession.state != SessionState.CLOSED,
        )
    )
    if asked.facility is not None:
        facility = facility_by_code_or_id(db, principal, asked.facility)
        query = query.where(VaccinationSession.facility_id == facility.id)
    if asked.area is not None:
        query = _within(db, query, asked.area)
    if asked.product is not None:
        query = _of_product(db, query, asked.product)
    return query


def _around(asked: QuotaAsked, now: datetime) -> tuple[date, date]:
    """Days between which every place's own lie: an index finds these, not those that each place reckons."""
    first = asked.from_day or earliest_day(now)
    last = asked.to_day or min((asked.from_day or latest_day(now)), date.max - timedelta(USUAL_DAYS)) + timedelta(
        USUAL_DAYS
    )
    return first, last


def _within(
    db: Session, query: Select[VaccinationSession, str, str, str], area: str
) -> Select[VaccinationSession, str, str, str]:
    """All below a unit of that code, or all facilities and sessions that stand in, or serve, an area whose code begins with it."""
    unit = unit_by_ref(db, area)
    if unit is not None:
        return query.where(at_or_below(Unit.path, [unit.path]))
    return query.where(
        or_(
            Facility.code_bps.startswith(area, autoescape=True),
            Facility.code_kemendagri.startswith(area, autoescape=True),
            exists().where(
                ServiceArea.facility_id == Facility.id, ServiceArea.area_code.startswith(area, autoescape=True)
            ),
            exists(
                select(literal(1))
                .select_from(func.unnest(VaccinationSession.areas).alias("planned_for"))
                .where(column("planned_for").startswith(area, autoescape=True))
            ),
        )
    )


def _of_product(
    db: Session, query: Select[VaccinationSession, str, str, str], product: str
) -> Select[VaccinationSession, str, str, str]:
    """A vaccine's code means all its presentations."""
    vaccine = db.scalar(select(Vaccine.id).where(Vaccine.code == product))
    if vaccine is not None:
        return query.where(VaccinationSession.vaccine_id == vaccine)
    return query.where(VaccinationSession.presentation_id == presentation_by_ref(db, product).id)


def _seats(db: Session, sessions: list[VaccinationSession]) -> dict[UUID, list[Seats]]:
    found: dict[UUID, list[Seats]] = {}
    rows = db.scalars(
        select(Bucket).where(any_of(Bucket.session_id, [s.id for s in sessions])).order_by(Bucket.session_id, Bucket.id)
    )
    for row in rows:
        seat = Seats(id=row.id, kind=row.kind, places=row.places, taken=row.taken, release_at=row.release_at)
        found.setdefault(row.session_id, []).append(seat)
    return found
