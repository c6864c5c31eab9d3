"""Reads of this room."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.kit.days import latest_day
from tracker.people.errors import BadNik, PersonNotFound
from tracker.people.models import Person
from tracker.people.rules.nik import read_nik
from tracker.people.vault import NikVault


def person_by_id(db: Session, principal: Principal, person_id: UUID) -> Person:
    """A person of the caller's subtree; raises PersonNotFound."""
    visible = visible_to(principal, Unit.path, Permission.PERSON_READ)
    found = db.scalar(select(Person).outerjoin(Unit, Unit.id == Person.unit_id).where(Person.id == person_id, visible))
    if found is None:
        raise PersonNotFound(person=str(person_id))
    return found


def person_by_nik(db: Session, nik: str, *, vault: NikVault, now: datetime) -> Person | None:
    """Whoever is registered under this number; None when nobody is, or when it cannot be a NIK."""
    try:
        digits = read_nik(nik, latest_day(now)).digits
    except BadNik:
        return None
    return db.scalar(select(Person).where(Person.nik_hash == vault.digest(digits)))


def phone_of(db: Session, person_id: UUID) -> str | None:
    """Where a message to this person goes; None for nobody known, or nobody with a phone. For the outbox only."""
    return db.scalar(select(Person.phone).where(Person.id == person_id))
