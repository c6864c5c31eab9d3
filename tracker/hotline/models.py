"""Tables of this room."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.hotline.rules.words import CallOutcome, TicketBy


class HotlineCall(Base):
    """One call, and what came of it; names nobody.

    `caller_sealed`: the number that the telephone shows, sealed, while the call lasts. `caller_hash`: a keyed hash of it, by which the next
    call from there goes on with the same talk. `conversation_id`: the talk; of a call that was cut off, the next has the same.
    """

    __tablename__ = "hotline_call"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_with_outcome"),
        CheckConstraint("ended_at >= begun_at AND touched_at >= begun_at", name="in_order"),
        CheckConstraint("ended_at IS NULL OR caller_sealed IS NULL", name="number_no_longer"),
        CheckConstraint("(sent_by IS NULL) = (sent_at IS NULL)", name="sent_whole"),
        CheckConstraint("sent_by IS NULL OR booking_id IS NOT NULL", name="sent_a_ticket"),
        CheckConstraint("length(note) <= 500", name="note_length"),
        # Who talks with one caller talks with no other.
        Index("uq_hotline_call_open", "account_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index(None, "account_id", "begun_at", "id"),
        Index(None, "unit_id", "begun_at", "id"),
        Index(None, "begun_at", "id"),
        Index(None, "caller_hash", "ended_at"),
        Index("ix_hotline_call_left", "touched_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"))
    language: Mapped[str]
    conversation_id: Mapped[UUID]
    caller_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    caller_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    sent_by: Mapped[TicketBy | None] = mapped_column(StrEnumText(TicketBy))
    sent_at: Mapped[datetime | None]
    begun_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[CallOutcome | None] = mapped_column(StrEnumText(CallOutcome))
    note: Mapped[str | None]
