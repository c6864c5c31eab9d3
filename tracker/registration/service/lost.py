"""A lost ticket comes back: a code goes to the phone on file, and whoever has it sees their tickets.

Nobody learns from asking whether a number or phone is registered: every question makes a row, waits alike and is answered
alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.kit.days import WESTERN, latest_day
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.queries import person_now, person_who_says, phone_of
from tracker.people.rules.contact import clean_phone, takes_messages
from tracker.people.rules.nik import read_nik
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState, Medium
from tracker.registration.models import TicketCode
from tracker.registration.service.codes import hashes_of_phone, new_code, send_code, told_right, use_code
from tracker.registration.service.tickets import TicketOffice

MOST_TICKETS = 10

_SHOWN = LIVE | {BookingState.VACCINATED, BookingState.DISPLACED, BookingState.DEFERRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForCode:
    """Whose ticket is lost, as they say it. `repr` shows neither number nor phone."""

    nik: str = field(repr=False)
    phone: str = field(repr=False)
    medium: Medium
    language: str = "id"


def ask_for_code(db: Session, asked: AskForCode, *, vault: NikVault, office: TicketOffice, now: datetime) -> UUID:
    """Send a code to the phone on file where number and phone are somebody's who has a ticket; what the code is told with.

    Answers alike for everybody. Raises BadNik, BadPhone (of what was written), TooManyCodes (asked too often, whoever it is).
    """
    code, person = _asked(db, asked, vault=vault, office=office, now=now)
    tickets = [] if person is None else tickets_of(db, person)
    if person is not None and tickets:
        there = db.get_one(Facility, db.get_one(VaccinationSession, tickets[0].session_id).facility_id)
        _send(db, code, "ticket_code", person, asked, unit_id=there.id, timezone=there.timezone, now=now)
    return code.id


def ask_for_proof(db: Session, asked: AskForCode, *, vault: NikVault, office: TicketOffice, now: datetime) -> UUID:
    """The same for whoever wants to book in a talk and does not write from that phone, whether or not they have a ticket."""
    code, person = _asked(db, asked, vault=vault, office=office, now=now)
    if person is not None:
        served = select(Unit.id, Facility.timezone).outerjoin(Facility, Facility.id == Unit.id)
        home = db.execute(served.where(Unit.id == person.unit_id)).one_or_none()
        # Who is registered nowhere is the nation's.
        home = home or db.execute(served.where(Unit.parent_id.is_(None))).one()
        _send(db, code, "phone_code", person, asked, unit_id=home[0], timezone=home[1] or WESTERN, now=now)
    return code.id


def _asked(
    db: Session, asked: AskForCode, *, vault: NikVault, office: TicketOffice, now: datetime
) -> tuple[TicketCode, Person | None]:
    """A question for a code, and whose it is where a message can reach them."""
    nik, phone = read_nik(asked.nik, latest_day(now)).digits, clean_phone(asked.phone)
    code = new_code(db, office, phone, now=now)
    person = person_who_says(db, nik, phone, vault=vault, now=now)
    return code, person if takes_messages(phone) else None


def _send(
    db: Session,
    code: TicketCode,
    template: str,
    person: Person,
    asked: AskForCode,
    *,
    unit_id: UUID,
    timezone: str,
    now: datetime,
) -> None:
    code.person_id, code.sent_to = person.id, code.asked
    send_code(
        db,
        code,
        template,
        to=person.id,
        unit_id=unit_id,
        timezone=timezone,
        medium=asked.medium,
        language=asked.language,
        now=now,
    )


def tickets_for_code(
    db: Session, code_id: UUID, text: str, *, office: TicketOffice, now: datetime
) -> list[Booking] | None:
    """The tickets a code opens, the newest first; None where it opens none (`told_right`).

    Counts every try, so the transaction must be kept whatever the answer.
    """
    person = person_for_code(db, code_id, text, office=office, now=now)
    return None if person is None else tickets_of(db, person)


def person_for_code(db: Session, code_id: UUID, text: str, *, office: TicketOffice, now: datetime) -> Person | None:
    """Whose phone a code went to; None for one that shows nothing. Counts every try."""
    code = told_right(db, code_id, text, office=office, now=now)
    person = person_now(db, code.person_id) if code is not None and code.person_id is not None else None
    # The phone was stolen and its owner told so meanwhile: what was sent there opens nothing.
    if code is None or person is None or code.sent_to not in hashes_of_phone(office, phone_of(db, person.id) or ""):
        return None
    use_code(code, person.id, now)
    db.flush()
    return person


def tickets_of(db: Session, person: Person) -> list[Booking]:
    """Bookings that are of use to their owner, those to come first, then the newest."""
    return list(
        db.scalars(
            select(Booking)
            .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
            .where(Booking.person_id == person.id, Booking.state.in_(_SHOWN))
            .order_by(Booking.state.in_(LIVE).desc(), VaccinationSession.day.desc(), Booking.id.desc())
            .limit(MOST_TICKETS)
        )
    )
