"""Who looked whom up, and persons who are to be known no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Row, Select, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from tracker.kit.ids import first_at
from tracker.people.models import Person, PersonRecord, PersonUnit
from tracker.people.rules.words import Identity, PersonAct, WithoutNik

NAMELESS = "–"


def old_lookups(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Notes of reading and searching from before that instant; what was changed stays noted."""
    looked = PersonRecord.act.in_((PersonAct.READ, PersonAct.SEARCHED))
    return select(PersonRecord.id).where(PersonRecord.id < first_at(before), looked)


def forget_lookups(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them."""
    del now
    db.execute(delete(PersonRecord).where(PersonRecord.id.in_([row.id for row in rows])))


def old_persons(before: datetime) -> Select[*tuple[Any, ...]]:
    """Persons registered before that instant who are nobody's guardian and part of no merged record.

    Whether they have a booking or a dose is known to the rooms above.
    """
    ward, merged = aliased(Person), aliased(Person)
    return select(Person.id).where(
        Person.registered_at < before,
        Person.forgotten_at.is_(None),
        Person.merged_into_id.is_(None),
        ~select(ward.id).where(ward.guardian_id == Person.id, ward.forgotten_at.is_(None)).exists(),
        ~select(merged.id).where(merged.merged_into_id == Person.id).exists(),
    )


def anonymise(db: Session, ids: Collection[UUID], now: datetime) -> None:
    """Take away everything by which these persons could be known: a year of birth and a sex stay for counting."""
    born = func.date_trunc("year", Person.birth_date)
    db.execute(
        update(Person)
        .where(Person.id.in_(ids))
        .values(
            identity=Identity.NONE, without_nik=WithoutNik.UNKNOWN, nik_hash=None, nik_cipher=None, nik_key=None,
            name=NAMELESS, phone=None, residence=None, groups=cast([], JSONB), guardian_id=None, content=None,
            content_key=None, birth_date=cast(born, Date), forgotten_at=now,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.execute(delete(PersonUnit).where(PersonUnit.person_id.in_(ids)))
    bare = {"before": None, "after": None, "nik_cipher": None, "nik_key": None, "reason": None}
    db.execute(update(PersonRecord).where(PersonRecord.person_id.in_(ids)).values(bare))
