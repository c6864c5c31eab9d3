"""Calling a batch back: every holder is frozen at once, told, and counted until the end is proved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, select, text, true
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission, within
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.database.types import Ltree
from tracker.feed.service import append, causing
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.shipments.models import Shipment
from tracker.stock.models import StockEntry, StockEvent, StockStop
from tracker.stock.queries.tracing import Whereabouts, where_now
from tracker.stock.rules.replay import RECALLED_FROM, Stop
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.reading import lock_anchors
from tracker.stock.service.stopping import order_stop
from tracker.trace.errors import AlreadyRecalled, OtherRecall, RecallNotFound, RecallUnfinished
from tracker.trace.events import BatchRecalled
from tracker.trace.models import Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecall:
    """Call back a batch (id, `PRODUCT/LOT`, or a lot only one product has)."""

    id: UUID
    batch: str | UUID
    reason: str


def start_recall(db: Session, principal: Principal, command: StartRecall, *, now: datetime) -> tuple[Recall, bool]:
    """Freeze the batch wherever it is in the caller's subtree, on the road and opened vials included.

    The availability of vaccine falls in this same transaction, so nothing recalled is promised, and a standing order makes
    whatever comes to light there later recalled as well, for good. A narrower recall of the batch that is open is taken
    over. The same again answers the first (False). Raises BatchNotFound, LotAmbiguous, AlreadyRecalled, OtherRecall,
    Forbidden.
    """
    principal.require(Permission.RECALL_WRITE)
    batch = batch_by_ref(db, command.batch)
    # Two recalls of a batch take turns, so each knows the other's reach.
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 2))"), {"key": str(batch.id)})
    found = db.get(Recall, command.id)
    if found is not None:
        if (found.batch_id, found.reason) != (batch.id, command.reason):
            raise OtherRecall(id=str(command.id))
        return found, False
    reach = _units_of(db, principal)
    paths = tuple(unit.path for unit in reach)
    others = db.scalars(select(Recall).where(Recall.batch_id == batch.id, Recall.closed_at.is_(None))).all()
    reaches = {other.id: reach_of(db, other.id) for other in others}
    if any(_covers(theirs, paths) for theirs in reaches.values()):
        raise AlreadyRecalled(batch=batch.lot)
    made = Recall(
        id=command.id, batch_id=batch.id, reason=command.reason, account_id=principal.account_id, started_at=now
    )
    db.add(made)
    db.flush()
    stop = Stop(cause=made.id, since=now, reason=made.reason)
    order_stop(db, stop, batch_id=batch.id, unit_ids=[unit.id for unit in reach])
    for other in others:
        if _covers(paths, reaches[other.id]):
            other.closed_at, other.taken_over_by = now, made.id
    db.flush()
    _freeze(db, made, batch, _holders(db, paths, batch.id), now)
    return made, True


def sweep_recalls(db: Session, batch_id: UUID, *, now: datetime) -> int:
    """Freeze what came to light of a recalled batch where its recalls reach; answers the vials frozen now.

    For the reaction to `stock.moved`: what the standing order did not see, because it was on the road to the reach or was
    written while the recall was being started. A batch that was never recalled costs one look.
    """
    recalls = db.scalars(select(Recall).where(Recall.batch_id == batch_id).order_by(Recall.started_at, Recall.id)).all()
    if not recalls:
        return 0
    batch = db.get_one(Batch, batch_id)
    return sum(_freeze(db, one, batch, _holders(db, reach_of(db, one.id), batch_id), now) for one in recalls)


def tell_found(db: Session, event_id: UUID, *, now: datetime) -> None:
    """Tell the vials that a standing order stopped because of a stock event."""
    rows = db.execute(
        select(StockEvent.cause, StockEntry.facility_id, func.sum(StockEntry.vials).label("vials"))
        .join(StockEntry, StockEntry.event_id == StockEvent.id)
        .join(Recall, Recall.id == StockEvent.cause)
        .where(StockEvent.because_id == event_id, StockEntry.status == Status.RECALLED)
        .group_by(StockEvent.cause, StockEntry.facility_id)
        .order_by(StockEvent.cause, StockEntry.facility_id)
    ).all()
    for row in rows:
        if row.vials > 0:
            recall = db.get_one(Recall, row.cause)
            batch = db.get_one(Batch, recall.batch_id)
            _tell(db, uuid7(), recall, batch, row.facility_id, int(row.vials), now)


def close_recall(db: Session, principal: Principal, recall_id: UUID, *, now: datetime) -> Recall:
    """Say that all is accounted for within the recall's reach; closed already is fine. The batch stays recalled there.

    Raises RecallNotFound, RecallUnfinished, Forbidden (somebody with a narrower reach).
    """
    principal.require(Permission.RECALL_WRITE)
    recall = recall_by_id(db, principal, recall_id, lock=True)
    paths = reach_of(db, recall.id)
    if not all(principal.may(Permission.RECALL_WRITE, path) for path in paths):
        raise Forbidden(permission=Permission.RECALL_WRITE.value)
    if recall.closed_at is None:
        left = sum(found.total for _, found in _holders(db, paths, recall.batch_id))
        if left:
            raise RecallUnfinished(vials=left)
        recall.closed_at = now
        db.flush()
    return recall


def recall_by_id(db: Session, principal: Principal, recall_id: UUID, *, lock: bool = False) -> Recall:
    """A recall that concerns the caller's subtree, or that the caller started; raises RecallNotFound."""
    query = select(Recall).where(Recall.id == recall_id, concerning(principal))
    found = db.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise RecallNotFound
    return found


