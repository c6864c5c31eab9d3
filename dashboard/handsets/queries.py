"""What the house holds beside what a phone said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from dashboard.frame.listing import Listed, listed
from dashboard.handsets.words import Line
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.rules import OPEN
from tracker.handsets.settling import handsets_visible_to, steps_visible_to
from tracker.network.queries import as_id
from tracker.shipments.errors import ShipmentNotFound
from tracker.shipments.models import Shipment, ShipmentLine
from tracker.shipments.queries.finding import shipment_by_ref
from tracker.stock.models import StockBalance, StockEvent
from tracker.stock.queries.stock import stock_visible_to

MOST_HERE = 60
APPROVAL = "shipment.approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Beside a step: vials of its batches at the facility now (rows of `stock_visible_to`; `more`: the stock card has others), its
    shipment, the event it took back.
    """

    lying: Sequence[Any]
    more: bool
    lots: dict[str, str]
    shipment: Shipment | None
    asked: Sequence[Any]
    """Lines of an order that a step approves: (line, product, asked, approved)."""
    event: StockEvent | None


def known_beside(db: Session, principal: Principal, step: HandsetStep, lines: Sequence[Line]) -> Known:
    """What stands in the house for what the step names."""
    named = sorted({line.batch for line in lines if line.batch}) if step.kind != APPROVAL else []
    batches = _batches(db, named)
    query = stock_visible_to(principal, facility_id=step.facility_id, with_zero=False)
    found = {batch.id for batch, _ in batches}
    here = query.where(StockBalance.batch_id.in_(found)).order_by("place", Batch.lot, StockBalance.status)
    lying = db.execute(here.limit(MOST_HERE + 1)).all() if found else []
    shipment = _shipment(db, principal, step)
    asked = _asked(db, shipment) if shipment is not None and step.kind == APPROVAL else ()
    return Known(
        lying=lying[:MOST_HERE],
        more=len(lying) > MOST_HERE,
        lots={
            word: f"{product.name} {batch.lot}"
            for batch, product in batches
            for word in (str(batch.id), batch.lot, f"{product.code}/{batch.lot}")
        }
        | {str(line): name for line, name, _, _ in asked},
        shipment=shipment,
        asked=asked,
        event=_event(db, step),
    )


def _batches(db: Session, named: Sequence[str]) -> Sequence[Any]:
    ids = [found for word in named if (found := as_id(word)) is not None]
    spoken = func.concat(Presentation.code, "/", Batch.lot)
    lots = [word.rpartition("/")[2] for word in named]
    query = select(Batch, Presentation).join(Presentation, Presentation.id == Batch.presentation_id)
    return db.execute(
        query.where(or_(Batch.id.in_(ids), Batch.lot.in_(lots) & or_(Batch.lot.in_(named), spoken.in_(named))))
    ).all()


def _shipment(db: Session, principal: Principal, step: HandsetStep) -> Shipment | None:
    ref = step.body.get("shipment")
    if not step.kind.startswith("shipment.") or not isinstance(ref, str):
        return None
    try:
        return shipment_by_ref(db, principal, ref)
    except ShipmentNotFound:
        return None


def _asked(db: Session, shipment: Shipment) -> Sequence[Any]:
    query = select(ShipmentLine.seq, Presentation.name, ShipmentLine.vials, ShipmentLine.approved)
    query = query.join(Presentation, Presentation.id == ShipmentLine.presentation_id)
    return db.execute(query.where(ShipmentLine.shipment_id == shipment.id).order_by(ShipmentLine.seq)).all()


def _event(db: Session, step: HandsetStep) -> StockEvent | None:
    said = step.body.get("event")
    event_id = as_id(said) if step.kind == "stock.reversal" and isinstance(said, str) else None
    found = None if event_id is None else db.get(StockEvent, event_id)
    return found if found is not None and found.facility_id == step.facility_id else None


def count_conflicts(db: Session, principal: Principal, *, most: int) -> int:
    """Steps that wait for a person in the caller's subtree, no more than `most` counted."""
    some = steps_visible_to(principal).where(HandsetStep.state.in_(sorted(OPEN))).limit(most).subquery()
    return db.scalar(select(func.count()).select_from(some)) or 0


def phones(db: Session, principal: Principal, *, after: str, most: int) -> Listed[Any]:
    """Rows of (handset, account's name, facility, steps that wait for whoever sees them), the longest silent first.

    Raises BadCursor.
    """
    done_at = aliased(Unit)
    waiting = (
        select(func.count())
        .select_from(HandsetStep)
        .join(done_at, done_at.id == HandsetStep.facility_id)
        .where(HandsetStep.handset_id == Handset.id, HandsetStep.state.in_(sorted(OPEN)))
        .where(visible_to(principal, done_at.path, Permission.STOCK_READ))
        .scalar_subquery()
    )
    query = handsets_visible_to(principal).add_columns(waiting.label("waiting")).where(Handset.cut_off_at.is_(None))
    return listed(
        db,
        [query],
        keys=[Handset.heard_at, Handset.id],
        key_of=lambda row: [row[0].heard_at.isoformat(), row[0].id],
        most=most,
        after=after,
    )
