"""How far a recall has come, asked of the ledger: whatever moved recalled vials, on whose behalf, is counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.database.types import Ltree
from tracker.network.models import Facility
from tracker.shipments.models import Shipment
from tracker.stock.models import StockEntry, StockEvent
from tracker.stock.rules.words import BALANCED, Account, Kind, Status
from tracker.trace.models import Recall
from tracker.trace.recalls import reach_of

# Where recalled vials end with a document: destroyed, thrown away, lost by a count or on the road, back to the maker.
_GONE = frozenset({Account.DESTROYED, Account.WASTED, Account.LOST, Account.SUPPLIER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One facility's part, vials: frozen there, there still (or on the road from there), gone, and sent on.

    `sent` is what was received elsewhere less what was received here.
    """

    facility: str
    name: str
    found: int
    left: int
    gone: int
    sent: int

    @property
    def unaccounted(self) -> int:
        """Vials that are neither in stock nor told of by a document."""
        return max(0, self.found - self.sent - self.left - self.gone)


@dataclass(slots=True)
class _Sums:
    found: int = 0
    left: int = 0
    gone: int = 0
    sent: int = 0


def progress_of(db: Session, principal: Principal, recall: Recall) -> list[Progress]:
    """The facilities within the recall's reach and the caller's that had recalled vials of the batch, by code."""
    seen = visible_to(principal, Unit.path, Permission.STOCK_READ) & _within(reach_of(db, recall.id))
    facilities = {
        row.id: row
        for row in db.execute(
            select(Facility.id, Facility.code, Facility.name).join(Unit, Unit.id == Facility.id).where(seen)
        )
    }
    sums: dict[UUID, _Sums] = defaultdict(_Sums)
    rows = db.execute(
        select(
            StockEntry.facility_id,
            StockEntry.account,
            StockEvent.kind,
            Shipment.from_facility_id.label("sender"),
            func.sum(StockEntry.vials).label("vials"),
        )
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .outerjoin(Shipment, (Shipment.id == StockEntry.holder_id) & (StockEntry.account == Account.TRANSIT))
        .where(StockEntry.batch_id == recall.batch_id, StockEntry.status == Status.RECALLED)
        .group_by(StockEntry.facility_id, StockEntry.account, StockEvent.kind, Shipment.from_facility_id)
    )
    for row in rows:
        vials = int(row.vials)
        here, sender = sums[row.facility_id], sums[row.sender or row.facility_id]
        if row.account in _GONE:
            here.gone += vials
        if row.account in BALANCED:
            sender.left += vials
            if row.kind is Kind.STATUS:
                here.found += vials
            elif row.account is Account.TRANSIT and row.kind is Kind.RECEIPT:
                # What a receipt takes off the road was the sender's until then.
                sender.sent -= vials
                here.sent += vials
    return [
        Progress(facility=each.code, name=each.name, found=one.found, left=one.left, gone=one.gone, sent=one.sent)
        for each in sorted(facilities.values(), key=lambda row: row.code)
        if (one := sums.get(each.id)) is not None
    ]


def _within(reach: Collection[str]) -> ColumnElement[bool]:
    return or_(*(Unit.path.op("<@", is_comparison=True)(cast(root, Ltree())) for root in reach))
