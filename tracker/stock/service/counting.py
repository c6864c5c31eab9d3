"""Counting a place together: a sheet that several people fill, and the count events it ends in.

Each form somebody sends is a tally with an instant of its own. A sheet is posted as one count event for each tally whose
lines stand, at that tally's instant: what was opened or moved while others were still counting is not counted away.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.errors import DomainError
from tracker.network.models import Equipment
from tracker.network.queries import as_id, facility_by_code_or_id, path_of
from tracker.stock.count_models import CountLine, CountSheet, CountTally
from tracker.stock.errors import (
    BadVials,
    CountIncomplete,
    CountNeedsReason,
    CountNeedsStatus,
    CountUnsettled,
    MissingField,
    OtherContent,
    OwnCount,
    SheetClosed,
    UnknownPlace,
)
from tracker.stock.models import StockBalance, StockEvent
from tracker.stock.queries.counting import SheetLine, SheetView, lines_of, sheet_by_id
from tracker.stock.rules.counting import Verdict
from tracker.stock.rules.lines import Line, NamedLine, Reference, counted_of
from tracker.stock.rules.words import MOST_VIALS, Account, Kind, SheetState, Status
from tracker.stock.service.commands import CancelSheet, CountPlace, OpenSheet, PostSheet, RecordEvent, RecordTally
from tracker.stock.service.posting import checked_time
from tracker.stock.service.reading import lock_anchors
from tracker.stock.service.recording import record_event, resolve_lines

SHORTEST_REASON = 3


def open_sheet(db: Session, principal: Principal, command: OpenSheet, *, now: datetime) -> tuple[CountSheet, bool]:
    """Begin to count a place, or join who counts it already: its open sheet, and whether it is new.

    Raises FacilityNotFound, Forbidden, UnknownPlace, OtherContent.
    """
    facility = facility_by_code_or_id(db, principal, command.facility, Permission.STOCK_READ)
    principal.require(Permission.STOCK_WRITE, path_of(db, facility.id))
    place_id = _place_of(db, facility.id, command.place)
    row = {
        "id": command.id,
        "facility_id": facility.id,
        "place_id": place_id,
        "blind": command.blind,
        "state": SheetState.OPEN,
        "opened_at": now,
        "opened_by": principal.name,
    }
    # A sheet that is closed between the two looks makes room for ours.
    for _ in range(2):
        made = db.scalar(insert(CountSheet).values(**row).on_conflict_do_nothing().returning(CountSheet.id))
        if made is not None:
            return db.get_one(CountSheet, made), True
        mine = db.get(CountSheet, command.id, populate_existing=True)
        if mine is not None:
            if (mine.place_id, mine.blind) != (place_id, command.blind):
                raise OtherContent(event=str(command.id))
            return mine, False
        standing = db.scalars(
            select(CountSheet).where(CountSheet.place_id == place_id, CountSheet.state == SheetState.OPEN)
        ).one_or_none()
        if standing is not None:
            return standing, False
    raise OtherContent(event=str(command.id))


def record_tally(db: Session, principal: Principal, command: RecordTally, *, now: datetime) -> tuple[CountTally, bool]:
    """Keep what somebody found; the same again is the same tally. Returns it, and whether it is new.

    Raises SheetNotFound, Forbidden, SheetClosed, OtherContent, MissingField, BadVials, CountedTwice, CountNeedsStatus,
    TooFarAhead, TooOld, and what `resolve_lines` raises.
    """
    view = _locked(db, principal, command.sheet_id)
    sheet = view.sheet
    known = db.get(CountTally, command.id, populate_existing=True)
    if known is None and sheet.state is not SheetState.OPEN:
        raise _closed(sheet)
    if not command.lines:
        raise MissingField(field="lines")
    here = Reference(view.place.code)
    placed = [_placed(line, here) for line in command.lines]
    lines = resolve_lines(db, principal, sheet.facility_id, placed, now=now)
    content = _digest(lines)
    if known is not None:
        if (known.sheet_id, known.content) != (sheet.id, content):
            raise OtherContent(event=str(command.id))
        return known, False
    _check(db, sheet, lines)
    tally = CountTally(
        id=command.id,
        sheet_id=sheet.id,
        account_id=principal.account_id,
        counted_by=principal.name,
        counted_at=checked_time(command.counted_at, now, field="counted_at"),
        content=content,
    )
    db.add(tally)
    db.flush()
    db.add_all(
        CountLine(
            tally_id=tally.id,
            seq=seq,
            batch_id=line.batch_id,
            status=_status(line),
            vials=line.vials,
            reason=(line.reason or "").strip() or None,
        )
        for seq, line in enumerate(lines)
    )
    db.flush()
    return tally, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What became of a place counted in one go: `event_id` where its count stands in the ledger, else what the sheet waits for.

    `waits`: CountIncomplete, CountNeedsReason or CountUnsettled; None on a closed sheet, where another's later count may stand.
    """

    sheet_id: UUID
    fresh: bool
    event_id: UUID | None
    waits: DomainError | None


