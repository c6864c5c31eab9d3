"""The lines of a receipt: what the receiver said of each batch, and the ledger lines that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.shipments.errors import EmptyLine, MissingPlace, MissingReason, MoreThanSent
from tracker.shipments.rules.receiving import parts
from tracker.shipments.rules.words import SPENT, Difference
from tracker.shipments.service.commands import Received
from tracker.shipments.service.outstanding import Vials, Waiting
from tracker.stock.errors import BadVials
from tracker.stock.rules.lines import Line, NamedLine, goods_reference, place_reference
from tracker.stock.rules.words import MOST_VIALS, SPOILABLE, ReceiptOutcome, Status, is_spent
from tracker.stock.service.recording import resolve_lines


@dataclass(slots=True)
class ArrivedLine:
    """A receipt's line with ids; `index` is the request's line, None for what `final` adds.

    `recovered` grows as vials are taken that had been written off.
    """

    index: int | None
    batch_id: UUID
    place_id: UUID | None
    said: Received
    recovered: int = 0


def resolve(
    db: Session, principal: Principal, here: UUID, lines: Sequence[Received], *, now: datetime
) -> list[ArrivedLine]:
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
        ArrivedLine(index, known.batch_id, known.place_id, line)
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


def missing_rest(road: Vials, lines: Sequence[ArrivedLine]) -> list[ArrivedLine]:
    """What is still on the road when nothing more will come: missing."""
    left = {batch_id: sum(statuses.values()) for batch_id, statuses in road.items()}
    for line in lines:
        if line.batch_id in left:
            left[line.batch_id] -= line.said.accepted + line.said.rejected + line.said.missing
    return [
        ArrivedLine(None, batch_id, None, Received(missing=vials, reason=Difference.NOT_RECEIVED))
        for batch_id, vials in left.items()
        if vials > 0
    ]


def taken_entries(line: ArrivedLine, vials: int, waiting: Waiting) -> list[Line]:
    """Entries for vials that arrived: from the road, by the statuses they travel in, then from what was written off."""
    entries: list[Line] = []
    left = vials
    for source, outcome in ((waiting.road, ReceiptOutcome.ACCEPTED), (waiting.lost, ReceiptOutcome.RECOVERED)):
        for status, count in parts(left, source.get(line.batch_id, {})):
            source[line.batch_id][status] -= count
            left -= count
            line.recovered += count if outcome is ReceiptOutcome.RECOVERED else 0
            entries.append(entry_of(line, count, outcome, status))
    if left:
        raise _too_many(line, vials, waiting, already=vials - left)
    return entries


def missing_entries(line: ArrivedLine, waiting: Waiting) -> list[Line]:
    """Entries for vials that did not come: only what is on the road can be missing."""
    road = waiting.road.get(line.batch_id, {})
    found = parts(line.said.missing, road)
    if sum(count for _, count in found) < line.said.missing:
        raise _too_many(line, line.said.missing, waiting)
    for status, count in found:
        road[status] -= count
    return [entry_of(line, count, ReceiptOutcome.MISSING, status) for status, count in found]


def _too_many(line: ArrivedLine, vials: int, waiting: Waiting, *, already: int = 0) -> MoreThanSent:
    on_road, lost = (sum(source.get(line.batch_id, {}).values()) for source in (waiting.road, waiting.lost))
    which = {} if line.index is None else {"line": line.index}
    recovered = min(already, line.recovered)
    return MoreThanSent(
        **which, field="accepted", vials=vials, on_road=on_road + already - recovered, lost=lost + recovered
    )


def entry_of(line: ArrivedLine, vials: int, outcome: ReceiptOutcome, status: Status) -> Line:
    return Line(
        batch_id=line.batch_id,
        vials=vials,
        place_id=None if outcome is ReceiptOutcome.MISSING else line.place_id,
        status=status,
        outcome=outcome,
        vvm_stage=None if outcome is ReceiptOutcome.MISSING else line.said.vvm_stage,
        reason=None if line.said.reason is None or outcome is ReceiptOutcome.ACCEPTED else line.said.reason.value,
    )


def stop_of(entry: Line, line: ArrivedLine) -> Line | None:
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
