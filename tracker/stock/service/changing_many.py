"""The status of one batch changed at many facilities, as a recall asks: the same as one after another, in few statements.

What is decided, and by which rules, is `changing_status`'s; here it is read and written for some hundred facilities at once,
so that the pools of a nation stand locked for seconds and not for a minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.database.hot import ask, packed, run
from tracker.feed.service import Happening
from tracker.kit.errors import Forbidden
from tracker.stock.queries.availability import Pool
from tracker.stock.rules.availability import Step
from tracker.stock.rules.entries import Balance, Key
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_status import Changed, cut, event_of
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.deciding import keys_of
from tracker.stock.service.pools import PromisedByMany, prune
from tracker.stock.service.posting import OLDEST, prepare, settle
from tracker.stock.service.reading import BatchFacts, Facts, LedgerState, balance_of, more_numbers, read_facts, stops_of
from tracker.stock.service.writing import LedgerChange, write

# A statement carries the rows of so many facilities: a fraction of a second each.
_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Caused:
    """A status change of one facility, and the event of the feed that what is told of it names as its cause."""

    change: StatusChange
    told_as: UUID


def change_everywhere(
    db: Session, principal: Principal, batch_id: UUID, asked: Sequence[Caused], *, now: datetime
) -> dict[UUID, Changed]:
    """What `change_status` does, for one batch and one change a facility; answers by the id of the change.

    For the system only, with all anchors locked; the changes stand behind what is known, and their ids are new.
    """
    if not principal.is_system:
        raise Forbidden(permission=Permission.STOCK_WRITE.value)
    done: dict[UUID, Changed] = {}
    for first in range(0, len(asked), _AT_ONCE):
        done |= _change_some(db, principal, batch_id, asked[first : first + _AT_ONCE], now)
    return done


def _change_some(
    db: Session, principal: Principal, batch_id: UUID, asked: Sequence[Caused], now: datetime
) -> dict[UUID, Changed]:
    connection = db.connection()
    batch = read_facts(connection, asked[0].change.facility_id, [batch_id], [None], [None]).batches[batch_id]
    stands = _read(connection, batch_id, batch, asked)
    promised = PromisedByMany(connection, list(stands.pools))
    changes: list[LedgerChange] = []
    told: list[Happening] = []
    stopped: list[StatusLine] = []
    done = {one.change.id: Changed(event_id=None, at=now, vials=0, fresh=True, lines=()) for one in asked}
    for one, number in zip(asked, more_numbers(connection, len(asked)), strict=True):
        command, facility_id = one.change, one.change.facility_id
        state, newest = stands.state(facility_id, {line.holder_id for line in command.lines}, number)
        lines = cut(command.lines, {key: balance.vials for key, balance in state.balances.items()})
        if not lines:
            continue
        at = max(now, newest)
        work = prepare(db, principal, event_of(command, lines, at), now=at, facts=stands.facts[facility_id])
        change, happened = settle(connection, work, state, keys_of(work), now=now, promised=promised)
        changes.append(change)
        told += [replace(happening, caused_by=one.told_as) for happening in happened]
        stopped += [replace(line, holder_id=facility_id) if line.account is Account.OPEN else line for line in lines]
        vials = sum(line.vials or 0 for line in lines)
        done[command.id] = Changed(event_id=command.id, at=at, vials=vials, fresh=True, lines=tuple(lines))
    if changes:
        prune(connection, promised.passed)
        write(db, changes, told, recorded_at=now, account_id=principal.account_id, by=principal.name)
        _stop_open_vials(connection, [line for line in stopped if line.account is Account.OPEN])
    return done


@dataclass(slots=True)
class _Stands:
    """What stands of the batch at the facilities, read under their locks."""

    expiry: date
    presentation_id: UUID
    facts: dict[UUID, Facts]
    balances: dict[UUID, dict[Key, Balance]]
    out_of_service: dict[UUID, datetime]
    apart: set[UUID]
    pools: dict[Pool, list[Step]]

    def state(self, facility_id: UUID, holders: Collection[UUID], number: int) -> tuple[LedgerState, datetime]:
        """What one facility's change meets, and the newest instant known there."""
        balances = {key: balance for holder in holders for key, balance in self.balances.get(holder, {}).items()}
        steps = {
            pool: self.pools[pool]
            for pool in ((owner, self.presentation_id) for owner in (facility_id, *holders))
            if self.pools.get(pool)
        }
        batches = {key.batch_id for key in balances}
        state = LedgerState(
            balances=balances,
            expiries=dict.fromkeys(batches, self.expiry),
            out_of_service={holder: self.out_of_service[holder] for holder in holders if holder in self.out_of_service},
            apart=self.apart & set(holders),
            steps=steps,
            number=number,
            recorded=None,
        )
        newest = max((each.touched_at for each in balances.values() if each.touched_at), default=OLDEST)
        return state, newest


