"""What a phone holds of a session for its day: who has a place in it, and by what their tickets are known.

Only what the desk needs, and only of the session that it asks for; that somebody was handed out is kept with them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation
from tracker.database.types import any_of
from tracker.handsets.sealed import public_point
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.network.queries import path_of
from tracker.people.models import Person
from tracker.people.rules.words import PersonAct
from tracker.people.service import note_acts
from tracker.people.vault import NikVault
from tracker.quota.errors import SessionNotFound
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.schedule import next_doses
from tracker.quota.rules.words import SEATED, BookingState
from tracker.registration.models import HealthAnswer
from tracker.registration.service.tickets import ticket_office
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import keyring_in_use
from tracker.settings import Settings

_ON_THE_LIST = SEATED | {BookingState.NO_SHOW}
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class DeskLists:
    """Rows by list and key, and whose each guest's row is."""

    lists: Mapping[str, dict[str, dict[str, Any]]]
    persons: Mapping[str, UUID] = field(default_factory=dict)

    def note(self, db: Session, principal: Principal, told: Collection[dict[str, Any]], *, now: datetime) -> None:
        """These guests were handed to a phone."""
        note_acts(db, principal, {self.persons[row["id"]] for row in told}, PersonAct.READ, now=now)


def desk_lists(
    db: Session,
    principal: Principal,
    facility: Facility,
    session_id: UUID | None,
    *,
    settings: Settings,
    now: datetime,
) -> DeskLists:
    """Today's sessions of a facility whose desk the caller serves; with one of them who is in it, and the house's keys.

    Raises SessionNotFound for a session that is not one of today's here: none is handed out before its day, or after.
    """
    held: dict[str, dict[str, dict[str, Any]]] = {"sessions": {}, "guests": {}, "keys": {}}
    serves = principal.may(Permission.BOOKING_SERVE, path_of(db, facility.id))
    if serves:
        held["sessions"] = _sessions(db, facility, now)
    if session_id is None:
        return DeskLists(held)
    if str(session_id) not in held["sessions"]:
        raise SessionNotFound(session=str(session_id))
    held["keys"] = _keys(db, settings)
    held["guests"], persons = _guests(db, session_id, NikVault.of(settings))
    return DeskLists(held, persons)


def _sessions(db: Session, facility: Facility, now: datetime) -> dict[str, dict[str, Any]]:
    today = local_day(now, facility.timezone)
    rows = db.execute(
        select(VaccinationSession, Presentation.code)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .where(
            VaccinationSession.facility_id == facility.id,
            VaccinationSession.day == today,
            VaccinationSession.cancelled.is_(None),
        )
        .order_by(VaccinationSession.opens_at, VaccinationSession.id)
    ).all()
    following = next_doses(db, {one.vaccine_id for one, _ in rows}, today)
    return {
        str(one.id): {
            "id": str(one.id),
            "product": product,
            "day": one.day.isoformat(),
            "opens": one.opens_at.isoformat(),
            "closes": one.closes_at.isoformat(),
            "doses": list(one.doses),
            "next": {
                str(dose): {"min_days": rule.min_days, "due_days": rule.due_days}
                for dose, rule in sorted(following.get(one.vaccine_id, {}).items())
                if dose in one.doses
            },
        }
        for one, product in rows
    }


def _keys(db: Session, settings: Settings) -> dict[str, dict[str, Any]]:
    """By purpose: what tickets are signed with, and what a phone seals with."""
    tickets = [key["x"] for key in ticket_office(db, settings).public_keys()]
    point = public_point(keyring_in_use(db, Keyring.of(settings)))
    return {"tickets": {"id": "tickets", "keys": tickets}, "seal": {"id": "seal", "keys": [point]}}


def _guests(db: Session, session_id: UUID, vault: NikVault) -> tuple[dict[str, dict[str, Any]], dict[str, UUID]]:
    found = db.execute(
        select(Booking, Person)
        .join(Person, Person.id == Booking.person_id)
        .where(Booking.session_id == session_id, Booking.state.in_(_ON_THE_LIST))
        .order_by(Person.name, Booking.id)
    ).all()
    said: dict[UUID | None, list[str]] = {}
    asked = select(HealthAnswer.booking_id, HealthAnswer.question).order_by(HealthAnswer.at, HealthAnswer.id)
    asked = asked.where(any_of(HealthAnswer.booking_id, [booking.id for booking, _ in found]), HealthAnswer.answer)
    for booking_id, question in db.execute(asked):
        said.setdefault(booking_id, []).append(question)
    rows = {str(booking.id): _row(booking, person, vault, said.get(booking.id, [])) for booking, person in found}
    return rows, {str(booking.id): person.id for booking, person in found}


def _row(booking: Booking, person: Person, vault: NikVault, said: list[str]) -> dict[str, Any]:
    digits = "" if person.nik_cipher is None else vault.open(person.nik_cipher, person.id)[-_DIGITS:]
    given = booking.vaccinated_at
    return {
        "id": str(booking.id),
        "session": str(booking.session_id),
        "name": person.name,
        "born": person.birth_date.isoformat(),
        "digits": digits,
        "dose": booking.dose,
        "state": booking.state.value,
        "number": booking.number,
        "screened": (booking.screening or {}).get("result"),
        "until": None if booking.deferred_until is None else booking.deferred_until.isoformat(),
        "given": None if given is None else given.isoformat(),
        "said": said,
    }
