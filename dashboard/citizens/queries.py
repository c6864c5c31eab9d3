"""One's own booking, and what follows from it. No person's data but one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Vaccine
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.network.queries import coordinates
from tracker.network.rules.distance import Point
from tracker.quota.models import Booking, Claim, Displacement, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState, ClaimState, OfferState
from tracker.registration.errors import TicketNotFound

MOST_DOSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDose:
    """The dose after the one that was given: its number, and the days between which it is due."""

    dose: int
    from_day: date
    due_day: date
    last_day: date
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A booking with its session. `offered`: what was offered when it was displaced; `is_offer`: it is such an offer itself.

    `next` is known once the dose was given, `booked_next` when the one after it is booked or was given.
    """

    booking: Booking
    session: VaccinationSession
    facility: str
    vaccine: str
    zone: str
    point: Point | None
    lot: str | None
    offered: UUID | None = None
    is_offer: bool = False
    next: NextDose | None = None
    booked_next: UUID | None = None


def ticket(db: Session, booking_id: UUID) -> Ticket:
    """One's own booking; raises TicketNotFound."""
    row = db.execute(_tickets().where(Booking.id == booking_id)).first()
    if row is None:
        raise TicketNotFound
    booking: Booking = row[0]
    displaced = db.execute(
        select(Displacement.booking_id, Displacement.offer_id).where(
            ((Displacement.booking_id == booking_id) & (Displacement.state == OfferState.OFFERED))
            | (Displacement.offer_id == booking_id)
        )
    ).all()
    claim = None
    if booking.state is BookingState.VACCINATED:
        claim = db.scalar(
            select(Claim)
            .where(Claim.given_booking_id == booking_id, Claim.state != ClaimState.WITHDRAWN)
            .order_by(Claim.made_at.desc(), Claim.id)
            .limit(1)
        )
    return _ticket(
        row,
        offered=next((one.offer_id for one in displaced if one.booking_id == booking_id), None),
        is_offer=any(one.offer_id == booking_id for one in displaced),
        claim=claim,
        booked_next=None if claim is None else _booked(db, claim),
    )


def given_before(db: Session, booking: Booking) -> UUID | None:
    """The booking of the dose before, from whose ticket this one is booked again; None for a first dose."""
    return db.scalar(
        select(Booking.id)
        .where(
            Booking.person_id == booking.person_id,
            Booking.vaccine_id == booking.vaccine_id,
            Booking.dose == booking.dose - 1,
            Booking.state == BookingState.VACCINATED,
        )
        .order_by(Booking.made_at.desc(), Booking.id)
        .limit(1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """A dose somebody has had, on the day of its place."""

    vaccine: str
    dose: int
    day: date
    facility: str
    lot: str | None


def doses_before(db: Session, booking: Booking) -> list[Had]:
    """What the owner of a booking has had besides it, the newest first."""
    given = (
        _tickets()
        .where(
            Booking.person_id == booking.person_id,
            Booking.id != booking.id,
            Booking.state == BookingState.VACCINATED,
            Booking.vaccinated_at.is_not(None),
        )
        .order_by(Booking.vaccinated_at.desc(), Booking.id)
        .limit(MOST_DOSES)
    )
    return [
        Had(
            vaccine=vaccine,
            dose=one.dose,
            day=local_day(one.vaccinated_at, facility.timezone),
            facility=facility.name,
            lot=lot,
        )
        for one, _, facility, vaccine, lot, *_ in db.execute(given)
        if one.vaccinated_at is not None
    ]


def tickets_listed(db: Session, booking_ids: Sequence[UUID]) -> list[Ticket]:
    """Several in the order given, without what follows from them."""
    rows = {row[0].id: row for row in db.execute(_tickets().where(Booking.id.in_(booking_ids)))}
    return [_ticket(rows[one]) for one in booking_ids if one in rows]


def _tickets() -> Select[Booking, VaccinationSession, Facility, str, str | None, float | None, float | None]:
    return (
        select(Booking, VaccinationSession, Facility, Vaccine.name, Batch.lot, *coordinates())
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Vaccine, Vaccine.id == Booking.vaccine_id)
        .outerjoin(Batch, Batch.id == Booking.batch_id)
    )


def _ticket(
    row: tuple[Booking, VaccinationSession, Facility, str, str | None, float | None, float | None],
    *,
    offered: UUID | None = None,
    is_offer: bool = False,
    claim: Claim | None = None,
    booked_next: UUID | None = None,
) -> Ticket:
    booking, session, facility, vaccine, lot, lon, lat = row
    return Ticket(
        booking=booking,
        session=session,
        facility=facility.name,
        vaccine=vaccine,
        zone=facility.timezone,
        point=None if lat is None or lon is None else (lat, lon),
        lot=lot,
        offered=offered,
        is_offer=is_offer,
        next=None
        if claim is None
        else NextDose(
            dose=claim.dose,
            from_day=claim.from_day,
            due_day=claim.due_day,
            last_day=claim.last_day,
            over=claim.state is ClaimState.EXPIRED,
        ),
        booked_next=booked_next,
    )


def _booked(db: Session, claim: Claim) -> UUID | None:
    """The booking for the dose a claim is of, once there is one that counts."""
    return db.scalar(
        select(Booking.id)
        .where(
            Booking.person_id == claim.person_id,
            Booking.vaccine_id == claim.vaccine_id,
            Booking.dose == claim.dose,
            Booking.state.in_(LIVE | {BookingState.VACCINATED}),
        )
        .limit(1)
    )
