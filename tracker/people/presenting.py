"""Wire shapes from rows."""

from __future__ import annotations

from collections.abc import Iterable

from tracker.people.models import Person, PersonRecord
from tracker.people.rules.contact import masked_phone
from tracker.people.schemas import PersonOut, PersonRecordOut, PersonsOut


def person_out(person: Person, warnings: tuple[str, ...] = ()) -> PersonOut:
    """A person; of the phone only what tells it apart, of the NIK nothing."""
    return PersonOut(
        id=person.id,
        name=person.name,
        birth_date=person.birth_date,
        sex=person.sex.value,
        phone=masked_phone(person.phone),
        residence=person.residence,
        groups=[str(group) for group in person.groups],
        identity=person.identity,
        without_nik=person.without_nik,
        guardian=person.guardian_id,
        registered_at=person.registered_at,
        warnings=list(warnings),
    )


def persons_out(persons: Iterable[Person]) -> PersonsOut:
    """Persons in the order given."""
    return PersonsOut(items=[person_out(person) for person in persons])


def record_out(record: PersonRecord) -> PersonRecordOut:
    """One thing that was done with a person's record."""
    return PersonRecordOut(
        id=record.id,
        person=record.person_id,
        at=record.at,
        who=record.who,
        act=record.act,
        reason=record.reason,
        before=record.before,
        after=record.after,
    )
