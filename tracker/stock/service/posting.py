"""The one door into the ledger: every event, of whatever kind, is written here.

A simple event costs five statements: facts, lock, state, the ledger's rows, and what is told on the feed.
A late event reads the past of its keys besides; a count and an opening write rows of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from psycopg import Error as PostgresError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.clock import AHEAD
from tracker.kit.days import local_day
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.errors import FacilityNotFound
from tracker.stock.errors import (
    HistoryNegative,
    OtherContent,
    OutOfService,
    PackedVials,
    TooFarAhead,
    TooOld,
    VvmSpent,
)
from tracker.stock.rules.entries import (
    Balance,
    Broken,
    Counted,
    Entry,
    Key,
    Opposite,
    Past,
    check_history,
    counted_entries,
    net,
    new_balances,
    of_status,
    opposite_of,
    statuses_of_shelf,
    unpacked,
    vials_at_position,
    vvm_follow_up,
)
from tracker.stock.rules.history import Move, Position
from tracker.stock.rules.lines import Goods, Setting, check_line, counted_of, entries_of
from tracker.stock.rules.use import Lying, Skip, bearing, free_on, why_not
from tracker.stock.rules.words import BALANCED, Account, Kind, Status
from tracker.stock.service.commands import Posted, PostEvent, digest
from tracker.stock.service.pools import PoolChange, change_pools
from tracker.stock.service.reading import (
    Anchor,
    Facts,
    LedgerState,
    lock_anchors,
    more_numbers,
    read_facts,
    read_past,
    read_state,
)
from tracker.stock.service.telling import tell
from tracker.stock.service.writing import EventRow, LedgerChange, write, write_counts

OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_NO_PAST = Past()


def post_event(
    db: Session,
    principal: Principal,
    command: PostEvent,
    *,
    now: datetime,
    permission: Permission = Permission.STOCK_WRITE,
) -> Posted:
    """Write one event; the same again answers the first. (Openings go through `opening.open_vials`.)

    Raises the refusals of `rules.lines`, FacilityNotFound, Forbidden, TooFarAhead, TooOld, HistoryNegative, OtherContent.
    """
    return carry_out(db, principal, prepare(db, principal, command, now=now, permission=permission), now=now)


def prepare(
    db: Session,
    principal: Principal,
    command: PostEvent,
    *,
    now: datetime,
    permission: Permission = Permission.STOCK_WRITE,
    need: Mapping[date, int] | None = None,
    facts: Facts | None = None,
) -> Work:
    """Check who asks, when and what; the result is for `carry_out`.

    `need` changes vials needed by day in the same transaction (openings for a session). `facts` are what the caller
    has read of the same lines already.
    """
    occurred_at = checked_time(command.occurred_at, now)
    facts = facts or read_facts(
        db.connection(),
        command.facility_id,
        [line.batch_id for line in command.lines],
        [line.place_id for line in command.lines],
        [line.to_place_id for line in command.lines],
    )
    if not principal.sees(facts.path):
        raise FacilityNotFound(field="facility", facility=str(command.facility_id))
    principal.require(permission, facts.path)
    work = Work(
        id=command.id,
        kind=command.kind,
        facility_id=command.facility_id,
        occurred_at=occurred_at,
        content=digest(command),
        facts=facts,
        reason=command.reason,
        reference=command.reference,
        cause=command.cause,
        shipment_id=command.shipment_id,
        need=need or {},
    )
    _prepare_lines(work, command, facts)
    return work


@dataclass(slots=True, kw_only=True)
class Work:
    """An event on its way into the ledger: what was asked, then what it moves."""

    id: UUID
    kind: Kind
    facility_id: UUID
    occurred_at: datetime
    content: str
    facts: Facts
    reason: str | None = None
    reference: str | None = None
    cause: UUID | None = None
    shipment_id: UUID | None = None
    reverses_id: UUID | None = None
    ordinal: int | None = None  # of the event it stands beside; its own number when None
    need: Mapping[date, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)


def checked_time(occurred_at: datetime, now: datetime) -> datetime:
    """The instant to post at: phones' clocks may run up to five minutes ahead and are then set back to `now`."""
    if occurred_at > now + AHEAD:
        raise TooFarAhead(field="occurred_at", server_time=now.isoformat())
    if occurred_at < OLDEST:
        raise TooOld(field="occurred_at")
    return min(occurred_at, now)


