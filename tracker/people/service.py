"""Use cases of this room: registering a person, and noting who serves and who reads one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import cast, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import unit_by_ref
from tracker.access.rules import Permission, within
from tracker.database.types import Ltree
from tracker.kit.ids import uuid7
from tracker.network.queries import begun_at
from tracker.people.errors import BadBirth, NikTaken, NoNikWithoutReason, OtherPerson, UnitUnsaid, UnknownUnit
from tracker.people.models import Person, PersonRecord, PersonUnit
from tracker.people.queries import person_by_id, person_now, person_who_says, persons_by_nik
from tracker.people.rules.contact import clean_name, clean_phone, clean_residence
from tracker.people.rules.groups import clean_groups
from tracker.people.rules.nik import Nik, Sex, read_nik
from tracker.people.rules.words import Identity, PersonAct, WithoutNik
from tracker.people.vault import NikVault

# The oldest people alive are younger than that.
_MOST_YEARS = 125
LISTED_FOR = timedelta(hours=1)
REGISTERED = ("name", "phone", "residence", "groups", "without_nik", "birth_date", "sex", "guardian_id")
"""What is said of somebody when they are registered, besides the number: a repeat is known by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to be registered. `residence` is an area code, `groups` such as `nakes` or `lansia`.

    Without `nik` a reason, a birth date and a sex are needed. `claimed`: a stranger typed the number, nobody answers for
    it. `guardian_id`: whose phone rings. `unit_id`: who registers; the caller's own unit when None. Nothing personal is
    shown by `repr`.
    """

    id: UUID
    name: str
    nik: str | None = None
    phone: str | None = None
    residence: str | None = None
    groups: tuple[str, ...] = ()
    without_nik: WithoutNik | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    guardian_id: UUID | None = None
    claimed: bool = False
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
    """Keep a person; the same again answers the first, whatever was changed of them since.

    Raises Forbidden, BadNik, NoNikWithoutReason, BadBirth, BadName, BadPhone, BadResidence, PersonNotFound (guardian),
    NikTaken (another id has this number proven), OtherPerson (this id has other data), UnitUnsaid (the caller has several).
    """
    principal.require(Permission.PERSON_WRITE)
    known = db.get(Person, command.id)
    unit_id = command.unit_id or (_own_unit(db, principal) if known is None else known.unit_id)
    today = begun_at(db, unit_id, now)
    nik = None if command.nik is None else read_nik(command.nik, today)
    birth_date, sex = birth_of(nik, command.without_nik, command.birth_date, command.sex, today)
    values = {
        "name": clean_name(command.name),
        "phone": clean_phone(command.phone) if command.phone else None,
        "residence": clean_residence(command.residence),
        "groups": clean_groups(command.groups),
        "without_nik": command.without_nik,
        "birth_date": birth_date,
        "sex": sex,
        "guardian_id": command.guardian_id,
    }
    if known is None:
        if command.guardian_id is not None:
            person_by_id(db, principal, command.guardian_id, Permission.PERSON_WRITE)
        pen = vault.pen(db)
        if not command.claimed and (holder := _holder(db, vault, nik)) is not None:
            # It may stand there under another secret key, which no unique index sees.
            raise NikTaken(field="nik", person=str(holder))
        fresh = db.scalar(
            upsert(Person)
            .values(
                id=command.id,
                identity=_identity(nik, claimed=command.claimed),
                nik_hash=None if nik is None else pen.digest(nik.digits),
                nik_cipher=None if nik is None else pen.seal(nik.digits, command.id),
                nik_key=None if nik is None else pen.key,
                unit_id=unit_id,
                registered_at=now,
                content=pen.digest(said_of(None if nik is None else nik.digits, values)),
                content_key=pen.key,
                **values,
            )
            .on_conflict_do_nothing()
            .returning(Person.id)
        )
        known = db.get(Person, command.id)
        if known is None:
            # The number stands under another id. The id is opaque, so naming it gives nothing away but itself.
            raise NikTaken(field="nik", person=str(_holder(db, vault, nik)))
    else:
        fresh = None
    if not _same(known, vault, nik, values):
        raise OtherPerson(id=str(command.id))
    warnings = () if nik is None else tuple(w.value for w in nik.warnings)
    return Registered(person=person_now(db, known.id) or known, fresh=fresh is not None, warnings=warnings)


def person_or_turn(db: Session, nik: str, phone: str, *, vault: NikVault, now: datetime) -> Person | None:
    """As `person_who_says`. Where it is nobody the caller registers them now: who does so elsewhere at the same moment waits, and finds them."""
    known = person_who_says(db, nik, phone, vault=vault, now=now)
    if known is None:
        key = int.from_bytes(vault.digests(nik)[0][:8], signed=True)
        db.execute(select(func.pg_advisory_xact_lock(key)))
        known = person_who_says(db, nik, phone, vault=vault, now=now)
    return known


def birth_of(
    nik: Nik | None, without_nik: WithoutNik | None, birth_date: date | None, sex: Sex | None, today: date
) -> tuple[date, Sex]:
    """Birth date and sex as the number tells them, or as given where there is none.

    Raises NoNikWithoutReason, and BadBirth for a date that cannot be or that contradicts the number.
    """
    if nik is not None:
        if without_nik is not None:
            raise NoNikWithoutReason(field="without_nik")
        if birth_date not in (None, nik.birth_date) or sex not in (None, nik.sex):
            raise BadBirth(field="birth_date")
        return nik.birth_date, nik.sex
    if without_nik is None or birth_date is None or sex is None:
        raise NoNikWithoutReason(field="nik")
    if not 0 <= today.year - birth_date.year <= _MOST_YEARS or birth_date > today:
        raise BadBirth(field="birth_date")
    return birth_date, sex


SERVE = "INSERT INTO person_unit (person_id, unit_id) SELECT %(person_id)s::uuid, %(facility_id)s::uuid"
"""What `serve_person` writes where the unit is another than the person's own; a part of hot statements, `SERVED` behind it."""
SERVED = "ON CONFLICT DO NOTHING"


