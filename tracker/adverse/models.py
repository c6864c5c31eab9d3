"""Tables of this room. Person, dose, batch and vial are the booking's: what is corrected there holds here, too."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.adverse.rules.words import Level, Outcome
from tracker.database.base import Base
from tracker.database.types import StrEnumText


class Symptom(Base):
    """What somebody may have after a dose, as a form lists it."""

    __tablename__ = "symptom"
    __table_args__ = (CheckConstraint("code ~ '^[a-z][a-z0-9_]{1,39}$'", name="code_form"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    word_id: Mapped[str]
    word_en: Mapped[str]
    seq: Mapped[int] = mapped_column(SmallInteger, server_default="100")


class AdverseEvent(Base):
    """What followed a dose, as it is known now."""

    __tablename__ = "adverse_event"
    __table_args__ = (
        CheckConstraint("outcome <> 'died' OR serious", name="death_is_serious"),
        Index(None, "booking_id"),
        Index(None, "recorded_at", "id"),
        Index("ix_adverse_event_serious", "recorded_at", postgresql_where=text("serious AND NOT withdrawn")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    told_at_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("facility.id")
    )  # where another one than vaccinated told it
    onset_at: Mapped[datetime]
    words: Mapped[str | None]
    serious: Mapped[bool]
    outcome: Mapped[Outcome] = mapped_column(StrEnumText(Outcome))
    withdrawn: Mapped[bool] = mapped_column(server_default="false")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)  # a digest of what was told first, to tell a repeat


class AdverseSymptom(Base):
    """A symptom that somebody had."""

    __tablename__ = "adverse_symptom"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event.id"), primary_key=True)
    symptom_code: Mapped[str] = mapped_column(ForeignKey("symptom.code"), primary_key=True)


class AdverseChange(Base):
    """An adverse event as it was told until somebody put it right, and why."""

    __tablename__ = "adverse_change"
    __table_args__ = (Index(None, "event_id", "recorded_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event.id"))
    before: Mapped[dict[str, Any]]
    reason: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class AdverseAnswer(Base):
    """What the facility's head, or the health office, did about a serious one; each once, and first come first written."""

    __tablename__ = "adverse_answer"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event.id"), primary_key=True)
    level: Mapped[Level] = mapped_column(StrEnumText(Level), primary_key=True)
    words: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
