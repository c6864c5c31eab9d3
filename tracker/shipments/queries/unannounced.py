"""What was told of a delivery that nobody had announced, and where its lots lay at the sender."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.network.models import Equipment
from tracker.shipments.models import ToldLine
from tracker.stock.models import StockEntry
from tracker.stock.rules.words import Account, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LayThere:
    """Usable vials of a batch that lay in a place."""

    batch_id: UUID
    place_id: UUID
    place: str
    place_name: str
    vials: int


def told_lines(db: Session, shipment_id: UUID) -> list[ToldLine]:
    """What the receiver told, in its order."""
    return list(db.scalars(select(ToldLine).where(ToldLine.shipment_id == shipment_id).order_by(ToldLine.seq)))


def lay_there(db: Session, facility_id: UUID, batches: Collection[UUID], at: datetime) -> list[LayThere]:
    """The usable vials of these batches in the facility's places at an instant, the most of a batch first.

    By all that is known of that instant now; whether some have gone since is the ledger's to say.
    """
    then = (
        select(StockEntry.batch_id, StockEntry.holder_id, func.sum(StockEntry.vials).label("vials"))
        .where(
            StockEntry.facility_id == facility_id,
            StockEntry.batch_id.in_(batches),
            StockEntry.account == Account.PLACE,
            StockEntry.status == Status.USABLE,
            StockEntry.occurred_at <= at,
        )
        .group_by(StockEntry.batch_id, StockEntry.holder_id)
        .having(func.sum(StockEntry.vials) > 0)
        .subquery()
    )
    rows = db.execute(
        select(then.c.batch_id, then.c.holder_id, Equipment.code, Equipment.name, then.c.vials)
        .join(Equipment, Equipment.id == then.c.holder_id)
        .order_by(then.c.batch_id, then.c.vials.desc(), Equipment.code)
    )
    return [
        LayThere(batch_id=batch_id, place_id=place_id, place=code, place_name=name, vials=int(vials))
        for batch_id, place_id, code, name, vials in rows
    ]