def _prepare_lines(work: Work, command: PostEvent, facts: Facts) -> None:
    day = local_day(work.occurred_at, facts.timezone)
    setting = Setting(command.facility_id, command.shipment_id, day, command.reason)
    for index, line in enumerate(command.lines):
        batch = facts.batches[line.batch_id]
        check_line(command.kind, index, line, Goods(batch.expiry, batch.uses_vvm), setting)
        if command.kind is not Kind.COUNT:
            work.entries.extend(entries_of(command.kind, index, line, setting))
    if command.kind is Kind.COUNT:
        work.counted = counted_of(list(enumerate(command.lines)))


def carry_out(db: Session, principal: Principal, work: Work, *, now: datetime, locked: bool = False) -> Posted:
    """Lock (unless the caller has `locked` all of `anchors_of`), read, decide, write, tell.

    Raises HistoryNegative, OtherContent.
    """
    connection = db.connection()
    if not locked:
        lock_anchors(connection, anchors_of(work))
    keys = _keys(work)
    presentations = {batch.presentation_id for batch in work.facts.batches.values()}
    state = read_state(
        connection, event_id=work.id, facility_id=work.facility_id, presentations=presentations, keys=keys
    )
    if state.recorded is not None:
        if state.recorded != work.content:
            raise OtherContent(id=str(work.id))
        return Posted(work.id, False, work.facility_id, work.occurred_at)
    rows, balances, newest = _decide(connection, work, state, keys)
    pools = _pools(connection, work, state, balances, now)
    change = LedgerChange(
        events=rows,
        balances=balances,
        steps={change.presentation_id: change.changed for change in pools},
        newest=newest,
    )
    try:
        write(connection, change, recorded_at=now, account_id=principal.account_id, by=principal.name)
    except IntegrityError as error:
        raise _translated(error, work) from error
    if work.counted:
        write_counts(connection, rows[0], work.counted)
    tell(db, rows[0], presentations, pools, now=now)
    return Posted(work.id, True, work.facility_id, work.occurred_at)


def anchors_of(work: Work) -> set[Anchor]:
    """The locks a piece of work needs."""
    found: set[Anchor] = set()
    for batch_id, batch in work.facts.batches.items():
        found.add((work.facility_id, batch.presentation_id))
        for entry in work.entries:
            if entry.account is Account.TRANSIT and entry.key.batch_id == batch_id:
                found.add((entry.key.holder_id, batch.presentation_id))
    return found


def _keys(work: Work) -> list[Key]:
    keys = {entry.key: None for entry in work.entries if entry.account in BALANCED}
    for counted in work.counted:
        keys.update(dict.fromkeys(statuses_of_shelf(counted.key) if counted.of_shelf else [counted.key]))
    keys.update({entry.key: None for entry in vvm_follow_up(work.entries, work.counted)})
    return list(keys)


def _decide(
    connection: Connection, work: Work, state: LedgerState, keys: Sequence[Key]
) -> tuple[list[EventRow], dict[Key, Balance], bool]:
    """The events to write (the one asked for first), the new balances, and whether it is the newest at its keys."""
    position: Position = (work.occurred_at, work.ordinal or state.number, state.number)
    late = [key for key in keys if _is_late(state.balances.get(key), work)]
    past = read_past(connection, late, work.occurred_at, work.reverses_id or work.id) if late else {}
    entries = list(work.entries)
    _check_use(work, state)

    def lay_there(key: Key) -> int:
        return vials_at_position(state.balances.get(key), past.get(key, _NO_PAST), position)

    work.counted = of_status(work.counted, lay_there)
    for counted in work.counted:
        entries.extend(counted_entries(counted, lay_there(counted.key), work.facility_id))
    follow = vvm_follow_up(entries, work.counted)
    changes = net([*entries, *follow])
    lines = {entry.key: entry.line for entry in reversed([*entries, *follow])}
    opposites = [
        opposite
        for key, change in changes.items()
        if (
            opposite := opposite_of(
                key, change, past.get(key, _NO_PAST), position=position, facility_id=work.facility_id, line=lines[key]
            )
        )
        is not None
    ]
    _check(state, past, position, changes=changes, lines=lines, opposites=opposites)
    rows = _rows(connection, work, state.number, entries=entries, follow=follow, opposites=opposites)
    everything = [entry for row in rows for entry in row.entries]
    balances = new_balances(state.balances, everything, work.occurred_at, work.counted)
    if work.kind is Kind.DISPATCH:
        balances = unpacked(balances, work.entries)
    return rows, balances, not balances.keys() & set(late)


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


