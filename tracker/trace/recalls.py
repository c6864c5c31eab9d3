"""Calling a batch back: every holder is frozen at once, told, and counted until the end is proved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.access.queries import principal_of, visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.feed.service import append, causing
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.shipments.models import Shipment
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.queries.tracing import Whereabouts, where_now
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.reading import lock_anchors
from tracker.trace.errors import AlreadyRecalled, OtherRecall, RecallNotFound, RecallUnfinished
from tracker.trace.events import BatchRecalled
from tracker.trace.models import Recall, RecallHolder

# What is unusable already stays so; it is counted in the trace, not frozen twice.
_FREEZES = (Status.USABLE, Status.HELD)
_GONE = (Account.DESTROYED, Account.WASTED, Account.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecall:
    """Call back a batch (id, `PRODUCT/LOT`, or a lot only one product has)."""

    id: UUID
    batch: str | UUID
    reason: str


def start_recall(db: Session, principal: Principal, command: StartRecall, *, now: datetime) -> tuple[Recall, bool]:
    """Freeze the batch wherever it is in the caller's subtree, on the road and opened vials included.

    The availability of vaccine falls in this same transaction, so nothing recalled is promised. The same
    again answers the first (False). Raises BatchNotFound, LotAmbiguous, AlreadyRecalled, OtherRecall, Forbidden.
    """
    principal.require(Permission.RECALL_WRITE)
    batch = batch_by_ref(db, command.batch)
    found = db.get(Recall, command.id)
    if found is not None:
        if (found.batch_id, found.reason) != (batch.id, command.reason):
            raise OtherRecall(id=str(command.id))
        return found, False
    made = db.scalar(
        insert(Recall)
        .values(
            id=command.id,
            batch_id=batch.id,
            reason=command.reason,
            account_id=principal.account_id,
            started_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Recall)
    )
    if made is None:
        raise AlreadyRecalled(batch=str(batch.id))
    _freeze(db, made, batch, _holders(db, principal, batch.id), now)
    return made, True


def sweep_recall(db: Session, batch_id: UUID, *, now: datetime) -> int:
    """Freeze what came to light of a batch under recall (a late report, a receipt); answers the vials frozen now.

    For the reaction to `stock.moved`; a batch without an open recall costs one look.
    """
    recall = db.scalar(select(Recall).where(Recall.batch_id == batch_id, Recall.closed_at.is_(None)))
    if recall is None:
        return 0
    starter = SYSTEM
    if recall.account_id is not None:
        # A provincial recall stays within its province.
        starter = principal_of(db, recall.account_id) or SYSTEM
    batch = db.get_one(Batch, batch_id)
    return _freeze(db, recall, batch, _holders(db, starter, batch_id), now)


def close_recall(db: Session, principal: Principal, recall_id: UUID, *, now: datetime) -> Recall:
    """Say that all is accounted for; closed already is fine. Raises RecallNotFound, RecallUnfinished, Forbidden."""
    principal.require(Permission.RECALL_WRITE)
    recall = recall_by_id(db, principal, recall_id, lock=True)
    if recall.closed_at is None:
        left = sum(found.total for found in where_now(db, recall.batch_id))
        if left:
            raise RecallUnfinished(vials=left)
        recall.closed_at = now
        db.flush()
    return recall


def recall_by_id(db: Session, principal: Principal, recall_id: UUID, *, lock: bool = False) -> Recall:
    """A recall that concerns the caller's subtree, or that the caller started; raises RecallNotFound."""
    query = select(Recall).where(Recall.id == recall_id)
    found = db.scalar(query.with_for_update() if lock else query)
    if found is None or not (_own(found, principal) or _concerns(db, principal, recall_id)):
        raise RecallNotFound
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One facility's part: vials frozen there, still there under recall, and gone since (destroyed, wasted, lost)."""

    facility: str
    name: str
    found: int
    left: int
    gone: int

    @property
    def unaccounted(self) -> int:
        """Vials not accounted for by stock or by a document: moved on, returned, or missing."""
        return max(0, self.found - self.left - self.gone)