def serve_person(db: Session, person: Person, unit_id: UUID) -> None:
    """Note that a unit serves this person: from now on its people may see them."""
    if person.unit_id != unit_id:
        db.execute(upsert(PersonUnit).values(person_id=person.id, unit_id=unit_id).on_conflict_do_nothing())


def read_person(db: Session, principal: Principal, person_id: UUID, *, now: datetime) -> Person:
    """A person within the caller's reach; that they were read is kept. Raises PersonNotFound."""
    person = person_by_id(db, principal, person_id)
    note_act(db, principal, person, PersonAct.READ, now=now)
    return person


def find_persons(db: Session, principal: Principal, nik: str, *, vault: NikVault, now: datetime) -> list[Person]:
    """Everybody under a whole identity number, wherever registered: who treats somebody must find them.

    That they were searched for is kept with each. Raises Forbidden, BadNik.
    """
    principal.require(Permission.PERSON_READ)
    read_nik(nik, begun_at(db, _own_unit(db, principal), now))
    found = persons_by_nik(db, nik, vault=vault, now=now)
    for person in found:
        note_act(db, principal, person, PersonAct.SEARCHED, now=now)
    return found


def note_act(
    db: Session,
    principal: Principal,
    person: Person,
    act: PersonAct,
    *,
    now: datetime,
    reason: str | None = None,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    nik_cipher: bytes | None = None,
    nik_key: int | None = None,
) -> None:
    """Write down what somebody did with a person's record."""
    db.add(
        PersonRecord(
            id=uuid7(),
            person_id=person.id,
            at=now,
            account_id=principal.account_id,
            who=principal.name,
            act=act,
            reason=reason,
            before=before,
            after=after,
            nik_cipher=nik_cipher,
            nik_key=nik_key,
        )
    )
    db.flush()


def note_acts(
    db: Session, principal: Principal, person_ids: Collection[UUID], act: PersonAct, *, now: datetime
) -> None:
    """`note_act` for many at once."""
    who = {"at": now, "account_id": principal.account_id, "who": principal.name, "act": act}
    if person_ids:
        db.execute(insert(PersonRecord), [{"id": uuid7(), "person_id": one, **who} for one in sorted(person_ids)])


def note_list(db: Session, principal: Principal, person_ids: Collection[UUID], *, now: datetime) -> None:
    """A list that names people was shown. It is drawn again after every act at a desk: one look an hour is kept of each.

    What somebody reads of one person beyond the list is noted by itself.
    """
    lately = select(PersonRecord.person_id).where(
        PersonRecord.person_id.in_(person_ids),
        PersonRecord.account_id == principal.account_id,
        PersonRecord.act == PersonAct.READ,
        PersonRecord.at > now - LISTED_FOR,
    )
    note_acts(db, principal, set(person_ids) - set(db.scalars(lately)), PersonAct.READ, now=now)


def _identity(nik: Nik | None, *, claimed: bool) -> Identity:
    if nik is None:
        return Identity.NONE
    return Identity.CLAIMED if claimed else Identity.PROVEN


def said_of(digits: str | None, values: Mapping[str, object]) -> str:
    """What was registered, as one text to be hashed; `values` are the person's `REGISTERED` columns."""
    return json.dumps([digits, {name: values[name] for name in REGISTERED}], default=str, sort_keys=True)


def _same(known: Person, vault: NikVault, nik: Nik | None, values: Mapping[str, object]) -> bool:
    if known.content is not None:
        return known.content in vault.digests(said_of(None if nik is None else nik.digits, values))
    # Nobody kept what was registered, or under a key that is gone: it is compared as it stands.
    hashes = [None] if nik is None else vault.digests(nik.digits)
    return known.nik_hash in hashes and all(getattr(known, name) == value for name, value in values.items())


def _holder(db: Session, vault: NikVault, nik: Nik | None) -> UUID | None:
    hashes = [] if nik is None else vault.digests(nik.digits)
    return db.scalar(select(Person.id).where(Person.nik_hash.in_(hashes), Person.identity == Identity.PROVEN).limit(1))


def registering_unit(db: Session, principal: Principal, code: str) -> UUID:
    """The unit of this code, where the caller registers people; raises UnknownUnit."""
    unit = unit_by_ref(db, code)
    if unit is None or not principal.may(Permission.PERSON_WRITE, unit.path):
        raise UnknownUnit(field="unit")
    return unit.id


def _own_unit(db: Session, principal: Principal) -> UUID | None:
    """The unit at the top of all where the caller registers people; raises UnitUnsaid where there are several."""
    roots = set(principal.roots(Permission.PERSON_WRITE))
    tops = [root for root in roots if not any(root != other and within(root, other) for other in roots)]
    if not tops:
        return None
    found = db.execute(
        select(Unit.id, Unit.code).where(Unit.path.in_([cast(top, Ltree()) for top in tops])).order_by(Unit.code)
    ).all()
    if len(found) > 1:
        raise UnitUnsaid(field="unit", units=[row.code for row in found])
    return found[0].id if found else None