def concerning(principal: Principal) -> ColumnElement[bool]:
    """True for recalls that the caller started, or of which vials were found where the caller may look."""
    if principal.is_system:
        return true()
    reach = aliased(Unit)
    found = (
        select(StockEntry.event_id)
        .join(Unit, Unit.id == StockEntry.facility_id)
        .join(StockStop, StockStop.cause == Recall.id)
        .join(reach, reach.id == StockStop.unit_id)
        .where(
            StockEntry.batch_id == Recall.batch_id,
            StockEntry.status == Status.RECALLED,
            visible_to(principal, Unit.path, Permission.STOCK_READ),
            Unit.path.op("<@", is_comparison=True)(reach.path),
        )
        .correlate(Recall)
        .exists()
    )
    return found if principal.account_id is None else found | (Recall.account_id == principal.account_id)


def reach_of(db: Session, recall_id: UUID) -> tuple[str, ...]:
    """The paths of the units under which a recall acts: those of who started it, as they were then."""
    query = select(Unit.path).join(StockStop, StockStop.unit_id == Unit.id).where(StockStop.cause == recall_id)
    return tuple(db.scalars(query.order_by(Unit.path)))


def _units_of(db: Session, principal: Principal) -> list[Unit]:
    """The widest units under which the caller may recall; for the system the nation's."""
    if principal.is_system:
        return list(db.scalars(select(Unit).where(Unit.parent_id.is_(None))))
    roots = principal.roots(Permission.RECALL_WRITE)
    widest = {root for root in roots if not any(root != other and within(root, other) for other in roots)}
    return list(db.scalars(select(Unit).where(Unit.path.in_([cast(root, Ltree()) for root in widest]))))


def _covers(wide: Collection[str], narrow: Collection[str]) -> bool:
    return all(any(within(path, root) for root in wide) for path in narrow)


# Who must act for vials at an account: the facility they lie at, or the one that sent the shipment.
_Holder = tuple[UUID, Whereabouts]


def _holders(db: Session, reach: Collection[str], batch_id: UUID) -> list[_Holder]:
    """Where vials of the batch are within a reach: what lies there, and what is on the road from or to there."""
    found: list[_Holder] = []
    places = where_now(db, batch_id)
    ends = _ends(db, [each.holder_id for each in places if each.account is Account.TRANSIT])
    paths = _paths(db, {each.facility_id for each in places} | {end for pair in ends.values() for end in pair})
    for each in places:
        who = ends[each.holder_id] if each.facility_id is None else (each.facility_id,)
        if any(_covers(reach, (paths[facility],)) for facility in who):
            found.append((who[0], each))
    return found


def _ends(db: Session, shipments: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    rows = db.execute(
        select(Shipment.id, Shipment.from_facility_id, Shipment.to_facility_id).where(Shipment.id.in_(shipments))
    )
    return {row.id: (row.from_facility_id, row.to_facility_id) for row in rows}


def _paths(db: Session, facilities: Collection[UUID | None]) -> dict[UUID, str]:
    rows = db.execute(select(Unit.id, Unit.path).where(Unit.id.in_([each for each in facilities if each is not None])))
    return {row.id: row.path for row in rows}


def _freeze(db: Session, recall: Recall, batch: Batch, holders: list[_Holder], now: datetime) -> int:
    anchors = {(facility, batch.presentation_id) for facility, _ in holders}
    anchors |= {(each.holder_id, batch.presentation_id) for _, each in holders if each.account is Account.TRANSIT}
    # All at once and in the house's order: facility by facility could meet a dispatch the other way round.
    lock_anchors(db, anchors)
    total = 0
    for facility_id in sorted({facility for facility, _ in holders}):
        mine = [each for facility, each in holders if facility == facility_id]
        total += _freeze_facility(db, recall, batch, facility_id, mine, now)
    return total


def _freeze_facility(
    db: Session, recall: Recall, batch: Batch, facility_id: UUID, holders: list[Whereabouts], now: datetime
) -> int:
    lines = tuple(
        StatusLine(
            batch_id=batch.id,
            holder_id=each.holder_id,
            from_status=status,
            to_status=Status.RECALLED,
            account=each.account,
        )
        for each in holders
        for status in sorted(RECALLED_FROM)
        if each.vials.get(status)
    )
    if not lines:
        return 0
    change = StatusChange(id=uuid7(), facility_id=facility_id, lines=lines, cause=recall.id, reason=recall.reason)
    # What the ledger tells of it names the recall's event as its cause; that one is written last, once vials are known.
    told_as = uuid7()
    with causing(db, told_as):
        changed = change_status(db, SYSTEM, change, now=now)
    if changed.vials:
        _tell(db, told_as, recall, batch, facility_id, changed.vials, now)
    return changed.vials


def _tell(
    db: Session, event_id: UUID, recall: Recall, batch: Batch, facility_id: UUID, vials: int, now: datetime
) -> None:
    product = db.scalars(select(Presentation.code).where(Presentation.id == batch.presentation_id)).one()
    told = BatchRecalled(
        recall_id=recall.id,
        batch_id=batch.id,
        presentation_code=product,
        lot=batch.lot,
        vials=vials,
        facility_id=facility_id,
    )
    append(db, told, unit_id=facility_id, subject=recall.id, occurred_at=now, now=now, event_id=event_id)
