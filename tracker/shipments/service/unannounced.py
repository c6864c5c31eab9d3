"""A delivery that nobody announced: the receiver tells of it, and the sender's word against it (its yes: `confirming.py`).

What is told stands in nobody's books: the vials are the sender's by its books until a person there confirms, so that
none is promised twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.kit.days import local_day
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.shipments.errors import ArrivedExpired, BadState, MissingPlace, NoRoute, OtherExpiry
from tracker.shipments.events import ShipmentDisputed, ShipmentTold
from tracker.shipments.models import Shipment, ToldDelivery, ToldLine
from tracker.shipments.rules.routes import is_lateral, may_send
from tracker.shipments.rules.words import ShipmentKind, ShipmentState
from tracker.shipments.service.commands import Came, TellDelivery, digest
from tracker.shipments.service.ordering import (
    Made,
    add_under_a_free_code,
    code_of,
    end_of,
    locked,
    repeated,
    require_end,
)
from tracker.shipments.service.telling import tell
from tracker.stock.rules.lines import Goods, Line, NamedLine, Setting, check_line, goods_reference, place_reference
from tracker.stock.rules.vials import last_day_then
from tracker.stock.rules.words import Kind
from tracker.stock.service.posting import checked_time
from tracker.stock.service.reading import read_facts
from tracker.stock.service.recording import resolve_lines


def tell_delivery(db: Session, principal: Principal, command: TellDelivery, *, now: datetime) -> Made:
    """Write down what came without a word, for its sender to confirm; the same again answers the first.

    Raises FacilityNotFound, Forbidden, NoRoute, ArrivedExpired, OtherExpiry, MissingPlace, TooFarAhead, TooOld,
    OtherContent, and the refusals of stock lines (each with its line).
    """
    content = digest(command)
    earlier = db.get(Shipment, command.id)
    if earlier is not None:
        return repeated(db, principal, earlier, content)
    receiver, to_path = end_of(db, command.to_facility, "to")
    if not principal.sees(to_path):
        raise FacilityNotFound(field="to", facility=command.to_facility)
    principal.require(Permission.SHIPMENT_WRITE, to_path)
    sender, from_path = end_of(db, command.from_facility, "from")
    if not may_send(from_path, to_path):
        raise NoRoute(field="from")
    arrived_at = checked_time(command.arrived_at, now, field="arrived_at")
    lines = _resolve(db, principal, receiver, command.lines, arrived_at, now=now)
    shipment = Shipment(
        id=command.id,
        code=code_of(command.id),
        kind=ShipmentKind.UNANNOUNCED,
        state=ShipmentState.UNCONFIRMED,
        from_facility_id=sender.id,
        to_facility_id=receiver.id,
        sideways=is_lateral(from_path, to_path),
        reference=command.reference,
        content=content,
        created_at=now,
        created_by=principal.name,
    )
    earlier = add_under_a_free_code(db, shipment)
    if earlier is not None:
        return repeated(db, principal, earlier, content)
    db.add(ToldDelivery(shipment_id=shipment.id, arrived_at=arrived_at))
    db.flush()
    db.add_all(_rows(shipment.id, lines))
    db.flush()
    vials = sum(line.vials for line in lines)
    tell(db, shipment, lambda facts: ShipmentTold(**facts, vials=vials), now=now, occurred_at=arrived_at)
    return Made(shipment, fresh=True)


def dispute_delivery(db: Session, principal: Principal, ref: str | UUID, reason: str, *, now: datetime) -> Shipment:
    """The sender says that it did not send this. Nothing moves; the same again changes nothing, and it may still be confirmed.

    Raises ShipmentNotFound, Forbidden, BadState.
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    told = db.get(ToldDelivery, shipment.id, populate_existing=True)
    if told is not None and shipment.state is ShipmentState.DISPUTED and told.dispute_reason == reason:
        return shipment
    if told is None or shipment.state is not ShipmentState.UNCONFIRMED:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    shipment.state = ShipmentState.DISPUTED
    told.disputed_at, told.disputed_by, told.dispute_reason = now, principal.name, reason
    db.flush()
    tell(db, shipment, lambda facts: ShipmentDisputed(**facts), now=now)
    return shipment


def _resolve(
    db: Session, principal: Principal, receiver: Facility, said: Sequence[Came], arrived_at: datetime, *, now: datetime
) -> list[Line]:
    """What the lines name, checked as the ledger will check it once the sender has confirmed."""
    for index, came in enumerate(said):
        if not came.place:
            raise MissingPlace(line=index, field="place")
    named = [
        NamedLine(
            batch_id=goods_reference(line.barcode, line.batch),
            place_id=place_reference(line.place),
            vials=line.vials,
            vvm_stage=line.vvm_stage,
        )
        for line in said
    ]
    lines = list(resolve_lines(db, principal, receiver.id, named, now=now, register=True))
    facts = read_facts(
        db.connection(),
        receiver.id,
        [line.batch_id for line in lines],
        [line.place_id for line in lines],
        [None] * len(lines),
    )
    day = local_day(arrived_at, receiver.timezone)
    setting = Setting(receiver.id, None, day, None)
    rows = db.execute(select(Batch.id, Batch.lot).where(Batch.id.in_({line.batch_id for line in lines})))
    lots: dict[UUID, str] = {row.id: row.lot for row in rows}
    for index, (line, told) in enumerate(zip(lines, said, strict=True)):
        batch = facts.batches[line.batch_id]
        about = {"line": index, "lot": lots[line.batch_id], "expiry": batch.expiry.isoformat()}
        last_day = last_day_then(batch.expiry, batch.said, arrived_at)
        check_line(Kind.RECEIPT, index, line, Goods(last_day, batch.uses_vvm), setting)
        # A label may still say what the catalogue said before the expiry was put right.
        if told.expiry not in (None, batch.expiry, *(before for before, _ in batch.said)):
            raise OtherExpiry(field="expiry", **about)
        if last_day < day:
            raise ArrivedExpired(field="batch", **about)
    return lines


def _rows(shipment_id: UUID, lines: Sequence[Line]) -> Iterator[ToldLine]:
    for seq, line in enumerate(lines):
        yield ToldLine(
            shipment_id=shipment_id,
            seq=seq,
            batch_id=line.batch_id,
            place_id=line.place_id,
            vials=line.vials,
            vvm_stage=line.vvm_stage,
        )
