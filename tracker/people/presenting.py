"""Wire shapes from rows."""

from __future__ import annotations

from tracker.people.models import Person
from tracker.people.rules.contact import masked_phone
from tracker.people.schemas import PersonOut


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
        registered_at=person.registered_at,
        warnings=list(warnings),
    )
