"""Facts that only stand together: several events of one facility, judged as a whole.

Four vials went to the other fridge and came back, told after most of them had been opened: either way alone leaves too
little behind. Each event is laid down by what the ones before it leave; the floor of zero is asked of all of them at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.stock.errors import NotTogether, OtherContent
from tracker.stock.models import StockEvent
from tracker.stock.rules.entries import Balance, Key, Past, PastCount, check_history
from tracker.stock.rules.history import Move
from tracker.stock.rules.replay import Act, History, Pair
from tracker.stock.rules.words import BALANCED, Kind, Status
from tracker.stock.service.commands import Posted, RecordEvent
from tracker.stock.service.deciding import Decided, is_late, keys_of, lay_down, refusal
from tracker.stock.service.posting import anchors_of, pools_after, prepare
from tracker.stock.service.reading import Facts, LedgerState, lock_anchors, more_numbers, read_history, read_state
from tracker.stock.service.recording import understand
from tracker.stock.service.telling import happenings_of
from tracker.stock.service.work import Work
from tracker.stock.service.writing import EventRow, LedgerChange, write, write_counts

# An opening makes vials with doses, a destruction has witnesses, a stop its own rules: each is told by itself.
TOGETHER = frozenset({Kind.SUPPLY, Kind.TRANSFER, Kind.RETURN, Kind.WASTE, Kind.COUNT})


def record_together(
    db: Session, principal: Principal, commands: Sequence[RecordEvent], *, now: datetime
) -> list[Posted]:
    """Record what somebody says happened, all of it or nothing; the same again gets the first answers.

    Raises NotTogether, OtherContent, and what `record_event` raises of each.
    """
    said: dict[UUID, Posted] = {}
    works: list[Work] = []
    for index, command in enumerate(commands):
        if command.kind not in TOGETHER:
            raise NotTogether(event=index, kind=command.kind.value)
        event = understand(db, principal, command, now=now)
        if isinstance(event, Posted):
            said[command.id] = event
        else:
            works.append(prepare(db, principal, event, now=now))
    if len({command.id for command in commands}) < len(commands):
        raise OtherContent(id=str(commands[0].id))
    if len({work.facility_id for work in works} | {posted.facility_id for posted in said.values()}) > 1:
        raise NotTogether(event=len(commands) - 1, kind=commands[-1].kind.value)
    if works:
        said |= {posted.event_id: posted for posted in _carry_out(db, principal, works, now)}
    return [said[command.id] for command in commands]


def _carry_out(db: Session, principal: Principal, works: list[Work], now: datetime) -> list[Posted]:
    connection = db.connection()
    lock_anchors(connection, {anchor for work in works for anchor in anchors_of(work)})
    # Under the lock: a twin may have been first.
    known = {
        row.id: row for row in db.scalars(select(StockEvent).where(StockEvent.id.in_([work.id for work in works])))
    }
    if any(known[work.id].content != work.content for work in works if work.id in known):
        raise OtherContent(id=str(works[0].id))
    posted = [Posted(row.id, False, row.facility_id, row.occurred_at) for row in known.values()]
    works = sorted((work for work in works if work.id not in known), key=lambda work: work.occurred_at)
    if not works:
        return posted
    keys = list(dict.fromkeys(key for work in works for key in keys_of(work)))
    whole = replace(works[-1], facts=_facts_of(works))
    presentations = {batch.presentation_id for batch in whole.facts.batches.values()}
    state = read_state(
        connection, event_id=works[0].id, facility_id=whole.facility_id, presentations=presentations, keys=keys
    )
    late = {key for work in works for key in keys if is_late(state.balances.get(key), work)}
    # All that is read from the earliest on: what the first leaves is late for the next.
    before = read_history(connection, keys, works[0].occurred_at, works[0].id)
    state.balances.update(before.balances)
    decided = _laid_down(db, works, state, before)
    balances = {key: balance for each in decided for key, balance in each.balances.items()}
    pools = pools_after(connection, whole, state, balances, now=now)
    told = [
        happening
        for index, (work, each) in enumerate(zip(works, decided, strict=True))
        for happening in happenings_of(
            each.rows[0],
            {batch.presentation_id for batch in work.facts.batches.values()},
            pools if index == len(works) - 1 else [],
        )
    ]
    changes = [LedgerChange(events=each.rows, balances={}, steps={}, newest=not late) for each in decided]
    changes[-1] = replace(changes[-1], balances=balances, steps={pool.pool: pool.changed for pool in pools})
    write(db, changes, told, recorded_at=now, account_id=principal.account_id, by=principal.name)
    for work, change in zip(works, changes, strict=True):
        if work.counted:
            write_counts(connection, change.events[0], work.counted)
        alike = sorted(batch_id for batch_id, batch in work.facts.batches.items() if batch.alike)
        posted.append(Posted(work.id, True, work.facility_id, work.occurred_at, tuple(alike)))
    return posted


def _facts_of(works: Sequence[Work]) -> Facts:
    first = works[0].facts
    return Facts(
        first.path, first.timezone, {key: batch for work in works for key, batch in work.facts.batches.items()}
    )


def _laid_down(db: Session, works: Sequence[Work], state: LedgerState, before: History) -> list[Decided]:
    """Each by what the ones before it leave; raises HistoryNegative where all of them together leave less than nothing."""
    connection, history = db.connection(), replace(before, balances=state.balances)
    found: list[Decided] = []
    new: dict[Key, list[Move]] = defaultdict(list)
    lines: dict[Key, int | None] = {}
    for work, number in zip(works, more_numbers(connection, len(works)), strict=True):
        now = replace(state, balances=dict(history.balances), number=number)
        each = lay_down(connection, work, now, history)
        found.append(each)
        lines |= each.fact.lines
        moves = _moves_of(each.rows)
        for key, some in moves.items():
            new[key] += some
        history = _with(history, each, work, moves)
    broken = (
        check_history(key, before.balances.get(key), before.past(key), some, lines.get(key))
        for key, some in new.items()
    )
    if below := [one for one in broken if one is not None]:
        raise refusal(below)
    return found


def _moves_of(rows: Sequence[EventRow]) -> Mapping[Key, list[Move]]:
    found: dict[Key, list[Move]] = defaultdict(list)
    for row in rows:
        for entry in row.entries:
            if entry.account in BALANCED:
                found[entry.key].append(Move((row.occurred_at, row.ordinal, row.number), entry.vials))
    return found


def _with(history: History, each: Decided, work: Work, moves: Mapping[Key, list[Move]]) -> History:
    """The history once this is written."""
    counts = {count.key: PastCount(work.id, work.occurred_at, each.rows[0].number) for count in work.counted}
    pasts = dict(history.pasts)
    for key in {*moves, *counts}:
        past = history.past(key)
        counted = [*past.counts, *([counts[key]] if key in counts else [])]
        pasts[key] = Past([*past.moves, *moves.get(key, ())], counted)
    acts = {pair: list(some) for pair, some in history.acts.items()}
    for row in each.rows[1:]:
        if row.cause is not None and row.ordinal == row.number:
            for act in _acts_of(row):
                acts.setdefault(Pair(*act[0]), []).append(act[1])
    balances: dict[Key, Balance] = {**history.balances, **each.balances}
    return History(pasts, acts, balances)


def _acts_of(row: EventRow) -> list[tuple[tuple[UUID, UUID], Act]]:
    """What a standing order did because of it, by account and batch."""
    found = []
    for holder_id, batch_id in dict.fromkeys((entry.key.holder_id, entry.key.batch_id) for entry in row.entries):
        here = [entry for entry in row.entries if entry.key[:2] == (holder_id, batch_id)]
        sources = frozenset(Status(entry.key.status) for entry in here if entry.vials < 0)
        target = next(Status(entry.key.status) for entry in here if entry.vials > 0)
        assert row.cause is not None  # noqa: S101  # the caller has looked
        act = Act(
            row.occurred_at,
            row.number,
            row.id,
            row.facility_id,
            here[0].account,
            row.cause,
            row.reason,
            sources,
            target,
        )
        found.append(((holder_id, batch_id), act))
    return found
