"""Taking back what should not have been written.

A reversal says "this did not happen", so it stands at the instant of what it reverses: past days are then
right when they are asked "as it was", and a count between that instant and now keeps what it found.
What was known before stays visible through `known_at`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.stock.errors import (
    AlreadyReversed,
    EventNotFound,
    NotReversible,
    UseHold,
    UseShipment,
    VialInUse,
)
from tracker.stock.models import OpenVial, StockCount, StockEntry, StockEvent
from tracker.stock.rules.entries import Entry, Key
from tracker.stock.rules.words import NOT_TAKEN_BACK, OF_SHIPMENTS, Account, Kind, Status
from tracker.stock.service.commands import Posted, ReverseEvent
from tracker.stock.service.posting import anchors_of, carry_out
from tracker.stock.service.reading import lock_anchors, read_facts
from tracker.stock.service.stopping import guard_freeing
from tracker.stock.service.telling import tell_open_doses_fell
from tracker.stock.service.work import Work


@dataclass(frozen=True, slots=True)
class _Target:
    """What is to be reversed."""

    event: StockEvent
    path: str
    reversed_by: UUID | None


def reverse_event(
    db: Session, principal: Principal, command: ReverseEvent, *, now: datetime, of_shipment: bool = False
) -> Posted:
    """Write the reversal of an event with all that followed from it; the same again answers the first.

    `of_shipment`: the room of shipments takes back what it told itself, and has settled who may.

    Raises EventNotFound, Forbidden, NotReversible, UseShipment, UseHold, MissingField, VialInUse, AlreadyReversed,
    HistoryNegative, OtherContent.
    """
    target = _target(db, principal, command, of_shipment=of_shipment)
    event = target.event
    entries = _undone(db, event)
    # A count that found no difference has no entries; its batches still name what is to be locked.
    counted = db.scalars(select(StockCount.batch_id).where(StockCount.event_id == event.id))
    batches = sorted({entry.key.batch_id for entry in entries} | set(counted))
    facts = read_facts(db.connection(), event.facility_id, batches, [None] * len(batches), [None] * len(batches))
    content = f"reversal of {event.id}: {command.reason or ''}"
    work = Work(
        id=command.id,
        kind=Kind.REVERSAL,
        facility_id=event.facility_id,
        occurred_at=event.occurred_at,
        content=content,
        facts=facts,
        reason=command.reason,
        reverses_id=event.id,
        ordinal=event.number,
        entries=entries,
    )
    lock_anchors(db, anchors_of(work))
    # Under the lock: a twin may have reversed it, or written to the count, since we looked.
    by = db.scalar(select(StockEvent.id).where(StockEvent.reverses_id == event.id))
    if by is not None and by != command.id:
        raise AlreadyReversed(event=str(event.id), by=str(by))
    if by is None:
        work.entries = _undone(db, event)
        if not of_shipment:
            _guard_freed(db, principal, event, work)
        if event.kind is Kind.OPENING:
            _close_unused(db, event)
            for presentation_id in sorted({batch.presentation_id for batch in facts.batches.values()}):
                tell_open_doses_fell(
                    db,
                    facility_id=event.facility_id,
                    presentation_id=presentation_id,
                    occurred_at=event.occurred_at,
                    now=now,
                )
    return carry_out(db, principal, work, now=now)


def _target(db: Session, principal: Principal, command: ReverseEvent, *, of_shipment: bool) -> _Target:
    reversal = aliased(StockEvent)
    row = db.execute(
        select(StockEvent, Unit.path, reversal.id)
        .join(Unit, Unit.id == StockEvent.facility_id)
        .outerjoin(reversal, reversal.reverses_id == StockEvent.id)
        .where(StockEvent.id == command.event_id)
    ).one_or_none()
    if row is None or not principal.sees(row[1]):
        raise EventNotFound(event=str(command.event_id))
    target = _Target(*row)
    event = target.event
    if not of_shipment:
        principal.require(Permission.STOCK_WRITE, target.path)
    if event.kind in OF_SHIPMENTS and not (of_shipment or principal.is_system):
        raise UseShipment(event=str(event.id))
    if event.cause is not None and not principal.is_system:
        raise UseHold(event=str(event.id))
    if event.kind in NOT_TAKEN_BACK or event.because_id is not None:
        raise NotReversible(event=str(event.id), kind=event.kind.value)
    return target


def _undone(db: Session, event: StockEvent) -> list[Entry]:
    """The opposite of the event's entries and of what followed from it.

    A count takes with it the opposites that late events posted against it: once it no longer asserts
    anything, those events count again. Opposites that this event posted against other counts are not
    touched; the reversal posts their opposites in its turn, and does acts again in its turn. A stop by hand takes with it
    what late events made of it.
    """
    again = (
        select(StockEntry.event_id)
        .where(StockEntry.facility_id == event.facility_id, StockEntry.occurred_at == event.occurred_at)
        .where(StockEntry.ordinal == event.number, StockEntry.number != event.number)
    )
    beside = exists().where(StockEntry.event_id == StockEvent.id, StockEntry.ordinal != StockEntry.number)
    by_hand = StockEvent.because_id.is_not(None) & StockEvent.cause.is_(None) & (StockEvent.kind == Kind.STATUS)
    follows = (StockEvent.because_id == event.id) & StockEvent.count_id.is_(None) & StockEvent.cause.is_(None) & ~beside
    family = select(StockEvent.id).where(
        (StockEvent.id == event.id) | follows | (StockEvent.count_id == event.id) | (by_hand & StockEvent.id.in_(again))
    )
    sums: dict[tuple[Account, Key, str | None], int] = defaultdict(int)
    for entry in db.scalars(
        select(StockEntry).where(StockEntry.event_id.in_(family)).order_by(StockEntry.number, StockEntry.seq)
    ):
        key = Key(entry.holder_id, entry.batch_id, Status(entry.status))
        sums[Account(entry.account), key, entry.reason] -= entry.vials
    return [Entry(account, key, vials, None, reason) for (account, key, reason), vials in sums.items() if vials]


def _guard_freed(db: Session, principal: Principal, event: StockEvent, work: Work) -> None:
    """A reversal that frees stopped vials follows the rules of the plain event that would free them."""
    if event.kind is not Kind.STATUS:
        return
    for entry in work.entries:
        if entry.vials < 0:
            guard_freeing(
                db,
                principal,
                event.facility_id,
                entry.key.batch_id,
                entry.key.status,
                at=work.occurred_at,
                reason=work.reason,
            )


def _close_unused(db: Session, event: StockEvent) -> None:
    """Forget the opened vials of an opening that did not happen; raises VialInUse when doses came from them."""
    vials = db.scalars(select(OpenVial).where(OpenVial.event_id == event.id).with_for_update()).all()
    if any(vial.remaining != vial.doses_per_vial for vial in vials):
        raise VialInUse(event=str(event.id))
    db.execute(delete(OpenVial).where(OpenVial.event_id == event.id))
