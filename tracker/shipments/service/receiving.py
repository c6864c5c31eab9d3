"""Receipt: what arrived, as the receiver found it, in as many parts as it comes in.

Accepted vials go from the road into a place; rejected ones too, and there they are stopped (`unusable` when
spent, else `held` until they go back); missing ones go from the road to `lost`; surplus comes from `found`.
What was written off as missing and turns up is taken from `lost` again. A truck that turns round is received by
its sender. What was sent and what arrived both stay, and the sender is told of every difference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.shipments.errors import (
    BadState,
    BeforeSent,
    EmptyReceipt,
    OtherContent,
)
from tracker.shipments.events import DifferenceLine, ShipmentDiffered, ShipmentReceived, ShipmentReturned
from tracker.shipments.models import ReceiptLine, ReceiptLogger, Shipment, ShipmentReceipt
from tracker.shipments.queries.finding import sums_by_batch
from tracker.shipments.queries.loggers import notes_of_loggers
from tracker.shipments.rules.receiving import arrival
from tracker.shipments.rules.words import ARRIVED, ON_THE_ROAD, ShipmentState
from tracker.shipments.service.arrived_lines import (
    ArrivedLine,
    entry_of,
    missing_entries,
    missing_rest,
    resolve,
    stop_of,
    taken_entries,
)
from tracker.shipments.service.commands import ReceiveShipment, digest
from tracker.shipments.service.ordering import locked, require_end
from tracker.shipments.service.outstanding import Waiting, on_road, written_off
from tracker.shipments.service.telling import ReceiptFacts, ShipmentFacts, tell
from tracker.stock.models import StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, ReceiptOutcome, Status
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.stock.service.reading import lock_anchors


@dataclass(frozen=True, slots=True)
class Arrived:
    """The shipment after a receipt, and whether the receipt was written now."""

    shipment: Shipment
    fresh: bool


def receive_shipment(
    db: Session, principal: Principal, ref: str | UUID, command: ReceiveShipment, *, now: datetime
) -> Arrived:
    """Record one part of what arrived; the same id again answers the first.

    Raises ShipmentNotFound, Forbidden, BadState, EmptyReceipt, BeforeSent, EmptyLine, MissingReason, MissingPlace, MoreThanSent,
    OtherContent, the refusals of stock lines (each with its line), and what the ledger raises.
    """
    shipment, from_path, to_path = locked(db, principal, ref)
    require_end(principal, from_path if command.returned else to_path)
    content = digest(command)
    earlier = db.get(ShipmentReceipt, command.id)
    if earlier is not None:
        if earlier.content != content or earlier.shipment_id != shipment.id:
            raise OtherContent(id=str(command.id))
        return Arrived(shipment, fresh=False)
    lost = written_off(db, shipment.id)
    if shipment.state not in ON_THE_ROAD and not (shipment.state in ARRIVED and lost):
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    if not command.lines and not command.final:
        raise EmptyReceipt(field="lines")
    here = shipment.from_facility_id if command.returned else shipment.to_facility_id
    arrived_at = _arrived_at(db, shipment, here, command)
    lines = resolve(db, principal, here, command.lines, now=now)
    lock_both_ends(db, shipment, here, {line.batch_id for line in lines})
    waiting = Waiting(on_road(db, shipment.id, arrived_at), lost)
    if command.final:
        lines += missing_rest(waiting.road, lines)
    _post(db, principal, shipment, here, replace(command, occurred_at=arrived_at), lines, waiting, now=now)
    _keep(db, principal, shipment, command, arrived_at, lines, content, now=now)
    _finish(db, shipment, command, min(arrived_at, now), lines, now=now)
    return Arrived(shipment, fresh=True)


def _arrived_at(db: Session, shipment: Shipment, here: UUID, command: ReceiveShipment) -> datetime:
    try:
        return arrival(command.occurred_at, shipment.dispatched_at)
    except ValueError:
        zone = ZoneInfo(db.get_one(Facility, here).timezone)
        sent_at = "" if shipment.dispatched_at is None else shipment.dispatched_at.astimezone(zone).isoformat()
        raise BeforeSent(field="occurred_at", sent_at=sent_at) from None


def lock_both_ends(db: Session, shipment: Shipment, here: UUID, named: Collection[UUID]) -> None:
    """Take all anchors the two events of a receipt touch, at once: those of the batches named and of all on the road."""
    road = select(StockBalance.batch_id).where(StockBalance.holder_id == shipment.id)
    rows = db.scalars(select(Batch.presentation_id).where(Batch.id.in_(named) | Batch.id.in_(road)).distinct()).all()
    lock_anchors(db, {(owner, presentation) for presentation in rows for owner in (shipment.id, here)})


def _post(
    db: Session,
    principal: Principal,
    shipment: Shipment,
    here: UUID,
    command: ReceiveShipment,
    lines: Sequence[ArrivedLine],
    waiting: Waiting,
    *,
    now: datetime,
) -> None:
    entries: list[Line] = []
    stopped: list[Line] = []
    for line in lines:
        entries += taken_entries(line, line.said.accepted, waiting)
        rejected = taken_entries(line, line.said.rejected, waiting)
        entries += rejected
        stopped += [stop for each in rejected if (stop := stop_of(each, line)) is not None]
        entries += missing_entries(line, waiting)
        if line.said.surplus:
            entries.append(entry_of(line, line.said.surplus, ReceiptOutcome.SURPLUS, Status.USABLE))
    receipt = PostEvent(
        id=command.id,
        kind=Kind.RECEIPT,
        facility_id=here,
        occurred_at=command.occurred_at,
        lines=tuple(entries),
        reference=shipment.code,
        shipment_id=shipment.id,
    )
    post_event(db, principal, receipt, now=now, permission=Permission.SHIPMENT_WRITE)
    if stopped:
        stop_rejected = PostEvent(
            id=uuid7(),  # once with its receipt, whose id decides what is a repeat
            kind=Kind.STATUS,
            facility_id=here,
            occurred_at=command.occurred_at,
            lines=tuple(stopped),
            reason="rejected",
            reference=shipment.code,
        )
        post_event(db, principal, stop_rejected, now=now, permission=Permission.SHIPMENT_WRITE)


def _keep(
    db: Session,
    principal: Principal,
    shipment: Shipment,
    command: ReceiveShipment,
    arrived_at: datetime,
    lines: Sequence[ArrivedLine],
    content: str,
    *,
    now: datetime,
) -> None:
    db.add(
        ShipmentReceipt(
            id=command.id,
            shipment_id=shipment.id,
            occurred_at=min(arrived_at, now),
            said_at=None if arrived_at == command.occurred_at else command.occurred_at,
            returned=command.returned,
            recorded_at=now,
            recorded_by=principal.name,
            final=command.final,
            content=content,
        )
    )
    db.flush()
    noted = notes_of_loggers(db, shipment.id, command.loggers)
    db.add_all(
        ReceiptLogger(receipt_id=command.id, number=number, noted_of_id=noted.get(number))
        for number in dict.fromkeys(command.loggers)
    )
    for seq, line in enumerate(lines):
        said = line.said
        db.add(
            ReceiptLine(
                receipt_id=command.id,
                seq=seq,
                batch_id=line.batch_id,
                place_id=line.place_id,
                accepted=said.accepted,
                rejected=said.rejected,
                missing=said.missing,
                surplus=said.surplus,
                recovered=line.recovered,
                reason=said.reason,
                note=said.note,
                vvm_stage=said.vvm_stage,
            )
        )
    db.flush()


def state_now(db: Session, shipment: Shipment) -> ShipmentState:
    """Where a shipment that has left stands by its receipts."""
    sums = sums_by_batch(db, shipment.id).values()
    turned_round = any(each.returned for each in sums) and not any(each.accepted or each.rejected for each in sums)
    if all(each.on_road == 0 for each in sums):
        return ShipmentState.RETURNED if turned_round else ShipmentState.RECEIVED
    begun = any(each.on_road < each.sent or each.surplus for each in sums)
    return ShipmentState.PARTLY_RECEIVED if begun else ShipmentState.IN_TRANSIT


def _finish(
    db: Session,
    shipment: Shipment,
    command: ReceiveShipment,
    arrived_at: datetime,
    lines: Sequence[ArrivedLine],
    *,
    now: datetime,
) -> None:
    was_complete = shipment.state in ARRIVED
    shipment.state = state_now(db, shipment)
    complete = shipment.state in ARRIVED
    if complete and not was_complete:
        shipment.received_at = arrived_at
    db.flush()
    _tell(db, shipment, command, arrived_at, lines, now=now)
    # Whether everything on the road is accounted for is asked of the ledger, not only of our own lines.
    if complete and any(vials for statuses in on_road(db, shipment.id, now).values() for vials in statuses.values()):
        raise BadState(shipment=shipment.code, state="on_road")


def _tell(
    db: Session,
    shipment: Shipment,
    command: ReceiveShipment,
    arrived_at: datetime,
    lines: Sequence[ArrivedLine],
    *,
    now: datetime,
) -> None:
    differing = tuple(
        DifferenceLine(
            batch_id=line.batch_id,
            rejected_vials=line.said.rejected,
            missing_vials=line.said.missing,
            surplus_vials=line.said.surplus,
            reason=line.said.reason,
        )
        for line in lines
        if line.said.rejected or line.said.missing or line.said.surplus
    )

    def receipt(facts: ShipmentFacts) -> ReceiptFacts:
        return ReceiptFacts(
            **facts,
            receipt_id=command.id,
            accepted_vials=sum(line.said.accepted for line in lines),
            rejected_vials=sum(line.said.rejected for line in lines),
            missing_vials=sum(line.said.missing for line in lines),
            surplus_vials=sum(line.said.surplus for line in lines),
        )

    news = ShipmentReturned if command.returned else ShipmentReceived
    tell(db, shipment, lambda facts: news(**receipt(facts)), now=now, occurred_at=arrived_at)
    if differing:
        tell(db, shipment, lambda facts: ShipmentDiffered(**receipt(facts), lines=differing), now=now)
