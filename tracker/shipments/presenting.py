"""A shipment as it goes over the wire: as a listing shows it, and with everything both sides did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.catalog.lots import alike_warned
from tracker.catalog.models import Batch, Presentation
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Equipment
from tracker.shipments.errors import ShipmentNotFound
from tracker.shipments.models import (
    PackedLine,
    ReceiptLine,
    ReceiptLogger,
    Shipment,
    ShipmentBox,
    ShipmentLine,
    ShipmentReceipt,
    ToldDelivery,
    ToldLine,
)
from tracker.shipments.queries.finding import matches, shipments_visible_to, sums_by_batch
from tracker.shipments.queries.loggers import notes_of_loggers
from tracker.shipments.rules.words import DISPATCHED, ON_THE_ROAD, ShipmentKind
from tracker.shipments.schemas import (
    BoxOut,
    DifferenceOut,
    LoggerOut,
    PackedLineOut,
    PackedOut,
    PassedOverOut,
    ReceiptLineOut,
    ReceiptOut,
    ReceivedOut,
    ShipmentDetail,
    ShipmentLineOut,
    ShipmentOut,
    ToldLineOut,
    ToldOut,
)
from tracker.shipments.service.packing import Packed
from tracker.shipments.service.receiving import Arrived
from tracker.stock.models import StockEvent


def shipment_out(row: Any, now: datetime) -> ShipmentOut:
    """A row of `shipments_visible_to` as a listing shows it."""
    return ShipmentOut(**_head(row, now))


def shipment_detail(db: Session, principal: Principal, ref: str | UUID, now: datetime) -> ShipmentDetail:
    """One shipment by id or code; raises ShipmentNotFound."""
    row = db.execute(shipments_visible_to(principal).where(matches(ref))).one_or_none()
    if row is None:
        raise ShipmentNotFound(shipment=str(ref)[:80])
    shipment: Shipment = row[0]
    names = _names(db, shipment.id)
    return ShipmentDetail(
        **_head(row, now),
        lines=_lines(db, shipment.id),
        told=told_out(db, shipment.id) if shipment.kind is ShipmentKind.UNANNOUNCED else None,
        boxes=_boxes(db, shipment.id),
        receipts=_receipts(db, principal, shipment.id),
        differences=_differences(db, shipment, names),
    )


def received_out(db: Session, principal: Principal, arrived: Arrived, receipt_id: UUID, now: datetime) -> ReceivedOut:
    """The shipment after a receipt, with what may have been read wrongly on the way in."""
    detail = shipment_detail(db, principal, arrived.shipment.id, now)
    lots = db.scalars(select(ReceiptLine.batch_id).where(ReceiptLine.receipt_id == receipt_id).distinct()).all()
    warnings = alike_warned(db, lots, today=local_day(now, WESTERN))
    return ReceivedOut(**detail.model_dump(by_alias=True), warnings=warnings)


def packed_out(db: Session, principal: Principal, packed: Packed, now: datetime) -> PackedOut:
    """The shipment as it is packed now, with what first expiry, first out passed over or did not find."""
    detail = shipment_detail(db, principal, packed.shipment.id, now)
    return PackedOut(
        **detail.model_dump(by_alias=True),
        not_found=packed.missing,
        skipped=[
            PassedOverOut(lot=parcel.lot, place=parcel.place, vials=parcel.vials, reason=why)
            for parcel, why in packed.skipped
        ],
    )


def _head(row: Any, now: datetime) -> dict[str, Any]:
    shipment: Shipment = row[0]
    late = shipment.state in ON_THE_ROAD and shipment.expected_at is not None and shipment.expected_at < now
    return {
        "id": shipment.id,
        "code": shipment.code,
        "kind": shipment.kind,
        "state": shipment.state,
        "from": row[1],
        "to": row[2],
        "lateral": shipment.sideways,
        "late": late,
        "reference": shipment.reference,
        "created_at": shipment.created_at,
        "created_by": shipment.created_by,
        "approved_by": shipment.approved_by,
        "expected_at": shipment.expected_at,
        "packed_at": shipment.packed_at,
        "dispatched_at": shipment.dispatched_at,
        "received_at": shipment.received_at,
        "cancelled_at": shipment.cancelled_at,
        "cancelled_by": shipment.cancelled_by,
        "cancel_reason": shipment.cancel_reason,
    }


def _names(db: Session, shipment_id: UUID) -> dict[UUID, tuple[str, str]]:
    """Lot and product code of every batch that was packed or received."""
    packed = select(PackedLine.batch_id).where(PackedLine.shipment_id == shipment_id)
    received = (
        select(ReceiptLine.batch_id)
        .join(ShipmentReceipt, ShipmentReceipt.id == ReceiptLine.receipt_id)
        .where(ShipmentReceipt.shipment_id == shipment_id)
    )
    rows = db.execute(
        select(Batch.id, Batch.lot, Presentation.code)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.id.in_(packed) | Batch.id.in_(received))
    )
    return {row.id: (row.lot, row.code) for row in rows}


def _lines(db: Session, shipment_id: UUID) -> list[ShipmentLineOut]:
    rows = db.execute(
        select(Presentation.code, ShipmentLine.vials, ShipmentLine.approved)
        .join(Presentation, Presentation.id == ShipmentLine.presentation_id)
        .where(ShipmentLine.shipment_id == shipment_id)
        .order_by(ShipmentLine.seq)
    )
    return [ShipmentLineOut(product=row.code, vials=row.vials, approved=row.approved) for row in rows]


def told_out(db: Session, shipment_id: UUID) -> ToldOut:
    """What came without having been announced, as its receiver told it."""
    told = db.get_one(ToldDelivery, shipment_id)
    rows = db.execute(
        select(ToldLine, Batch.lot, Presentation.code, Equipment.code)
        .join(Batch, Batch.id == ToldLine.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Equipment, Equipment.id == ToldLine.place_id)
        .where(ToldLine.shipment_id == shipment_id)
        .order_by(ToldLine.seq)
    )
    return ToldOut(
        arrived_at=told.arrived_at,
        disputed_at=told.disputed_at,
        disputed_by=told.disputed_by,
        dispute_reason=told.dispute_reason,
        lines=[
            ToldLineOut(
                batch_id=line.batch_id,
                lot=lot,
                product=product,
                place=place,
                vials=line.vials,
                vvm_stage=line.vvm_stage,
            )
            for line, lot, product, place in rows
        ],
    )


def _boxes(db: Session, shipment_id: UUID) -> list[BoxOut]:
    boxes = db.scalars(select(ShipmentBox).where(ShipmentBox.shipment_id == shipment_id).order_by(ShipmentBox.id))
    found = {box.id: BoxOut(id=box.id, sscc=box.sscc, seal=box.seal, logger=box.logger, lines=[]) for box in boxes}
    first = aliased(Batch, name="first")
    rows = db.execute(
        select(PackedLine, Batch.lot, Presentation.code, Equipment.code, first.lot)
        .join(Batch, Batch.id == PackedLine.batch_id)
        .outerjoin(first, first.id == PackedLine.instead_of_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Equipment, Equipment.id == PackedLine.place_id)
        .where(PackedLine.shipment_id == shipment_id)
        .order_by(PackedLine.seq)
    )
    for line, lot, product, place, instead_of in rows:
        found[line.box_id].lines.append(
            PackedLineOut(
                batch_id=line.batch_id,
                lot=lot,
                product=product,
                place=place,
                status=line.status,
                vials=line.vials,
                reason=line.reason,
                note=line.note,
                instead_of=instead_of,
            )
        )
    return list(found.values())


def _receipts(db: Session, principal: Principal, shipment_id: UUID) -> list[ReceiptOut]:
    receipts = db.execute(
        select(ShipmentReceipt, StockEvent.id, StockEvent.reason)
        .outerjoin(StockEvent, StockEvent.reverses_id == ShipmentReceipt.id)
        .where(ShipmentReceipt.shipment_id == shipment_id)
        .order_by(ShipmentReceipt.recorded_at, ShipmentReceipt.id)
    )
    found = {
        receipt.id: ReceiptOut(
            id=receipt.id,
            occurred_at=receipt.occurred_at,
            said_at=receipt.said_at,
            returned=receipt.returned,
            recorded_at=receipt.recorded_at,
            recorded_by=receipt.recorded_by,
            final=receipt.final,
            taken_back=reversal is not None,
            taken_back_because=why,
            loggers=[],
            lines=[],
        )
        for receipt, reversal, why in receipts
    }
    rows = db.execute(
        select(ReceiptLine, Batch.lot, Presentation.code, Equipment.code)
        .join(Batch, Batch.id == ReceiptLine.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .outerjoin(Equipment, Equipment.id == ReceiptLine.place_id)
        .where(ReceiptLine.receipt_id.in_(found))
        .order_by(ReceiptLine.receipt_id, ReceiptLine.seq)
    )
    for line, lot, product, place in rows:
        found[line.receipt_id].lines.append(
            ReceiptLineOut(
                batch_id=line.batch_id,
                lot=lot,
                product=product,
                place=place,
                accepted=line.accepted,
                rejected=line.rejected,
                missing=line.missing,
                surplus=line.surplus,
                recovered=line.recovered,
                reason=line.reason,
                note=line.note,
                vvm_stage=line.vvm_stage,
            )
        )
    named = select(ReceiptLogger).where(ReceiptLogger.receipt_id.in_(found)).order_by(ReceiptLogger.number)
    loggers = db.scalars(named).all()
    notes = _noted(db, principal, shipment_id, [(each.number, each.noted_of_id) for each in loggers])
    for each, logger in zip(loggers, notes, strict=True):
        found[each.receipt_id].loggers.append(logger)
    return list(found.values())


def loggers_out(db: Session, principal: Principal, shipment_id: UUID, numbers: Collection[str]) -> list[LoggerOut]:
    """What the notes say of these loggers now."""
    noted = notes_of_loggers(db, shipment_id, numbers)
    return _noted(db, principal, shipment_id, [(number, noted.get(number)) for number in numbers])


def _noted(
    db: Session, principal: Principal, shipment_id: UUID, loggers: Sequence[tuple[str, UUID | None]]
) -> list[LoggerOut]:
    """Loggers with the shipment of their note; its code for whoever sees that one."""
    others = {of for _, of in loggers} - {None, shipment_id}
    seen = db.scalars(shipments_visible_to(principal).where(Shipment.id.in_(others))).all() if others else []
    codes = {each.id: each.code for each in seen}
    return [
        LoggerOut(
            number=number,
            on_note=of == shipment_id,
            elsewhere=of in others,
            of_shipment=codes.get(of) if of else None,
        )
        for number, of in loggers
    ]


def _differences(db: Session, shipment: Shipment, names: dict[UUID, tuple[str, str]]) -> list[DifferenceOut]:
    if shipment.state not in DISPATCHED:
        return []
    return [
        DifferenceOut(
            batch_id=each.batch_id,
            lot=names[each.batch_id][0],
            product=names[each.batch_id][1],
            sent=each.sent,
            accepted=each.accepted,
            rejected=each.rejected,
            missing=each.missing,
            surplus=each.surplus,
            returned=each.returned,
            recovered=each.recovered,
            on_road=each.on_road,
            differs=each.differs,
        )
        for each in sums_by_batch(db, shipment.id).values()
    ]
