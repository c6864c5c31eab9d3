"""What anybody may know of a facility's vaccinations: doses by batch and day, put off and called off; nobody is named."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from tracker.access.rules import UnitKind
from tracker.catalog.models import Batch
from tracker.network.models import Facility
from tracker.network.queries import coordinates
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState

_VACCINATES = (UnitKind.PUSKESMAS, UnitKind.POSYANDU, UnitKind.HOSPITAL, UnitKind.POST)
_GIVEN = (BookingState.VACCINATED,)
_PUT_OFF = (BookingState.DEFERRED,)
_CALLED_OFF = (BookingState.CANCELLED, BookingState.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many, of all doses, of the first and of the second."""

    all: int
    first: int
    second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTally:
    """One day of a facility with one lot; `lot` is None for who was given nothing."""

    day: date
    lot: str | None
    given: Tally
    put_off: Tally
    called_off: Tally


def facilities_for_public(city: str | None) -> Select[Facility, float | None, float | None]:
    """A select of (facility, longitude, latitude) of those that vaccinate, of one city (Kemendagri's code with a dot, BPS's without) or all."""
    query = select(Facility, *coordinates()).where(Facility.kind.in_(_VACCINATES))
    if city is None:
        return query
    digits = city.replace(".", "")
    dotted = f"{digits[:2]}.{digits[2:]}"
    if "." in city:
        return query.where(Facility.code_kemendagri.startswith(dotted))
    # In Jakarta the two name different cities by the same digits: BPS's count where a facility has one.
    of_kemendagri = Facility.code_bps.is_(None) & Facility.code_kemendagri.startswith(dotted)
    return query.where(or_(Facility.code_bps.startswith(digits), of_kemendagri))


def tallies_of(db: Session, facilities: Collection[UUID], first: date, last: date) -> dict[UUID, Sequence[DayTally]]:
    """The days of these facilities from `first` to `last` on which anything was given, put off or called off; one statement."""
    groups = (_GIVEN, _PUT_OFF, _CALLED_OFF)
    columns = [_count(states, dose) for states in groups for dose in (None, 1, 2)]
    rows = db.execute(
        select(VaccinationSession.facility_id, VaccinationSession.day, Batch.lot, *columns)
        .join(Booking, Booking.session_id == VaccinationSession.id)
        .outerjoin(Batch, Batch.id == Booking.batch_id)
        .where(
            VaccinationSession.facility_id.in_(facilities),
            VaccinationSession.day.between(first, last),
            Booking.state.in_([state for states in groups for state in states]),
        )
        .group_by(VaccinationSession.facility_id, VaccinationSession.day, Batch.lot)
        .order_by(VaccinationSession.facility_id, VaccinationSession.day.desc(), Batch.lot)
    )
    found: dict[UUID, list[DayTally]] = {}
    for facility, day, lot, *counts in rows:
        given, put_off, called_off = (
            Tally(all=counts[n], first=counts[n + 1], second=counts[n + 2]) for n in (0, 3, 6)
        )
        one = DayTally(day=day, lot=lot, given=given, put_off=put_off, called_off=called_off)
        found.setdefault(facility, []).append(one)
    return dict(found)


def _count(states: tuple[BookingState, ...], dose: int | None) -> Any:
    counted = Booking.state.in_(states)
    return func.count().filter(counted if dose is None else counted & (Booking.dose == dose))
