"""HTTP of this room: orders, packing, dispatch, receipts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response
from sqlalchemy import or_
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.versions import Versioned, shows, versioned
from tracker.network.queries import facility_by_code_or_id
from tracker.shipments.models import Shipment
from tracker.shipments.presenting import packed_out, received_out, shipment_detail, shipment_out
from tracker.shipments.queries.finding import shipments_of
from tracker.shipments.rules.words import ON_THE_ROAD, ShipmentState
from tracker.shipments.schemas import (
    ApprovalBackIn,
    ApproveIn,
    CancelIn,
    ConfirmIn,
    DeliveryIn,
    DispatchIn,
    DisputeIn,
    PackedOut,
    PackIn,
    ReceiptIn,
    ReceiptReversalIn,
    ReceivedOut,
    ShipmentDetail,
    ShipmentIn,
    ShipmentOut,
    UnpackIn,
)
from tracker.shipments.service.commands import (
    Box,
    Came,
    ConfirmDelivery,
    CreateShipment,
    Pack,
    Received,
    ReceiveShipment,
    TakeReceiptBack,
    TellDelivery,
    Wanted,
)
from tracker.shipments.service.confirming import confirm_delivery
from tracker.shipments.service.ordering import approve_shipment, cancel_shipment, create_shipment, locked
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.shipments.service.unannounced import dispute_delivery, tell_delivery
from tracker.shipments.service.undoing import take_approval_back, take_receipt_back, unpack_shipment

router = Router(prefix="/api/v1/shipments", tags=["shipments"])

Ref = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="Id or code.")]
_RECEIVED_BEFORE: dict[int | str, dict[str, Any]] = {
    200: {"model": ReceivedOut, "description": "The same was recorded before."}
}
_REPEAT: dict[int | str, dict[str, Any]] = {
    200: {"model": ShipmentDetail, "description": "The same was recorded before."}
}


@router.get("")
def list_shipments(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    state: ShipmentState | None = None,
    facility: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")] = None,
    late: Annotated[bool | None, Query(description="Only what should have arrived and has not.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ShipmentOut]:
    """Shipments from or to the caller's subtree, newest first; both sides see the same."""
    query = shipments_of(db, caller)
    if state is not None:
        query = query.where(Shipment.state == state)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
        query = query.where(or_(Shipment.from_facility_id == place.id, Shipment.to_facility_id == place.id))
    if late:
        query = query.where(Shipment.state.in_(sorted(ON_THE_ROAD)), Shipment.expected_at < now)
    return page_of(
        db,
        query,
        keys=[Shipment.created_at, Shipment.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].created_at.isoformat(), row[0].id],
        present=lambda row: shipment_out(row, now),
        descending=True,
    )


