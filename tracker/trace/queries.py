"""Where a batch went and how it came here, as far as the caller may see."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.stock.models import StockEntry
from tracker.stock.queries.tracing import Movement, are_more_than, movements_of, upstream_of
from tracker.stock.rules.words import Account
from tracker.trace.naming import Trace, is_elsewhere, names_of, present_in, product_of
from tracker.trace.rules.flows import Node, Side, moves_of, roads_between, totals, upstream
from tracker.trace.summing import summed_trace

MOST_ENTRIES = 1_000
"""More of them are summed: nobody reads five hundred movements one by one."""


def trace_of(
    db: Session, principal: Principal, batch: Batch, *, back_from: UUID | None = None, after: str | None = None
) -> Trace:
    """The road of a batch; with `back_from` (a facility) only what led there.

    Rows of facilities outside the caller's subtree are left out; a shipment is seen from both its ends. Of more than
    `MOST_ENTRIES` entries the sums are told, some facilities at a time from the one behind `after` (a code) on.
    """
    seen = visible_to(principal, Unit.path, Permission.STOCK_READ)
    reach = select(Unit.id).where(seen)
    if back_from is not None:
        reach = reach.where(Unit.id.in_(upstream_of(db, batch.id, back_from)))
    here = StockEntry.facility_id.in_(reach)
    if after is not None or are_more_than(db, batch.id, MOST_ENTRIES, here):
        return summed_trace(db, principal, batch, reach, after=after)
    entries = movements_of(db, batch.id, here)
    roads = roads_between(moves_of(_side(entry) for entry in _with_other_ends(db, batch.id, entries)))
    ends = {facility for road in roads for facility in (road.source, road.target)}
    visible = set(db.scalars(select(Unit.id).where(seen, Unit.id.in_(ends)))) if ends else set()
    wanted = upstream(roads, back_from) if back_from is not None else ends
    roads = [road for road in roads if {road.source, road.target} & visible and {road.source, road.target} <= wanted]
    moves = moves_of(_side(entry) for entry in entries)
    present = present_in(db, batch, reach)
    return Trace(
        batch=batch,
        product=product_of(db, batch),
        moves=tuple(moves),
        recorded_at={entry.event_id: entry.recorded_at for entry in entries},
        shipment_of={entry.event_id: entry.shipment_id for entry in entries if entry.shipment_id is not None},
        now=tuple(present),
        roads=tuple(roads),
        totals=totals(moves),
        names=names_of(db, moves, present, roads),
        hidden=is_elsewhere(db, principal, batch),
    )


def _with_other_ends(db: Session, batch_id: UUID, entries: list[Movement]) -> list[Movement]:
    """These entries, and what others wrote of the shipments that they put into or took from; in the ledger's order."""
    shipments = {entry.holder_id for entry in entries if entry.account is Account.TRANSIT}
    if not shipments:
        return entries
    mine = {entry.event_id for entry in entries}
    events = select(StockEntry.event_id).where(StockEntry.batch_id == batch_id, StockEntry.holder_id.in_(shipments))
    others = movements_of(db, batch_id, StockEntry.event_id.in_(events), StockEntry.event_id.not_in(mine))
    return sorted([*entries, *others], key=lambda entry: (entry.occurred_at, entry.ordinal, entry.number))


def _side(entry: Movement) -> Side:
    return Side(
        event_id=entry.event_id,
        kind=entry.kind,
        occurred_at=entry.occurred_at,
        node=Node(account=entry.account, holder_id=entry.holder_id, facility_id=entry.facility_id),
        status=entry.status,
        vials=entry.vials,
    )
