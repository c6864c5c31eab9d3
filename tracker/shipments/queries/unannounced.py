"""What was told of a delivery that nobody had announced, and where its lots lay at the sender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from tracker.network.models import Equipment
from tracker.shipments.models import ToldLine
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.rules.words import Account, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LayThere:
    """Usable vials of a batch that lay in a place; `free` of them lie there still, packed for nobody."""

    batch_id: UUID
    place_id: UUID
    place: str
    place_name: str
    vials: int
    free: int


def told_lines(db: Session, shipment_id: UUID) -> list[ToldLine]:
    """What the receiver told, in its order."""
    return list(db.scalars(select(ToldLine).where(ToldLine.shipment_id == shipment_id).order_by(ToldLine.seq)))


def lay_there(db: Session, facility_id: UUID, batches: Collection[UUID], at: datetime) -> list[LayThere]:
    """The usable vials of these batches in the facility's places at an instant, the place with the most free ones of a batch first.

    By all that is known of that instant now; whether those have gone since that are not free is the ledger's to say.
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
    unpacked = func.coalesce(StockBalance.vials - StockBalance.packed, 0)
    free = func.least(then.c.vials, func.greatest(unpacked, 0)).label("free")
    still = and_(
        StockBalance.holder_id == then.c.holder_id,
        StockBalance.batch_id == then.c.batch_id,
        StockBalance.status == Status.USABLE,
    )
    rows = db.execute(
        select(then.c.batch_id, then.c.holder_id, Equipment.code, Equipment.name, then.c.vials, free)
        .join(Equipment, Equipment.id == then.c.holder_id)
        .outerjoin(StockBalance, still)
        .order_by(then.c.batch_id, free.desc(), then.c.vials.desc(), Equipment.code)
    )
    return [
        LayThere(
            batch_id=batch_id, place_id=place_id, place=code, place_name=name, vials=int(vials), free=int(unpacked)
        )
        for batch_id, place_id, code, name, vials, unpacked in rows
    ]


def proposed(there: Sequence[LayThere], wanted: Mapping[UUID, int]) -> list[int]:
    """How many vials to take from each place: those still free there, then those that were there and are gone or promised."""
    left = Counter(wanted)
    taken = [0] * len(there)
    for most in ([one.free for one in there], [one.vials for one in there]):
        for index, one in enumerate(there):
            more = min(left[one.batch_id], most[index] - taken[index])
            if more > 0:
                left[one.batch_id] -= more
                taken[index] += more
    return taken
