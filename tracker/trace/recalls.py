"""Calling a batch back: every holder is frozen at once, told, and counted until the end is proved."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, select, text, true
from sqlalchemy.orm import Session, aliased

from tracker.access.models import LoginAccount, Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission, within
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.database.types import Ltree
from tracker.feed.service import Happening, append, append_all
from tracker.kit.days import WESTERN, local_day
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.stock.errors import MissingField, UnknownBatch
from tracker.stock.models import StockBalance, StockEntry, StockEvent, StockStop
from tracker.stock.rules.replay import RECALLED_FROM, Stop
from tracker.stock.rules.words import Status
from tracker.stock.service.changing_many import Caused, change_everywhere
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.recording import read_goods
from tracker.stock.service.stopping import order_stop, stands
from tracker.trace.errors import (
    AlreadyRecalled,
    OtherRecall,
    RecallIsClosed,
    RecallIsWithdrawn,
    RecallNotFound,
    RecallUnfinished,
)
from tracker.trace.events import BatchRecalled, RecallGoesOn, RecallStarted
from tracker.trace.giving_back import give_back
from tracker.trace.holdings import MOST_AT_ONCE, Done, Holding, covers, holdings, locked_holdings, next_part, touched_by
from tracker.trace.models import Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecall:
    """Call back a batch: named by id, `PRODUCT/LOT`, or a lot only one product has; or by the `barcode` on its label.

    `recall_class` is BPOM's, 1 (gravest) to 3.
    """

    id: UUID
    batch: str | UUID | None = None
    barcode: str | None = None
    reason: str
    recall_class: int | None = None


def start_recall(
    db: Session, principal: Principal, command: StartRecall, *, now: datetime, most: int = MOST_AT_ONCE
) -> tuple[Recall, bool]:
    """Freeze the batch wherever it is in the caller's subtree, on the road and opened vials included.

    That is done here at `most` facilities, and at the others by the worker, so that nobody waits for all of a nation's.

    The availability of vaccine falls in this same transaction, so nothing recalled is promised, and a standing order makes
    whatever comes to light there later recalled as well, for good. A narrower recall of the batch that is open is taken
    over. The same again answers the first (False). Raises BatchNotFound, LotAmbiguous, MissingField, BadBarcode,
    SeparatorMissing, UnknownBatch, AlreadyRecalled, OtherRecall, Forbidden.
    """
    principal.require(Permission.RECALL_WRITE)
    said = _words_of(command)
    found = db.get(Recall, command.id)
    if found is not None and (found.account_id, found.said) == (principal.account_id, said):
        return found, False  # whatever its words mean by now
    batch = batch_of(db, command, now=now)
    take_turn(db, batch.id)
    found = db.get(Recall, command.id, populate_existing=True)
    if found is not None:
        if (found.batch_id, found.reason, found.recall_class) != (batch.id, command.reason, command.recall_class):
            raise OtherRecall(id=str(command.id))
        return found, False
    reach = units_of(db, principal)
    paths = tuple(unit.path for unit in reach)
    others = db.scalars(select(Recall).where(Recall.batch_id == batch.id, Recall.closed_at.is_(None))).all()
    reaches = {other.id: reach_of(db, other.id) for other in others}
    if any(covers(theirs, paths) for theirs in reaches.values()):
        raise AlreadyRecalled(batch=batch.lot)
    made = Recall(
        id=command.id,
        batch_id=batch.id,
        reason=command.reason,
        recall_class=command.recall_class,
        said=said,
        account_id=principal.account_id,
        started_at=now,
    )
    db.add(made)
    db.flush()
    stop = Stop(cause=made.id, since=now, reason=made.reason)
    order_stop(db, stop, batch_id=batch.id, unit_ids=[unit.id for unit in reach])
    for other in others:
        if covers(paths, reaches[other.id]):
            other.closed_at, other.taken_over_by = now, made.id
    db.flush()
    _freeze(db, made, batch, paths, now, most=most)
    # What is left, and vials that came while nobody else could see this yet, are looked for once everybody can.
    started = RecallStarted(recall_id=made.id, batch_id=batch.id)
    append(db, started, unit_id=None, subject=made.id, occurred_at=now, now=now)
    return made, True


def take_turn(db: Session, batch_id: UUID) -> None:
    """Two recalls of a batch, or a recall and a withdrawal, take turns, so each knows the other's reach."""
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 2))"), {"key": str(batch_id)})


