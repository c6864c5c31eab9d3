"""Packing and dispatch: which vials, in which boxes, and off they go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.kit.ids import uuid7
from tracker.shipments.errors import (
    BadSscc,
    BadState,
    OtherContent,
    PackedSince,
    SsccTaken,
    StoppedSincePacked,
)
from tracker.shipments.events import ShipmentDispatched, ShipmentPacked
from tracker.shipments.models import PackedLine, Shipment, ShipmentBox
from tracker.shipments.rules.sscc import is_sscc, make_sscc
from tracker.shipments.rules.words import DISPATCHED, ShipmentState
from tracker.shipments.service.choosing import Take, choose, shelf_of
from tracker.shipments.service.commands import Box, digest
from tracker.shipments.service.ordering import lines_of, locked, require_end
from tracker.shipments.service.setting_aside import (
    all_lie_as_packed,
    as_something_else,
    keys_of,
    lock_sender,
    packed_batches,
    packed_vials,
    set_aside_at,
)
from tracker.shipments.service.telling import tell
from tracker.stock.errors import BadVials
from tracker.stock.rules.entries import Key
from tracker.stock.rules.fefo import Parcel
from tracker.stock.rules.lines import Line, NamedLine, goods_reference, place_reference
from tracker.stock.rules.use import Skip
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.places import set_aside
from tracker.stock.service.posting import post_event
from tracker.stock.service.recording import resolve_lines


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed shipment; vials that could not be found, by line of the order; parcels passed over, and why.

    To a repeat nothing was passed over: what is packed stands, and what lay beside it then is not looked for again.
    """

    shipment: Shipment
    missing: dict[int, int]
    skipped: tuple[tuple[Parcel, Skip], ...]


def pack_shipment(
    db: Session, principal: Principal, ref: str | UUID, boxes: tuple[Box, ...], *, now: datetime
) -> Packed:
    """Put vials into boxes: the lines given, or first expiry first out over what is approved and not yet packed.

    Whatever is named out of its turn says why. What may not be used here is packed for a return only, and what is set aside for other shipments never. Packed vials bear no promise
    of the sender any more. Packing again before dispatch replaces the boxes; the same again changes nothing, unless packed
    vials were lost, stopped or freed since. Raises ShipmentNotFound, Forbidden, BadState, BadSscc, SsccTaken, NotEnough,
    MoreThanApproved, EarlierFirst, ReasonUnsaid, NothingToPack and the refusals of stock lines.
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    content = digest(boxes)
    repeat = shipment.packed_content == content and shipment.state is not ShipmentState.CANCELLED
    if repeat and all_lie_as_packed(db, shipment):
        return Packed(shipment, _not_found(db, shipment, boxes), ())
    if shipment.state not in (ShipmentState.APPROVED, ShipmentState.PACKED):
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    boxes = boxes or (Box(),)
    given = taken_from(db, principal, shipment, boxes, now=now)
    lock_sender(db, shipment, {take.batch_id for take in given} | packed_batches(db, shipment))
    mine = packed_vials(db, shipment)
    chosen = choose(db, shipment, boxes, given, shelf_of(db, shipment, mine, now=now))
    replace_boxes(db, shipment, boxes, chosen.takes)
    more = keys_of(chosen.takes)
    more.subtract(mine)
    set_aside(db, shipment.from_facility_id, more, now=now)
    shipment.state = ShipmentState.PACKED
    shipment.packed_content = content
    shipment.packed_at = now
    db.flush()
    vials = sum(take.vials for take in chosen.takes)
    tell(db, shipment, lambda facts: ShipmentPacked(**facts, boxes=len(boxes), vials=vials), now=now)
    return Packed(shipment, chosen.missing, chosen.skipped)


def dispatch_shipment(
    db: Session,
    principal: Principal,
    ref: str | UUID,
    *,
    occurred_at: datetime,
    expected_at: datetime | None = None,
    box: UUID | None = None,
    now: datetime,
) -> Shipment:
    """The packed vials leave for the shipment's transit account; once left, the same again changes nothing.

    `box`: one of those that left. Raises ShipmentNotFound, Forbidden, BadState, PackedSince (it is none of them any more), and what the ledger raises: stock that was put on hold, or went,
    since it was packed does not leave (`stock.history_negative`, naming the line; StoppedSincePacked where others lie there).
    """
    shipment, from_path, _ = locked(db, principal, ref)
    require_end(principal, from_path)
    if shipment.state in DISPATCHED:
        return shipment
    if shipment.state is not ShipmentState.PACKED:
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    if box is not None and not holds_box(db, shipment, box):
        raise PackedSince(shipment=shipment.code)
    lines = db.scalars(select(PackedLine).where(PackedLine.shipment_id == shipment.id).order_by(PackedLine.seq)).all()
    lock_sender(db, shipment, {line.batch_id for line in lines}, on_the_road=True)
    mine = packed_vials(db, shipment)
    changed = as_something_else(db, shipment, mine)
    set_aside_before = set_aside_at(db, changed)
    event = PostEvent(
        # Not derived from the shipment: whoever knows its id could take such an id before, and block the dispatch.
        # That it happens once is kept by the shipment's row and state.
        id=uuid7(),
        kind=Kind.DISPATCH,
        facility_id=shipment.from_facility_id,
        occurred_at=occurred_at,
        lines=_out_of_places(lines, mine),
        reference=shipment.code,
        shipment_id=shipment.id,
    )
    post_event(db, principal, event, now=now, permission=Permission.SHIPMENT_WRITE)
    if set_aside_before - set_aside_at(db, changed) < changed.total():
        # Not one told late, which left before its vials were stopped: others lay there.
        raise StoppedSincePacked(shipment=shipment.code)
    shipment.state = ShipmentState.IN_TRANSIT
    shipment.dispatched_at = min(occurred_at, now)
    if expected_at is not None:
        shipment.expected_at = expected_at
    db.flush()
    vials = sum(line.vials for line in lines)
    tell(
        db,
        shipment,
        lambda facts: ShipmentDispatched(**facts, stock_event_id=event.id, vials=vials),
        now=now,
        occurred_at=shipment.dispatched_at,
    )
    return shipment


def holds_box(db: Session, shipment: Shipment, box: UUID) -> bool:
    """Whether this box is one of the shipment's now: it may have been emptied, and others packed, since."""
    found = select(ShipmentBox.id).where(ShipmentBox.id == box, ShipmentBox.shipment_id == shipment.id)
    return db.scalar(found) is not None


