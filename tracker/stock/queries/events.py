"""Reading stock events."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.network.models import Equipment, Facility
from tracker.stock.errors import EventNotFound
from tracker.stock.models import EventWitness, OpenVial, StockCount, StockEntry, StockEvent
from tracker.stock.rules.witnesses import Witness
from tracker.stock.rules.words import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event with everything that hangs on it. Entries carry lot and equipment code where they have one."""

    event: StockEvent
    facility: str
    entries: tuple[tuple[StockEntry, str, str | None], ...]
    counts: tuple[tuple[StockCount, str, str], ...]
    open_vials: tuple[OpenVial, ...]
    reversed_by: UUID | None
    witnesses: tuple[Witness, ...]
    follow_ups: tuple[StockEvent, ...]


def event_by_id(db: Session, principal: Principal, event_id: UUID) -> EventView:
    """An event in the caller's subtree; raises EventNotFound."""
    row = db.execute(
        select(StockEvent, Facility.code)
        .join(Facility, Facility.id == StockEvent.facility_id)
        .join(Unit, Unit.id == StockEvent.facility_id)
        .where(StockEvent.id == event_id, visible_to(principal, Unit.path, Permission.STOCK_READ))
    ).one_or_none()
    if row is None:
        raise EventNotFound(event=str(event_id))
    entries = db.execute(
        select(StockEntry, Batch.lot, Equipment.code)
        .join(Batch, Batch.id == StockEntry.batch_id)
        .outerjoin(Equipment, Equipment.id == StockEntry.place_id)
        .where(StockEntry.event_id == event_id)
        .order_by(StockEntry.seq)
    )
    counts = db.execute(
        select(StockCount, Batch.lot, Equipment.code)
        .join(Batch, Batch.id == StockCount.batch_id)
        .join(Equipment, Equipment.id == StockCount.holder_id)
        .where(StockCount.event_id == event_id)
        .order_by(StockCount.seq)
    )
    follow_ups = db.scalars(
        select(StockEvent)
        .where(or_(StockEvent.because_id == event_id, StockEvent.count_id == event_id))
        .order_by(StockEvent.number)
    )
    return EventView(
        event=row[0],
        facility=row[1],
        entries=tuple((r[0], r[1], r[2]) for r in entries),
        counts=tuple((r[0], r[1], r[2]) for r in counts),
        open_vials=tuple(db.scalars(select(OpenVial).where(OpenVial.event_id == event_id).order_by(OpenVial.id))),
        reversed_by=db.scalar(select(StockEvent.id).where(StockEvent.reverses_id == event_id)),
        witnesses=witnesses_of(db, event_id) if row[0].kind is Kind.DESTRUCTION else (),
        follow_ups=tuple(follow_ups),
    )


def witnesses_of(db: Session, event_id: UUID) -> tuple[Witness, ...]:
    """Who saw a destruction; nobody for those that were told before witnesses were asked for, and for the house's own."""
    rows = db.scalars(select(EventWitness).where(EventWitness.event_id == event_id).order_by(EventWitness.seq))
    return tuple(Witness(name=row.name, position=row.position) for row in rows)