def _words_of(command: StartRecall) -> str:
    return hashlib.blake2b(repr(command).encode(), digest_size=16).hexdigest()


def batch_of(db: Session, command: StartRecall, *, now: datetime) -> Batch:
    """The batch that is meant. A label that leaves a doubt calls nothing back: a lot read wrongly would be stopped, and the
    right one missed.
    """
    if command.barcode is not None:
        scan = read_goods(db, command.barcode, today=local_day(now, WESTERN))
        if scan.batch is None:
            raise UnknownBatch(field="barcode", batch=scan.scan.lot or command.barcode)
        return scan.batch
    if not command.batch:
        raise MissingField(field="batch")
    batch = batch_by_ref(db, command.batch)
    return batch if batch.joined_into_id is None else db.get_one(Batch, batch.joined_into_id)


def sweep_recalls(
    db: Session, batch_id: UUID, *, now: datetime, moved_by: UUID | None = None, most: int = MOST_AT_ONCE
) -> int:
    """Freeze what came to light of a recalled batch where its recalls reach; answers the vials frozen now.

    For the reactions: the next part of a recall or withdrawal that has more than `most` facilities, and the feed asks for the one
    after it. And what the standing order did not see, because it was on the road to the reach or was
    written while the recall was being started; and what a withdrawn one stopped while it was being withdrawn is given
    back. Of an event (`moved_by`) the accounts that it touched are looked at, however many others have vials of the batch.
    A batch that was never recalled costs one look.
    """
    recalls = db.scalars(select(Recall).where(Recall.batch_id == batch_id).order_by(Recall.started_at, Recall.id)).all()
    if not recalls:
        return 0
    batch = db.get_one(Batch, batch_id)
    only = () if moved_by is None else (touched_by(moved_by, batch_id),)
    standing = [one for one in recalls if one.withdrawn_at is None]
    given = give_back(db, batch, *only, now=now, most=most) if len(standing) < len(recalls) else Done()
    frozen = [_freeze(db, one, batch, reach_of(db, one.id), now, *only, most=most) for one in standing]
    if given.more or any(each.more for each in frozen):
        append(db, RecallGoesOn(batch_id=batch_id), unit_id=None, subject=batch_id, occurred_at=now, now=now)
    return sum(each.vials for each in frozen)


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
            _tell(db, recall, batch, [(uuid7(), row.facility_id, int(row.vials))], now)


def close_recall(db: Session, principal: Principal, recall_id: UUID, *, reason: str, now: datetime) -> Recall:
    """Say that all is accounted for within the recall's reach; the same reason again is fine. The batch stays recalled there.

    Raises RecallNotFound, RecallIsWithdrawn, RecallIsClosed (for another reason), RecallUnfinished, Forbidden (somebody with a narrower
    reach).
    """
    principal.require(Permission.RECALL_WRITE)
    recall = recall_by_id(db, principal, recall_id, lock=True)
    if not may_end(db, principal, recall):
        raise Forbidden(permission=Permission.RECALL_WRITE.value)
    if recall.withdrawn_at is not None:
        raise RecallIsWithdrawn(at=recall.withdrawn_at.isoformat(), name=recall.withdrawn_by)
    if recall.closed_at is None:
        left = sum(held.at.total for held in holdings(db, reach_of(db, recall.id), recall.batch_id))
        if left:
            raise RecallUnfinished(vials=left)
        recall.closed_at, recall.closed_by, recall.close_reason = now, principal.name, reason
        db.flush()
    elif recall.close_reason is not None and recall.close_reason != reason:
        raise RecallIsClosed(at=recall.closed_at.isoformat(), name=recall.closed_by, because=recall.close_reason)
    return recall


def may_end(db: Session, principal: Principal, recall: Recall) -> bool:
    """Whether the caller's right covers the recall's reach; one that reaches nothing is the nation's."""
    paths = reach_of(db, recall.id) or tuple(db.scalars(select(Unit.path).where(Unit.parent_id.is_(None))))
    return all(principal.may(Permission.RECALL_WRITE, path) for path in paths)


def recall_by_id(db: Session, principal: Principal, recall_id: UUID, *, lock: bool = False) -> Recall:
    """A recall that concerns the caller's subtree, or that the caller started; raises RecallNotFound."""
    query = select(Recall).where(Recall.id == recall_id, concerning(principal))
    found = db.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)
    if found is None:
        raise RecallNotFound
    return found


