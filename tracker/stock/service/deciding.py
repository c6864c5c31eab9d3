"""What an event writes, decided under the lock: its entries, what follows from it, and the balances after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from tracker.kit.ids import uuid7
from tracker.stock.errors import HistoryNegative, OutOfService, PackedVials, VvmSpent
from tracker.stock.rules.entries import (
    Balance,
    Broken,
    Entry,
    Key,
    Opposite,
    carried_along,
    counted_entries,
    net,
    new_balances,
    of_status,
    statuses_of_shelf,
    unpacked,
    vials_at_position,
    vvm_follow_up,
)
from tracker.stock.rules.history import Position
from tracker.stock.rules.replay import RECALLED_FROM, Fact, History, Reapplied, Stop, broken_by, reapply
from tracker.stock.rules.use import Lying, Skip, free_on, why_not
from tracker.stock.rules.words import BALANCED, Account, Kind, Status
from tracker.stock.service.reading import LedgerState, more_numbers, read_history
from tracker.stock.service.work import Work
from tracker.stock.service.writing import EventRow


def keys_of(work: Work) -> list[Key]:
    keys = {entry.key: None for entry in work.entries if entry.account in BALANCED}
    for counted in work.counted:
        keys.update(
            dict.fromkeys([counted.key] if counted.beside and not counted.of_shelf else statuses_of_shelf(counted.key))
        )
    keys.update({entry.key: None for entry in vvm_follow_up(work.entries, work.counted)})
    stops = _stops(work)
    recalled = [key for key in keys if key.batch_id in stops and key.status in RECALLED_FROM]
    keys.update({key._replace(status=Status.RECALLED): None for key in recalled})
    return list(keys)


def _stops(work: Work) -> dict[UUID, Sequence[Stop]]:
    return {batch_id: batch.stops for batch_id, batch in work.facts.batches.items() if batch.stops}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What an event would write (the one asked for first) and leave behind; whether history bears it is another question."""

    fact: Fact
    again: Reapplied
    rows: list[EventRow]
    balances: dict[Key, Balance]


def decide(
    connection: Connection, work: Work, state: LedgerState, keys: Sequence[Key]
) -> tuple[list[EventRow], dict[Key, Balance], bool]:
    """The events to write (the one asked for first), the new balances, and whether it is the newest at its keys."""
    late = [key for key in keys if is_late(state.balances.get(key), work)]
    history = History(balances=state.balances)
    if late:
        history = read_history(connection, late, work.occurred_at, work.reverses_id or work.id)
        # The same rows under the same lock, and those of statuses that only acts touched.
        state.balances.update(history.balances)
        history = replace(history, balances=state.balances)
    found = lay_down(connection, work, state, history)
    broken = broken_by(found.fact, found.again, history, state.number)
    if broken:
        raise refusal(broken)
    return found.rows, found.balances, not found.balances.keys() & set(late)


def refusal(broken: Iterable[Broken]) -> HistoryNegative:
    """Names the first instant at which a balance would fall below zero."""
    first = min(broken, key=lambda b: (b.at, b.line if b.line is not None else -1))
    return HistoryNegative(
        at=first.at.isoformat(),
        batch=str(first.key.batch_id),
        place=str(first.key.holder_id),
        status=first.key.status.value,
        **({} if first.line is None else {"line": first.line}),
    )


def lay_down(connection: Connection, work: Work, state: LedgerState, history: History) -> Decided:
    """What the event writes by what is known (`history`), with all that follows from it; its number is the state's."""
    position: Position = (work.occurred_at, work.ordinal or state.number, state.number)
    entries = list(work.entries)
    _check_use(work, state)

    def lay_there(key: Key) -> int:
        return vials_at_position(state.balances.get(key), history.past(key), position)

    work.counted = of_status(work.counted, lay_there)
    for counted in work.counted:
        entries.extend(counted_entries(counted, lay_there(counted.key), work.facility_id))
    follow = vvm_follow_up(entries, work.counted)
    fact = Fact(
        position=position,
        facility_id=work.facility_id,
        changes=net([*entries, *follow]),
        # Opened vials and the outer world go by the same key; only what has a balance is acted on again.
        accounts={entry.key: entry.account for entry in [*entries, *follow] if entry.account in BALANCED},
        lines={entry.key: entry.line for entry in reversed([*entries, *follow])},
    )
    again = reapply(fact, history, _stops(work))
    rows = _rows(connection, work, state.number, entries=entries, follow=follow, again=again)
    everything = [entry for row in rows for entry in row.entries]
    work.moved = net(everything)
    balances = new_balances(history.balances, everything, work.occurred_at, work.counted)
    for each in again.amended:
        for key in (entry.key for entry in each.entries):
            touched_at = balances[key].touched_at or each.act.occurred_at
            balances[key] = replace(balances[key], touched_at=max(touched_at, each.act.occurred_at))
    balances = carried_along(history.balances, balances)
    if work.kind is Kind.DISPATCH:
        balances = unpacked(balances, work.entries)
    return Decided(fact=fact, again=again, rows=rows, balances=balances)


