"""Taking a recall back that was started by mistake: the wrong lot, the wrong product, an alarm that was none."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.feed.service import append
from tracker.kit.errors import Forbidden
from tracker.stock.service.stopping import end_stop
from tracker.trace.errors import RecallIsWithdrawn
from tracker.trace.events import RecallWithdrawn
from tracker.trace.giving_back import give_back
from tracker.trace.holdings import MOST_AT_ONCE, covers
from tracker.trace.models import Recall
from tracker.trace.recalls import may_end, reach_of, recall_by_id, take_turn


def withdraw_recall(
    db: Session, principal: Principal, recall_id: UUID, *, reason: str, now: datetime, most: int = MOST_AT_ONCE
) -> Recall:
    """End the recall and its standing order, and give back what it stopped; the same reason again is fine.

    That is done here at `most` facilities, and at the others by the worker.

    What was recorded of its time is still judged by it. Narrower recalls that it had taken over go on. A closed one may be
    withdrawn, too: the lot is then no longer recalled. Raises RecallNotFound, RecallIsWithdrawn (for another reason),
    Forbidden (somebody with a narrower reach).
    """
    principal.require(Permission.RECALL_WRITE)
    recall = recall_by_id(db, principal, recall_id)
    take_turn(db, recall.batch_id)
    recall = recall_by_id(db, principal, recall_id, lock=True)
    if not may_end(db, principal, recall):
        raise Forbidden(permission=Permission.RECALL_WRITE.value)
    if recall.withdrawn_at is not None:
        if recall.withdraw_reason == reason:
            return recall
        raise RecallIsWithdrawn(at=recall.withdrawn_at.isoformat(), name=recall.withdrawn_by)
    at = max(now, recall.started_at)
    recall.withdrawn_at, recall.withdraw_reason = at, reason
    recall.withdrawn_by, recall.withdrawn_account_id = principal.name, principal.account_id
    recall.closed_at = recall.closed_at or at
    db.flush()
    end_stop(db, recall.id, at=at)
    _let_go_on(db, recall)
    # What is left, and vials that were stopped while nobody else could see this yet, are looked for once everybody can.
    told = RecallWithdrawn(recall_id=recall.id, batch_id=recall.batch_id)
    append(db, told, unit_id=None, subject=recall.id, occurred_at=at, now=now)
    give_back(db, db.get_one(Batch, recall.batch_id), now=at, most=most)
    return recall


def _let_go_on(db: Session, recall: Recall) -> None:
    """Recalls that this one took over are open again, or another that covers them takes them over."""
    ours = select(Recall).where(Recall.batch_id == recall.batch_id, Recall.withdrawn_at.is_(None))
    narrower = db.scalars(ours.where(Recall.taken_over_by == recall.id).order_by(Recall.started_at, Recall.id)).all()
    open_ones = db.scalars(ours.where(Recall.closed_at.is_(None)).order_by(Recall.started_at, Recall.id)).all()
    for one in narrower:
        reach = reach_of(db, one.id)
        heir = next((other for other in open_ones if covers(reach_of(db, other.id), reach)), None)
        one.taken_over_by = None if heir is None else heir.id
        if heir is None:
            one.closed_at = None
    db.flush()
