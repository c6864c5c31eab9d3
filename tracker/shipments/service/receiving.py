"""Receipt: what arrived, as the receiver found it, in as many parts as it comes in.

Accepted vials go from the road into a place; rejected ones too, and there they are stopped (`unusable` when
spent, else `held` until they go back); missing ones go from the road to `lost`; surplus comes from `found`.
What was written off as missing and turns up is taken from `lost` again. A truck that turns round is received by
its sender. What was sent and what arrived both stay, and the sender is told of every difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.shipments.errors import (
    BadState,
    BeforeSent,
    EmptyLine,
    MissingPlace,
    MissingReason,
    MoreThanSent,
    OtherContent,
)
from tracker.shipments.events import DifferenceLine, ShipmentDiffered, ShipmentReceived, ShipmentReturned
from tracker.shipments.models import ReceiptLine, Shipment, ShipmentReceipt
from tracker.shipments.queries.finding import sums_by_batch
from tracker.shipments.rules.receiving import arrival, parts
from tracker.shipments.rules.words import ARRIVED, ON_THE_ROAD, SPENT, Difference, ShipmentState
from tracker.shipments.service.commands import Received, ReceiveShipment, digest
from tracker.shipments.service.ordering import locked, require_end
from tracker.shipments.service.telling import ReceiptFacts, ShipmentFacts, tell
from tracker.stock.errors import BadVials
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.rules.lines import Line, NamedLine, goods_reference, place_reference
from tracker.stock.rules.words import MOST_VIALS, SPOILABLE, Account, Kind, ReceiptOutcome, Status, is_spent
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.stock.service.reading import lock_anchors
from tracker.stock.service.recording import resolve_lines


@dataclass(frozen=True, slots=True)
class Arrived:
    """The shipment after a receipt, and whether the receipt was written now."""

    shipment: Shipment
    fresh: bool


@dataclass(slots=True)
class _Line:
    """A receipt's line with ids; `index` is the request's line, None for what `final` adds.

    `recovered` grows as vials are taken that had been written off.
    """

    index: int | None
    batch_id: UUID
    place_id: UUID | None
    said: Received
    recovered: int = 0


Vials = dict[UUID, dict[Status, int]]
"""By batch and status; what is taken leaves it."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What of a shipment can still be taken: on the road, and written off as missing."""

    road: Vials
    lost: Vials


