"""The one door into the ledger: every event, of whatever kind, is written here.

A simple event costs four statements: facts, lock, state, and the ledger's rows with what is told on the feed.
A late event reads the past of its keys besides; a count and an opening write rows of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from psycopg import Error as PostgresError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.feed.service import Happening
from tracker.kit.clock import AHEAD
from tracker.kit.days import local_day
from tracker.kit.errors import DomainError
from tracker.network.errors import FacilityNotFound
from tracker.stock.errors import (
    LotJoined,
    OtherContent,
    TooFarAhead,
    TooOld,
)
from tracker.stock.queries.availability import Pool
from tracker.stock.rules.entries import (
    Balance,
    Key,
)
from tracker.stock.rules.lines import Goods, Setting, check_line, counted_of, entries_of
from tracker.stock.rules.use import Lying, bearing
from tracker.stock.rules.vials import last_day_then
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import Posted, PostEvent, digest
from tracker.stock.service.deciding import decide, keys_of
from tracker.stock.service.pools import PoolChange, Promised, change_pools
from tracker.stock.service.reading import (
    Anchor,
    Facts,
    LedgerState,
    lock_anchors,
    read_facts,
    read_state,
)
from tracker.stock.service.telling import happenings_of
from tracker.stock.service.work import Work
from tracker.stock.service.writing import LedgerChange, write, write_counts

OLDEST = datetime(2000, 1, 1, tzinfo=UTC)


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
    need_of: UUID | None = None,
    facts: Facts | None = None,
) -> Work:
    """Check who asks, when and what; the result is for `carry_out`.

    `need` changes vials needed by day in the same transaction (openings for a session), of the facility's own pool or of
    the equipment `need_of`. `facts` are what the caller
    has read of the same lines already.
    """
    occurred_at = checked_time(command.occurred_at, now)
    facts = facts or read_facts(
        db.connection(),
        command.facility_id,
        [line.batch_id for line in command.lines],
        [line.place_id for line in command.lines],
        [line.to_place_id for line in command.lines],
        coming=command.kind is Kind.SUPPLY,
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
        said=command.said,
        cause=command.cause,
        shipment_id=command.shipment_id,
        need=need or {},
        need_of=need_of,
    )
    _prepare_lines(work, command, facts)
    return work


def checked_time(occurred_at: datetime, now: datetime, *, field: str = "occurred_at") -> datetime:
    """The instant to post at: phones' clocks may run up to five minutes ahead and are then set back to `now`.

    Raises TooFarAhead, TooOld, of the `field` that says it.
    """
    if occurred_at > now + AHEAD:
        raise TooFarAhead(field=field, server_time=now.isoformat())
    if occurred_at < OLDEST:
        raise TooOld(field=field)
    return min(occurred_at, now)


def _prepare_lines(work: Work, command: PostEvent, facts: Facts) -> None:
    day = local_day(work.occurred_at, facts.timezone)
    setting = Setting(command.facility_id, command.shipment_id, day, command.reason)
    for index, line in enumerate(command.lines):
        batch = facts.batches[line.batch_id]
        check_line(
            command.kind,
            index,
            line,
            Goods(last_day_then(batch.expiry, batch.said, work.occurred_at), batch.uses_vvm),
            setting,
        )
        if command.kind is not Kind.COUNT:
            work.entries.extend(entries_of(command.kind, index, line, setting))
    if command.kind is Kind.COUNT:
        work.counted = counted_of(list(enumerate(command.lines)), beside=command.beside)


def carry_out(db: Session, principal: Principal, work: Work, *, now: datetime, locked: bool = False) -> Posted:
    """Lock (unless the caller has `locked` all of `anchors_of`), read, decide, write, tell.

    Raises HistoryNegative, OtherContent, LotJoined.
    """
    connection = db.connection()
    if not locked:
        lock_anchors(connection, anchors_of(work))
    keys = keys_of(work)
    presentations = {batch.presentation_id for batch in work.facts.batches.values()}
    state = read_state(
        connection, event_id=work.id, facility_id=work.facility_id, presentations=presentations, keys=keys
    )
    if state.recorded is not None:
        if state.recorded != work.content:
            raise OtherContent(id=str(work.id))
        return Posted(work.id, False, work.facility_id, work.occurred_at)
    if state.joined and work.kind is not Kind.RELABEL:
        raise LotJoined(lot=db.get_one(Batch, next(iter(state.joined.values()))).lot)
    change, told = settle(connection, work, state, keys, now=now)
    try:
        write(db, [change], told, recorded_at=now, account_id=principal.account_id, by=principal.name)
    except IntegrityError as error:
        raise _translated(error, work) from error
    if work.counted:
        write_counts(connection, change.events[0], work.counted)
    alike = sorted(batch_id for batch_id, batch in work.facts.batches.items() if batch.alike)
    return Posted(work.id, True, work.facility_id, work.occurred_at, tuple(alike))


def settle(
    connection: Connection,
    work: Work,
    state: LedgerState,
    keys: Sequence[Key],
    *,
    now: datetime,
    promised: Promised | None = None,
) -> tuple[LedgerChange, list[Happening]]:
    """What the work leaves behind and what is told of it, ready to be written. Raises HistoryNegative."""
    rows, balances, newest = decide(connection, work, state, keys)
    pools = pools_after(connection, work, state, balances, now=now, promised=promised)
    steps = {change.pool: change.changed for change in pools}
    presentations = {batch.presentation_id for batch in work.facts.batches.values()}
    change = LedgerChange(events=rows, balances=balances, steps=steps, newest=newest)
    return change, happenings_of(rows[0], presentations, pools)


def anchors_of(work: Work) -> set[Anchor]:
    """The locks a piece of work needs."""
    found: set[Anchor] = set()
    for batch_id, batch in work.facts.batches.items():
        found.add((work.facility_id, batch.presentation_id))
        for entry in work.entries:
            if entry.account is Account.TRANSIT and entry.key.batch_id == batch_id:
                found.add((entry.key.holder_id, batch.presentation_id))
    return found


def pools_after(
    connection: Connection,
    work: Work,
    state: LedgerState,
    balances: Mapping[Key, Balance],
    *,
    now: datetime,
    promised: Promised | None = None,
) -> list[PoolChange]:
    """What the event does to what may be promised: vials in places of the facility that may be used there, by pool and batch."""
    risen: dict[tuple[UUID, UUID], int] = {}
    for key, after in balances.items():
        if after.account is Account.PLACE and key.status is Status.USABLE:
            before = state.balances.get(key)
            vials = _bearing(state, key, after) - (_bearing(state, key, before) if before is not None else 0)
            spot = (key.holder_id if key.holder_id in state.apart else work.facility_id, key.batch_id)
            risen[spot] = risen.get(spot, 0) + vials
    rises: dict[Pool, list[tuple[date, int]]] = {}
    for (pool_id, batch_id), vials in risen.items():
        pool = (pool_id, work.facts.batches[batch_id].presentation_id)
        if vials or pool not in state.steps:
            rises.setdefault(pool, []).append((state.expiries[batch_id], vials))
    need: dict[Pool, Mapping[date, int]] = {}
    if work.need:
        served = next(iter(work.facts.batches.values())).presentation_id
        need[work.need_of or work.facility_id, served] = work.need
    today = local_day(now, work.facts.timezone)
    return change_pools(
        connection, work.facility_id, state.steps, rises=rises, need=need, today=today, promised=promised
    )


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
