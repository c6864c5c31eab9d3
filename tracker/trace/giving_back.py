"""What a withdrawn recall stopped is what it was before, wherever it is now and as far as it still is anywhere.

Usable again, or on hold where a hold had stopped it, and still does; stopped on where another recall stands. What was
destroyed, thrown away or sent back to the maker meanwhile is gone. What a monitor showed meanwhile it shows still, and
what an alarm may have harmed meanwhile is held in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, func, literal, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.catalog.models import Batch, Presentation
from tracker.feed.service import Happening, append_all
from tracker.kit.ids import uuid7
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.passport.service.entering import hold_freed
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.queries.following import recalled_on_the_way
from tracker.stock.queries.tracing import movements_of
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_many import Caused, change_everywhere
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.trace.events import VialsGivenBack
from tracker.trace.holdings import (
    MOST_AT_ONCE,
    Done,
    Holding,
    anchors_of,
    locked_holdings,
    next_part,
    unstopped,
)
from tracker.trace.models import Recall
from tracker.trace.rules.origins import Moved, Origin, origins

# Usable ones first: the ledger, where it does this again, gives those on hold back last (`stock/rules/replay.py`).
_IN_ORDER = (Status.USABLE, Status.HELD, Status.UNUSABLE)


def give_back(db: Session, batch: Batch, *only: ColumnElement[bool], now: datetime, most: int = MOST_AT_ONCE) -> Done:
    """Give back whatever of the batch only withdrawn recalls keep stopped, at `most` facilities. Twice is harmless.

    `only` these balances are looked at; of the ledger no more is read than the road that their vials came as recalled.
    """
    nation = tuple(db.scalars(select(Unit.path).where(Unit.parent_id.is_(None))))
    recalled = (StockBalance.status == Status.RECALLED, *only)
    part = next_part(db, nation, batch, *recalled, most=most, stopped=False)
    if not part.anchors:
        return Done()
    found = unstopped(db, batch.id, locked_holdings(db, nation, batch, part, *recalled))
    withdrawn = db.scalars(
        select(Recall)
        .where(Recall.batch_id == batch.id, Recall.withdrawn_at.is_not(None))
        .order_by(Recall.withdrawn_at, Recall.id)
        .execution_options(populate_existing=True)
    ).all()
    if not withdrawn or not found:
        return Done(more=part.more)
    came_by = recalled_on_the_way(db, batch.id, [(held.at.account, held.at.holder_id) for held in found])
    moved = [
        Moved(
            (one.occurred_at, one.ordinal, one.number),
            one.kind,
            one.cause,
            (one.account, one.holder_id),
            one.status,
            one.vials,
        )
        for one in movements_of(
            db,
            batch.id,
            StockEntry.status.in_((Status.RECALLED, Status.HELD)),
            StockEntry.holder_id == func.any(literal(sorted({holder_id for _, holder_id in came_by}), ARRAY(Uuid))),
        )
    ]
    before = origins(moved, {recall.id for recall in withdrawn})
    holds = _Holds(db, batch.id, withdrawn[0].started_at)
    lines: dict[UUID, list[StatusLine]] = {}
    for held in found:
        lines.setdefault(held.facility_id, []).extend(_lines(batch.id, held, before, holds))
    vials = _give(db, batch, withdrawn[-1], lines, now)
    locked = anchors_of(found, batch.presentation_id)
    hold_freed(db, SYSTEM, batch.id, {holder_id for _, holder_id in came_by}, now=now, locked=locked)
    return Done(vials, part.more)


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
        self._by_holder: dict[UUID, set[HoldState]] = defaultdict(set)
        for row in rows:
            self._by_holder[row.holder_id].add(row.state)
        self._of_batch = {state for here in self._by_holder.values() for state in here}

    def make_of(self, holder_id: UUID) -> Status:
        """The status of what was on hold at an account: by the holds there, else by those of the batch."""
        here = self._by_holder.get(holder_id) or self._of_batch
        if HoldState.HELD in here or not here:
            return Status.HELD
        return Status.UNUSABLE if HoldState.DISCARDED in here else Status.USABLE


def _give(db: Session, batch: Batch, recall: Recall, lines: Mapping[UUID, Sequence[StatusLine]], now: datetime) -> int:
    """Status by status, each at all facilities at once."""
    acting = Principal(account_id=recall.withdrawn_account_id, name=recall.withdrawn_by or SYSTEM.name, is_system=True)
    told_as = {facility_id: uuid7() for facility_id in sorted(lines)}
    given: dict[UUID, dict[Status, int]] = {facility_id: dict.fromkeys(_IN_ORDER, 0) for facility_id in told_as}
    for status in _IN_ORDER:
        changes = []
        for facility_id, event_id in told_as.items():
            mine = tuple(line for line in lines[facility_id] if line.to_status is status)
            change = StatusChange(
                id=uuid7(), facility_id=facility_id, lines=mine, cause=recall.id, reason=recall.withdraw_reason
            )
            changes += [Caused(change=change, told_as=event_id)] if mine else []
        done = change_everywhere(db, acting, batch.id, changes, now=now)
        for one in changes:
            given[one.change.facility_id][status] = done[one.change.id].vials
    product = db.scalars(select(Presentation.code).where(Presentation.id == batch.presentation_id)).one()
    told = [
        Happening(
            event=VialsGivenBack(
                recall_id=recall.id,
                batch_id=batch.id,
                presentation_code=product,
                lot=batch.lot,
                vials=vials,
                held=given[facility_id][Status.HELD],
                facility_id=facility_id,
            ),
            unit_id=facility_id,
            subject=recall.id,
            occurred_at=now,
            id=event_id,
        )
        for facility_id, event_id in told_as.items()
        if (vials := sum(given[facility_id].values()))
    ]
    db.flush()
    append_all(db, told, now=now)
    return sum(sum(each.values()) for each in given.values())
