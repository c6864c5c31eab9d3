"""What a person was given and is due, wherever: for whoever treats them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Presentation, Vaccine
from tracker.network.models import Facility
from tracker.quota.models import Booking, Claim, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState, ClaimState


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A booking as whoever treats the person reads it: a dose given where `vaccinated_at` is known."""

    booking_id: UUID
    vaccine: str
    vaccine_name: str
    dose: int
    state: BookingState
    facility: str
    facility_name: str
    day: date
    vaccinated_at: datetime | None
    lot: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A claim to a further dose; `from_day` is the first on which it may be given."""

    vaccine: str
    dose: int
    facility: str
    from_day: date
    due_day: date
    last_day: date
    state: ClaimState


_WORTH_KNOWING = LIVE | {BookingState.VACCINATED, BookingState.DEFERRED, BookingState.REFUSED}
MOST = 100


def appointments_of(db: Session, person_id: UUID) -> list[Appointment]:
    """Doses given, bookings that stand and what screening stopped, the newest day first; no more than a hundred."""
    rows = db.execute(
        select(Booking, Vaccine.code, Vaccine.name, Facility.code, Facility.name, VaccinationSession.day, Batch.lot)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Vaccine, Vaccine.id == Booking.vaccine_id)
        .outerjoin(Batch, Batch.id == Booking.batch_id)
        .where(Booking.person_id == person_id, Booking.state.in_(_WORTH_KNOWING))
        .order_by(VaccinationSession.day.desc(), Booking.id.desc())
        .limit(MOST)
    )
    return [
        Appointment(
            booking_id=booking.id,
            vaccine=vaccine,
            vaccine_name=vaccine_name,
            dose=booking.dose,
            state=booking.state,
            facility=code,
            facility_name=name,
            day=day,
            vaccinated_at=booking.vaccinated_at,
            lot=lot,
        )
        for booking, vaccine, vaccine_name, code, name, day, lot in rows
    ]


def dues_of(db: Session, person_id: UUID) -> list[Due]:
    """Open claims, the earliest first."""
    rows = db.execute(
        select(Claim, Vaccine.code, Facility.code)
        .join(Facility, Facility.id == Claim.facility_id)
        .join(Presentation, Presentation.id == Claim.presentation_id)
        .join(Vaccine, Vaccine.id == Claim.vaccine_id)
        .where(Claim.person_id == person_id, Claim.state.in_((ClaimState.FUNDED, ClaimState.UNFUNDED)))
        .order_by(Claim.due_day, Claim.id)
    )
    return [
        Due(
            vaccine=vaccine,
            dose=claim.dose,
            facility=facility,
            from_day=claim.from_day,
            due_day=claim.due_day,
            last_day=claim.last_day,
            state=claim.state,
        )
        for claim, vaccine, facility in rows
    ]
