"""Identity numbers are hashed and sealed anew under the secret key in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.people.models import Person, PersonRecord
from tracker.people.service import REGISTERED, said_of
from tracker.people.vault import NikPen, NikVault
from tracker.sealing.service import Chunk, KeyInUse

Row = TypeVar("Row", Person, PersonRecord)


def reseal_persons(db: Session, key: KeyInUse, after: UUID | None, most: int) -> Chunk:
    """The next persons: number and what a repeat is known by.

    What was registered of somebody changed since cannot be hashed anew, for it was not kept: a repeat of that is then
    compared with how they stand.
    """
    vault, pen = NikVault(key.keyring), NikPen.of(key)
    rows = _next(db, Person, after, most)
    changed = 0
    for person in rows:
        digits = None if person.nik_cipher is None else vault.open(person.nik_cipher, person.id)
        if person.content is not None and person.content_key != key.number:
            said = said_of(digits, {name: getattr(person, name) for name in REGISTERED})
            unchanged = person.content in vault.digests(said)
            person.content, person.content_key = (pen.digest(said), key.number) if unchanged else (None, None)
        if digits is not None and person.nik_key != key.number:
            person.nik_hash, person.nik_cipher = pen.digest(digits), pen.seal(digits, person.id)
            person.nik_key = key.number
        changed += db.is_modified(person)
    db.flush()
    return _chunk(rows, changed)


def reseal_records(db: Session, key: KeyInUse, after: UUID | None, most: int) -> Chunk:
    """The next numbers that were replaced by others, kept beside what was done."""
    vault, pen = NikVault(key.keyring), NikPen.of(key)
    rows = _next(db, PersonRecord, after, most)
    changed = [row for row in rows if row.nik_cipher is not None and row.nik_key != key.number]
    for record in changed:
        sealed = record.nik_cipher or b""
        record.nik_cipher = pen.seal(vault.open(sealed, record.person_id), record.person_id)
        record.nik_key = key.number
    db.flush()
    return _chunk(rows, len(changed))


def _next(db: Session, table: type[Row], after: UUID | None, most: int) -> Sequence[Row]:
    following = select(table).order_by(table.id).limit(most).with_for_update()
    return db.scalars(following if after is None else following.where(table.id > after)).all()


def _chunk(rows: Sequence[Person] | Sequence[PersonRecord], changed: int) -> Chunk:
    return Chunk(last=rows[-1].id if rows else None, looked_at=len(rows), changed=changed)
