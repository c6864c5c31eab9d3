"""Tables of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.people.rules.nik import Sex


class Person(Base):
    """Somebody to be vaccinated. The identity number stands here as a keyed hash and encrypted, never plain.

    `unit_id` is the unit that registered the person; who may see that unit's persons may see this one.
    `residence` is an area code (BPS or Kemendagri) or None where it is not known.
    """

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        Index(None, "unit_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    nik_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    nik_cipher: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str]
    birth_date: Mapped[date]
    sex: Mapped[Sex] = mapped_column(StrEnumText(Sex))
    phone: Mapped[str | None]
    residence: Mapped[str | None]
    groups: Mapped[list[Any]]
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    registered_at: Mapped[datetime]
