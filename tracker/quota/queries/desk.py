"""Who is at a session's desk, who is still expected, and what somebody has to be served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog.models import Presentation
from tracker.database.types import any_of
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.rules.nik import Sex
from tracker.quota.models import Booking, BookingStep, Claim, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState, ClaimState

WAITING = (BookingState.ARRIVED, BookingState.FIT)
"""Who has come and has not had the dose: to be screened, then to be vaccinated."""


class Guest(NamedTuple):
    """Somebody with a place in a session; `arrived_at`: None before, and for who was never told to have come."""

    booking: Booking
    name: str
    born: date
    sex: Sex
    arrived_at: datetime | None

    @property
    def number(self) -> int | None:
        """In the queue."""
        return self.booking.number


def guests_of(
    db: Session, session_id: UUID, states: Collection[BookingState], *, most: int, since: datetime | None = None
) -> list[Guest]:
    """Those in one of the states, by their number in the queue and then by name; vaccinated ones since an instant only."""
    arrived_at = (
        select(func.min(BookingStep.recorded_at))
        .where(BookingStep.booking_id == Booking.id, BookingStep.to_state == BookingState.ARRIVED)
        .scalar_subquery()
    )
    query = (
        select(Booking, Person.name, Person.birth_date, Person.sex, arrived_at)
        .join(Person, Person.id == Booking.person_id)
        .where(Booking.session_id == session_id, Booking.state.in_(states))
    )
    if since is not None:
        query = query.where(Booking.vaccinated_at >= since)
    rows = db.execute(query.order_by(Booking.number.nulls_last(), Person.name, Booking.id).limit(most))
    return [Guest(*row) for row in rows]


def number_of(booking: Booking) -> int | None:
    """The number of whoever waits at the desk; None before they came and once they need none."""
    return booking.number if booking.state in WAITING else None


def count_guests(db: Session, session_id: UUID) -> dict[BookingState, int]:
    """How many of a session stand in each state."""
    rows = db.execute(
        select(Booking.state, func.count()).where(Booking.session_id == session_id).group_by(Booking.state)
    )
    return {row[0]: int(row[1]) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place somebody has, here or elsewhere."""

    booking_id: UUID
    vaccine_id: UUID
    dose: int
    state: BookingState
    session_id: UUID
    facility: str
    product: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ToServe:
    """What somebody has to be served: live places, and the dose of a vaccine that comes next, with its claim where there is one.

    `put_off`: what screening said last, where it named a day that is still to come.
    """

    places: tuple[Place, ...]
    next_dose: int
    claim: Claim | None
    put_off: Booking | None


def to_serve(db: Session, person_ids: Collection[UUID], vaccine_id: UUID, day: date) -> dict[UUID, ToServe]:
    """By person, for a session of this vaccine on a day; four statements for however many."""
    places: dict[UUID, list[Place]] = defaultdict(list)
    rows = db.execute(
        select(Booking, VaccinationSession.day, Facility.name, Presentation.name)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .where(any_of(Booking.person_id, person_ids), Booking.state.in_(LIVE))
        .order_by(VaccinationSession.day, Booking.id)
    )
    for booking, held, facility, product in rows:
        places[booking.person_id].append(
            Place(
                booking_id=booking.id,
                vaccine_id=booking.vaccine_id,
                dose=booking.dose,
                state=booking.state,
                session_id=booking.session_id,
                facility=facility,
                product=product,
                day=held,
            )
        )
    given = {
        row[0]: int(row[1])
        for row in db.execute(
            select(Booking.person_id, func.max(Booking.dose))
            .where(
                any_of(Booking.person_id, person_ids),
                Booking.vaccine_id == vaccine_id,
                Booking.state == BookingState.VACCINATED,
            )
            .group_by(Booking.person_id)
        )
    }
    claims = {
        claim.person_id: claim
        for claim in db.scalars(
            select(Claim)
            .where(
                any_of(Claim.person_id, person_ids),
                Claim.vaccine_id == vaccine_id,
                Claim.state.in_((ClaimState.FUNDED, ClaimState.UNFUNDED)),
            )
            .order_by(Claim.dose.desc())
        )
    }
    put_off = _put_off(db, person_ids, vaccine_id, day)
    return {
        person_id: ToServe(
            places=tuple(places[person_id]),
            next_dose=claims[person_id].dose if person_id in claims else given.get(person_id, 0) + 1,
            claim=claims.get(person_id),
            put_off=put_off.get(person_id),
        )
        for person_id in person_ids
    }


def _put_off(db: Session, person_ids: Collection[UUID], vaccine_id: UUID, day: date) -> dict[UUID, Booking]:
    """By person what screening said last, where it named a day after this one."""
    query = (
        select(Booking)
        .where(
            any_of(Booking.person_id, person_ids),
            Booking.vaccine_id == vaccine_id,
            Booking.state == BookingState.DEFERRED,
            Booking.screening["until"].astext > day.isoformat(),
        )
        .order_by(Booking.changed_at, Booking.id)
    )
    return {booking.person_id: booking for booking in db.scalars(query)}
