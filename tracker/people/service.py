"""Use cases of this room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import cast, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.database.types import Ltree
from tracker.network.queries import today_at
from tracker.people.errors import NikTaken, OtherPerson
from tracker.people.models import Person
from tracker.people.rules.contact import clean_name, clean_phone
from tracker.people.rules.nik import read_nik
from tracker.people.vault import NikVault


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to be registered. `residence` is an area code, `groups` such as `nakes` or `lansia`.

    `unit_id`: who registers; the caller's own unit when None. The identity number is not shown by `repr`.
    """

    id: UUID
    nik: str
    name: str
    phone: str | None = None
    residence: str | None = None
    groups: tuple[str, ...] = ()
    unit_id: UUID | None = None

    def __repr__(self) -> str:
        return f"NewPerson(id={self.id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The person, whether it was made now, and what deserves a second look."""

    person: Person
    fresh: bool
    warnings: tuple[str, ...]


def register_person(
    db: Session, principal: Principal, command: NewPerson, *, vault: NikVault, now: datetime
) -> Registered:
    """Keep a person; the same again answers the first.

    Raises Forbidden, BadNik, BadName, BadPhone, NikTaken (another id has this number), OtherPerson (this id
    has other data).
    """
    principal.require(Permission.PERSON_WRITE)
    unit_id = command.unit_id or _own_unit(db, principal)
    nik = read_nik(command.nik, today_at(db, unit_id, now))
    asked = {
        "nik_hash": vault.digest(nik.digits),
        "name": clean_name(command.name),
        "phone": clean_phone(command.phone) if command.phone else None,
        "residence": command.residence.strip() or None if command.residence else None,
        "groups": sorted({group.strip().lower() for group in command.groups if group.strip()}),
    }
    fresh = db.scalar(
        upsert(Person)
        .values(
            id=command.id,
            nik_cipher=vault.seal(nik.digits, command.id),
            birth_date=nik.birth_date,
            sex=nik.sex,
            unit_id=unit_id,
            registered_at=now,
            **asked,
        )
        .on_conflict_do_nothing()
        .returning(Person.id)
    )
    person = db.get(Person, command.id)
    if person is None:
        # The number stands under another id. The id is opaque, so naming it gives nothing away but itself.
        other = db.scalar(select(Person.id).where(Person.nik_hash == asked["nik_hash"]))
        raise NikTaken(field="nik", person=str(other))
    if any(getattr(person, name) != value for name, value in asked.items()):
        raise OtherPerson(id=str(command.id))
    return Registered(person=person, fresh=fresh is not None, warnings=tuple(w.value for w in nik.warnings))


def _own_unit(db: Session, principal: Principal) -> UUID | None:
    roots = principal.roots(Permission.PERSON_WRITE)
    if not roots:
        return None
    return db.scalar(select(Unit.id).where(Unit.path == cast(roots[0], Ltree())))
