"""Holds: which vials were stopped because of which episode, with the evidence, until a person decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.passport.rules.harm import Disposition, Harm, HoldState, ShakeTest
from tracker.stock.rules.words import Account


class Hold(Base):
    """One (episode, place, batch): however often and late its evidence comes, it stays one row."""

    __tablename__ = "hold"
    __table_args__ = (
        UniqueConstraint("episode_id", "holder_id", "batch_id"),
        CheckConstraint("vials >= 0", name="vials"),
        CheckConstraint("(state = 'held') = (decided_at IS NULL)", name="decided"),
        Index("ix_hold_placed_at_id", "placed_at", "id"),
        Index("ix_hold_holder_id_batch_id", "holder_id", "batch_id", postgresql_where=text("state = 'held'")),
        Index(None, "batch_id", "placed_at"),
        Index(None, "alarm_id"),
        Index(None, "facility_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"))
    alarm_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))
    harm: Mapped[Harm] = mapped_column(StrEnumText(Harm))
    # Where the vials are: equipment, shipment on the road, or (opened vials) the facility itself.
    account: Mapped[Account] = mapped_column(StrEnumText(Account))
    holder_id: Mapped[UUID]
    # Whose stock they are; on the road the sender's.
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    # Vials stopped so far under this hold.
    vials: Mapped[int] = mapped_column(Integer)
    placed_at: Mapped[datetime]
    # The feed's last position when it was looked for: whatever has a number up to there was known. None: nobody noted it.
    known_to: Mapped[int | None] = mapped_column(BigInteger)
    evidence: Mapped[dict[str, Any]]
    state: Mapped[HoldState] = mapped_column(StrEnumText(HoldState))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str | None]
    reason: Mapped[str | None]
    shake_test: Mapped[ShakeTest | None] = mapped_column(StrEnumText(ShakeTest))
    override: Mapped[bool] = mapped_column(server_default="false")


class HoldLook(Base):
    """When an episode's hold acted first on what it knew of the episode's span; a span that grew is acted on anew.

    Whatever is told later of where vials lay is judged as of that instant. The row is also what two workers with the same
    news take turns at.
    """

    __tablename__ = "hold_look"
    __table_args__ = (Index("ix_hold_look_looked_at", "looked_at"),)

    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    looked_at: Mapped[datetime]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # None: it went on


class AlarmDisposition(Base):
    """What a person decided for one batch when closing an alarm. Append-only."""

    __tablename__ = "alarm_disposition"
    __table_args__ = (UniqueConstraint("alarm_id", "batch_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    disposition: Mapped[Disposition] = mapped_column(StrEnumText(Disposition))
    reason: Mapped[str]
    decided_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str]
