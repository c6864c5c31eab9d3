"""Reads of this room."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, true
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.kit.days import latest_day
from tracker.people.errors import BadNik, BadPhone, PersonNotFound
from tracker.people.models import Person, PersonRecord, PersonUnit
from tracker.people.rules.contact import clean_phone
from tracker.people.rules.nik import read_nik
from tracker.people.rules.words import Identity
from tracker.people.vault import NikVault

MOST_OF_ONE_NUMBER = 20
_MOST_OF_ONE_PHONE = 50


def person_now(db: Session, person_id: UUID) -> Person | None:
    """Whoever has this id, or the one that record was merged into; None for nobody."""
    person = db.get(Person, person_id)
    while person is not None and person.merged_into_id is not None:
        person = db.get(Person, person.merged_into_id)
    return person


def person_by_id(
    db: Session, principal: Principal, person_id: UUID, permission: Permission = Permission.PERSON_READ
) -> Person:
    """A person registered or served in the caller's subtree; of a merged record the one it became.

    Raises PersonNotFound.
    """
    found = person_now(db, person_id)
    if (
        found is None
        or db.scalar(select(Person.id).where(Person.id == found.id, seen_by(principal, permission))) is None
    ):
        raise PersonNotFound(person=str(person_id))
    return found


def seen_by(principal: Principal, permission: Permission) -> ColumnElement[bool]:
    """True for a person registered or served where the caller holds the permission."""
    if principal.is_system:
        return true()
    # Of this person: a select two levels deep is tied to the outermost table by word only; unsaid, it asks of anybody at all.
    served = select(PersonUnit.unit_id).where(PersonUnit.person_id == Person.id).correlate(Person)
    return exists().where(
        or_(Unit.id == Person.unit_id, Unit.id.in_(served)), visible_to(principal, Unit.path, permission)
    )


def person_by_nik(db: Session, nik: str, *, vault: NikVault, now: datetime) -> Person | None:
    """Whoever has this number proven; None when nobody has, or when it cannot be a NIK."""
    return next((one for one in persons_by_nik(db, nik, vault=vault, now=now) if one.identity is Identity.PROVEN), None)


def persons_by_nik(db: Session, nik: str, *, vault: NikVault, now: datetime) -> list[Person]:
    """Everybody under this number, who has it proven first, then the newest; nobody when it cannot be a NIK."""
    try:
        digits = read_nik(nik, latest_day(now)).digits
    except BadNik:
        return []
    return list(
        db.scalars(
            select(Person)
            .where(Person.nik_hash.in_(vault.digests(digits)), Person.merged_into_id.is_(None))
            .order_by(Person.identity == Identity.CLAIMED, Person.registered_at.desc(), Person.id)
            .limit(MOST_OF_ONE_NUMBER)
        )
    )


def person_who_says(db: Session, nik: str, phone: str | None, *, vault: NikVault, now: datetime) -> Person | None:
    """Whoever is registered under this number *and* phone; a number alone proves nothing. None for nobody.

    A child's guardian's phone counts as the child's.
    """
    try:
        given = clean_phone(phone) if phone else None
    except BadPhone:
        return None
    if given is None:
        return None
    return next((p for p in persons_by_nik(db, nik, vault=vault, now=now) if phone_of(db, p.id) == given), None)


def persons_ending(db: Session, ending: str, phone: str, *, vault: NikVault) -> list[Person]:
    """Whoever is told through this phone and whose number ends in these digits: its owner, and children without a phone of their own.

    Of two records of one number the proven one. Only for who writes from that phone.
    """
    owners = select(Person.id).where(Person.phone == phone, Person.merged_into_id.is_(None))
    theirs = or_(Person.id.in_(owners), and_(Person.phone.is_(None), Person.guardian_id.in_(owners)))
    rows = db.scalars(
        select(Person)
        .where(theirs, Person.merged_into_id.is_(None), Person.nik_cipher.is_not(None))
        .order_by(Person.identity == Identity.CLAIMED, Person.registered_at.desc(), Person.id)
        .limit(_MOST_OF_ONE_PHONE)
    )
    found: dict[str, Person] = {}
    for person in rows:
        digits = vault.open(person.nik_cipher or b"", person.id)
        if digits.endswith(ending):
            found.setdefault(digits, person)
    return list(found.values())


def phone_of(db: Session, person_id: UUID) -> str | None:
    """Where a message to this person goes, their guardian's phone where they have none; None for nobody reachable so."""
    person = person_now(db, person_id)
    if person is None or person.phone is not None or person.guardian_id is None:
        return None if person is None else person.phone
    guardian = person_now(db, person.guardian_id)
    return None if guardian is None else guardian.phone


def ids_of(db: Session, person: Person) -> list[UUID]:
    """The person's id and those of the records that were merged into it, at any remove."""
    mine = select(Person.id).where(Person.id == person.id).cte(recursive=True)
    other = aliased(Person)
    mine = mine.union(select(other.id).where(other.merged_into_id == mine.c.id))
    return list(db.scalars(select(mine.c.id)))


def records_of(person_ids: list[UUID]) -> Select[PersonRecord]:
    """A select of what was done with these records, not ordered."""
    return select(PersonRecord).where(PersonRecord.person_id.in_(person_ids))