@router.post("", status_code=201, responses=_REPEAT)
def post_shipment(*, body: ShipmentIn, response: Response, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """Order goods from above or next door, or send some: 201, or 200 for the same again."""
    command = CreateShipment(
        id=body.id,
        from_facility=body.from_,
        to_facility=body.to,
        lines=tuple(Wanted(product=line.product, vials=line.vials) for line in body.lines),
        kind=body.kind,
        reference=body.reference,
        expected_at=body.expected_at,
    )
    made = create_shipment(db, caller, command, now=now)
    response.status_code = 201 if made.fresh else 200
    return shipment_detail(db, caller, made.shipment.id, now)


@router.post("/unannounced", status_code=201, responses=_REPEAT)
def post_unannounced(*, body: DeliveryIn, response: Response, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """Tell of what came without a word; it enters the books when the sender confirms. 201, or 200 for the same again."""
    command = TellDelivery(
        id=body.id,
        from_facility=body.from_,
        to_facility=body.to,
        arrived_at=body.arrived_at,
        lines=tuple(Came(**line.model_dump()) for line in body.lines),
        reference=body.reference,
    )
    made = tell_delivery(db, caller, command, now=now)
    response.status_code = 201 if made.fresh else 200
    return shipment_detail(db, caller, made.shipment.id, now)


def agreed(shown: ShipmentDetail) -> object:
    """What the sender agrees to of an order, or has agreed to."""
    return shown.model_dump(include={"state", "approved_by", "lines"})


def _lock(db: Session, caller: Principal, values: Mapping[str, Any]) -> object:
    return locked(db, caller, values["ref"])


@router.get("/{ref}")
@shows(agreed)
def read_shipment(ref: Ref, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """One shipment: ordered, packed, received, and every difference."""
    return shipment_detail(db, caller, ref, now)


@router.post("/{ref}/confirm")
def confirm(*, ref: Ref, body: ConfirmIn | None = None, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """The sender did send what its receiver told of: the vials leave its places and are received, each at its own instant."""
    told = body or ConfirmIn()
    command = ConfirmDelivery(
        lines=tuple(
            Pack(vials=line.vials, place=line.place, barcode=line.barcode, batch=line.batch) for line in told.lines
        ),
        left_at=told.left_at,
    )
    return shipment_detail(db, caller, confirm_delivery(db, caller, ref, command, now=now).id, now)


@router.post("/{ref}/dispute")
def dispute(*, ref: Ref, body: DisputeIn, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """The sender did not send what its receiver told of; it may still be confirmed."""
    return shipment_detail(db, caller, dispute_delivery(db, caller, ref, body.reason, now=now).id, now)


@router.post("/{ref}/approve")
@shows(agreed)
@versioned(Versioned(read=read_shipment, lock=_lock, part=agreed))
def approve(*, ref: Ref, body: ApproveIn | None = None, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """The sender agrees to an order, wholly or with other numbers."""
    vials = body.by_line() if body else None
    return shipment_detail(db, caller, approve_shipment(db, caller, ref, vials, now=now).id, now)


@router.post("/{ref}/take-approval-back")
def take_back_approval(*, ref: Ref, body: ApprovalBackIn, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """The sender's approval of an order did not happen: it waits again. Where something was packed, unpack first."""
    back = take_approval_back(db, caller, ref, body.reason, vials=body.by_line(), now=now)
    return shipment_detail(db, caller, back.id, now)


@router.post("/{ref}/cancel")
def cancel(*, ref: Ref, body: CancelIn | None = None, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """Give up a shipment that has not left."""
    reason = body.reason if body else None
    return shipment_detail(db, caller, cancel_shipment(db, caller, ref, reason, now=now).id, now)


@router.post("/{ref}/pack")
def pack(*, ref: Ref, body: PackIn | None = None, db: Db, caller: Caller, now: Now) -> PackedOut:
    """Fill boxes, by given lines or first expiry, first out. Packing again before dispatch replaces the boxes."""
    boxes = tuple(
        Box(
            id=box.id,
            sscc=box.sscc,
            seal=box.seal,
            logger=box.logger,
            lines=tuple(Pack(**line.model_dump()) for line in box.lines),
        )
        for box in (body.boxes if body else ())
    )
    packed = pack_shipment(db, caller, ref, boxes, now=now)
    return packed_out(db, caller, packed, now)


@router.post("/{ref}/unpack")
def unpack(*, ref: Ref, body: UnpackIn, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """Empty the boxes of a shipment that has not left; it is approved as before. Where others were packed since, they stay."""
    return shipment_detail(db, caller, unpack_shipment(db, caller, ref, body.reason, box=body.box, now=now).id, now)


@router.post("/{ref}/dispatch")
def dispatch(*, ref: Ref, body: DispatchIn | None = None, db: Db, caller: Caller, now: Now) -> ShipmentDetail:
    """The packed vials leave: from their places to the shipment's transit account."""
    told = body or DispatchIn()
    shipment = dispatch_shipment(
        db,
        caller,
        ref,
        occurred_at=told.occurred_at or now,
        expected_at=told.expected_at,
        box=told.box,
        now=now,
    )
    return shipment_detail(db, caller, shipment.id, now)


@router.post("/{ref}/receipts", status_code=201, responses=_RECEIVED_BEFORE)
def receive(*, ref: Ref, body: ReceiptIn, response: Response, db: Db, caller: Caller, now: Now) -> ReceivedOut:
    """Record one part of what arrived, also what was written off as missing and turns up: 201, or 200 for the same again."""
    return _take(ref, body, response, db, caller, now, returned=False)


@router.post("/{ref}/receipt-reversals", status_code=201, responses=_REPEAT)
def reverse_receipt(
    *, ref: Ref, body: ReceiptReversalIn, response: Response, db: Db, caller: Caller, now: Now
) -> ShipmentDetail:
    """The last receipt did not happen, while nothing was built upon it: 201, or 200 for the same again."""
    command = TakeReceiptBack(id=body.id, receipt=body.receipt, reason=body.reason)
    taken = take_receipt_back(db, caller, ref, command, now=now)
    response.status_code = 201 if taken.fresh else 200
    return shipment_detail(db, caller, taken.shipment.id, now)


@router.post("/{ref}/returns", status_code=201, responses=_RECEIVED_BEFORE)
def take_back(*, ref: Ref, body: ReceiptIn, response: Response, db: Db, caller: Caller, now: Now) -> ReceivedOut:
    """The truck turned round: the sender takes back what is on it, into its own places. 201, or 200 for the same again."""
    return _take(ref, body, response, db, caller, now, returned=True)


def _take(
    ref: str, body: ReceiptIn, response: Response, db: Session, caller: Principal, now: datetime, *, returned: bool
) -> ReceivedOut:
    command = ReceiveShipment(
        id=body.id,
        occurred_at=body.occurred_at,
        lines=tuple(Received(**line.model_dump()) for line in body.lines),
        final=body.final,
        returned=returned,
        loggers=tuple(body.loggers),
    )
    arrived = receive_shipment(db, caller, ref, command, now=now)
    response.status_code = 201 if arrived.fresh else 200
    return received_out(db, caller, arrived, body.id, now)
