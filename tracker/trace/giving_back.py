"""What a withdrawn recall stopped is what it was before, wherever it is now and as far as it still is anywhere.

Usable again, or on hold where a hold had stopped it, and still does; stopped on where another recall stands. What was
destroyed, thrown away or sent back to the maker meanwhile is gone. What a monitor showed meanwhile it shows still, and
what an alarm may have harmed meanwhile is held in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.catalog.models import Batch, Presentation
from tracker.feed.service import append, causing
from tracker.kit.ids import uuid7
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.passport.service.entering import hold_entering
from tracker.stock.models import StockEntry, StockStop
from tracker.stock.queries.tracing import movements_of
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.trace.events import VialsGivenBack
from tracker.trace.holdings import Holding, ends_of, holdings, locked_holdings, reach_over
from tracker.trace.models import Recall
from tracker.trace.rules.origins import Moved, Origin, origins

# Usable ones first: the ledger, where it does this again, gives those on hold back last (`stock/rules/replay.py`).
_IN_ORDER = (Status.USABLE, Status.HELD, Status.UNUSABLE)


def give_back(db: Session, batch: Batch, *, now: datetime) -> int:
    """Give back whatever of the batch only withdrawn recalls keep stopped; answers the vials. Twice is harmless."""
    nation = tuple(db.scalars(select(Unit.path).where(Unit.parent_id.is_(None))))
    if not _recalled(holdings(db, nation, batch.id)):
        return 0
    found = _recalled(locked_holdings(db, nation, batch.id, batch.presentation_id))
    withdrawn = db.scalars(
        select(Recall)
        .where(Recall.batch_id == batch.id, Recall.withdrawn_at.is_not(None))
        .order_by(Recall.withdrawn_at, Recall.id)
        .execution_options(populate_existing=True)
    ).all()
    if not withdrawn:
        return 0
    moved = [
        Moved(
            (one.occurred_at, one.ordinal, one.number),
            one.kind,
            one.cause,
            (one.account, one.holder_id),
            one.status,
            one.vials,
        )
        for one in movements_of(db, batch.id, StockEntry.status.in_((Status.RECALLED, Status.HELD)))
    ]
    before = origins(moved, {recall.id for recall in withdrawn})
    holds = _Holds(db, batch.id, withdrawn[0].started_at)
    lines: dict[UUID, list[StatusLine]] = {}
    for held in _unstopped(db, batch.id, found):
        lines.setdefault(held.facility_id, []).extend(_lines(batch.id, held, before, holds))
    return sum(_give(db, batch, withdrawn[-1], where, lines[where], now) for where in sorted(lines))


def _recalled(found: Sequence[Holding]) -> list[Holding]:
    return [held for held in found if held.at.vials.get(Status.RECALLED)]


def _unstopped(db: Session, batch_id: UUID, found: Sequence[Holding]) -> list[Holding]:
    """Those that lie within the reach of no recall that stands; of what is on the road, neither end does."""
    standing = select(Unit.path).join(StockStop, StockStop.unit_id == Unit.id)
    roots = db.scalars(standing.where(StockStop.batch_id == batch_id, StockStop.until.is_(None))).all()
    ends = ends_of(db, [held.at.holder_id for held in found if held.at.account is Account.TRANSIT])
    reach = reach_over(
        db, roots, {held.facility_id for held in found} | {end for pair in ends.values() for end in pair}
    )
    return [held for held in found if reach.actor(ends.get(held.at.holder_id, (held.facility_id,))) is None]


def _lines(
    batch_id: UUID, held: Holding, before: dict[tuple[Account, UUID], Origin], holds: _Holds
) -> list[StatusLine]:
    here = before[held.at.account, held.at.holder_id]
    on_hold = min(here.held, here.free)
    vials = {Status.USABLE: here.free - on_hold}
    target = holds.make_of(held.at.holder_id)
    vials[target] = vials.get(target, 0) + on_hold
    return [
        StatusLine(
            batch_id=batch_id,
            holder_id=held.at.holder_id,
            from_status=Status.RECALLED,
            to_status=status,
            vials=number,
            account=held.at.account,
        )
        for status, number in vials.items()
        if number
    ]


class _Holds:
    """What holds make now of vials that were on hold before the recall: a person may have decided about them since."""

    def __init__(self, db: Session, batch_id: UUID, since: datetime) -> None:
        rows = db.execute(
            select(Hold.holder_id, Hold.state).where(
                Hold.batch_id == batch_id, (Hold.state == HoldState.HELD) | (Hold.decided_at >= since)
            )
        )
        self._states = [(row.holder_id, row.state) for row in rows]

    def make_of(self, holder_id: UUID) -> Status:
        """The status of what was on hold at an account: by the holds there, else by those of the batch."""
        here = {state for holder, state in self._states if holder == holder_id} or {state for _, state in self._states}
        if HoldState.HELD in here or not here:
            return Status.HELD
        return Status.UNUSABLE if HoldState.DISCARDED in here else Status.USABLE


def _give(
    db: Session, batch: Batch, recall: Recall, facility_id: UUID, lines: Sequence[StatusLine], now: datetime
) -> int:
    acting = Principal(account_id=recall.withdrawn_account_id, name=recall.withdrawn_by or SYSTEM.name, is_system=True)
    told_as, given = uuid7(), dict.fromkeys(_IN_ORDER, 0)
    written = []
    for status in _IN_ORDER:
        mine = tuple(line for line in lines if line.to_status is status)
        change = StatusChange(
            id=uuid7(), facility_id=facility_id, lines=mine, cause=recall.id, reason=recall.withdraw_reason
        )
        if mine:
            with causing(db, told_as):
                done = change_status(db, acting, change, now=now, locked=True)
            given[status] += done.vials
            written += [done.event_id] if done.event_id is not None else []
    vials = sum(given.values())
    if vials:
        product = db.scalars(select(Presentation.code).where(Presentation.id == batch.presentation_id)).one()
        told = VialsGivenBack(
            recall_id=recall.id,
            batch_id=batch.id,
            presentation_code=product,
            lot=batch.lot,
            vials=vials,
            held=given[Status.HELD],
            facility_id=facility_id,
        )
        append(db, told, unit_id=facility_id, subject=recall.id, occurred_at=now, now=now, event_id=told_as)
    for event_id in written:
        hold_entering(db, SYSTEM, event_id, now=now)
    return vials
