"""The road of a batch that went to more places than anybody reads one by one: sums, some facilities at a time."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, func, literal, select, text
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.models import Batch
from tracker.network.models import Facility
from tracker.stock.models import StockBalance, StockEntry
from tracker.trace.naming import Facilities, Trace, is_elsewhere, names_of, present_in, product_of
from tracker.trace.rules.flows import OUTER, Road, told_totals

STOPS = 500
"""Facilities that one answer tells of."""


def summed_trace(db: Session, principal: Principal, batch: Batch, reach: Facilities, *, after: str | None) -> Trace:
    """Totals of all of `reach`; roads to, and vials at, the next `STOPS` facilities of it by code."""
    stops, following = _stops(db, batch, reach, after)
    here = select(Facility.id).where(Facility.id == func.any(literal(stops, ARRAY(Uuid))))
    roads = roads_to(db, batch.id, stops)
    present = present_in(db, batch, here)
    return Trace(
        batch=batch,
        product=product_of(db, batch),
        moves=(),
        recorded_at={},
        shipment_of={},
        now=tuple(present),
        roads=tuple(roads),
        totals=_totals(db, batch, reach),
        names=names_of(db, (), present, roads),
        hidden=is_elsewhere(db, principal, batch),
        summed=True,
        following=following,
    )


def _stops(db: Session, batch: Batch, reach: Facilities, after: str | None) -> tuple[list[UUID], str | None]:
    """The facilities where the batch lies or lay; a balance stays when it is empty."""
    lay = select(StockBalance.facility_id).where(StockBalance.batch_id == batch.id)
    query = select(Facility.id, Facility.code).where(Facility.id.in_(reach), Facility.id.in_(lay))
    if after is not None:
        query = query.where(Facility.code > after)
    rows = db.execute(query.order_by(Facility.code).limit(STOPS + 1)).all()
    following = rows[STOPS - 1].code if len(rows) > STOPS else None
    return [row.id for row in rows[:STOPS]], following


# What an event took from a shipment and put into places, by whoever sent it; what came back to its sender was no road.
_ROADS = text(
    """
    SELECT s.from_facility_id AS source, came.facility_id AS target, sum(least(-came.vials, put.vials)) AS vials
    FROM (
        SELECT event_id, facility_id, holder_id, sum(vials) AS vials FROM stock_entry
        WHERE batch_id = :batch AND facility_id = ANY(CAST(:targets AS uuid[])) AND account = 'transit' AND vials < 0
        GROUP BY 1, 2, 3
    ) came
    JOIN shipment s ON s.id = came.holder_id
    CROSS JOIN LATERAL (
        SELECT sum(p.vials) AS vials FROM stock_entry p
        WHERE p.event_id = came.event_id AND p.batch_id = :batch AND p.account = 'place' AND p.vials > 0
    ) put
    WHERE put.vials > 0 AND s.from_facility_id <> came.facility_id
    GROUP BY 1, 2
    ORDER BY 1, 2
    """
)


def roads_to(db: Session, batch_id: UUID, targets: Collection[UUID]) -> list[Road]:
    """Vials of a batch that arrived at each of these facilities, by where they were sent from."""
    rows = db.execute(_ROADS, {"batch": batch_id, "targets": list(targets)})
    return [Road(source=row.source, target=row.target, vials=int(row.vials)) for row in rows]


def _totals(db: Session, batch: Batch, reach: Facilities) -> dict[str, int]:
    rows = db.execute(
        select(StockEntry.account, func.sum(StockEntry.vials))
        .where(StockEntry.batch_id == batch.id, StockEntry.facility_id.in_(reach), StockEntry.account.in_(OUTER))
        .group_by(StockEntry.account)
    )
    return told_totals({account: int(vials) for account, vials in rows})
