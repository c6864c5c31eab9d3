"""Recalls, and where the recalled vials were found."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.stock.rules.words import Account


class Recall(Base):
    """A batch is called back within a reach; open until everybody there has accounted for it.

    Its reach are the units of its standing order (`stock_stop`), which stays when it is closed. One with a wider reach
    takes the narrower ones over: they are closed, and theirs is counted in the wider one. One that was started by mistake
    is withdrawn: it is over, its order ends, and both what it did and why that was wrong stay.
    """

    __tablename__ = "recall"
    __table_args__ = (
        Index(None, "batch_id"),
        CheckConstraint("recall_class BETWEEN 1 AND 3", name="class"),
        CheckConstraint(
            "num_nonnulls(withdrawn_at, withdrawn_by, withdraw_reason) IN (0, 3) "
            "AND (withdrawn_at IS NULL OR closed_at IS NOT NULL)",
            name="withdrawn_whole",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    reason: Mapped[str]
    recall_class: Mapped[int | None] = mapped_column(SmallInteger)
    """BPOM's: 1 may kill or maim, 2 may make ill for a time, 3 does no harm to speak of; None when nobody said."""
    said: Mapped[str | None]
    """A digest of the words it was started in."""
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    started_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    close_reason: Mapped[str | None]
    taken_over_by: Mapped[UUID | None] = mapped_column(ForeignKey("recall.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    withdraw_reason: Mapped[str | None]


class RecallHolder(Base):
    """Vials found at one holder (equipment, or a shipment on the road) and frozen there, by versions before this one.

    No longer written or read: the ledger says it. Goes with the next release.

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
