"""Taking back one's last step on a shipment, while nothing was built upon it: a receipt, the packing, or the approval."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.shipments.errors import BadState, BuiltUpon, ReceiptNotFound
from tracker.shipments.events import ApprovalTakenBack, ReceiptTakenBack, ShipmentUnpacked
from tracker.shipments.models import ReceiptLine, Shipment, ShipmentReceipt
from tracker.shipments.queries.finding import stands
from tracker.shipments.rules.words import ARRIVED, ON_THE_ROAD, ShipmentKind, ShipmentState
from tracker.shipments.service.commands import TakeReceiptBack
from tracker.shipments.service.ordering import lines_of, locked, require_end
from tracker.shipments.service.packing import holds_box, replace_boxes
from tracker.shipments.service.receiving import Arrived, lock_both_ends, state_now
from tracker.shipments.service.setting_aside import unpack
from tracker.shipments.service.telling import tell
from tracker.stock.errors import PackedVials
from tracker.stock.models import StockBalance, StockCount, StockEntry, StockEvent
from tracker.stock.rules.words import Account, Kind
from tracker.stock.service.commands import ReverseEvent
from tracker.stock.service.reversing import reverse_event


def take_receipt_back(
    db: Session, principal: Principal, ref: str | UUID, command: TakeReceiptBack, *, now: datetime
) -> Arrived:
    """The last receipt of a shipment did not happen: its vials are on the road again. The same again answers the first.

    For whoever may receive there. Raises ShipmentNotFound, Forbidden, ReceiptNotFound, BadState, BuiltUpon, PackedVials,
    AlreadyReversed, OtherContent, and what the ledger raises.
    """
    shipment, from_path, to_path = locked(db, principal, ref)
    receipt = db.get(ShipmentReceipt, command.receipt, populate_existing=True)
    if receipt is None or receipt.shipment_id != shipment.id:
        raise ReceiptNotFound(shipment=shipment.code)
    require_end(principal, from_path if receipt.returned else to_path)
    reversal = ReverseEvent(id=command.id, event_id=receipt.id, reason=command.reason)
    if db.scalar(select(exists().where(StockEvent.reverses_id == receipt.id))):
        reverse_event(db, principal, reversal, now=now, of_shipment=True)
        return Arrived(shipment, fresh=False)
    # A delivery that its sender confirmed was settled by both.
    if shipment.kind is ShipmentKind.UNANNOUNCED or shipment.state not in ON_THE_ROAD | ARRIVED:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    here = shipment.from_facility_id if receipt.returned else shipment.to_facility_id
    lots = set(db.scalars(select(ReceiptLine.batch_id).where(ReceiptLine.receipt_id == receipt.id)))
    lock_both_ends(db, shipment, here, lots)
    family = _family(db, shipment, receipt)
    _require_untouched(db, shipment, receipt, family)
    for event in reversed(family):
        undone = (
            reversal
            if event.id == receipt.id
            else ReverseEvent(id=_beside(command.id), event_id=event.id, reason=command.reason)
        )
        reverse_event(db, principal, undone, now=now, of_shipment=True)
    db.flush()
    shipment.state = state_now(db, shipment)
    if shipment.state not in ARRIVED:
        shipment.received_at = None
    db.flush()
    tell(
        db,
        shipment,
        lambda facts: ReceiptTakenBack(**facts, receipt_id=receipt.id, reason=command.reason),
        now=now,
        occurred_at=receipt.occurred_at,
    )
    return Arrived(shipment, fresh=True)


def _beside(reversal: UUID) -> UUID:
    """Of the stop that follows a receipt; the receipt's own reversal says what is a repeat."""
    return UUID(int=reversal.int ^ 1)


def _family(db: Session, shipment: Shipment, receipt: ShipmentReceipt) -> list[StockEvent]:
    """The receipt's event, and the one that stopped what it rejected."""
    taken = db.get_one(StockEvent, receipt.id)
    own = select(ReceiptLine.receipt_id).where(ReceiptLine.receipt_id == receipt.id, ReceiptLine.rejected > 0)
    stop = db.scalar(
        select(StockEvent)
        .where(
            StockEvent.facility_id == taken.facility_id,
            StockEvent.kind == Kind.STATUS,
            StockEvent.reference == shipment.code,
            StockEvent.reason == "rejected",
            StockEvent.number > taken.number,
            StockEvent.occurred_at == taken.occurred_at,
            own.exists(),
        )
        .order_by(StockEvent.number)
        .limit(1)
    )
    return [taken] if stop is None else [taken, stop]


