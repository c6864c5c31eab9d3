"""Count sheets: what was found, what the books had at that instant, and what nobody has counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.stock.count_models import CountLine, CountSheet, CountTally
from tracker.stock.errors import SheetNotFound
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.rules.counting import Told, Verdict, newest, verdict_of
from tracker.stock.rules.words import Account, SheetState, Status
from tracker.stock.service.commands import CountKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """A sheet with where it is of."""

    sheet: CountSheet
    facility: Facility
    place: Equipment
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """A batch of a sheet, by status where somebody named one; `told` is empty where nobody counted it.

    `on_books`: what the books have there now, for those; `written`: the difference that was posted; `reason`: as posted, or
    as the last who gave one said.
    """

    batch_id: UUID
    presentation_id: UUID
    status: Status | None
    product: str
    lot: str
    expiry: date
    told: tuple[Told, ...]
    on_books: int
    written: int | None = None
    reason: str | None = None

    @property
    def key(self) -> CountKey:
        """What tells it from the other lines of its sheet."""
        return self.batch_id, self.status

    @property
    def verdict(self) -> Verdict | None:
        """Whether it may stand; None where nobody counted it."""
        return verdict_of(self.told) if self.told else None

    @property
    def counters(self) -> list[tuple[UUID | None, str]]:
        """Who counted it, each once, the first first."""
        return list(dict.fromkeys((one.account_id, one.by) for one in self.told))

    @property
    def newest(self) -> Told:
        """The count that stands or falls; there is one."""
        return newest(self.told)

    @property
    def difference(self) -> int:
        """Found less what the books had, as posted or as it would be."""
        if self.written is not None:
            return self.written
        return self.newest.difference if self.told else 0


def sheets_visible_to(principal: Principal) -> Select[*tuple[Any, ...]]:
    """A select of (sheet, facility, place, path), not ordered."""
    return (
        select(CountSheet, Facility, Equipment, Unit.path)
        .join(Facility, Facility.id == CountSheet.facility_id)
        .join(Unit, Unit.id == CountSheet.facility_id)
        .join(Equipment, Equipment.id == CountSheet.place_id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ))
    )


def sheet_by_id(db: Session, principal: Principal, sheet_id: UUID) -> SheetView:
    """A sheet in the caller's subtree; raises SheetNotFound."""
    row = db.execute(
        sheets_visible_to(principal).where(CountSheet.id == sheet_id).execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise SheetNotFound(sheet=str(sheet_id))
    return SheetView(sheet=row[0], facility=row[1], place=row[2], path=str(row[3]))


def open_sheets(db: Session, facility_id: UUID) -> Sequence[CountSheet]:
    """The sheets of a facility that people count on, one a place at most."""
    query = select(CountSheet).where(CountSheet.facility_id == facility_id, CountSheet.state == SheetState.OPEN)
    return db.scalars(query.order_by(CountSheet.id)).all()


def lines_of(db: Session, sheet: CountSheet) -> list[SheetLine]:
    """What was counted on a sheet and, while it is open, what lies there and was not; by product, expiry and lot."""
    found: dict[CountKey, list[Told]] = defaultdict(list)
    names: dict[UUID, tuple[UUID, str, str, date]] = {}
    written: dict[CountKey, tuple[int, str | None]] = {}
    for tally, line, expected, *name in db.execute(_counted(sheet)):
        key = (line.batch_id, line.status)
        names[line.batch_id] = (name[0], name[1], name[2], name[3])
        told = Told(
            tally_id=tally.id,
            seq=line.seq,
            account_id=tally.account_id,
            by=tally.counted_by,
            at=tally.counted_at,
            vials=line.vials,
            expected=int(expected),
            reason=line.reason,
        )
        found[key].append(told)
        if line.difference is not None:
            written[key] = (line.difference, line.reason)
    found = _of_newest_form(found)
    lying: dict[CountKey, int] = {}
    if sheet.state is SheetState.OPEN:
        lying = _lying(db, sheet, names, found)
    lines = [
        SheetLine(
            batch_id=batch_id,
            presentation_id=names[batch_id][0],
            status=status,
            product=names[batch_id][1],
            lot=names[batch_id][2],
            expiry=names[batch_id][3],
            told=tuple(found.get((batch_id, status), ())),
            on_books=lying.get((batch_id, status), 0),
            written=written.get((batch_id, status), (None, None))[0],
            reason=written.get((batch_id, status), (None, _said(found.get((batch_id, status), ()))))[1],
        )
        for batch_id, status in {**lying, **found}
    ]
    return sorted(lines, key=lambda one: (one.product, one.expiry, one.lot, one.status or ""))


def _said(told: Sequence[Told]) -> str | None:
    return newest(reasoned).reason if (reasoned := [one for one in told if one.reason]) else None


def _counted(sheet: CountSheet) -> Select[*tuple[Any, ...]]:
    # What lies there now less what happened since: no more of the history is read than the sheet is old.
    now = _sum(StockBalance) - _sum(StockEntry, StockEntry.occurred_at > CountTally.counted_at)
    return (
        select(
            CountTally,
            CountLine,
            now.label("expected"),
            Presentation.id,
            Presentation.name,
            Batch.lot,
            Batch.expiry,
        )
        .join(CountLine, CountLine.tally_id == CountTally.id)
        .join(CountSheet, CountSheet.id == CountTally.sheet_id)
        .join(Batch, Batch.id == CountLine.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(CountTally.sheet_id == sheet.id)
        .order_by(CountTally.counted_at, CountTally.id, CountLine.seq)
    )


def _sum(table: Any, *more: ColumnElement[bool]) -> ColumnElement[int]:
    """Vials of the line's batch in the sheet's place, of the line's status or of any."""
    total = select(func.coalesce(func.sum(table.vials), 0)).where(
        table.holder_id == CountSheet.place_id,
        table.batch_id == CountLine.batch_id,
        table.account == Account.PLACE,
        or_(CountLine.status.is_(None), table.status == CountLine.status),
        *more,
    )
    return total.correlate(CountSheet, CountTally, CountLine).scalar_subquery()


def _of_newest_form(found: dict[CountKey, list[Told]]) -> dict[CountKey, list[Told]]:
    """Who counted a batch as one shelf, and who by status, counted different things: of the two the newer form is kept."""
    best: dict[UUID, tuple[Told, bool]] = {}
    for (batch, status), told in found.items():
        last = newest(told if batch not in best else [*told, best[batch][0]])
        if batch not in best or last is not best[batch][0]:
            best[batch] = last, status is None
    return {key: told for key, told in found.items() if (key[1] is None) == best[key[0]][1]}


def _lying(
    db: Session,
    sheet: CountSheet,
    names: dict[UUID, tuple[UUID, str, str, date]],
    found: dict[CountKey, list[Told]],
) -> dict[CountKey, int]:
    """What lies in the place by the books: a line a batch, a line a status where several lie there."""
    rows = db.execute(
        select(
            StockBalance.batch_id,
            StockBalance.status,
            StockBalance.vials,
            Presentation.id,
            Presentation.name,
            Batch.lot,
            Batch.expiry,
        )
        .join(Batch, Batch.id == StockBalance.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(StockBalance.holder_id == sheet.place_id, StockBalance.account == Account.PLACE, StockBalance.vials > 0)
    ).all()
    of_batch: dict[UUID, dict[Status, int]] = defaultdict(dict)
    for row in rows:
        of_batch[row.batch_id][row.status] = row.vials
        names[row.batch_id] = (row[3], row[4], row.lot, row.expiry)
    lying: dict[CountKey, int] = {}
    for batch, vials in of_batch.items():
        if (batch, None) in found or (len(vials) == 1 and not any((batch, status) in found for status in Status)):
            lying[batch, None] = sum(vials.values())
        else:
            lying.update({(batch, status): count for status, count in vials.items()})
    return lying
