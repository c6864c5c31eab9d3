"""Count sheets: what people found of a place before it is written into the ledger."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.stock.models import STATUSES, one_of
from tracker.stock.rules.words import SheetState, Status


class CountSheet(Base):
    """A place is being counted, by whoever comes with a hand; it ends in one count event for each form whose lines stand.

    A place has one open sheet at most. `blind`: who counts does not see what the books say. `approved`: a large difference
    stands that nobody else counted.
    """

    __tablename__ = "count_sheet"
    __table_args__ = (
        CheckConstraint(one_of("state", [state.value for state in SheetState]), name="state"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_has_a_time"),
        Index("uq_count_sheet_place_id_open", "place_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_count_sheet_facility_id_id", "facility_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    blind: Mapped[bool]
    state: Mapped[SheetState] = mapped_column(StrEnumText(SheetState))
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    approved: Mapped[bool] = mapped_column(server_default="false")
    reason: Mapped[str | None]


class CountTally(Base):
    """What one person found in one go; `id` becomes the count event's where its lines stand."""

    __tablename__ = "count_tally"
    __table_args__ = (Index("ix_count_tally_sheet_id", "sheet_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("count_sheet.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    counted_by: Mapped[str]
    counted_at: Mapped[datetime]
    content: Mapped[str]  # digest of what was found, to tell a repeat from another tally under the same id


class CountLine(Base):
    """Vials of a batch that a tally found; without a status they are the shelf's.

    `difference`: as posted. `reason`: why it may differ, as who counted said; once posted, why it does.
    """

    __tablename__ = "count_line"
    __table_args__ = (
        CheckConstraint("vials >= 0", name="vials_not_negative"),
        CheckConstraint(STATUSES, name="status"),
    )

    tally_id: Mapped[UUID] = mapped_column(ForeignKey("count_tally.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    status: Mapped[Status | None] = mapped_column(StrEnumText(Status))
    vials: Mapped[int]
    difference: Mapped[int | None]
    reason: Mapped[str | None]
