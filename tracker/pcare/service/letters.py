"""From a record to what is told: who had the dose is read, and their number opened, at the moment of sending alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidTag
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from tracker.database.types import any_of
from tracker.network.models import Facility
from tracker.pcare.client import Letter
from tracker.pcare.models import PcareFacility, PcareRecord
from tracker.people.models import Person
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import Identity
from tracker.people.vault import NikVault
from tracker.quota.models import Booking

_SEX = {Sex.MALE: "L", Sex.FEMALE: "P"}


def letters_of(db: Session, records: Sequence[PcareRecord], vault: NikVault) -> dict[UUID, Letter]:
    """What each record tells; those whose person has no number that is surely theirs are missing, as are those of no dose."""
    other = aliased(Person)
    # A stranger typed it, and somebody else has it proven: it is not this person's.
    anothers = exists().where(
        Person.identity == Identity.CLAIMED, other.nik_hash == Person.nik_hash, other.identity == Identity.PROVEN
    )
    rows = db.execute(
        select(PcareRecord.id, Person, Facility.timezone, Facility.code, PcareFacility.code_there, anothers)
        .join(Booking, Booking.id == PcareRecord.booking_id)
        .join(Person, Person.id == Booking.person_id)
        .join(Facility, Facility.id == PcareRecord.facility_id)
        .outerjoin(PcareFacility, PcareFacility.facility_id == Facility.id)
        .where(any_of(PcareRecord.id, [record.id for record in records]), PcareRecord.dose.is_not(None))
    ).all()
    by_id = {record.id: record for record in records}
    found: dict[UUID, Letter] = {}
    for record_id, person, zone, code, code_there, not_theirs in rows:
        nik = None if not_theirs else _opened(vault, person)
        if nik is not None:
            found[record_id] = _letter(by_id[record_id], person, nik, code_there or code, zone)
    return found


def _opened(vault: NikVault, person: Person) -> str | None:
    if person.nik_cipher is None:
        return None
    try:
        return vault.open(person.nik_cipher, person.id)
    except InvalidTag:
        return None  # sealed under a key that this program does not hold: it waits, and nobody's dose is told wrong


def _letter(record: PcareRecord, person: Person, nik: str, facility: str, zone: str) -> Letter:
    dose = record.dose or {}
    given = datetime.fromisoformat(str(dose["given_at"])).astimezone(ZoneInfo(zone))
    return Letter(
        reference=str(record.id),
        nik=nik,
        name=person.name,
        born=person.birth_date,
        sex=_SEX[person.sex],
        facility=facility,
        vaccine=str(dose["vaccine"]),
        batch=str(dose["batch"]),
        dose=int(dose["dose"]),
        day=date(given.year, given.month, given.day),
        time=f"{given:%H:%M}",
    )
