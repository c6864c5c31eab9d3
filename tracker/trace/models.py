"""Recalls, and where the recalled vials were found."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.stock.rules.words import Account


class Recall(Base):
    """A batch is called back; open until everybody has accounted for it. One open recall a batch."""

    __tablename__ = "recall"
    __table_args__ = (
        Index("uq_recall_open_batch", "batch_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    reason: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    started_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class RecallHolder(Base):
    """Vials found at one holder (equipment, or a shipment on the road) and frozen there.

    `facility_id` is who must act: the equipment's facility, or the one that sent the shipment.
    """

    __tablename__ = "recall_holder"
    __table_args__ = (CheckConstraint("vials > 0", name="some"),)

    recall_id: Mapped[UUID] = mapped_column(ForeignKey("recall.id"), primary_key=True)
    account: Mapped[Account] = mapped_column(StrEnumText(Account), primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    vials: Mapped[int]
    found_at: Mapped[datetime]