def _out_of_places(packed: Sequence[PackedLine], lying: Counter[Key]) -> tuple[Line, ...]:
    """A line for each thing packed, from where it lies now; what was carried to several places is one for each."""
    lines: list[Line] = []
    for each in packed:
        wanted = each.vials
        own = Key(each.place_id, each.batch_id, each.status)
        for key in sorted(lying, key=lambda one: (one != own, one.status is not own.status)):
            taken = min(wanted, lying[key])
            if taken > 0 and key.batch_id == own.batch_id:
                lying[key] -= taken
                wanted -= taken
                # As what they were packed: the ledger says whether they were stopped before they left.
                lines.append(Line(batch_id=key.batch_id, place_id=key.holder_id, vials=taken, status=own.status))
    return tuple(lines)


def _not_found(db: Session, shipment: Shipment, boxes: Sequence[Box]) -> dict[int, int]:
    """Of a packing that stands: what a box left open to first expiry, first out lacked, by line of the order."""
    if boxes and all(box.lines for box in boxes):
        return {}
    rows = db.execute(
        select(Batch.presentation_id, func.sum(PackedLine.vials))
        .join(Batch, Batch.id == PackedLine.batch_id)
        .where(PackedLine.shipment_id == shipment.id)
        .group_by(Batch.presentation_id)
    )
    packed: dict[UUID, int] = {presentation_id: int(vials) for presentation_id, vials in rows}
    lacking: dict[int, int] = {}
    for line in lines_of(db, shipment.id):
        wanted = line.vials if line.approved is None else line.approved
        here = min(wanted, packed.get(line.presentation_id, 0))
        packed[line.presentation_id] = packed.get(line.presentation_id, 0) - here
        if wanted > here:
            lacking[line.seq] = wanted - here
    return lacking


def taken_from(
    db: Session, principal: Principal, shipment: Shipment, boxes: Sequence[Box], *, now: datetime
) -> list[Take]:
    """What the lines of the boxes name, at the sender; raises BadVials and the refusals of stock lines."""
    lines = [(index, line) for index, box in enumerate(boxes) for line in box.lines]
    named = [
        NamedLine(
            batch_id=goods_reference(line.barcode, line.batch),
            place_id=place_reference(line.place),
            vials=line.vials,
            status=line.status,
        )
        for _, line in lines
    ]
    resolved = resolve_lines(db, principal, shipment.from_facility_id, named, now=now)
    takes = []
    for index, ((box, _), line) in enumerate(zip(lines, resolved, strict=True)):
        if line.vials < 1 or line.place_id is None:
            raise BadVials(line=index, field="vials", vials=line.vials)
        said = lines[index][1]
        takes.append(Take(box, line.batch_id, line.place_id, line.vials, line.status, said.reason, said.note))
    return takes


def replace_boxes(db: Session, shipment: Shipment, boxes: Sequence[Box], takes: Sequence[Take]) -> None:
    """Write the boxes and what is in each, in the stead of those before. Raises BadSscc, SsccTaken, OtherContent (an id is another box's)."""
    db.execute(delete(PackedLine).where(PackedLine.shipment_id == shipment.id))
    db.execute(delete(ShipmentBox).where(ShipmentBox.shipment_id == shipment.id))
    ids = []
    for index, box in enumerate(boxes):
        sscc = box.sscc
        if sscc is None:
            sscc = make_sscc(db.execute(text("SELECT nextval('shipment_sscc_seq')")).scalar_one())
        elif not is_sscc(sscc):
            raise BadSscc(line=index, field="sscc", sscc=sscc)
        made = db.scalar(
            upsert(ShipmentBox)
            .values(id=box.id or uuid7(), shipment_id=shipment.id, sscc=sscc, seal=box.seal, logger=box.logger)
            .on_conflict_do_nothing()
            .returning(ShipmentBox.id)
        )
        if made is None and box.id is not None and db.get(ShipmentBox, box.id) is not None:
            raise OtherContent(id=str(box.id))
        if made is None:
            raise SsccTaken(line=index, field="sscc", sscc=sscc)
        ids.append(made)
    db.add_all(
        PackedLine(
            shipment_id=shipment.id,
            seq=seq,
            box_id=ids[take.box],
            batch_id=take.batch_id,
            place_id=take.place_id,
            status=take.status,
            vials=take.vials,
            reason=take.reason,
            note=take.note,
            instead_of_id=take.instead_of,
        )
        for seq, take in enumerate(takes)
    )
    db.flush()
