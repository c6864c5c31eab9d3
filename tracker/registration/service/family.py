"""A family with one phone: whoever holds its ticket books for the children and parents who are told through that phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.people.errors import OwnGuardian
from tracker.people.models import Person
from tracker.people.queries import person_now, person_who_says
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.registration.errors import TicketNotFound, TooManyRelatives

MOST_RELATIVES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Somebody of the family: with a number, or a child that has none yet, by birth date and sex. `repr` shows nothing."""

    name: str = field(repr=False)
    nik: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)


def head_of(db: Session, person_id: UUID) -> Person | None:
    """Whose phone a person is told through: their own record where they have one; None where no phone is known."""
    person = person_now(db, person_id)
    if person is None or person.phone is not None:
        return person
    return None if person.guardian_id is None else person_now(db, person.guardian_id)


def relatives_of(db: Session, head: Person) -> list[Person]:
    """Who is told through this person's phone, the first registered first."""
    return list(
        db.scalars(
            select(Person)
            .where(Person.guardian_id == head.id, Person.merged_into_id.is_(None), Person.phone.is_(None))
            .order_by(Person.registered_at, Person.id)
            .limit(MOST_RELATIVES)
        )
    )


def relative_of(db: Session, head: Person, person_id: UUID) -> Person:
    """One of them; raises TicketNotFound for anybody else."""
    found = next((one for one in relatives_of(db, head) if one.id == person_id), None)
    if found is None:
        raise TicketNotFound
    return found


def add_relative(
    db: Session, head: Person, relative: Relative, *, unit_id: UUID, vault: NikVault, now: datetime
) -> Person:
    """Register them under this person's phone; who is there under it already is found. Of others with that number nothing is told.

    Raises OwnGuardian (one's own number), TooManyRelatives, and what registering raises.
    """
    # Asked many times at once, it is one record, and the bound holds.
    db.scalar(select(Person.id).where(Person.id == head.id).with_for_update())
    known = None
    if relative.nik is not None:
        known = person_who_says(db, relative.nik, head.phone, vault=vault, now=now)
    if known is not None and known.id == head.id:
        raise OwnGuardian(field="nik")
    if known is not None and known.guardian_id == head.id:
        return known
    there = select(func.count()).where(Person.guardian_id == head.id, Person.merged_into_id.is_(None))
    if (db.scalar(there) or 0) >= MOST_RELATIVES:
        raise TooManyRelatives(most=MOST_RELATIVES)
    person = NewPerson(
        id=uuid7(),
        nik=relative.nik,
        name=relative.name,
        residence=head.residence,
        without_nik=None if relative.nik is not None else WithoutNik.INFANT,
        birth_date=relative.birth_date,
        sex=relative.sex,
        guardian_id=head.id,
        claimed=relative.nik is not None,
        unit_id=unit_id,
    )
    return register_person(db, SYSTEM, person, vault=vault, now=now).person
