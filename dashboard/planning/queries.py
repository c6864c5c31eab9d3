"""The sessions of a facility's week, and where one may plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dashboard.frame.choices import Choices, choices
from dashboard.frame.listing import Listed, listed
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.network.queries import path_of
from tracker.network.rules.words import EquipmentKind
from tracker.quota.models import Claim, VaccinationSession
from tracker.quota.queries.numbers import Numbers, pool_numbers
from tracker.quota.queries.untold import Unreminded, unreminded, unreminded_at
from tracker.quota.service.copying import copy_of
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Account, Status

WEEK = timedelta(days=7)
FIRST_TO_CALL = 6
TO_CALL_FIELD = "belum"
MOST = 100
"""Sessions of a week that are read; of more the page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A session in the week's calendar; `numbers` of its pool, None where it is over or does not take place."""

    session: VaccinationSession
    product: str
    place: str | None
    numbers: Numbers | None

    @property
    def bookable(self) -> int:
        """How many more persons staff and vials can serve."""
        free = max(0, self.session.capacity - self.session.taken)
        return 0 if self.numbers is None else min(free, self.numbers.persons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Seven days from `monday` on; `more`: there are more sessions than are shown."""

    monday: date
    days: dict[date, list[Planned]]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCall:
    """Whom the last reminder of a next dose did not reach, some of `in_all`, as `turned` goes on."""

    people: Sequence[Unreminded]
    turned: Listed[Any]
    in_all: int


def to_call(db: Session, principal: Principal, facility_id: UUID, today: date, *, after: str) -> ToCall | None:
    """For who may see bookings there; None for anybody else. Raises BadCursor."""
    path = path_of(db, facility_id)
    if not principal.may(Permission.BOOKING_READ, path):
        return None
    query = unreminded_at(facility_id, today)
    turned = listed(
        db,
        [query],
        keys=[Claim.due_day, Claim.id],
        key_of=lambda row: [row.due_day.isoformat(), row.id],
        most=FIRST_TO_CALL,
        after=after,
        field=TO_CALL_FIELD,
    )
    return ToCall(
        people=[unreminded(principal, path, row) for row in turned.rows],
        turned=turned,
        in_all=db.scalar(select(func.count()).select_from(query.subquery())) or 0,
    )


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def week_of(db: Session, facility_id: UUID, monday: date, now: datetime) -> Week:
    """What is planned, was held and was called off in the week."""
    rows = db.execute(_between(facility_id, monday, monday + WEEK).limit(MOST + 1)).all()
    shown = rows[:MOST]
    coming = [row[0] for row in shown if row[0].closes_at > now and row[0].cancelled is None]
    numbers = pool_numbers(db, coming, now)
    days: dict[date, list[Planned]] = {monday + timedelta(days=number): [] for number in range(7)}
    for session, product, place in shown:
        days[session.day].append(
            Planned(session=session, product=product, place=place, numbers=numbers.get(session.id))
        )
    return Week(monday=monday, days=days, more=len(rows) > MOST)


def to_copy(db: Session, facility_id: UUID, monday: date, today: date) -> tuple[list[Planned], int]:
    """The sessions of the week before that took place and can be held again in this one: not past, not copied yet, nor alike.

    The first of them, and how many others come once these are copied.
    """
    rows = db.execute(_between(facility_id, monday - WEEK, monday)).all()
    there = _alike(db, facility_id, monday)
    found = [
        Planned(session=session, product=product, place=place, numbers=None)
        for session, product, place in rows
        if session.cancelled is None and session.day + WEEK >= today and not _has(there, session)
    ]
    return found[:MOST], max(0, len(found) - MOST)


def _alike(db: Session, facility_id: UUID, monday: date) -> set[object]:
    """By what a copy of the week before is known: its id, or its hours and product."""
    known: set[object] = set()
    for session, _, _ in db.execute(_between(facility_id, monday, monday + WEEK)):
        known.add(session.id)
        if session.cancelled is None:
            known.add((session.opens_at, session.presentation_id))
    return known


def _has(there: set[object], session: VaccinationSession) -> bool:
    alike = (session.opens_at + WEEK, session.presentation_id)
    return copy_of(session.id, session.day + WEEK) in there or alike in there


def _between(facility_id: UUID, first: date, end: date) -> Select[VaccinationSession, str, str | None]:
    return (
        select(VaccinationSession, Presentation.name, Equipment.name)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .outerjoin(Equipment, Equipment.id == VaccinationSession.place_id)
        .where(
            VaccinationSession.facility_id == facility_id,
            VaccinationSession.day >= first,
            VaccinationSession.day < end,
        )
        .order_by(VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id)
    )


def facilities_to_choose(db: Session, principal: Principal, said: str = "") -> Choices[Facility]:
    """Where the viewer may see sessions."""
    query = select(Facility).join(Unit, Unit.id == Facility.id)
    return choices(db, query.where(visible_to(principal, Unit.path, Permission.QUOTA_READ)), Facility, said=said)


def products_to_choose(db: Session, facility_id: UUID, said: str = "") -> Choices[Presentation]:
    """Every product, those first of which usable vials lie here."""
    here = (
        select(StockBalance.batch_id)
        .join(Batch, Batch.id == StockBalance.batch_id)
        .where(
            Batch.presentation_id == Presentation.id,
            StockBalance.facility_id == facility_id,
            StockBalance.account == Account.PLACE,
            StockBalance.status == Status.USABLE,
            StockBalance.vials > 0,
        )
        .correlate(Presentation)
        .exists()
    )
    return choices(db, select(Presentation), Presentation, said=said, first=[here.desc()])


def carriers_of(db: Session, facility_id: UUID) -> Sequence[Equipment]:
    """What can be taken along to a session elsewhere."""
    return db.scalars(
        select(Equipment)
        .where(
            Equipment.facility_id == facility_id,
            Equipment.in_service,
            Equipment.kind.in_((EquipmentKind.COLD_BOX, EquipmentKind.TRUCK)),
        )
        .order_by(Equipment.name)
    ).all()