def concerning(principal: Principal) -> ColumnElement[bool]:
    """True for recalls that the caller started, or of which vials were found where the caller may look.

    One that reaches nothing any more concerns the nation.
    """
    if principal.is_system:
        return true()
    reach = aliased(Unit)
    orders = select(StockStop.cause).where(StockStop.cause == Recall.id).correlate(Recall)
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
    nation = select(Unit.id).where(Unit.parent_id.is_(None), visible_to(principal, Unit.path, Permission.RECALL_WRITE))
    seen = found | (~orders.exists() & nation.exists())
    return seen if principal.account_id is None else seen | (Recall.account_id == principal.account_id)


def reach_of(db: Session, recall_id: UUID) -> tuple[str, ...]:
    """The paths of the units under which a recall acts: those of who started it, as they were then."""
    query = select(Unit.path).join(StockStop, StockStop.unit_id == Unit.id).where(StockStop.cause == recall_id)
    return tuple(db.scalars(query.order_by(Unit.path)))


def units_of(db: Session, principal: Principal) -> list[Unit]:
    """The widest units under which the caller may recall; for the system the nation's."""
    if principal.is_system:
        return list(db.scalars(select(Unit).where(Unit.parent_id.is_(None))))
    roots = principal.roots(Permission.RECALL_WRITE)
    widest = {root for root in roots if not any(root != other and within(root, other) for other in roots)}
    return list(db.scalars(select(Unit).where(Unit.path.in_([cast(root, Ltree()) for root in widest]))))


def _freeze(
    db: Session,
    recall: Recall,
    batch: Batch,
    roots: Collection[str],
    now: datetime,
    *only: ColumnElement[bool],
    most: int,
) -> Done:
    """Stop what is not stopped within the reach (`only` at those balances), at `most` facilities."""
    loose = (StockBalance.status.in_(RECALLED_FROM), *only)
    part = next_part(db, roots, batch, *loose, most=most)
    if not part.anchors:
        return Done()
    found = locked_holdings(db, roots, batch, part, *loose)
    if not stands(db, recall.id):
        return Done()  # withdrawn while the locks were waited for
    lines: dict[UUID, list[StatusLine]] = defaultdict(list)
    for held in found:
        lines[held.facility_id] += _lines(batch, held)
    changes = [
        # What the ledger tells of it names the recall's event as its cause.
        Caused(
            change=StatusChange(
                id=uuid7(),
                facility_id=facility_id,
                lines=tuple(lines[facility_id]),
                cause=recall.id,
                reason=recall.reason,
            ),
            told_as=uuid7(),
        )
        for facility_id in sorted(lines)
    ]
    done = change_everywhere(db, _starter(db, recall), batch.id, changes, now=now)
    vials = {one: done[one.change.id].vials for one in changes}
    _tell(db, recall, batch, [(one.told_as, one.change.facility_id, vials[one]) for one in changes if vials[one]], now)
    return Done(sum(vials.values()), part.more)


def _lines(batch: Batch, held: Holding) -> list[StatusLine]:
    return [
        StatusLine(
            batch_id=batch.id,
            holder_id=held.at.holder_id,
            from_status=status,
            to_status=Status.RECALLED,
            account=held.at.account,
        )
        for status in sorted(RECALLED_FROM)
        if held.at.vials.get(status)
    ]


def _starter(db: Session, recall: Recall) -> Principal:
    """Whoever started the recall, in whose name it acts within its reach, even after they have left."""
    account = None if recall.account_id is None else db.get(LoginAccount, recall.account_id)
    return SYSTEM if account is None else Principal(account_id=account.id, name=account.name, is_system=True)


def _tell(db: Session, recall: Recall, batch: Batch, found: Sequence[tuple[UUID, UUID, int]], now: datetime) -> None:
    """Tell each facility of its vials: the event's id, the facility, how many."""
    product = db.scalars(select(Presentation.code).where(Presentation.id == batch.presentation_id)).one()
    told = [
        Happening(
            event=BatchRecalled(
                recall_id=recall.id,
                batch_id=batch.id,
                presentation_code=product,
                lot=batch.lot,
                vials=vials,
                facility_id=facility_id,
            ),
            unit_id=facility_id,
            subject=recall.id,
            occurred_at=now,
            id=event_id,
        )
        for event_id, facility_id, vials in found
    ]
    db.flush()
    append_all(db, told, now=now)
