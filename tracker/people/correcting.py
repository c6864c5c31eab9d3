"""Use cases that change what is kept of a person: each with who did it, why, and both versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.feed.service import append
from tracker.network.queries import begun_at
from tracker.people.errors import BadBirth, MergedElsewhere, NikTaken, OwnGuardian, TwoNumbers
from tracker.people.events import IdentityChanged
from tracker.people.models import Person, PersonUnit
from tracker.people.queries import person_by_id
from tracker.people.rules.contact import clean_name, clean_phone, clean_residence, masked_phone
from tracker.people.rules.groups import clean_groups
from tracker.people.rules.nik import Sex, read_nik
from tracker.people.rules.words import Identity, PersonAct, WithoutNik
from tracker.people.service import birth_of, note_act, serve_person
from tracker.people.vault import NikPen, NikVault


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePerson:
    """What is different now: any of name, phone, residence, groups, guardian_id, birth_date, sex (the last two only of
    somebody without a number). A field that is not named stays; None takes it away where it may be missing.
    """

    person_id: UUID
    changes: Mapping[str, object] = field(repr=False)
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectNik:
    """The right number of a person; or none, and why, with the birth date and sex that are right then."""

    person_id: UUID
    reason: str
    nik: str | None = field(default=None, repr=False)
    without_nik: WithoutNik | None = None
    birth_date: date | None = None
    sex: Sex | None = None


# What other systems know somebody by.
_IDENTIFIES = frozenset({"name", "birth_date", "sex"})

# A name cannot be taken away; phone, residence and groups can.
_CLEANERS: dict[str, Callable[[Any], object]] = {
    "name": lambda text: clean_name(text or ""),
    "phone": lambda text: clean_phone(text) if text else None,
    "residence": clean_residence,
    "groups": lambda groups: clean_groups(groups or ()),
}


def change_person(db: Session, principal: Principal, command: ChangePerson, *, now: datetime) -> Person:
    """Change what people change: they marry, move, buy another phone. The same again changes nothing.

    Raises PersonNotFound, BadName, BadPhone, BadResidence, BadBirth, OwnGuardian.
    """
    person = lock_person(db, principal, command.person_id)
    wanted = dict(command.changes)
    for name, clean in _CLEANERS.items():
        if name in wanted:
            wanted[name] = clean(wanted[name])
    _check_birth(db, person, wanted, now)
    if wanted.get("guardian_id") is not None:
        guardian = person_by_id(db, principal, UUID(str(wanted["guardian_id"])))
        if _leads_to(db, guardian.id, {person.id}):
            raise OwnGuardian(field="guardian")
        wanted["guardian_id"] = guardian.id
    changed = {name: value for name, value in wanted.items() if getattr(person, name) != value}
    if not changed:
        return person
    before = _shown({name: getattr(person, name) for name in changed})
    for name, value in changed.items():
        setattr(person, name, value)
    after = _shown(changed)
    note_act(db, principal, person, PersonAct.CHANGED, reason=command.reason, before=before, after=after, now=now)
    if changed.keys() & _IDENTIFIES:
        _tell(db, person, now)
    return person


def correct_nik(db: Session, principal: Principal, command: CorrectNik, *, vault: NikVault, now: datetime) -> Person:
    """Give a person their own number, or take away one that is another's; birth date and sex follow it.

    Also links somebody registered without one, and proves what a stranger claimed. Raises PersonNotFound, BadNik,
    NoNikWithoutReason, BadBirth, NikTaken (then the two are to be merged, or the other corrected first).
    """
    person = lock_person(db, principal, command.person_id)
    today = begun_at(db, person.unit_id, now)
    nik = None if command.nik is None else read_nik(command.nik, today)
    birth_date, sex = birth_of(
        nik,
        command.without_nik,
        command.birth_date if nik else command.birth_date or person.birth_date,
        command.sex if nik else command.sex or person.sex,
        today,
    )
    hashes = [None] if nik is None else vault.digests(nik.digits)
    identity = Identity.NONE if nik is None else Identity.PROVEN
    same_number = person.nik_hash in hashes
    if same_number and (person.identity, person.birth_date, person.sex) == (identity, birth_date, sex):
        return person
    pen = vault.pen(db)
    if nik is not None:
        other = db.scalar(
            select(Person.id).where(
                Person.nik_hash.in_(hashes), Person.identity == Identity.PROVEN, Person.id != person.id
            )
        )
        if other is not None:
            raise NikTaken(field="nik", person=str(other))
    before, old, old_key = _identity_shown(person, vault), person.nik_cipher, person.nik_key
    person.identity, person.without_nik = identity, command.without_nik
    _write_number(person, None if nik is None else nik.digits, pen)
    person.birth_date, person.sex = birth_date, sex
    note_act(
        db,
        principal,
        person,
        PersonAct.NIK_CORRECTED,
        reason=command.reason,
        before=before,
        after=_identity_shown(person, vault),
        nik_cipher=old,
        nik_key=old_key,
        now=now,
    )
    _tell(db, person, now)
    return person


def join_records(
    db: Session, principal: Principal, keep_id: UUID, gone_id: UUID, reason: str, *, vault: NikVault, now: datetime
) -> tuple[Person, Person] | None:
    """Make two records one person; what other rooms hold of `gone_id` is theirs to move. None when that was done before.

    Answers (kept, gone), both locked. The kept one takes over what it lacks: number, phone, residence, groups, guardian.
    Raises PersonNotFound, TwoNumbers, MergedElsewhere.
    """
    gone = db.get(Person, gone_id)
    if gone is not None and gone.merged_into_id == keep_id:
        person_by_id(db, principal, keep_id, Permission.PERSON_WRITE)
        return None
    # In the order of their ids, so that two merges of the same pair cannot wait for each other.
    first, second = sorted((keep_id, gone_id), key=str)
    both = {one: lock_person(db, principal, one) for one in (first, second)}
    keep, gone = both[keep_id], both[gone_id]
    if keep.id != keep_id or gone.id != gone_id or keep.id == gone.id:
        raise MergedElsewhere(field="duplicate")
    if keep.identity is gone.identity is Identity.PROVEN and _differ(keep, gone, vault):
        raise TwoNumbers(field="duplicate")
    before = {**_identity_shown(keep, vault), **_shown({"phone": keep.phone, "residence": keep.residence})}
    _take_over(db, keep, gone, vault)
    gone.merged_into_id = keep.id
    db.flush()
    after = {**_identity_shown(keep, vault), **_shown({"phone": keep.phone, "residence": keep.residence})}
    for one in (keep, gone):
        note_act(
            db, principal, one, PersonAct.MERGED, reason=reason,
            before={**before, "person": str(gone.id)}, after={**after, "person": str(keep.id)}, now=now,
        )  # fmt: skip
    _tell(db, keep, now)
    return keep, gone


def _tell(db: Session, person: Person, now: datetime) -> None:
    append(db, IdentityChanged(person_id=person.id), unit_id=None, subject=person.id, occurred_at=now, now=now)


def _leads_to(db: Session, guardian_id: UUID, persons: set[UUID]) -> bool:
    """Whether the guardian is one of them, or has one of them as guardian, however far up."""
    passed = set[UUID]()
    above: UUID | None = guardian_id
    while above is not None and above not in passed:
        passed.add(above)
        if above in persons:
            return True
        above = db.scalar(select(Person.guardian_id).where(Person.id == above))
    return False


def _differ(one: Person, other: Person, vault: NikVault) -> bool:
    """Whether two numbers are not the same, each under whatever key."""
    if one.nik_hash == other.nik_hash or one.nik_cipher is None or other.nik_cipher is None:
        return one.nik_hash != other.nik_hash
    return vault.open(one.nik_cipher, one.id) != vault.open(other.nik_cipher, other.id)


def _take_over(db: Session, keep: Person, gone: Person, vault: NikVault) -> None:
    better = gone.identity is Identity.PROVEN or (keep.identity is Identity.NONE and gone.identity is Identity.CLAIMED)
    if keep.identity is not Identity.PROVEN and better and gone.nik_cipher is not None:
        identity, pen = gone.identity, vault.pen(db)  # asked before the row is half written
        gone.identity = Identity.CLAIMED  # its number is the other's now
        db.flush()
        digits = vault.open(gone.nik_cipher, gone.id)
        keep.identity, keep.without_nik = identity, None
        _write_number(keep, digits, pen)
        keep.birth_date, keep.sex = gone.birth_date, gone.sex
    elif gone.identity is Identity.PROVEN:
        gone.identity = Identity.CLAIMED
    keep.phone = keep.phone or gone.phone
    keep.residence = keep.residence or gone.residence
    # Nobody answers for themself: one of the two may have stood as the other's guardian, or as their guardian's.
    guardians = [one for one in (keep.guardian_id, gone.guardian_id) if one is not None]
    keep.guardian_id = None
    # Whose wards these were, is asked and answers for them.
    db.execute(update(Person).where(Person.guardian_id == gone.id, Person.id != keep.id).values(guardian_id=keep.id))
    keep.guardian_id = next((one for one in guardians if not _leads_to(db, one, {keep.id, gone.id})), None)
    keep.groups = sorted({*keep.groups, *gone.groups})
    for unit_id in db.scalars(select(PersonUnit.unit_id).where(PersonUnit.person_id == gone.id)).all():
        serve_person(db, keep, unit_id)
    if gone.unit_id is not None:
        serve_person(db, keep, gone.unit_id)


def _write_number(person: Person, digits: str | None, pen: NikPen) -> None:
    person.nik_hash = None if digits is None else pen.digest(digits)
    person.nik_cipher = None if digits is None else pen.seal(digits, person.id)
    person.nik_key = None if digits is None else pen.key


def lock_person(db: Session, principal: Principal, person_id: UUID) -> Person:
    """The person, for changing, as they stand until the transaction ends; raises PersonNotFound."""
    person = person_by_id(db, principal, person_id, Permission.PERSON_WRITE)
    db.refresh(person, with_for_update=True)
    return person


def _check_birth(db: Session, person: Person, wanted: Mapping[str, object], now: datetime) -> None:
    born = wanted.get("birth_date", person.birth_date)
    differs = born != person.birth_date or wanted.get("sex", person.sex) != person.sex
    if differs and person.identity is not Identity.NONE:
        raise BadBirth(field="birth_date")  # the number says it: the number is to be corrected
    if differs:
        sex = wanted.get("sex", person.sex)
        if not isinstance(born, date) or not isinstance(sex, Sex):
            raise BadBirth(field="birth_date")
        birth_of(None, person.without_nik, born, sex, begun_at(db, person.unit_id, now))


def _shown(values: Mapping[str, object]) -> dict[str, object]:
    """As JSON keeps it; of a phone what tells it apart."""
    plain = {name: str(value) if isinstance(value, UUID | date) else value for name, value in values.items()}
    if isinstance(plain.get("phone"), str):
        plain["phone"] = masked_phone(str(plain["phone"]))
    return plain


def _identity_shown(person: Person, vault: NikVault) -> dict[str, object]:
    digits = None if person.nik_cipher is None else vault.open(person.nik_cipher, person.id)
    return {
        "identity": person.identity.value,
        "nik": None if digits is None else f"{'•' * 12}{digits[-4:]}",
        "without_nik": None if person.without_nik is None else person.without_nik.value,
        "birth_date": person.birth_date.isoformat(),
        "sex": person.sex.value,
    }
