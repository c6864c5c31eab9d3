"""The sender confirms what its receiver told of: in one transaction the vials leave its places and are received where they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM, Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.shipments.errors import BadState, GoneSince, LeftAfterArrival, NotAsTold, OnlyReturned, SenderLacks
from tracker.shipments.events import ShipmentDispatched
from tracker.shipments.models import Shipment, ToldDelivery, ToldLine
from tracker.shipments.queries.unannounced import LayThere, lay_there, proposed, told_lines
from tracker.shipments.rules.words import TOLD, ShipmentState
from tracker.shipments.service.choosing import Take
from tracker.shipments.service.commands import Box, ConfirmDelivery, Received, ReceiveShipment, digest
from tracker.shipments.service.ordering import locked, require_end
from tracker.shipments.service.packing import replace_boxes, taken_from
from tracker.shipments.service.receiving import receive_shipment
from tracker.shipments.service.telling import tell
from tracker.stock.errors import HistoryNegative, UnknownBatch
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.stock.service.reading import lock_anchors

Spot = tuple[UUID, UUID]
"""A batch in a place."""


def confirm_delivery(
    db: Session, principal: Principal, ref: str | UUID, command: ConfirmDelivery, *, now: datetime
) -> Shipment:
    """Take the told vials out of the sender's places and into the receiver's, each at its own instant.

    Also after it was disputed. The same again changes nothing. Raises ShipmentNotFound, Forbidden, BadState, OnlyReturned,
    NotAsTold, LeftAfterArrival, SenderLacks, GoneSince and the refusals of stock lines (each with its line).
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    content = digest(command)
    told = db.get(ToldDelivery, shipment.id, populate_existing=True)
    if told is not None and shipment.packed_content == content:
        return shipment
    if told is None or shipment.state not in TOLD:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    left_at = command.left_at or told.arrived_at
    if left_at > told.arrived_at:
        raise LeftAfterArrival(field="left_at", arrived_at=_by_its_clock(db, shipment, told.arrived_at))
    lines = told_lines(db, shipment.id)
    _lock_both_ends(db, shipment, lines)
    takes = _takes(db, principal, shipment, lines, command, left_at, now=now)
    replace_boxes(db, shipment, (Box(),), takes)
    _dispatch(db, principal, shipment, takes, left_at, content, now=now)
    _receive(db, shipment, told, lines, now=now)
    return shipment


def _lock_both_ends(db: Session, shipment: Shipment, lines: Sequence[ToldLine]) -> None:
    """All that the dispatch and the receipt touch, at once: of two confirmations that cross none waits for the other's half."""
    named = select(Batch.presentation_id).where(Batch.id.in_({line.batch_id for line in lines})).distinct()
    owners = (shipment.from_facility_id, shipment.id, shipment.to_facility_id)
    lock_anchors(db, {(owner, presentation) for presentation in db.scalars(named) for owner in owners})


def _takes(
    db: Session,
    principal: Principal,
    shipment: Shipment,
    lines: Sequence[ToldLine],
    command: ConfirmDelivery,
    left_at: datetime,
    *,
    now: datetime,
) -> list[Take]:
    """From which places it left: as many vials of each lot as were told, and no more than lay there."""
    told = Counter[UUID]()
    for line in lines:
        told[line.batch_id] += line.vials
    lay = lay_there(db, shipment.from_facility_id, set(told), left_at)
    if not command.lines:
        return _proposed(told, lay, _lots(db, set(told)))
    there: dict[Spot, int] = {(one.batch_id, one.place_id): one.vials for one in lay}
    takes = taken_from(db, principal, shipment, (Box(lines=command.lines),), now=now)
    lots = _lots(db, {*told, *(take.batch_id for take in takes)})
    named = Counter[UUID]()
    left = dict(there)
    for index, take in enumerate(takes):
        if take.status is not Status.USABLE:
            raise OnlyReturned(line=index, field="status")
        if take.batch_id not in lots:
            raise UnknownBatch(line=index, field="batch", batch=str(take.batch_id))
        named[take.batch_id] += take.vials
        spot = (take.batch_id, take.place_id)
        if take.batch_id in told and take.vials > left.get(spot, 0):
            raise SenderLacks(line=index, field="vials", lot=lots[take.batch_id], vials=there.get(spot, 0))
        left[spot] = left.get(spot, 0) - take.vials
    for batch_id in {**told, **named}:
        if named[batch_id] != told[batch_id]:
            raise NotAsTold(field="lines", lot=lots[batch_id], wanted=told[batch_id], vials=named[batch_id])
    return takes


def _proposed(told: Counter[UUID], lay: Sequence[LayThere], lots: dict[UUID, str]) -> list[Take]:
    takes = [
        Take(0, one.batch_id, one.place_id, taken) for one, taken in zip(lay, proposed(lay, told), strict=True) if taken
    ]
    found = Counter[UUID]()
    for take in takes:
        found[take.batch_id] += take.vials
    for batch_id, vials in told.items():
        if found[batch_id] < vials:
            raise SenderLacks(field="lines", lot=lots[batch_id], vials=found[batch_id])
    return takes


def _lots(db: Session, batches: set[UUID]) -> dict[UUID, str]:
    return {row.id: row.lot for row in db.execute(select(Batch.id, Batch.lot).where(Batch.id.in_(batches)))}


def _dispatch(
    db: Session,
    principal: Principal,
    shipment: Shipment,
    takes: Sequence[Take],
    left_at: datetime,
    content: str,
    *,
    now: datetime,
) -> None:
    event = PostEvent(
        id=uuid7(),  # once with the confirmation: the shipment's row and state keep it so
        kind=Kind.DISPATCH,
        facility_id=shipment.from_facility_id,
        occurred_at=left_at,
        lines=tuple(Line(batch_id=each.batch_id, place_id=each.place_id, vials=each.vials) for each in takes),
        reference=shipment.code,
        shipment_id=shipment.id,
    )
    try:
        post_event(db, principal, event, now=now, permission=Permission.SHIPMENT_WRITE)
    except HistoryNegative as error:
        which = {"line": error.params["line"]} if "line" in error.params else {}
        at = _by_its_clock(db, shipment, datetime.fromisoformat(str(error.params["at"])))
        raise GoneSince(**which, field="vials", at=at) from None
    shipment.state = ShipmentState.IN_TRANSIT
    shipment.approved_by = principal.name
    shipment.packed_content = content
    shipment.packed_at = now
    shipment.dispatched_at = left_at
    db.flush()
    vials = sum(each.vials for each in takes)
    tell(
        db,
        shipment,
        lambda facts: ShipmentDispatched(**facts, stock_event_id=event.id, vials=vials),
        now=now,
        occurred_at=left_at,
    )


def _by_its_clock(db: Session, shipment: Shipment, at: datetime) -> str:
    """The instant as the sender's clock has it: who confirms reads it there."""
    zone = ZoneInfo(db.get_one(Facility, shipment.from_facility_id).timezone)
    return at.astimezone(zone).isoformat()


def _receive(db: Session, shipment: Shipment, told: ToldDelivery, lines: Sequence[ToldLine], *, now: datetime) -> None:
    """The receipt is the receiver's own word, of when they told it; who confirms need have no right there."""
    receipt = ReceiveShipment(
        id=uuid7(),
        occurred_at=told.arrived_at,
        final=True,
        lines=tuple(
            Received(batch=str(line.batch_id), place=str(line.place_id), accepted=line.vials, vvm_stage=line.vvm_stage)
            for line in lines
        ),
    )
    receive_shipment(db, replace(SYSTEM, name=shipment.created_by), shipment.id, receipt, now=now)
