"""Tables of this room."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.quota.rules.words import Medium

_WAITS = text("told_at IS NULL AND withdrawn_at IS NULL")


class Interest(Base):
    """Somebody is willing to have a vaccine and wants to be told of places where they live; one for a person and vaccine.

    `at`: since when they wait, which is their place in the order. `told_at`, `session_id`: when, and of which session, they were told, once.
    """

    __tablename__ = "interest"
    __table_args__ = (
        UniqueConstraint("person_id", "vaccine_id"),
        CheckConstraint("(told_at IS NULL) = (session_id IS NULL)", name="told_of_a_session"),
        CheckConstraint("told_at >= at AND withdrawn_at >= at", name="in_order"),
        CheckConstraint("city ~ '^[0-9]{4}$'", name="city_code"),
        Index("ix_interest_waiting", "vaccine_id", "city", "at", "id", postgresql_where=_WAITS),
        Index(None, "session_id", "told_at"),
        Index(None, "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    vaccine_id: Mapped[UUID] = mapped_column(ForeignKey("vaccine.id"))
    residence: Mapped[str]
    # The first four digits of the residence: the city or regency, by which places near are found.
    city: Mapped[str]
    medium: Mapped[Medium] = mapped_column(StrEnumText(Medium))
    language: Mapped[str]
    at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("vaccination_session.id"))
    withdrawn_at: Mapped[datetime | None]
