"""Standing orders that stop vials, and who may free stopped ones: what a hold or recall stopped is freed where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.network.queries import path_of
from tracker.stock.errors import MissingField, UseHold
from tracker.stock.models import StockEntry, StockEvent, StockKeep, StockStop
from tracker.stock.rules.replay import Stop
from tracker.stock.rules.words import Account, Kind, Status

STOPPED = frozenset({Status.HELD, Status.RECALLED})


def order_stop(db: Session, stop: Stop, *, batch_id: UUID, unit_ids: Sequence[UUID]) -> None:
    """Make vials of the batch at these units and all below recalled from `stop.since` on, until somebody ends the order."""
    db.add_all(
        StockStop(cause=stop.cause, unit_id=unit_id, batch_id=batch_id, since=stop.since, reason=stop.reason or "")
        for unit_id in unit_ids
    )
    db.flush()


def end_stop(db: Session, cause: UUID, *, at: datetime) -> None:
    """End a standing order: what happens from `at` on is no matter of its own any more."""
    db.execute(update(StockStop).where(StockStop.cause == cause).values(until=at))


def stands(db: Session, cause: UUID) -> bool:
    """Whether a standing order has not been ended; asked anew each time."""
    return bool(db.scalar(select(exists().where(StockStop.cause == cause, StockStop.until.is_(None)))))


def end_keep(db: Session, cause: UUID) -> None:
    """The hold has been decided: it keeps nothing any more."""
    db.execute(delete(StockKeep).where(StockKeep.cause == cause))


def guard_freeing(
    db: Session,
    principal: Principal,
    facility_id: UUID,
    batch_id: UUID,
    status: Status,
    *,
    at: datetime,
    reason: str | None,
    line: int | None = None,
) -> None:
    """Let vials that somebody stopped by hand be freed by who may release holds, with a reason.

    What was freed before a hold acted (`at`) was freed: the hold looks again, and stops them by itself. Under the lock of
    their pool, or a hold that comes meanwhile is not seen.

    Raises Forbidden, MissingField, UseHold (a hold or recall still keeps vials of that batch here).
    """
    if status not in STOPPED or principal.is_system:
        return
    where = {} if line is None else {"line": line}
    principal.require(Permission.HOLD_RELEASE, path_of(db, facility_id))
    if not reason:
        raise MissingField(**where, field="reason")
    if kept_by_hold(db, facility_id, batch_id, status, at=at):
        raise UseHold(**where, field="status")


def kept_by_hold(db: Session, facility_id: UUID, batch_id: UUID, status: Status, *, at: datetime | None = None) -> int:
    """Vials here that a hold or recall keeps (`at` an instant; None: now): never more than lie here in that status.

    Where a hold waits to be decided, it keeps all that is held, whoever had held it before. Else what one stopped, here or on
    the road to here.
    What came recalled is of that recall. What came held was held by hand where it was sent from, unless a hold stopped it on
    the road: nothing else that is held may leave. What leaves (wasted, sent on) is taken to have been stopped by hand as long as there is such a vial. What a recall took
    from the held ones, and gave back when it was withdrawn, is held by whoever held it before.
    """
    road = aliased(StockEntry)
    stopper = aliased(StockEvent)
    stopped_on_road = exists().where(
        road.holder_id == StockEvent.shipment_id,
        road.batch_id == batch_id,
        road.status == status,
        road.vials > 0,
        stopper.id == road.event_id,
        stopper.cause.is_not(None),
    )
    came_stopped = and_(StockEvent.kind == Kind.RECEIPT, or_(literal(status is Status.RECALLED), stopped_on_road))
    recalling = exists().where(StockStop.cause == StockEvent.cause) & (status is Status.HELD)
    until = datetime.max.replace(tzinfo=UTC) if at is None else at
    waits = exists().where(
        StockKeep.facility_id == facility_id, StockKeep.batch_id == batch_id, StockKeep.since <= until
    ) & (status is Status.HELD)
    rows = db.execute(
        select(
            func.sum(StockEntry.vials).label("vials"),
            or_(StockEvent.cause.is_not(None), came_stopped).label("by_hold"),
            recalling.label("by_recall"),
            waits.label("waits"),
        )
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .where(
            StockEntry.facility_id == facility_id,
            StockEntry.batch_id == batch_id,
            StockEntry.status == status,
            StockEntry.account.in_((Account.PLACE, Account.OPEN)),
            StockEntry.occurred_at <= until,
        )
        .group_by(StockEvent.id, StockEntry.occurred_at, StockEntry.ordinal, StockEntry.number)
        .order_by(StockEntry.occurred_at, StockEntry.ordinal, StockEntry.number)
    )
    here = recalled = kept = 0
    for row in rows:
        if row.waits:
            here += row.vials
            kept = here
        elif row.by_recall:
            recalled -= row.vials
        else:
            here += row.vials
            kept = max(0, min(here, kept + (row.vials if row.by_hold else 0)))
    return max(0, min(kept, here - recalled))
