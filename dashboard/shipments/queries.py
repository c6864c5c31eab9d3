"""Shipments as their page lists them: both ends by name, what was sent, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, FromClause, Uuid, case, cast, func, select, tuple_
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed
from tracker.access.principal import Principal
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.network.queries import local_today
from tracker.shipments.models import PackedLine, ReceiptLine, Shipment, ShipmentLine, ShipmentReceipt, ToldLine
from tracker.shipments.queries.finding import shipments_of, shipments_visible_to, stands
from tracker.shipments.rules.words import ARRIVED, DISPATCHED, ON_THE_ROAD, STILL_HERE, TOLD, ShipmentState
from tracker.stock.models import StockBalance
from tracker.stock.queries.use import bearing_vials
from tracker.stock.rules.words import Account

MOST = 100
# Of a file a thousand rows are read at once: each part asks the same nine statements, whatever is in it.
A_PART = 1_000
SHOWS: dict[str, frozenset[ShipmentState]] = {
    "going": STILL_HERE | ON_THE_ROAD | TOLD,
    "done": ARRIVED | {ShipmentState.CANCELLED},
    "all": frozenset(ShipmentState),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRow:
    """One shipment; counts in vials, `asked` before packing, `sent` once packed; `told` by its receiver, of one nobody announced."""

    id: UUID
    code: str
    state: str
    sender: str
    sender_code: str
    receiver: str
    receiver_code: str
    zone: str
    lateral: bool
    late: bool
    asked: int
    told: int
    sent: int
    accepted: int
    wrong: int
    expected_at: datetime | None
    dispatched_at: datetime | None
    received_at: datetime | None


def is_late(now: datetime) -> ColumnElement[bool]:
    """On the road after it should have arrived."""
    return Shipment.state.in_(ON_THE_ROAD) & (Shipment.expected_at < now)


def count_late(db: Session, principal: Principal, now: datetime) -> tuple[int, int]:
    """(on the road, of them late)."""
    seen = shipments_visible_to(principal).where(Shipment.state.in_(ON_THE_ROAD))
    inner = seen.with_only_columns(Shipment.id, is_late(now).label("late")).subquery()
    row = db.execute(select(func.count(), func.count().filter(inner.c.late))).one()
    return int(row[0]), int(row[1])


def shipments(
    db: Session, principal: Principal, now: datetime, show: str, facility_id: UUID | None = None
) -> list[ShipmentRow]:
    """Shipments to or from the caller's subtree, or one facility of it: late ones first, then the newest."""
    return list(shipment_list(db, principal, now, show, facility_id=facility_id, most=MOST).rows)


def shipment_list(
    db: Session,
    principal: Principal,
    now: datetime,
    show: str,
    *,
    most: int,
    after: str = "",
    facility_id: UUID | None = None,
) -> Listed[ShipmentRow]:
    """The same as a list that goes on; raises BadCursor."""
    query = shipments_of(db, principal).where(Shipment.state.in_(SHOWS[show]))
    if facility_id is not None:
        query = query.where((Shipment.from_facility_id == facility_id) | (Shipment.to_facility_id == facility_id))
    # Two questions, so that the newest are read in their order and no more of them than are shown.
    on_time = case((is_late(now), False), else_=True)
    found = listed(
        db,
        [query.where(is_late(now)), query.where(on_time)],
        keys=[Shipment.created_at, Shipment.id],
        key_of=lambda row: [row[0].created_at.isoformat(), row[0].id],
        most=most,
        after=after,
        descending=True,
    )
    rows = rows_of(db, [row[0] for row in found.rows], now)
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


ShipmentKey = tuple[datetime, UUID]


def next_shipments(
    db: Session, principal: Principal, now: datetime, after: ShipmentKey | None
) -> tuple[list[ShipmentRow], ShipmentKey | None]:
    """The next shipments of the caller's subtree, the newest first, and the key behind which more stand; None at the end."""
    query = shipments_of(db, principal)
    if after is not None:
        query = query.where(tuple_(Shipment.created_at, Shipment.id) < after)
    rows = db.execute(query.order_by(Shipment.created_at.desc(), Shipment.id.desc()).limit(A_PART))
    found = [row[0] for row in rows]
    last = found[-1] if len(found) == A_PART else None
    return rows_of(db, found, now), (last.created_at, last.id) if last else None