def progress_of(db: Session, principal: Principal, recall: Recall) -> list[Progress]:
    """The facilities of the caller's subtree that were found to have the batch, by code."""
    left = _sums(
        db,
        select(StockBalance.facility_id, func.sum(StockBalance.vials))
        .where(StockBalance.batch_id == recall.batch_id, StockBalance.status == Status.RECALLED)
        .group_by(StockBalance.facility_id),
    )
    gone = _sums(
        db,
        select(StockEntry.facility_id, func.sum(StockEntry.vials))
        .where(
            StockEntry.batch_id == recall.batch_id,
            StockEntry.account.in_(_GONE),
            StockEntry.recorded_at >= recall.started_at,
        )
        .group_by(StockEntry.facility_id),
    )
    rows = db.execute(
        select(Facility.id, Facility.code, Facility.name, func.sum(RecallHolder.vials).label("found"))
        .join(Facility, Facility.id == RecallHolder.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .where(RecallHolder.recall_id == recall.id, visible_to(principal, Unit.path, Permission.STOCK_READ))
        .group_by(Facility.id)
        .order_by(Facility.code)
    )
    return [
        Progress(
            facility=row.code, name=row.name, found=int(row.found), left=left.get(row.id, 0), gone=gone.get(row.id, 0)
        )
        for row in rows
    ]


def _sums(db: Session, query: Select[UUID | None, int]) -> dict[UUID, int]:
    return {row[0]: int(row[1]) for row in db.execute(query) if row[0] is not None}


def _own(recall: Recall, principal: Principal) -> bool:
    return principal.is_system or (recall.account_id is not None and recall.account_id == principal.account_id)


def _concerns(db: Session, principal: Principal, recall_id: UUID) -> bool:
    query = (
        select(RecallHolder.recall_id)
        .join(Unit, Unit.id == RecallHolder.facility_id)
        .where(RecallHolder.recall_id == recall_id, visible_to(principal, Unit.path, Permission.STOCK_READ))
        .limit(1)
    )
    return db.scalar(query) is not None


# Who must act for vials at an account: the facility they lie at, or the one that sent the shipment.
_Holder = tuple[UUID, Whereabouts]


def _holders(db: Session, principal: Principal, batch_id: UUID) -> list[_Holder]:
    visible = set(db.scalars(select(Unit.id).where(visible_to(principal, Unit.path, Permission.STOCK_READ))))
    found: list[_Holder] = []
    for each in where_now(db, batch_id):
        ends: Collection[UUID]
        if each.facility_id is not None:
            ends = (each.facility_id,)
        else:
            shipment = db.get_one(Shipment, each.holder_id)
            ends = (shipment.from_facility_id, shipment.to_facility_id)
        if visible.intersection(ends):
            found.append((next(iter(ends)), each))
    return found


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
        for status in _FREEZES
        if each.vials.get(status)
    )
    if not lines:
        return 0
    change = StatusChange(id=uuid7(), facility_id=facility_id, lines=lines, cause=recall.id, reason=recall.reason)
    # What the ledger tells of it names the recall's event as its cause; that one is written last, once vials are known.
    told_as = uuid7()
    with causing(db, told_as):
        changed = change_status(db, SYSTEM, change, now=now)
    by_holder: dict[tuple[Account, UUID], int] = {}
    for line in changed.lines:
        key = (line.account, line.holder_id)
        by_holder[key] = by_holder.get(key, 0) + (line.vials or 0)
    for (account, holder_id), vials in by_holder.items():
        _note(
            db,
            RecallHolder(
                recall_id=recall.id,
                account=account,
                holder_id=holder_id,
                facility_id=facility_id,
                vials=vials,
                found_at=now,
            ),
        )
    if changed.vials:
        _tell(db, told_as, recall, batch, facility_id, changed.vials, now)
    return changed.vials


def _note(db: Session, found: RecallHolder) -> None:
    """Keep how many vials were found at a holder; more of them found later add up."""
    columns = RecallHolder.__table__.columns.keys()
    statement = insert(RecallHolder).values({name: getattr(found, name) for name in columns})
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[RecallHolder.recall_id, RecallHolder.account, RecallHolder.holder_id],
            set_={"vials": RecallHolder.vials + statement.excluded.vials},
        )
    )


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