def receive_shipment(
    db: Session, principal: Principal, ref: str | UUID, command: ReceiveShipment, *, now: datetime
) -> Arrived:
    """Record one part of what arrived; the same id again answers the first.

    Raises ShipmentNotFound, Forbidden, BadState, BeforeSent, EmptyLine, MissingReason, MissingPlace, MoreThanSent,
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
    lost = _lost(db, shipment.id)
    if shipment.state not in ON_THE_ROAD and not (shipment.state in ARRIVED and lost):
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    here = shipment.from_facility_id if command.returned else shipment.to_facility_id
    arrived_at = _arrived_at(db, shipment, here, command)
    lines = _resolve(db, principal, here, command.lines, now=now)
    _lock(db, shipment, here, lines)
    waiting = _Waiting(_on_road(db, shipment.id, arrived_at), lost)
    if command.final:
        lines += _rest(waiting.road, lines)
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


def _resolve(db: Session, principal: Principal, here: UUID, lines: Sequence[Received], *, now: datetime) -> list[_Line]:
    for index, line in enumerate(lines):
        _check(index, line)
    # Only what the lines name is asked here; how many vials go where is decided by what lies on the road.
    named = [
        NamedLine(
            batch_id=goods_reference(line.barcode, line.batch),
            place_id=place_reference(line.place),
            vials=line.accepted + line.rejected + line.missing + line.surplus,
        )
        for line in lines
    ]
    resolved = resolve_lines(db, principal, here, named, now=now, register=True)
    return [
        _Line(index, known.batch_id, known.place_id, line)
        for index, (known, line) in enumerate(zip(resolved, lines, strict=True))
    ]


def _check(index: int, line: Received) -> None:
    counts = {name: getattr(line, name) for name in ("accepted", "rejected", "missing", "surplus")}
    for name, vials in counts.items():
        if not 0 <= vials <= MOST_VIALS:
            raise BadVials(line=index, field=name, vials=vials)
    if not any(counts.values()):
        raise EmptyLine(line=index, field="accepted")
    if line.reason is None and (line.rejected or line.missing or line.surplus):
        raise MissingReason(line=index, field="reason")
    if line.place is None and (line.accepted or line.rejected or line.surplus):
        raise MissingPlace(line=index, field="place")


def _lock(db: Session, shipment: Shipment, here: UUID, lines: Sequence[_Line]) -> None:
    """Take all anchors the two events of a receipt touch, at once: those of the batches named and of all on the road."""
    named = {line.batch_id for line in lines}
    road = select(StockBalance.batch_id).where(StockBalance.holder_id == shipment.id)
    rows = db.scalars(select(Batch.presentation_id).where(Batch.id.in_(named) | Batch.id.in_(road)).distinct()).all()
    lock_anchors(db, {(owner, presentation) for presentation in rows for owner in (shipment.id, here)})


def _lost(db: Session, shipment_id: UUID) -> Vials:
    """What earlier receipts of this shipment wrote off as missing, less what has turned up since."""
    receipts = select(ShipmentReceipt.id).where(ShipmentReceipt.shipment_id == shipment_id)
    found: Vials = defaultdict(dict)
    rows = db.execute(
        select(StockEntry.batch_id, StockEntry.status, func.sum(StockEntry.vials).label("vials"))
        .where(StockEntry.event_id.in_(receipts), StockEntry.account == Account.LOST)
        .group_by(StockEntry.batch_id, StockEntry.status)
        .having(func.sum(StockEntry.vials) > 0)
    )
    for row in rows:
        found[row.batch_id][row.status] = int(row.vials)
    return found


def _on_road(db: Session, shipment_id: UUID, at: datetime) -> Vials:
    """What is still on the road, in the statuses it had at `at`: a hold or a recall since then did not stop it yet.

    Of what lay there then, no more than is there now; the rest was received or closed since.
    """
    now: dict[UUID, int] = defaultdict(int)
    balances = select(StockBalance.batch_id, StockBalance.vials).where(StockBalance.holder_id == shipment_id)
    for batch_id, vials in db.execute(balances):
        now[batch_id] += vials
    sums = db.execute(
        select(StockEntry.batch_id, StockEntry.status, func.sum(StockEntry.vials).label("vials"))
        .where(
            StockEntry.holder_id == shipment_id,
            StockEntry.batch_id.in_([batch_id for batch_id, vials in now.items() if vials]),
            StockEntry.occurred_at <= at,
        )
        .group_by(StockEntry.batch_id, StockEntry.status)
        .order_by(StockEntry.batch_id, StockEntry.status)
    )
    found: Vials = defaultdict(dict)
    for row in sums:
        vials = min(int(row.vials), now[row.batch_id])
        if vials > 0:
            found[row.batch_id][row.status] = vials
            now[row.batch_id] -= vials
    return found


def _rest(road: Vials, lines: Sequence[_Line]) -> list[_Line]:
    """What is still on the road when nothing more will come: missing."""
    left = {batch_id: sum(statuses.values()) for batch_id, statuses in road.items()}
    for line in lines:
        if line.batch_id in left:
            left[line.batch_id] -= line.said.accepted + line.said.rejected + line.said.missing
    return [
        _Line(None, batch_id, None, Received(missing=vials, reason=Difference.NOT_RECEIVED))
        for batch_id, vials in left.items()
        if vials > 0
    ]


def _post(
    db: Session,
    principal: Principal,
    shipment: Shipment,
    here: UUID,
    command: ReceiveShipment,
    lines: Sequence[_Line],
    waiting: _Waiting,
    *,
    now: datetime,
) -> None:
    entries: list[Line] = []
    stopped: list[Line] = []
    for line in lines:
        entries += _taken(line, line.said.accepted, waiting)
        rejected = _taken(line, line.said.rejected, waiting)
        entries += rejected
        stopped += [stop for each in rejected if (stop := _stop(each, line)) is not None]
        entries += _missing(line, waiting)
        if line.said.surplus:
            entries.append(_entry(line, line.said.surplus, ReceiptOutcome.SURPLUS, Status.USABLE))
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


def _taken(line: _Line, vials: int, waiting: _Waiting) -> list[Line]:
    """Entries for vials that arrived: from the road, by the statuses they travel in, then from what was written off."""
    entries: list[Line] = []
    left = vials
    for source, outcome in ((waiting.road, ReceiptOutcome.ACCEPTED), (waiting.lost, ReceiptOutcome.RECOVERED)):
        for status, count in parts(left, source.get(line.batch_id, {})):
            source[line.batch_id][status] -= count
            left -= count
            line.recovered += count if outcome is ReceiptOutcome.RECOVERED else 0
            entries.append(_entry(line, count, outcome, status))
    if left:
        raise _too_many(line, vials, waiting, already=vials - left)
    return entries


def _missing(line: _Line, waiting: _Waiting) -> list[Line]:
    """Entries for vials that did not come: only what is on the road can be missing."""
    road = waiting.road.get(line.batch_id, {})
    found = parts(line.said.missing, road)
    if sum(count for _, count in found) < line.said.missing:
        raise _too_many(line, line.said.missing, waiting)
    for status, count in found:
        road[status] -= count
    return [_entry(line, count, ReceiptOutcome.MISSING, status) for status, count in found]


def _too_many(line: _Line, vials: int, waiting: _Waiting, *, already: int = 0) -> MoreThanSent:
    on_road, lost = (sum(source.get(line.batch_id, {}).values()) for source in (waiting.road, waiting.lost))
    which = {} if line.index is None else {"line": line.index}
    recovered = min(already, line.recovered)
    return MoreThanSent(
        **which, field="accepted", vials=vials, on_road=on_road + already - recovered, lost=lost + recovered
    )


def _entry(line: _Line, vials: int, outcome: ReceiptOutcome, status: Status) -> Line:
    return Line(
        batch_id=line.batch_id,
        vials=vials,
        place_id=None if outcome is ReceiptOutcome.MISSING else line.place_id,
        status=status,
        outcome=outcome,
        vvm_stage=None if outcome is ReceiptOutcome.MISSING else line.said.vvm_stage,
        reason=None if line.said.reason is None or outcome is ReceiptOutcome.ACCEPTED else line.said.reason.value,
    )


def _stop(entry: Line, line: _Line) -> Line | None:
    """The status change of rejected vials; None when their state already stops them."""
    to_status = Status.UNUSABLE if line.said.reason in SPENT else Status.HELD
    spent_by_monitor = entry.status in SPOILABLE and is_spent(entry.vvm_stage)
    if spent_by_monitor or (entry.status is not Status.USABLE and to_status is not Status.UNUSABLE):
        return None
    if entry.status is Status.UNUSABLE:
        return None
    reason = None if line.said.reason is None else line.said.reason.value
    return Line(
        batch_id=entry.batch_id,
        vials=entry.vials,
        place_id=entry.place_id,
        status=entry.status,
        to_status=to_status,
        reason=reason,
    )


def _keep(
    db: Session,
    principal: Principal,
    shipment: Shipment,
    command: ReceiveShipment,
    arrived_at: datetime,
    lines: Sequence[_Line],
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


def _finish(
    db: Session,
    shipment: Shipment,
    command: ReceiveShipment,
    arrived_at: datetime,
    lines: Sequence[_Line],
    *,
    now: datetime,
) -> None:
    sums = sums_by_batch(db, shipment.id).values()
    complete = all(each.on_road == 0 for each in sums)
    turned_round = any(each.returned for each in sums) and not any(each.accepted or each.rejected for each in sums)
    was_complete = shipment.state in ARRIVED
    if complete:
        shipment.state = ShipmentState.RETURNED if turned_round else ShipmentState.RECEIVED
    else:
        shipment.state = ShipmentState.PARTLY_RECEIVED
    if complete and not was_complete:
        shipment.received_at = arrived_at
    db.flush()
    _tell(db, shipment, command, arrived_at, lines, now=now)
    # Whether everything on the road is accounted for is asked of the ledger, not only of our own lines.
    if complete and any(vials for statuses in _on_road(db, shipment.id, now).values() for vials in statuses.values()):
        raise BadState(shipment=shipment.code, state="on_road")


def _tell(
    db: Session,
    shipment: Shipment,
    command: ReceiveShipment,
    arrived_at: datetime,
    lines: Sequence[_Line],
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