def rows_of(db: Session, found: list[Shipment], now: datetime) -> list[ShipmentRow]:
    """These shipments as their list shows them, in their order."""
    ids = [shipment.id for shipment in found]
    names = _facilities(db, found)
    asked = _sums(db, ShipmentLine.shipment_id, ShipmentLine.vials, ids)
    told = _sums(db, ToldLine.shipment_id, ToldLine.vials, ids)
    sent = _sums(db, PackedLine.shipment_id, PackedLine.vials, ids)
    accepted, wrong = _received(db, ids)
    return [
        ShipmentRow(
            id=shipment.id,
            code=shipment.code,
            state=shipment.state.value,
            sender=names[shipment.from_facility_id].name,
            sender_code=names[shipment.from_facility_id].code,
            receiver=names[shipment.to_facility_id].name,
            receiver_code=names[shipment.to_facility_id].code,
            zone=names[shipment.to_facility_id].timezone,
            lateral=shipment.sideways,
            late=shipment.state in ON_THE_ROAD and shipment.expected_at is not None and shipment.expected_at < now,
            asked=asked.get(shipment.id, 0),
            told=told.get(shipment.id, 0),
            sent=sent.get(shipment.id, 0),
            accepted=accepted.get(shipment.id, 0),
            wrong=wrong.get(shipment.id, 0) if shipment.state in DISPATCHED else 0,
            expected_at=shipment.expected_at,
            dispatched_at=shipment.dispatched_at,
            received_at=shipment.received_at,
        )
        for shipment in found
    ]


def product_names(db: Session, codes: set[str]) -> dict[str, str]:
    """What people call the products of these codes; a code we do not know names itself."""
    found = db.execute(select(Presentation.code, Presentation.name).where(Presentation.code.in_(codes)))
    return {code: code for code in codes} | {row.code: row.name for row in found}


def ready_vials(db: Session, facility_id: UUID, now: datetime) -> dict[str, int]:
    """Vials that may be used where they lie and are packed for nobody, by the code of their product."""
    vials = func.coalesce(func.sum(bearing_vials()), 0)
    rows = db.execute(
        select(Presentation.code, vials.label("vials"))
        .join(Batch, Batch.presentation_id == Presentation.id)
        .join(StockBalance, StockBalance.batch_id == Batch.id)
        .join(Facility, Facility.id == StockBalance.facility_id)
        .join(Equipment, Equipment.id == StockBalance.place_id)
        .where(
            StockBalance.facility_id == facility_id,
            StockBalance.account == Account.PLACE,
            Batch.expiry >= local_today(now),
        )
        .group_by(Presentation.code)
    )
    return {row.code: int(row.vials) for row in rows}


def place_names(db: Session, facility_id: UUID) -> dict[str, str]:
    """What people call the places of a facility, by their codes."""
    rows = db.execute(select(Equipment.code, Equipment.name).where(Equipment.facility_id == facility_id))
    return {row.code: row.name for row in rows}


def batch_products(db: Session, batch_ids: set[UUID]) -> dict[UUID, str]:
    """What the products of these batches are called."""
    rows = db.execute(
        select(Batch.id, Presentation.name)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.id.in_(batch_ids))
    )
    return {row.id: row.name for row in rows}


def _facilities(db: Session, found: list[Shipment]) -> dict[UUID, Facility]:
    ids = {end for shipment in found for end in (shipment.from_facility_id, shipment.to_facility_id)}
    return {facility.id: facility for facility in db.scalars(select(Facility).where(Facility.id.in_(ids)))}


def _sums(db: Session, key: Any, value: Any, ids: list[UUID]) -> dict[UUID, int]:
    of = _each(ids)
    rows = db.execute(select(of.c.id, select(func.sum(value)).where(key == of.c.id).scalar_subquery()))
    return {row[0]: int(row[1]) for row in rows if row[1] is not None}


def _each(ids: list[UUID]) -> FromClause:
    """The ids as rows: what belongs to each is then looked up by index. A list of a thousand has all of a table read instead."""
    return select(func.unnest(cast(ids, ARRAY(Uuid))).label("id")).subquery("of")


def _received(db: Session, ids: list[UUID]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    of = _each(ids)
    got = (
        select(
            func.sum(ReceiptLine.accepted).filter(~ShipmentReceipt.returned).label("accepted"),
            # What came back to the sender differs from what was sent; what was missing and turned up does not.
            func.sum(
                ReceiptLine.rejected
                + ReceiptLine.missing
                + ReceiptLine.surplus
                - ReceiptLine.recovered
                + case((ShipmentReceipt.returned, ReceiptLine.accepted), else_=0)
            ).label("wrong"),
        )
        .join(ReceiptLine, ReceiptLine.receipt_id == ShipmentReceipt.id)
        .where(ShipmentReceipt.shipment_id == of.c.id, stands(ShipmentReceipt.id))
        .lateral("got")
    )
    rows = db.execute(select(of.c.id, got.c.accepted, got.c.wrong).join(got, got.c.wrong.is_not(None))).all()
    return {row[0]: int(row[1] or 0) for row in rows}, {row[0]: int(row[2]) for row in rows}
