"""Reading lot corrections."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.network.models import Facility
from tracker.stock.models import LotCorrection, LotCorrectionEvent, StockEntry, StockEvent
from tracker.stock.rules.relabel import HERE
from tracker.stock.rules.words import Kind

# What brings vials to a facility, and what may stand for it since.
_INFLOWS = (Kind.SUPPLY, Kind.RECEIPT, Kind.RELABEL)


def corrections_visible_to(principal: Principal) -> Select[LotCorrection, str, str, str, list[UUID]]:
    """(LotCorrection, facility code, lot written, right lot, the ledger's events) of the caller's subtree."""
    return corrections().where(visible_to(principal, Unit.path, Permission.STOCK_READ))


def corrections() -> Select[LotCorrection, str, str, str, list[UUID]]:
    """The same of everywhere; events in the order of writing."""
    wrong, right = aliased(Batch), aliased(Batch)
    events = (
        select(func.array_agg(aggregate_order_by(StockEvent.id, StockEvent.number)))
        .join(LotCorrectionEvent, LotCorrectionEvent.event_id == StockEvent.id)
        .where(LotCorrectionEvent.correction_id == LotCorrection.id)
        .scalar_subquery()
    )
    return (
        select(LotCorrection, Facility.code, wrong.lot, right.lot, events)
        .join(Facility, Facility.id == LotCorrection.facility_id)
        .join(Unit, Unit.id == LotCorrection.facility_id)
        .join(wrong, wrong.id == LotCorrection.from_batch_id)
        .join(right, right.id == LotCorrection.to_batch_id)
    )


def inflows_of(db: Session, facility_id: UUID, batch_id: UUID) -> list[tuple[StockEvent, int]]:
    """The events that brought vials of the lot to the facility, the latest first, with the vials that stand of each."""
    beside = aliased(StockEvent)
    sums = (
        select(beside.id, StockEntry.vials)
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .join(beside, beside.number == StockEntry.ordinal)
        .where(
            StockEntry.facility_id == facility_id,
            StockEntry.batch_id == batch_id,
            StockEntry.account.in_(HERE),
            StockEvent.kind.in_((*_INFLOWS, Kind.REVERSAL)),
            beside.kind.in_(_INFLOWS),
        )
        .subquery()
    )
    total = func.sum(sums.c.vials)
    rows = db.execute(
        select(StockEvent, total)
        .join(sums, sums.c.id == StockEvent.id)
        .group_by(StockEvent.id)
        .having(total > 0)
        .order_by(StockEvent.occurred_at.desc(), StockEvent.number.desc())
    )
    return [(row[0], int(row[1])) for row in rows]