def _is_late(balance: Balance | None, work: Work) -> bool:
    if balance is None or balance.touched_at is None:
        return False
    return balance.touched_at > work.occurred_at or work.ordinal is not None


def _check(
    state: LedgerState,
    past: Mapping[Key, Past],
    position: Position,
    *,
    changes: Mapping[Key, int],
    lines: Mapping[Key, int | None],
    opposites: Sequence[Opposite],
) -> None:
    against = {entry.key: (o.count, entry.vials) for o in opposites for entry in o.entries if entry.account in BALANCED}
    broken: list[Broken] = []
    for key, change in changes.items():
        moves = [Move(position, change)]
        if key in against:
            count, vials = against[key]
            moves.append(Move((count.occurred_at, count.number, state.number), vials))
        found = check_history(key, state.balances.get(key), past.get(key, _NO_PAST), moves, lines[key])
        if found is not None:
            broken.append(found)
    if broken:
        first = min(broken, key=lambda b: (b.at, b.line if b.line is not None else -1))
        raise HistoryNegative(
            at=first.at.isoformat(),
            batch=str(first.key.batch_id),
            place=str(first.key.holder_id),
            status=first.key.status.value,
            **({} if first.line is None else {"line": first.line}),
        )


def _rows(
    connection: Connection,
    work: Work,
    number: int,
    *,
    entries: Sequence[Entry],
    follow: Sequence[Entry],
    opposites: Sequence[Opposite],
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
        content=work.content,
        cause=work.cause,
        shipment_id=work.shipment_id,
        reverses_id=work.reverses_id,
    )
    if not follow and not opposites:
        return [asked]
    by_count: dict[UUID, list[Opposite]] = {}
    for opposite in opposites:
        by_count.setdefault(opposite.count.event_id, []).append(opposite)
    numbers = iter(more_numbers(connection, len(by_count) + bool(follow)))
    rows = [asked]
    if follow:
        mine = next(numbers)
        rows.append(
            EventRow(
                id=uuid7(),
                number=mine,
                ordinal=mine,
                kind=Kind.STATUS,
                facility_id=work.facility_id,
                occurred_at=work.occurred_at,
                entries=follow,
                reason="vvm",
                because_id=work.id,
            )
        )
    for count_id, found in by_count.items():
        count = found[0].count
        rows.append(
            EventRow(
                id=uuid7(),
                number=next(numbers),
                ordinal=count.number,
                kind=Kind.COUNT,
                facility_id=work.facility_id,
                occurred_at=count.occurred_at,
                entries=[entry for opposite in found for entry in opposite.entries],
                reason="late_event",
                because_id=work.id,
                count_id=count_id,
            )
        )
    return rows


def _pools(
    connection: Connection, work: Work, state: LedgerState, balances: Mapping[Key, Balance], now: datetime
) -> list[PoolChange]:
    """What the event does to what may be promised: vials in places of the facility that may be used there, by batch."""
    risen: dict[UUID, int] = {}
    for key, after in balances.items():
        if after.account is Account.PLACE and key.status is Status.USABLE:
            before = state.balances.get(key)
            vials = _bearing(state, key, after) - (_bearing(state, key, before) if before is not None else 0)
            risen[key.batch_id] = risen.get(key.batch_id, 0) + vials
    rises: dict[UUID, list[tuple[date, int]]] = {}
    for batch_id, vials in risen.items():
        batch = work.facts.batches[batch_id]
        if vials or batch.presentation_id not in state.steps:
            rises.setdefault(batch.presentation_id, []).append((batch.expiry, vials))
    if work.need:
        rises.setdefault(next(iter(work.facts.batches.values())).presentation_id, [])
    today = local_day(now, work.facts.timezone)
    return change_pools(connection, work.facility_id, state.steps, rises=rises, need=work.need, today=today)


def _bearing(state: LedgerState, key: Key, balance: Balance) -> int:
    return bearing(
        Lying(
            status=key.status,
            vials=balance.vials,
            packed=balance.packed,
            vvm_stage=balance.vvm_stage,
            in_service=key.holder_id not in state.out_of_service,
        )
    )


def _translated(error: IntegrityError, work: Work) -> DomainError | IntegrityError:
    """Two requests under one id that share no lock meet at a primary key: they say different things."""
    constraint = error.orig.diag.constraint_name if isinstance(error.orig, PostgresError) else None
    if constraint in ("pk_stock_event", "pk_stock_entry"):
        return OtherContent(id=str(work.id))
    return error