def count_place(db: Session, principal: Principal, command: CountPlace, *, now: datetime) -> Counted:
    """Join the sheet on which the place is being counted, or begin one, and close it where nothing waits.

    The same again joins nothing anew. Raises what `open_sheet`, `record_tally` and `record_event` raise.
    """
    begin = OpenSheet(id=command.id, facility=command.facility, place=command.place)
    sheet_id = _sheet_of(db, principal, command) or open_sheet(db, principal, begin, now=now)[0].id
    told = RecordTally(id=command.id, sheet_id=sheet_id, counted_at=command.counted_at, lines=command.lines)
    try:
        _, fresh = record_tally(db, principal, told, now=now)
    except SheetClosed:
        # A colleague closed it between the two: the place is counted anew.
        sheet_id = open_sheet(db, principal, begin, now=now)[0].id
        _, fresh = record_tally(db, principal, replace(told, sheet_id=sheet_id), now=now)
    waits: DomainError | None = None
    try:
        post_sheet(db, principal, PostSheet(sheet_id=sheet_id), now=now)
    except (CountIncomplete, CountNeedsReason, CountUnsettled) as refused:
        waits = refused
    except SheetClosed:
        pass  # a repeat of what stands on a sheet that was given up
    event_id = db.scalar(select(StockEvent.id).where(StockEvent.id == command.id))
    return Counted(sheet_id=sheet_id, fresh=fresh, event_id=event_id, waits=waits)


def _sheet_of(db: Session, principal: Principal, command: CountPlace) -> UUID | None:
    """The sheet on which this very count stands already; raises OtherContent where it was said of another place."""
    known = db.get(CountTally, command.id)
    if known is None:
        return None
    sheet = sheet_by_id(db, principal, known.sheet_id).sheet
    facility = facility_by_code_or_id(db, principal, command.facility, Permission.STOCK_READ)
    if (sheet.facility_id, sheet.place_id) != (facility.id, _place_of(db, facility.id, command.place)):
        raise OtherContent(event=str(command.id))
    return sheet.id


def _place_of(db: Session, facility_id: UUID, said: str) -> UUID:
    named = Equipment.id == as_id(said) if as_id(said) else Equipment.code == said
    place_id = db.scalar(select(Equipment.id).where(Equipment.facility_id == facility_id, named))
    if place_id is None:
        raise UnknownPlace(line=0, field="place", place=said)
    return place_id


def post_sheet(db: Session, principal: Principal, command: PostSheet, *, now: datetime) -> tuple[CountSheet, bool]:
    """Write a sheet's counts into the ledger, once: whoever comes second finds who was first. Returns whether it was us.

    Raises SheetNotFound, Forbidden, SheetClosed (cancelled), CountIncomplete, CountNeedsReason, CountUnsettled, OwnCount,
    and what `record_event` raises of a count.
    """
    view = _locked(db, principal, command.sheet_id)
    sheet = view.sheet
    if sheet.state is SheetState.POSTED:
        return sheet, False
    if sheet.state is SheetState.CANCELLED:
        raise _closed(sheet)
    pools = {(sheet.facility_id, line.presentation_id) for line in lines_of(db, sheet)}
    # All pools in the house's order before the first event: each event locks its own.
    lock_anchors(db, pools)
    lines = lines_of(db, sheet)
    approved = _judge(principal, view, lines, command)
    by_tally: dict[UUID, list[SheetLine]] = defaultdict(list)
    for line in lines:
        by_tally[line.newest.tally_id].append(line)
    for tally_id, of_tally in sorted(by_tally.items(), key=lambda each: (each[1][0].newest.at, each[0])):
        record_event(db, principal, _event(view, tally_id, of_tally, command), now=now)
        for line in of_tally:
            values = {"difference": line.difference, "reason": _reason(command, line) if line.difference else None}
            one = (CountLine.tally_id == tally_id) & (CountLine.seq == line.newest.seq)
            db.execute(update(CountLine).where(one).values(**values))
    _close(sheet, SheetState.POSTED, principal, now)
    sheet.approved = approved
    db.flush()
    return sheet, True


def cancel_sheet(db: Session, principal: Principal, command: CancelSheet, *, now: datetime) -> CountSheet:
    """Give a sheet up with a reason; again is the same. Raises SheetNotFound, Forbidden, MissingField, SheetClosed (posted)."""
    sheet = _locked(db, principal, command.sheet_id).sheet
    if sheet.state is SheetState.POSTED:
        raise _closed(sheet)
    if len(command.reason.strip()) < SHORTEST_REASON:
        raise MissingField(field="reason")
    if sheet.state is SheetState.OPEN:
        _close(sheet, SheetState.CANCELLED, principal, now)
        sheet.reason = command.reason.strip()
        db.flush()
    return sheet


