"""What of a shipment can still be received: what is on the road, and what was written off as missing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.shipments.models import ShipmentReceipt
from tracker.shipments.queries.finding import stands
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.rules.words import Account, Status

Vials = dict[UUID, dict[Status, int]]
"""By batch and status; what is taken leaves it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a shipment can still be taken: on the road, and written off as missing."""

    road: Vials
    lost: Vials


def written_off(db: Session, shipment_id: UUID) -> Vials:
    """What earlier receipts of this shipment wrote off as missing, less what has turned up since."""
    receipts = select(ShipmentReceipt.id).where(ShipmentReceipt.shipment_id == shipment_id, stands(ShipmentReceipt.id))
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


def on_road(db: Session, shipment_id: UUID, at: datetime) -> Vials:
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
