"""Finding a person at a desk: by number anywhere, by phone or name among those of one facility."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.network.queries import path_of
from tracker.people.models import Person, PersonUnit
from tracker.people.queries import person_now, seen_by
from tracker.people.rules.sought import Sought
from tracker.people.rules.words import PersonAct
from tracker.people.service import find_persons, note_act
from tracker.people.vault import NikVault

MOST_FOUND = 12


def person_with_paper(
    db: Session, principal: Principal, facility_id: UUID, person_id: UUID, *, now: datetime
) -> list[Person]:
    """Whoever showed a paper of the house at this facility, wherever they were registered; that they were looked at is kept.

    Nobody where there is no such person any more. Raises Forbidden.
    """
    principal.require(Permission.PERSON_READ, path_of(db, facility_id))
    person = person_now(db, person_id)
    if person is None or person.forgotten_at is not None:
        return []
    note_act(db, principal, person, PersonAct.SEARCHED, now=now)
    return [person]


def search_people(
    db: Session, principal: Principal, facility_id: UUID, sought: Sought, *, vault: NikVault, now: datetime
) -> list[Person]:
    """Who is meant, by name; one more than `MOST_FOUND` says that there are others. That they were looked at is kept.

    A whole identity number finds its people wherever they were registered; a phone (their own or their guardian's) and a
    name find who was registered or is served at the facility. Raises Forbidden, BadNik.
    """
    principal.require(Permission.PERSON_READ, path_of(db, facility_id))
    if sought.nik is not None:
        return find_persons(db, principal, sought.nik, vault=vault, now=now)
    if sought.empty:
        return []
    here = select(Person.id).where(Person.unit_id == facility_id)
    served = select(PersonUnit.person_id).where(PersonUnit.unit_id == facility_id)
    return _search(db, principal, Person.id.in_(here.union(served)), sought, now=now)


def search_in_reach(
    db: Session, principal: Principal, sought: Sought, *, vault: NikVault, now: datetime
) -> list[Person]:
    """The same for who sits at no facility: a phone, or a name with a birth date, among all in the caller's reach.

    A name alone finds half a nation: without a birth date nobody. Raises Forbidden, BadNik.
    """
    principal.require(Permission.PERSON_READ)
    if sought.nik is not None:
        return find_persons(db, principal, sought.nik, vault=vault, now=now)
    if sought.phone is None and (sought.born is None or not sought.words):
        return []
    return _search(db, principal, seen_by(principal, Permission.PERSON_READ), sought, now=now)


def _search(
    db: Session, principal: Principal, whose: ColumnElement[bool], sought: Sought, *, now: datetime
) -> list[Person]:
    query = select(Person).where(
        whose,
        Person.merged_into_id.is_(None),
        Person.forgotten_at.is_(None),
        *(Person.name.icontains(word, autoescape=True) for word in sought.words),
    )
    if sought.phone is not None:
        owner, child = aliased(Person), aliased(Person)
        owners = select(owner.id).where(owner.phone == sought.phone)
        query = query.where(Person.id.in_(owners.union(select(child.id).where(child.guardian_id.in_(owners)))))
    if sought.born is not None:
        query = query.where(Person.birth_date == sought.born)
    found = db.scalars(query.order_by(Person.name, Person.id).limit(MOST_FOUND + 1)).all()
    for person in found[:MOST_FOUND]:
        note_act(db, principal, person, PersonAct.SEARCHED, now=now)
    return list(found)
