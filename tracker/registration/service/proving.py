"""A place on the web, for whoever shows that the phone is theirs: what was typed waits, sealed, until the code is told.

Before that nothing is booked, nobody is registered, and nothing is looked up but the session: number and phone together are
known to many. Whose record it is, is asked once the code was right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.access.rules import Permission
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.network.queries import today_at
from tracker.people.correcting import ChangePerson, change_person
from tracker.people.models import Person
from tracker.people.rules.contact import clean_name, clean_phone, clean_residence, takes_messages
from tracker.people.rules.nik import read_nik
from tracker.people.service import NewPerson, person_or_turn, register_person
from tracker.people.vault import NikVault
from tracker.quota.errors import Exhausted, SessionClosed
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places
from tracker.quota.rules.schedule import Why
from tracker.quota.rules.words import Medium, SessionState
from tracker.quota.service.asking import check_due, judged
from tracker.quota.service.sessions import session_for
from tracker.registration.errors import NoMessages
from tracker.registration.models import TicketCode
from tracker.registration.service.codes import new_code, send_code
from tracker.registration.service.tickets import TicketOffice


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants which place, as they typed it. Nothing personal is shown by `repr`."""

    session: str
    dose: int
    nik: str
    name: str
    phone: str
    residence: str | None = None
    language: str = "id"

    def __repr__(self) -> str:
        return f"Wish(session={self.session!r}, dose={self.dose})"

    def at(self, session_id: UUID) -> Wish:
        """The same in another session."""
        return replace(self, session=str(session_id))


def ask_to_book(db: Session, wish: Wish, *, office: TicketOffice, now: datetime) -> UUID:
    """Send a code to the phone that was typed; what the code is told with. Answers alike whomever number and phone belong to.

    Raises SessionNotFound, BadNik, BadName, BadPhone, BadResidence, NoMessages, TooManyCodes, and where the session has no
    place for such a person SessionClosed, TooYoung, Exhausted.
    """
    session = session_for(db, SYSTEM, UUID(wish.session), Permission.BOOKING_WRITE)
    nik = read_nik(wish.nik, today_at(db, session.facility_id, now))
    phone = clean_phone(wish.phone)
    if not takes_messages(phone):
        raise NoMessages(field="phone")
    clean = replace(wish, name=clean_name(wish.name), phone=phone, residence=clean_residence(wish.residence))
    stranger = Person(id=uuid7(), birth_date=nik.birth_date, groups=[], residence=clean.residence)
    _check_room(db, stranger, session, clean.dose, now)
    code = new_code(db, office, phone, now=now)
    code.typed = office.seal_typed(json.dumps(asdict(clean)).encode(), code.id)
    send_code(
        db,
        code,
        "phone_code",
        to=code.id,
        unit_id=session.facility_id,
        timezone=db.get_one(Facility, session.facility_id).timezone,
        medium=Medium.WEB,
        language=clean.language,
        now=now,
    )
    return code.id


def wish_of(code: TicketCode, office: TicketOffice) -> Wish | None:
    """The place that was typed beside this code; None where it is for something else."""
    typed = typed_of(code, office)
    return Wish(**typed) if typed is not None and "session" in typed else None


def typed_of(code: TicketCode, office: TicketOffice) -> dict[str, Any] | None:
    """The fields that were typed beside this code, whatever they are for; None where nothing was, or it did its work."""
    typed: dict[str, Any] | None = None
    if code.typed is not None:
        typed = json.loads(office.open_typed(code.typed, code.id))
    return typed


def phone_of_code(db: Session, office: TicketOffice, code_id: UUID) -> str | None:
    """Where a code goes that nobody's record knows the phone of."""
    code = db.get(TicketCode, code_id)
    typed = None if code is None else typed_of(code, office)
    return None if typed is None else str(typed["phone"])


def person_for(db: Session, wish: Wish, *, vault: NikVault, now: datetime) -> UUID:
    """Whoever number and phone belong to, now that the phone is shown; else a record of their own, whoever else has that number."""
    return record_of(
        db,
        nik=wish.nik,
        name=wish.name,
        phone=wish.phone,
        residence=wish.residence,
        unit_of=lambda: session_for(db, SYSTEM, UUID(wish.session), Permission.BOOKING_WRITE).facility_id,
        vault=vault,
        now=now,
    )


def record_of(
    db: Session,
    *,
    nik: str,
    name: str,
    phone: str,
    residence: str | None,
    unit_of: Callable[[], UUID],
    vault: NikVault,
    now: datetime,
) -> UUID:
    """The record of who has shown that this phone is theirs, made where there is none: then of the unit that `unit_of` names."""
    known = person_or_turn(db, nik, phone, vault=vault, now=now)
    if known is None:
        person = NewPerson(
            id=uuid7(), nik=nik, name=name, phone=phone, residence=residence, claimed=True, unit_id=unit_of()
        )
        return register_person(db, SYSTEM, person, vault=vault, now=now).person.id
    if known.residence is None and residence is not None:
        change_person(db, SYSTEM, ChangePerson(person_id=known.id, changes={"residence": residence}), now=now)
    return known.id


def _check_room(db: Session, stranger: Person, session: VaccinationSession, dose: int, now: datetime) -> None:
    """Raise why such a person cannot book there, as far as it can be said before anything is known of them."""
    seeker = Seeker(medium=Medium.WEB, dose=dose, residence=stranger.residence, born=stranger.birth_date)
    here = PlacesAsked(where=(VaccinationSession.id == session.id,))
    if seek_places(db, seeker, here, limit=1, now=now).places:
        return
    if session.state is SessionState.CLOSED or session.closes_at <= now:
        raise SessionClosed(session=str(session.id))
    due = judged(db, stranger, session, dose, session.day, now=now, given=())
    if due.why is Why.AGE:
        check_due(due, stranger, dose)
    refused = Exhausted(session=str(session.id), reason="bucket")
    refused.applicant = seeker.applicant(dose)
    raise refused
