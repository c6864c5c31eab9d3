"""Held vials: which of them a hold or a recall keeps, and where those are decided; what hands stopped, hands free."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.stopping import kept_by_hold


def freed_elsewhere(db: Session, facility: Facility, place: Equipment, batches: Collection[UUID]) -> dict[UUID, str]:
    """Of these batches, whose held vials in the place are kept by a hold or a recall, and the page where that is decided."""
    holds = (
        select(Hold.batch_id, Hold.alarm_id)
        .where(Hold.facility_id == facility.id, Hold.batch_id.in_(batches), Hold.state == HoldState.HELD)
        .order_by(Hold.holder_id == place.id, Hold.placed_at)
    )
    ways = {row.batch_id: _way(row.batch_id, row.alarm_id) for row in db.execute(holds)}
    kept = {batch for batch in batches if kept_by_hold(db, facility.id, batch, Status.HELD)}
    return {batch: ways.get(batch) or _way(batch, None) for batch in kept}


def _way(batch_id: UUID, alarm_id: UUID | None) -> str:
    return f"/alarm?buka={alarm_id}#a-{alarm_id}" if alarm_id else f"/batch/{batch_id}#tahan"


def held_at(db: Session, facility_id: UUID, *, product: str = "", lot: str = "") -> int:
    """Vials of a facility that are held in its places."""
    query = select(func.coalesce(func.sum(StockBalance.vials), 0)).where(
        StockBalance.facility_id == facility_id,
        StockBalance.account == Account.PLACE,
        StockBalance.status == Status.HELD,
    )
    if product or lot:
        query = query.join(Batch, Batch.id == StockBalance.batch_id)
    if product:
        query = query.join(Presentation, Presentation.id == Batch.presentation_id).where(Presentation.code == product)
    if lot:
        query = query.where(Batch.lot == lot)
    return db.scalar(query) or 0
