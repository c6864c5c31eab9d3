"""Reads of this room; each starts from what the caller may see, and nobody who called is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import LoginAccount, Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Vaccine
from tracker.hotline.errors import CallNotFound
from tracker.hotline.models import HotlineCall
from tracker.kit.days import hours_there
from tracker.network.models import Facility
from tracker.people.queries import phone_of
from tracker.people.rules.contact import takes_messages
from tracker.quota.models import Booking, VaccinationSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SpelledTicket:
    """A ticket as it is read out; `ending`: the last three digits of the phone it can be sent to, empty where there is none."""

    facility: str
    vaccine: str
    dose: int
    day: date
    hours: str
    ending: str


def own_calls(principal: Principal) -> Select[HotlineCall, str]:
    """A select of (call, the operator's name) of the caller's own, not ordered."""
    return _calls().where(HotlineCall.account_id == principal.account_id)


def calls_visible_to(principal: Principal) -> Select[HotlineCall, str]:
    """The same of everybody in the units that the caller oversees."""
    return _calls().where(visible_to(principal, Unit.path, Permission.HOTLINE_READ))


def call_visible_to(db: Session, principal: Principal, call_id: UUID) -> tuple[HotlineCall, str]:
    """One's own call or one of a unit that one oversees, with the operator's name; raises CallNotFound."""
    seen = or_(
        HotlineCall.account_id == principal.account_id, visible_to(principal, Unit.path, Permission.HOTLINE_READ)
    )
    row = db.execute(_calls().where(HotlineCall.id == call_id, seen)).first()
    if row is None:
        raise CallNotFound(call=str(call_id))
    return row[0], row[1]


def open_call(db: Session, principal: Principal) -> HotlineCall | None:
    """The operator's call that is not over."""
    mine = select(HotlineCall).where(HotlineCall.account_id == principal.account_id, HotlineCall.ended_at.is_(None))
    return db.scalar(mine)


def _calls() -> Select[HotlineCall, str]:
    return (
        select(HotlineCall, LoginAccount.name)
        .join(LoginAccount, LoginAccount.id == HotlineCall.account_id)
        .join(Unit, Unit.id == HotlineCall.unit_id)
    )


def spelled_ticket(db: Session, booking_id: UUID) -> SpelledTicket:
    """What an operator reads out of a booking."""
    booking = db.get_one(Booking, booking_id)
    session = db.get_one(VaccinationSession, booking.session_id)
    facility = db.get_one(Facility, session.facility_id)
    phone = phone_of(db, booking.person_id)
    return SpelledTicket(
        facility=facility.name,
        vaccine=db.get_one(Vaccine, booking.vaccine_id).name,
        dose=booking.dose,
        day=session.day,
        hours=hours_there(session.opens_at, session.closes_at, facility.timezone),
        ending=phone[-3:] if phone is not None and takes_messages(phone) else "",
    )