def _check_use(work: Work, state: LedgerState) -> None:
    """Raise VvmSpent, OutOfService, PackedVials when what is to be opened must not be used there.

    What was opened before the fridge went out of service, or before the rest was packed, is a fact.
    """
    if work.kind is not Kind.OPENING:
        return
    lines = {entry.key: entry.line for entry in work.entries}
    for key, vials in net(entry for entry in work.entries if entry.account is Account.PLACE).items():
        balance = state.balances.get(key)
        if balance is None:
            continue
        out_since = state.out_of_service.get(key.holder_id)
        lying = Lying(
            status=key.status,
            vials=balance.vials,
            packed=balance.packed if balance.packed_at and balance.packed_at <= work.occurred_at else 0,
            vvm_stage=balance.vvm_stage,
            in_service=out_since is None or work.occurred_at < out_since,
        )
        reason, where = why_not(lying, date.max, date.max), {"line": lines[key]}
        if reason is Skip.VVM:
            raise VvmSpent(**where, field="vvm_stage", vvm_stage=balance.vvm_stage)
        if reason is Skip.OUT_OF_SERVICE:
            raise OutOfService(**where, field="place")
        free = free_on(lying, date.max, date.max)
        if lying.packed and -vials > free and -vials <= balance.vials:
            raise PackedVials(**where, field="vials", vials=free)


def is_late(balance: Balance | None, work: Work) -> bool:
    """Whether something later is known where the event would stand."""
    if balance is None or balance.touched_at is None:
        return False
    return balance.touched_at > work.occurred_at or work.ordinal is not None


def _rows(
    connection: Connection,
    work: Work,
    number: int,
    *,
    entries: Sequence[Entry],
    follow: Sequence[Entry],
    again: Reapplied,
) -> list[EventRow]:
    asked = EventRow(
        id=work.id,
        number=number,
        ordinal=work.ordinal or number,
        kind=work.kind,
        facility_id=work.facility_id,
        occurred_at=work.occurred_at,
        entries=entries,
        reason=work.reason,
        reference=work.reference,
        said=work.said,
        content=work.content,
        cause=work.cause,
        shipment_id=work.shipment_id,
        reverses_id=work.reverses_id,
    )
    by_count: dict[UUID, list[Opposite]] = {}
    for opposite in again.opposites:
        by_count.setdefault(opposite.count.event_id, []).append(opposite)
    more = len(by_count) + len(again.amended) + bool(follow)
    if not more:
        return [asked]
    numbers = iter(more_numbers(connection, more))
    rows = [asked]
    if follow:
        rows.append(
            _following(work, next(numbers), None, work.occurred_at, follow, kind=Kind.STATUS, reason="vvm"),
        )
    for found in by_count.values():
        count = found[0].count
        theirs = [entry for opposite in found for entry in opposite.entries]
        row = _following(
            work, next(numbers), count.number, count.occurred_at, theirs, kind=Kind.COUNT, reason="late_event"
        )
        rows.append(replace(row, count_id=count.event_id))
    for each in again.amended:
        act = each.act
        ordinal = None if act.event_id is None else act.number
        row = _following(
            work, next(numbers), ordinal, act.occurred_at, each.entries, kind=Kind.STATUS, reason=act.reason
        )
        rows.append(replace(row, cause=act.cause, facility_id=act.facility_id))
    return rows


def _following(
    work: Work,
    number: int,
    ordinal: int | None,
    occurred_at: datetime,
    entries: Sequence[Entry],
    *,
    kind: Kind,
    reason: str | None,
) -> EventRow:
    """An event that the house writes because of the one asked for; beside the event `ordinal`, or at its own place."""
    return EventRow(
        id=uuid7(),
        number=number,
        ordinal=ordinal or number,
        kind=kind,
        facility_id=work.facility_id,
        occurred_at=occurred_at,
        entries=entries,
        reason=reason,
        because_id=work.id,
    )
