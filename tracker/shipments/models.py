"""Shipments, what was ordered, packed and received."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.shipments.rules.words import Difference, OtherLot, ShipmentKind, ShipmentState
from tracker.stock.rules.words import Status


class Shipment(Base):
    """Goods on their way from one facility to another. Its id is also its transit account in the ledger."""

    __tablename__ = "shipment"
    __table_args__ = (
        CheckConstraint("from_facility_id <> to_facility_id", name="two_facilities"),
        CheckConstraint(
            "num_nonnulls(cancelled_at, cancelled_by) IN (0, 2) AND (cancel_reason IS NULL OR cancelled_at IS NOT NULL)",
            name="cancel_whole",
        ),
        Index("ix_shipment_from_facility_id_created_at", "from_facility_id", "created_at"),
        Index("ix_shipment_to_facility_id_created_at", "to_facility_id", "created_at"),
        Index("ix_shipment_created_at_id", "created_at", "id"),
        Index("ix_shipment_state_expected_at", "state", "expected_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[ShipmentKind] = mapped_column(StrEnumText(ShipmentKind))
    state: Mapped[ShipmentState] = mapped_column(StrEnumText(ShipmentState))
    from_facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    to_facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    sideways: Mapped[bool]
    reference: Mapped[str | None]
    content: Mapped[str]  # digest of the order, to tell a repeat from another one under the same id
    packed_content: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    approved_by: Mapped[str | None]
    expected_at: Mapped[datetime | None]
    packed_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]
    cancel_reason: Mapped[str | None]


class ShipmentLine(Base):
    """Vials of a product that were ordered, and how many of them approved."""

    __tablename__ = "shipment_line"
    __table_args__ = (CheckConstraint("vials >= 1 AND approved >= 0", name="vials"),)

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"))
    vials: Mapped[int]
    approved: Mapped[int | None]


class ShipmentBox(Base):
    """One logistic unit, with its SSCC, seal and temperature logger."""

    __tablename__ = "shipment_box"
    __table_args__ = (Index("ix_shipment_box_logger", "logger", postgresql_where=text("logger IS NOT NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    sscc: Mapped[str] = mapped_column(unique=True)
    seal: Mapped[str | None]
    logger: Mapped[str | None]


class PackedLine(Base):
    """Vials of a batch taken from a place into a box; not usable ones travel as a return only.

    `instead_of_id`: the batch whose turn it was, by its monitor or its expiry, when another was packed for a `reason`.
    """

    __tablename__ = "packed_line"
    __table_args__ = (
        CheckConstraint("vials >= 1", name="vials"),
        CheckConstraint("instead_of_id IS NULL OR reason IS NOT NULL", name="out_of_turn_says_why"),
        CheckConstraint("reason IS DISTINCT FROM 'other' OR note IS NOT NULL", name="other_says_what"),
        Index("ix_packed_line_place_id", "place_id"),
    )

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    box_id: Mapped[UUID] = mapped_column(ForeignKey("shipment_box.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    status: Mapped[Status] = mapped_column(StrEnumText(Status), server_default=Status.USABLE.value)
    vials: Mapped[int]
    reason: Mapped[OtherLot | None] = mapped_column(StrEnumText(OtherLot))
    note: Mapped[str | None]
    instead_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))


class ShipmentReceipt(Base):
    """One part of what arrived, as whoever took it found it. Its id is also its stock event's.

    `returned`: the sender took it back, the truck had turned round. `said_at` is what a slow clock told when it
    was earlier than the departure; `occurred_at` is then the departure.
    """

    __tablename__ = "shipment_receipt"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    final: Mapped[bool]
    content: Mapped[str]
    returned: Mapped[bool] = mapped_column(server_default="false")
    said_at: Mapped[datetime | None]


class ReceiptLogger(Base):
    """The number of a temperature logger that the receiver found in a box, whether or not a note or a register has it.

    `noted_of_id`: on whose note it stood then, of this shipment or of another that had not arrived.
    """

    __tablename__ = "receipt_logger"

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("shipment_receipt.id"), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    noted_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipment.id"))


class ToldDelivery(Base):
    """What came without having been announced, by the word of the receiver; and the sender's word against it, where there is one."""

    __tablename__ = "told_delivery"
    __table_args__ = (
        CheckConstraint("num_nonnulls(disputed_at, disputed_by, dispute_reason) IN (0, 3)", name="dispute_whole"),
    )

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    arrived_at: Mapped[datetime]
    disputed_at: Mapped[datetime | None]
    disputed_by: Mapped[str | None]
    dispute_reason: Mapped[str | None]


class ToldLine(Base):
    """Vials of a batch that came so, and where the receiver laid them."""

    __tablename__ = "told_line"
    __table_args__ = (
        CheckConstraint("vials >= 1", name="vials"),
        CheckConstraint("vvm_stage BETWEEN 1 AND 4", name="vvm_stage"),
    )

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("told_delivery.shipment_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    vials: Mapped[int]
    vvm_stage: Mapped[int | None] = mapped_column(SmallInteger)


class ReceiptLine(Base):
    """What became of vials of one batch. `reason` covers rejected, missing and surplus.

    `recovered` of the accepted and rejected ones had been written off as missing by an earlier receipt.
    """

    __tablename__ = "receipt_line"
    __table_args__ = (
        CheckConstraint("accepted >= 0 AND rejected >= 0 AND missing >= 0 AND surplus >= 0", name="not_negative"),
        CheckConstraint("accepted + rejected + missing + surplus >= 1", name="says_something"),
        CheckConstraint("rejected + missing + surplus = 0 OR reason IS NOT NULL", name="difference_has_reason"),
        CheckConstraint("vvm_stage BETWEEN 1 AND 4", name="vvm_stage"),
        CheckConstraint("recovered BETWEEN 0 AND accepted + rejected", name="recovered_arrived"),
    )

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("shipment_receipt.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    accepted: Mapped[int]
    rejected: Mapped[int]
    missing: Mapped[int]
    surplus: Mapped[int]
    recovered: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[Difference | None] = mapped_column(StrEnumText(Difference))
    note: Mapped[str | None]
    vvm_stage: Mapped[int | None] = mapped_column(SmallInteger)
