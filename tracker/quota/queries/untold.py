"""Whom the new hours of a session, its reminder, or that of a next dose have not reached: somebody has to call them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, ScalarSelect, Select, String, cast, exists, func, or_, select
from sqlalchemy.orm import aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Vaccine
from tracker.delivery.models import MessageState, OutMessage
from tracker.people.models import Person
from tracker.quota.models import Booking, Claim, SessionChange, VaccinationSession
from tracker.quota.rules.reminding import TEMPLATE as REMINDER
from tracker.quota.rules.reminding import DoseWord
from tracker.quota.rules.words import LIVE, BookingState
from tracker.quota.service.claims import OPEN


class Untold(NamedTuple):
    """Somebody to be called; name and phone are None where the caller may not know them, or there is none."""

    booking_id: UUID
    person_id: UUID
    made_at: datetime
    name: str | None
    phone: str | None


def untold_of(session: VaccinationSession) -> Select[*tuple[Any, ...]]:
    """Who keeps a place and was not told of it as it is. Not ordered.

    They have no message of the hours it has now: none could be sent, or none has been yet; or their reminder could not be.
    """
    guardian = aliased(Person)
    since = _hours_since(session)
    reached = exists().where(
        OutMessage.template == "quota_session_changed",
        OutMessage.recipient_ref == cast(Booking.person_id, String),
        OutMessage.created_at >= since,
        OutMessage.state == MessageState.SENT,
    )
    not_reminded = exists().where(
        OutMessage.template == REMINDER,
        OutMessage.recipient_ref == cast(Booking.person_id, String),
        OutMessage.params["booking"].astext == cast(Booking.id, String),
        OutMessage.params["session"].astext == cast(Booking.session_id, String),
        OutMessage.state == MessageState.UNDELIVERABLE,
    )
    return (
        select(
            Booking.id,
            Booking.person_id,
            Booking.made_at,
            Person.name,
            func.coalesce(Person.phone, guardian.phone).label("phone"),
        )
        .join(Person, Person.id == Booking.person_id)
        .outerjoin(guardian, guardian.id == Person.guardian_id)
        .where(
            Booking.session_id == session.id,
            or_(
                Booking.state.in_(LIVE) & (Booking.made_at < since) & ~reached,
                (Booking.state == BookingState.CONFIRMED) & not_reminded,
            ),
        )
    )


def untold(principal: Principal, path: str, row: Any) -> Untold:
    """A row of `untold_of` as the caller may see it at the session's facility (`path`)."""
    named, calls = principal.may(Permission.PERSON_READ, path), principal.may(Permission.BOOKING_WRITE, path)
    return Untold(
        booking_id=row.id,
        person_id=row.person_id,
        made_at=row.made_at,
        name=row.name if named else None,
        phone=row.phone if named and calls else None,
    )


class Unreminded(NamedTuple):
    """Somebody who has a claim and has not booked it; name and phone are None where the caller may not know them, or there is none."""

    given_booking_id: UUID
    vaccine: str
    dose: int
    due_day: date
    name: str | None
    phone: str | None


def unreminded_at(facility_id: UUID, today: date) -> Select[*tuple[Any, ...]]:
    """Whose next dose waits at a facility and whom its last reminder did not reach. Not ordered."""
    guardian = aliased(Person)
    last = (
        select(OutMessage.state)
        .where(
            OutMessage.recipient_ref == cast(Claim.person_id, String),
            OutMessage.template.in_((DoseWord.DUE.value, DoseWord.AWAITED.value)),
            OutMessage.params["booking"].astext == cast(Claim.given_booking_id, String),
        )
        .order_by(OutMessage.created_at.desc(), OutMessage.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Claim.id,
            Claim.given_booking_id,
            Vaccine.name.label("vaccine"),
            Claim.dose,
            Claim.due_day,
            Person.name,
            func.coalesce(Person.phone, guardian.phone).label("phone"),
        )
        .join(Vaccine, Vaccine.id == Claim.vaccine_id)
        .join(Person, Person.id == Claim.person_id)
        .outerjoin(guardian, guardian.id == Person.guardian_id)
        .where(
            Claim.facility_id == facility_id,
            Claim.state.in_(OPEN),
            Claim.last_day >= today,
            last == MessageState.UNDELIVERABLE,
        )
    )


def unreminded(principal: Principal, path: str, row: Any) -> Unreminded:
    """A row of `unreminded_at` as the caller may see it at the facility (`path`)."""
    named, calls = principal.may(Permission.PERSON_READ, path), principal.may(Permission.BOOKING_WRITE, path)
    return Unreminded(
        given_booking_id=row.given_booking_id,
        vaccine=row.vaccine,
        dose=row.dose,
        due_day=row.due_day,
        name=row.name if named else None,
        phone=row.phone if named and calls else None,
    )


def _hours_since(session: VaccinationSession) -> ScalarSelect[Any]:
    """Since when the session has the hours it has; NULL, and nobody is untold, where they are as they were planned."""
    before = SessionChange.before
    other = or_(
        cast(before["from"].astext, DateTime(timezone=True)) != session.opens_at,
        cast(before["to"].astext, DateTime(timezone=True)) != session.closes_at,
    )
    last = select(func.max(SessionChange.recorded_at)).where(SessionChange.session_id == session.id, other)
    return last.scalar_subquery()