def _require_untouched(db: Session, shipment: Shipment, receipt: ShipmentReceipt, family: list[StockEvent]) -> None:
    """Raise BuiltUpon where a later receipt stands, or somebody counted or moved vials of these lots there since."""
    last = family[-1].number
    later = aliased(ShipmentReceipt)
    others = (
        select(later.id)
        .join(StockEvent, StockEvent.id == later.id)
        .where(later.shipment_id == shipment.id, StockEvent.number > family[0].number, stands(later.id))
    )
    held = [Account.PLACE, Account.TRANSIT]
    touched = select(StockEntry.holder_id, StockEntry.batch_id).where(
        StockEntry.event_id == receipt.id, StockEntry.account.in_(held)
    )
    keys = {(row.holder_id, row.batch_id) for row in db.execute(touched)}
    moved = (
        select(StockEvent.id)
        .join(StockEntry, StockEntry.event_id == StockEvent.id)
        .where(
            StockEntry.number > last,
            StockEntry.holder_id.in_({holder for holder, _ in keys}),
            StockEntry.batch_id.in_({batch for _, batch in keys}),
            StockEvent.kind != Kind.REVERSAL,
            stands(StockEvent.id),
        )
    )
    counted = (
        select(StockEvent.id)
        .join(StockCount, StockCount.event_id == StockEvent.id)
        .where(
            StockEvent.number > last,
            StockEvent.facility_id == family[0].facility_id,
            StockCount.batch_id.in_({batch for _, batch in keys}),
            stands(StockEvent.id),
        )
    )
    if db.scalar(select(func.count()).select_from(others.union_all(moved, counted).limit(1).subquery())):
        raise BuiltUpon(shipment=shipment.code)
    _require_unpacked(db, family)


def _require_unpacked(db: Session, family: list[StockEvent]) -> None:
    """Raise PackedVials where what came is packed for another shipment: without it, that one could never leave."""
    came = func.sum(StockEntry.vials)
    rows = db.execute(
        select(StockBalance.vials, StockBalance.packed, came.label("came"))
        .join(
            StockEntry,
            and_(
                StockEntry.holder_id == StockBalance.holder_id,
                StockEntry.batch_id == StockBalance.batch_id,
                StockEntry.status == StockBalance.status,
            ),
        )
        .where(StockEntry.event_id.in_([event.id for event in family]), StockEntry.account == Account.PLACE)
        .group_by(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status)
        .having(and_(came > 0, StockBalance.packed > StockBalance.vials - came))
        .limit(1)
    )
    for row in rows:
        raise PackedVials(field="receipt", vials=row.vials - row.packed)


def unpack_shipment(
    db: Session, principal: Principal, ref: str | UUID, reason: str, *, box: UUID | None = None, now: datetime
) -> Shipment:
    """The boxes of a shipment that has not left are emptied again, its vials free; it is as approved as before. Twice is harmless.

    `box`: one of those that are meant. Where it was emptied before, and others are packed since, this is a late repeat: they stay.
    Raises ShipmentNotFound, Forbidden, BadState.
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    if shipment.state is ShipmentState.APPROVED:
        return shipment
    if box is not None and shipment.state is ShipmentState.PACKED and not holds_box(db, shipment, box):
        return shipment
    if shipment.state is not ShipmentState.PACKED:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    unpack(db, shipment, now=now)
    replace_boxes(db, shipment, (), ())
    shipment.state = ShipmentState.APPROVED
    shipment.packed_content = shipment.packed_at = None
    db.flush()
    tell(db, shipment, lambda facts: ShipmentUnpacked(**facts, reason=reason), now=now)
    return shipment


def take_approval_back(
    db: Session, principal: Principal, ref: str | UUID, reason: str, *, vials: Mapping[int, int], now: datetime
) -> Shipment:
    """An order that was approved waits for it again, as long as nothing was packed. Twice is harmless.

    `vials`: what was approved, by line. Where something else is approved since, this is a late repeat: that stands.
    Raises ShipmentNotFound, Forbidden, BadState.
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    if shipment.state is ShipmentState.REQUESTED:
        return shipment
    if shipment.kind is not ShipmentKind.ORDER or shipment.state is not ShipmentState.APPROVED:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    lines = lines_of(db, shipment.id)
    if any(line.approved != vials.get(line.seq) for line in lines):
        return shipment
    for line in lines:
        line.approved = None
    shipment.state, shipment.approved_by = ShipmentState.REQUESTED, None
    db.flush()
    tell(db, shipment, lambda facts: ApprovalTakenBack(**facts, reason=reason), now=now)
    return shipment
