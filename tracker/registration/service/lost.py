"""A lost ticket comes back: a code goes to the phone on file, and whoever has it sees their tickets.

Nobody learns from asking whether a number or phone is registered: every question makes a row, waits alike and is answered
alike. A code is made from its row's id and a key of the house as it leaves, so no code lies in the database.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.errors import TooManyAttempts
from tracker.delivery.service import queue_message
from tracker.kit.days import latest_day
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.queries import person_now, person_who_says, phone_of
from tracker.people.rules.contact import clean_phone, takes_messages
from tracker.people.rules.nik import read_nik
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState, Medium
from tracker.registration.models import TicketCode
from tracker.registration.service.tickets import TicketOffice

STANDS = timedelta(minutes=15)
MOST_TRIES = 5
MOST_ASKED = 3  # in an hour, for one number and phone
WINDOW = timedelta(hours=1)
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

    Answers alike for everybody. Raises BadNik, BadPhone (of what was written), TooManyAttempts (asked too often, whoever it is).
    """
    nik, phone = read_nik(asked.nik, latest_day(now)).digits, clean_phone(asked.phone)
    whom = office.hashes(f"{nik} {phone}".encode())
    # Asked many times at once, the bound holds.
    db.execute(select(func.pg_advisory_xact_lock(int.from_bytes(whom[0][:8], signed=True))))
    before = select(func.count()).where(TicketCode.asked.in_(whom), TicketCode.made_at > now - WINDOW)
    if (db.scalar(before) or 0) >= MOST_ASKED:
        raise TooManyAttempts(retry_after_s=int(WINDOW.total_seconds()))
    person = person_who_says(db, nik, phone, vault=vault, now=now)
    tickets = [] if person is None or not takes_messages(phone) else tickets_of(db, person)
    code = TicketCode(
        id=uuid4(),
        asked=whom[0],
        person_id=person.id if person is not None and tickets else None,
        sent_to=_of_phone(office, phone)[0] if person is not None and tickets else None,
        made_at=now,
        expires_at=now + STANDS,
        tries=0,
    )
    db.add(code)
    db.flush()
    if person is not None and tickets:
        there = db.get_one(Facility, db.get_one(VaccinationSession, tickets[0].session_id).facility_id)
        queue_message(
            db,
            medium=asked.medium.value,
            recipient_ref=str(person.id),
            template="ticket_code",
            params={
                "ticket_code": str(code.id),
                "until": code.expires_at.astimezone(ZoneInfo(there.timezone)).isoformat(),
            },
            unit_id=there.id,
            now=now,
            language=asked.language,
        )
    return code.id


def tickets_for_code(
    db: Session, code_id: UUID, text: str, *, office: TicketOffice, now: datetime
) -> list[Booking] | None:
    """The tickets a code opens, the newest first; None for a wrong one, one that was used, ran out or was tried too often.

    Counts every try, so the transaction must be kept whatever the answer.
    """
    code = db.scalar(select(TicketCode).where(TicketCode.id == code_id).with_for_update())
    if code is None or code.used_at is not None or code.expires_at <= now or code.tries >= MOST_TRIES:
        return None
    code.tries += 1
    typed = digits_of(text).encode()
    right = any(hmac.compare_digest(sent.encode(), typed) for sent in office.codes_of(code.id))
    person = person_now(db, code.person_id) if code.person_id is not None and right else None
    # The phone was stolen and its owner told so meanwhile: what was sent there opens nothing.
    if person is not None and code.sent_to not in _of_phone(office, phone_of(db, person.id) or ""):
        person = None
    if person is not None:
        code.used_at = now
    db.flush()
    return None if person is None else tickets_of(db, person)


def _of_phone(office: TicketOffice, phone: str) -> list[bytes]:
    return office.hashes(f"phone {phone}".encode())


def digits_of(text: str) -> str:
    """The digits of a message, in whatever script and frame."""
    found = (unicodedata.digit(char, None) for char in unicodedata.normalize("NFKC", text))
    return "".join(str(digit) for digit in found if digit is not None)


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