_READ = """
    SELECT json_build_object(
        'expiry', (SELECT expiry FROM batch WHERE id = %(batch)s),
        'facilities', (
            SELECT json_agg(f) FROM (
                SELECT facility.id, unit.path::text AS path, facility.timezone, (
                    SELECT json_agg(json_build_array(stop.cause, stop.since, stop.reason, stop.until))
                    FROM stock_stop stop JOIN unit reach ON reach.id = stop.unit_id
                    WHERE stop.batch_id = %(batch)s AND unit.path <@ reach.path
                ) AS stops
                FROM json_array_elements_text(CAST(%(facilities)s AS json)) AS asked(id)
                JOIN facility ON facility.id = CAST(asked.id AS uuid) JOIN unit ON unit.id = facility.id
            ) f
        ),
        'balances', (
            SELECT json_agg(b) FROM (
                SELECT stands.holder_id, stands.status, stands.account, stands.vials, stands.vvm_stage, stands.touched_at,
                       stands.packed, stands.packed_at, e.out_since, e.apart
                FROM json_array_elements_text(CAST(%(holders)s AS json)) AS asked(id)
                CROSS JOIN LATERAL (
                    SELECT * FROM stock_balance WHERE (holder_id, batch_id) = (CAST(asked.id AS uuid), %(batch)s) OFFSET 0
                ) stands
                LEFT JOIN LATERAL (
                    SELECT CASE WHEN NOT in_service THEN coalesce(service_changed_at, '0001-01-02Z') END AS out_since, apart
                    FROM equipment WHERE equipment.id = stands.holder_id LIMIT 1
                ) e ON true
            ) b
        ),
        'steps', (
            SELECT json_agg(s ORDER BY s.step) FROM (
                SELECT a.pool_id, a.step, a.vials, a.needed, a.short
                FROM json_array_elements_text(CAST(%(pools)s AS json)) AS asked(id)
                CROSS JOIN LATERAL (
                    SELECT * FROM availability
                    WHERE (pool_id, presentation_id) = (CAST(asked.id AS uuid), %(presentation)s) OFFSET 0
                ) a
            ) s
        )
    )::text
"""


def _read(connection: Connection, batch_id: UUID, batch: BatchFacts, asked: Sequence[Caused]) -> _Stands:
    facilities = {one.change.facility_id for one in asked}
    holders = {line.holder_id for one in asked for line in one.change.lines}
    values = {
        "batch": batch_id,
        "presentation": batch.presentation_id,
        "facilities": packed(sorted(facilities)),
        "holders": packed(sorted(holders)),
        "pools": packed(sorted(facilities | holders)),
    }
    found: dict[str, Any] = ask(connection, _READ, values)
    facts, alike = {}, {}
    for row in found["facilities"] or ():
        # The same recalls reach most of them.
        said = repr(row["stops"])
        if said not in alike:
            alike[said] = {batch_id: replace(batch, stops=stops_of(row["stops"]))}
        facts[UUID(row["id"])] = Facts(row["path"], row["timezone"], alike[said])
    pools: dict[Pool, list[Step]] = {(owner, batch.presentation_id): [] for owner in facilities | holders}
    expiry = date.fromisoformat(found["expiry"])
    stands = _Stands(expiry, batch.presentation_id, facts, defaultdict(dict), {}, set(), pools)
    for row in found["balances"] or ():
        holder_id = UUID(row["holder_id"])
        stands.balances[holder_id][Key(holder_id, batch_id, Status(row["status"]))] = balance_of(row)
        if row["out_since"] is not None:
            stands.out_of_service[holder_id] = datetime.fromisoformat(row["out_since"])
        if row["apart"]:
            stands.apart.add(holder_id)
    for row in found["steps"] or ():
        step = Step(date.fromisoformat(row["step"]), row["vials"], row["needed"], row["short"])
        pools[UUID(row["pool_id"]), batch.presentation_id].append(step)
    return stands


# The opened vials themselves get the status their account got, the oldest first.
_OPENED = """
    UPDATE open_vial v SET status = chosen.to_status
    FROM (
        SELECT o.id, o.to_status
        FROM (
            SELECT vial.id, asked.to_status, asked.vials,
                   row_number() OVER (PARTITION BY vial.facility_id, vial.status ORDER BY vial.opened_at, vial.id) AS place
            FROM json_to_recordset(CAST(%(lines)s AS json))
                 AS asked(holder_id uuid, batch_id uuid, from_status text, to_status text, vials bigint)
            JOIN open_vial vial ON vial.facility_id = asked.holder_id AND vial.batch_id = asked.batch_id
                AND vial.status = asked.from_status AND vial.closed_at IS NULL
        ) o
        WHERE o.place <= o.vials
    ) chosen
    WHERE v.id = chosen.id
"""


def _stop_open_vials(connection: Connection, lines: Sequence[StatusLine]) -> None:
    if lines:
        run(connection, _OPENED, {"lines": packed([_opened(line) for line in lines])})


def _opened(line: StatusLine) -> dict[str, object]:
    return {
        "holder_id": line.holder_id,
        "batch_id": line.batch_id,
        "from_status": line.from_status,
        "to_status": line.to_status,
        "vials": line.vials,
    }
