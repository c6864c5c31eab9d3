"""Tables of this room: the secret keys the database was written under, and how far what lies there was sealed anew."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base


class SecretKey(Base):
    """A secret key by its fingerprint; the secret itself is never here. One is in use, those before it were replaced.

    `released_at`: since then nothing in the database is under it.
    """

    __tablename__ = "secret_key"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("length(fingerprint) = 16", name="fingerprint"),
        CheckConstraint("released_at IS NULL OR replaced_at IS NOT NULL", name="replaced_first"),
        Index("uq_secret_key_fingerprint", "fingerprint", unique=True),
        Index("uq_secret_key_in_use", text("(true)"), unique=True, postgresql_where=text("replaced_at IS NULL")),
    )

    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class Resealing(Base):
    """How far one kind of what is kept was sealed anew under a key: everything up to `position`."""

    __tablename__ = "resealing"

    key: Mapped[int] = mapped_column(ForeignKey("secret_key.number"), primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[UUID | None]
    looked_at: Mapped[int]
    changed: Mapped[int]
    finished_at: Mapped[datetime | None]
