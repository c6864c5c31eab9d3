"""Tables of this room. Who had a dose is the booking's person, read when it is told: no number and no name lies here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.pcare.rules.words import Reporting, State, Why

_TRIED = "state IN ('waiting', 'sent') AND next_at IS NOT NULL"


class PcareRecord(Base):
    """One version of one dose as P-Care is told it; its id is what we call it there.

    `dose` is what it says, None where it says that none was given. `next_at`: when it is tried next; None: not by itself.
    """

    __tablename__ = "pcare_record"
    __table_args__ = (
        UniqueConstraint("booking_id", "version"),
        # The other side holds one version of a dose, one is under way, one waits: whatever the program does.
        Index(
            "uq_pcare_record_held", "booking_id", unique=True, postgresql_where=text("state IN ('accepted', 'handed')")
        ),
        Index("uq_pcare_record_waiting", "booking_id", unique=True, postgresql_where=text("state = 'waiting'")),
        Index("uq_pcare_record_sent", "booking_id", unique=True, postgresql_where=text("state = 'sent'")),
        CheckConstraint("state <> 'accepted' OR number IS NOT NULL", name="accepted_has_number"),
        CheckConstraint("state <> 'sent' OR next_at IS NOT NULL", name="sent_is_asked_again"),
        CheckConstraint("state <> 'refused' OR why IS NOT NULL", name="refused_has_reason"),
        CheckConstraint("state NOT IN ('accepted', 'handed') OR dose IS NOT NULL", name="held_says_a_dose"),
        Index("ix_pcare_record_next_at", "next_at", postgresql_where=text(_TRIED)),
        Index("ix_pcare_record_oldest", "id", postgresql_where=text(_TRIED)),
        Index("ix_pcare_record_number", "number", postgresql_where=text("number IS NOT NULL")),
        Index(None, "facility_id", "state", "id"),
        Index(None, "facility_id", "day"),
        Index(None, "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    day: Mapped[date]
    dose: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[State] = mapped_column(StrEnumText(State))
    why: Mapped[Why | None] = mapped_column(StrEnumText(Why))
    words: Mapped[str | None]  # the other side's, scrubbed of whom they speak of
    number: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime | None]
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class PcareFacility(Base):
    """How a facility's doses reach P-Care, where that is not by wire and under the facility's own code."""

    __tablename__ = "pcare_facility"

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    mode: Mapped[Reporting] = mapped_column(StrEnumText(Reporting))
    code_there: Mapped[str | None]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class PcareDay(Base):
    """A facility's day, and when it was last compared with what P-Care has of it."""

    __tablename__ = "pcare_day"
    __table_args__ = (
        Index("ix_pcare_day_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
        Index("ix_pcare_day_differs", "day", "facility_id", postgresql_where=text("only_there > 0 OR only_here > 0")),
    )

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    check_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    there: Mapped[int] = mapped_column(Integer, server_default="0")
    here: Mapped[int] = mapped_column(Integer, server_default="0")
    only_there: Mapped[int] = mapped_column(Integer, server_default="0")
    only_here: Mapped[int] = mapped_column(Integer, server_default="0")


class PcareStranger(Base):
    """A record that P-Care has of a facility and we have not, by its number there."""

    __tablename__ = "pcare_stranger"
    __table_args__ = (Index(None, "facility_id", "day", "number"),)

    number: Mapped[str] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    day: Mapped[date]
    # What it is called there, where that is a record of ours which P-Care has twice.
    record_id: Mapped[UUID | None] = mapped_column(ForeignKey("pcare_record.id"))
    seen_at: Mapped[datetime]


class PcareLink(Base):
    """How the line to P-Care is, and how far the look for doses without a record has come. One row."""

    __tablename__ = "pcare_link"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    connected_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    looked_up_to: Mapped[UUID | None]
    look_at: Mapped[datetime | None]
    """When the next look through all doses begins; None: at once."""
