"""Tables of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import Identity, PersonAct, WithoutNik


class SilentPhone(Base):
    """A phone whose owner wrote that they want no messages, by which medium and when. It stays until they write otherwise."""

    __tablename__ = "silent_phone"

    phone: Mapped[str] = mapped_column(primary_key=True)
    medium: Mapped[str]
    since: Mapped[datetime]


class Person(Base):
    """Somebody to be vaccinated. The identity number stands here as a keyed hash and encrypted, never plain.

    `unit_id` is the unit that registered the person; who may see that unit's persons may see this one, and so may whoever
    serves them (`PersonUnit`). `residence` is an area code (BPS or Kemendagri) or None where it is not known.
    """

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint(
            "(identity = 'none') = (nik_hash IS NULL) AND (nik_hash IS NULL) = (nik_cipher IS NULL)", name="nik_known"
        ),
        CheckConstraint("(identity = 'none') = (without_nik IS NOT NULL)", name="none_has_reason"),
        CheckConstraint("guardian_id <> id AND merged_into_id <> id", name="not_oneself"),
        Index(None, "unit_id"),
        Index(None, "nik_hash"),
        Index("uq_person_nik_proven", "nik_hash", unique=True, postgresql_where=text("identity = 'proven'")),
        Index(None, "birth_date"),
        Index("ix_person_phone", "phone", postgresql_where=text("phone IS NOT NULL")),
        Index("ix_person_guardian_id", "guardian_id", postgresql_where=text("guardian_id IS NOT NULL")),
        Index("ix_person_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    identity: Mapped[Identity] = mapped_column(StrEnumText(Identity), server_default="proven")
    nik_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    nik_cipher: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Under which secret key the two are; None in rows of earlier versions: the first. The database refuses one not in use.
    nik_key: Mapped[int | None] = mapped_column(SmallInteger)
    without_nik: Mapped[WithoutNik | None] = mapped_column(StrEnumText(WithoutNik))
    name: Mapped[str]
    birth_date: Mapped[date]
    sex: Mapped[Sex] = mapped_column(StrEnumText(Sex))
    phone: Mapped[str | None]
    residence: Mapped[str | None]
    groups: Mapped[list[Any]]
    # Whose phone rings for somebody who has none.
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    # The same human being under another id: what was this record's is that one's now.
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    registered_at: Mapped[datetime]
    # Keyed hash of what was registered, to know a repeat whatever was changed since; None in rows of earlier versions.
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    # The secret key of that hash; None is the first.
    content_key: Mapped[int | None] = mapped_column(SmallInteger)
    # Since then nobody: they never came, and their time was over (`tracker/retention.py`).
    forgotten_at: Mapped[datetime | None]


class PersonUnit(Base):
    """A unit that serves, or served, a person registered elsewhere, and may therefore see them."""

    __tablename__ = "person_unit"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"), primary_key=True, index=True)


class PersonRecord(Base):
    """Who read or changed a person's record, when, and why; changes with both versions.

    Numbers stand here masked. A number that was replaced is kept encrypted beside them, so that nothing is lost.
    """

    __tablename__ = "person_record"
    __table_args__ = (Index(None, "person_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    account_id: Mapped[UUID | None]
    who: Mapped[str]
    act: Mapped[PersonAct] = mapped_column(StrEnumText(PersonAct))
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    nik_cipher: Mapped[bytes | None] = mapped_column(LargeBinary)
    nik_key: Mapped[int | None] = mapped_column(SmallInteger)