def _locked(db: Session, principal: Principal, sheet_id: UUID) -> SheetView:
    """The sheet, which nobody else changes until we are done."""
    seen = sheet_by_id(db, principal, sheet_id)
    principal.require(Permission.STOCK_WRITE, seen.path)
    db.execute(select(CountSheet.id).where(CountSheet.id == sheet_id).with_for_update())
    return sheet_by_id(db, principal, sheet_id)


def _closed(sheet: CountSheet) -> SheetClosed:
    at = sheet.closed_at.isoformat() if sheet.closed_at else None
    return SheetClosed(sheet=str(sheet.id), state=sheet.state.value, by=sheet.closed_by, at=at)


def _close(sheet: CountSheet, state: SheetState, principal: Principal, now: datetime) -> None:
    sheet.state, sheet.closed_at, sheet.closed_by = state, now, principal.name


def _placed(line: NamedLine, here: Reference) -> NamedLine:
    return NamedLine(
        batch_id=line.batch_id,
        vials=line.vials,
        place_id=here,
        status=line.status,
        status_said=line.status_said,
        reason=line.reason,
    )


def _digest(lines: Sequence[Line]) -> str:
    words = sorted(f"{line.batch_id} {_status(line) or ''} {line.vials}" for line in lines)
    return hashlib.blake2b("\n".join(words).encode(), digest_size=16).hexdigest()


def _status(line: Line) -> str | None:
    return None if line.counts_shelf else line.status.value


def _check(db: Session, sheet: CountSheet, lines: Sequence[Line]) -> None:
    for index, line in enumerate(lines):
        if not 0 <= line.vials <= MOST_VIALS:
            raise BadVials(line=index, field="vials", vials=line.vials)
    counted_of(list(enumerate(lines)))
    shelves = {line.batch_id: index for index, line in enumerate(lines) if line.counts_shelf}
    rows = db.execute(
        select(StockBalance.batch_id, StockBalance.status)
        .where(
            StockBalance.holder_id == sheet.place_id,
            StockBalance.account == Account.PLACE,
            StockBalance.vials > 0,
            StockBalance.batch_id.in_(shelves),
        )
        .order_by(StockBalance.batch_id, StockBalance.status)
    )
    lying: dict[UUID, list[str]] = defaultdict(list)
    for row in rows:
        lying[row.batch_id].append(row.status.value)
    for batch_id, statuses in lying.items():
        if len(statuses) > 1:
            raise CountNeedsStatus(line=shelves[batch_id], field="status", statuses=statuses)


def _judge(principal: Principal, view: SheetView, lines: Sequence[SheetLine], command: PostSheet) -> bool:
    """Whether the sheet may be posted, and whether that took an approval."""
    uncounted = [line.lot for line in lines if not line.told]
    if uncounted or not lines:
        raise CountIncomplete(lots=_list(uncounted), sheet=str(view.sheet.id))
    silent = [line.lot for line in lines if line.difference and len(_reason(command, line)) < SHORTEST_REASON]
    if silent:
        raise CountNeedsReason(field="reasons", lots=_list(silent))
    unsettled = [line.lot for line in lines if line.verdict is not Verdict.AGREED]
    if not unsettled:
        return False
    if not command.approve:
        raise CountUnsettled(lots=_list(unsettled))
    principal.require(Permission.COUNT_APPROVE, view.path)
    if principal.account_id in {told.account_id for line in lines for told in line.told}:
        raise OwnCount(sheet=str(view.sheet.id))
    return True


def _list(lots: Sequence[str]) -> str:
    shown = sorted(set(lots))
    return ", ".join(shown[:5]) + (f" (+{len(shown) - 5})" if len(shown) > 5 else "") or "–"


def _reason(command: PostSheet, line: SheetLine) -> str:
    return command.reasons.get(line.key, "").strip() or line.reason or ""


def _event(view: SheetView, tally_id: UUID, lines: Sequence[SheetLine], command: PostSheet) -> RecordEvent:
    return RecordEvent(
        id=tally_id,
        kind=Kind.COUNT,
        facility=view.facility.code,
        occurred_at=lines[0].newest.at,
        lines=tuple(
            NamedLine(
                batch_id=Reference(str(line.batch_id)),
                vials=line.newest.vials,
                place_id=Reference(view.place.code),
                status=line.status or Status.USABLE,
                status_said=line.status is not None,
                reason=_reason(command, line) if line.difference else None,
            )
            for line in lines
        ),
        reference=f"count-sheet {view.sheet.id}",
        beside=True,  # the sheet is posted when all that lies there was counted
    )
