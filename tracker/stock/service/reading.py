"""What the ledger reads before it writes: few statements, each carrying all lines.

Lock order of the house: a higher room locks its own rows first, then the anchors of this room in the order
(owner, presentation), then nothing more. Every balance and every availability row lies behind an anchor,
so two transactions that take all their anchors at once cannot wait for each other. Who posts several
events in one transaction takes the anchors of all of them first, with `lock_anchors`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from tracker.catalog.lots import may_be_taken_for
from tracker.database.hot import ask, packed
from tracker.database.turns import Wanted, take_turns
from tracker.network.errors import FacilityNotFound
from tracker.stock.errors import UnknownBatch, UnknownPlace
from tracker.stock.queries.availability import Pool
from tracker.stock.rules.availability import Step
from tracker.stock.rules.entries import Balance, Key, Past, PastCount
from tracker.stock.rules.history import Move
from tracker.stock.rules.replay import Act, History, Pair, Stop, as_spans
from tracker.stock.rules.words import Account, Status

Anchor = tuple[UUID, UUID]  # facility or shipment, presentation


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """A batch and what its presentation says of it."""

    expiry: date
    said: tuple[tuple[date, datetime], ...]  # expiries that were put right, each with until when it stood
    presentation_id: UUID
    doses_per_vial: int
    open_vial_hours: int | None
    open_vial_days: int | None
    uses_vvm: bool
    stops: tuple[Stop, ...]  # the recalls that reach the facility or did, those that overlap as one
    alike: bool  # of goods that come in: there are lots that one may take for it


@dataclass(frozen=True, slots=True)
class Facts:
    """Where the event is and what its lines are about."""

    path: str
    timezone: str
    batches: dict[UUID, BatchFacts]


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What stands, read under the lock: balances, steps by pool, the next number, a twin's digest.

    `expiries`: of the batches, as they are under the lock: one may have been corrected meanwhile.
    `joined`: of the batches, those that are another lot by now. `out_of_service`: places that are, and since when. `apart`: places whose vials are promised by themselves.
    """

    balances: dict[Key, Balance]
    expiries: dict[UUID, date]
    out_of_service: dict[UUID, datetime]
    apart: set[UUID]
    steps: dict[Pool, list[Step]]
    number: int
    recorded: str | None
    joined: dict[UUID, UUID] = made_by(default_factory=dict)


# The planner takes a JSON parameter for a hundred rows and would hash whole tables for one line; LIMIT 1 in a
# LATERAL keeps it at one look-up a row, whatever the tables' size.
_FACTS = f"""
    SELECT json_agg(facts ORDER BY line)::text FROM (
    SELECT l.line, u.path::text AS path, f.timezone, b.id AS batch_id, b.expiry, b.presentation_id, p.doses_per_vial,
           p.open_vial_hours, p.open_vial_days, p.uses_vvm, e.facility_id AS at_facility, t.facility_id AS to_facility,
           s.stops, c.said,
           CAST(%(coming)s AS boolean)
           AND EXISTS (SELECT FROM batch other WHERE {may_be_taken_for("b", "other")}) AS alike
    FROM facility f
    JOIN unit u ON u.id = f.id
    CROSS JOIN json_to_recordset(CAST(%(lines)s AS json)) AS l(line int, batch_id uuid, place_id uuid, to_place_id uuid)
    LEFT JOIN LATERAL (SELECT * FROM batch WHERE batch.id = l.batch_id LIMIT 1) b ON true
    LEFT JOIN LATERAL (SELECT * FROM presentation WHERE presentation.id = b.presentation_id LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT facility_id FROM equipment WHERE equipment.id = l.place_id LIMIT 1) e ON true
    LEFT JOIN LATERAL (SELECT facility_id FROM equipment WHERE equipment.id = l.to_place_id LIMIT 1) t ON true
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_array(stop.cause, stop.since, stop.reason, stop.until)) AS stops
        FROM stock_stop stop JOIN unit reach ON reach.id = stop.unit_id
        WHERE stop.batch_id = l.batch_id AND u.path <@ reach.path
    ) s ON true
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_array(was.before, was.changed_at)) AS said
        FROM catalog_change was WHERE was.batch_id = l.batch_id AND was.field = 'expiry'
    ) c ON true
    WHERE f.id = %(facility)s
    ) facts
"""


def read_facts(
    connection: Connection,
    facility_id: UUID,
    batches: Sequence[UUID],
    places: Sequence[UUID | None],
    to_places: Sequence[UUID | None],
    *,
    coming: bool = False,
) -> Facts:
    """Everything the lines refer to, in one statement. `coming`: goods come in, so look-alike lots are looked for.

    Raises FacilityNotFound, UnknownBatch, UnknownPlace (naming the line).
    """
    lines = [
        {"line": line, "batch_id": batch, "place_id": place, "to_place_id": to_place}
        for line, (batch, place, to_place) in enumerate(zip(batches, places, to_places, strict=True))
    ]
    asked = {"facility": facility_id, "lines": packed(lines), "coming": coming}
    rows = ask(connection, _FACTS, asked)
    if not rows:
        raise FacilityNotFound(field="facility", facility=str(facility_id))
    facts = Facts(path=rows[0]["path"], timezone=rows[0]["timezone"], batches={})
    here = str(facility_id)
    for line, row in enumerate(rows):
        if row["batch_id"] is None:
            raise UnknownBatch(line=line, field="batch", batch=str(batches[line]))
        for field, wanted, found in (
            ("place", places[line], row["at_facility"]),
            ("to_place", to_places[line], row["to_facility"]),
        ):
            if wanted is not None and found != here:
                raise UnknownPlace(line=line, field=field, place=str(wanted))
        facts.batches[batches[line]] = _batch_of(row)
    return facts


def _batch_of(row: Mapping[str, Any]) -> BatchFacts:
    return BatchFacts(
        expiry=date.fromisoformat(row["expiry"]),
        said=tuple((date.fromisoformat(day), datetime.fromisoformat(until)) for day, until in row["said"] or ()),
        presentation_id=UUID(row["presentation_id"]),
        doses_per_vial=row["doses_per_vial"],
        open_vial_hours=row["open_vial_hours"],
        open_vial_days=row["open_vial_days"],
        uses_vvm=row["uses_vvm"],
        stops=stops_of(row["stops"]),
        alike=row["alike"],
    )


def stops_of(told: Sequence[tuple[str, str, str, str | None]] | None) -> tuple[Stop, ...]:
    """Orders as the database tells them: cause, since, reason, until."""
    at = datetime.fromisoformat
    return as_spans(
        Stop(UUID(cause), at(since), reason, None if until is None else at(until))
        for cause, since, reason, until in told or ()
    )


_LOCK = text(
    """
    SELECT a.owner_id, a.presentation_id
    FROM stock_anchor a
    WHERE (a.owner_id, a.presentation_id) IN (
        SELECT * FROM unnest(CAST(:owners AS uuid[]), CAST(:presentations AS uuid[]))
    )
    ORDER BY a.owner_id, a.presentation_id
    FOR UPDATE
    """
)
_LOCK_ONE = """
    SELECT 'true' FROM stock_anchor WHERE owner_id = %(owner)s AND presentation_id = %(presentation)s FOR UPDATE
"""
_MAKE = text(
    """
    INSERT INTO stock_anchor (owner_id, presentation_id)
    SELECT * FROM unnest(CAST(:owners AS uuid[]), CAST(:presentations AS uuid[]))
    ON CONFLICT DO NOTHING
    """
)
_PRESENT = text(
    """
    SELECT count(*) FROM stock_anchor
    WHERE (owner_id, presentation_id) IN (
        SELECT * FROM unnest(CAST(:owners AS uuid[]), CAST(:presentations AS uuid[]))
    )
    """
)


def lock_anchors(db: Session | Connection, anchors: Iterable[Anchor]) -> None:
    """Lock these (facility or shipment, presentation) pairs until the transaction ends, in the house's order.

    Missing anchors are made before any is locked: an uncommitted anchor is then waited for while nothing
    else is held out of order.
    """
    wanted = sorted(set(anchors))
    if not wanted:
        return
    take_turns(Wanted.POOL, wanted)
    values = {"owners": [owner for owner, _ in wanted], "presentations": [p for _, p in wanted]}
    if len(wanted) == 1:
        # The common event: nothing can be held out of order, so look and lock in one statement.
        one = {"owner": wanted[0][0], "presentation": wanted[0][1]}
        connection = db.connection() if isinstance(db, Session) else db
        if not ask(connection, _LOCK_ONE, one):
            db.execute(_MAKE, values)
            ask(connection, _LOCK_ONE, one)
        return
    if db.execute(_PRESENT, values).scalar_one() < len(wanted):
        db.execute(_MAKE, values)
    db.execute(_LOCK, values)


_STATE = """
    WITH k AS (
        SELECT * FROM json_to_recordset(CAST(%(keys)s AS json)) AS k(holder_id uuid, batch_id uuid, status text)
    )
    SELECT json_build_object(
        'number', nextval('stock_event_number_seq'),
        'recorded', (SELECT content FROM stock_event WHERE id = %(id)s),
        'keys', (
            SELECT json_agg(stands) FROM (
                SELECT k.*, b.account, b.vials, b.vvm_stage, b.touched_at, b.packed, b.packed_at, e.out_since, e.apart,
                       (SELECT expiry FROM batch WHERE batch.id = k.batch_id) AS expiry,
                       (SELECT joined_into_id FROM batch WHERE batch.id = k.batch_id) AS joined_into_id
                FROM k
                LEFT JOIN LATERAL (
                    SELECT * FROM stock_balance
                    WHERE (stock_balance.holder_id, stock_balance.batch_id, stock_balance.status)
                        = (k.holder_id, k.batch_id, k.status)
                    LIMIT 1
                ) b ON true
                LEFT JOIN LATERAL (
                    SELECT CASE WHEN NOT in_service THEN coalesce(service_changed_at, '0001-01-02Z') END AS out_since,
                           apart
                    FROM equipment WHERE equipment.id = k.holder_id
                    LIMIT 1
                ) e ON true
            ) stands
        ),
        'steps', (
            -- OFFSET 0 keeps it at one look-up a pool, for the same reason as LIMIT 1 above.
            SELECT json_agg(steps ORDER BY steps.step) FROM (
                SELECT a.*
                FROM json_to_recordset(CAST(%(pools)s AS json)) AS pool(pool_id uuid, presentation_id uuid)
                CROSS JOIN LATERAL (
                    SELECT pool_id, presentation_id, step, vials, needed, short FROM availability
                    WHERE (availability.pool_id, availability.presentation_id) = (pool.pool_id, pool.presentation_id)
                    OFFSET 0
                ) a
            ) steps
        )
    )::text
"""


def read_state(
    connection: Connection,
    *,
    event_id: UUID,
    facility_id: UUID,
    presentations: Collection[UUID],
    keys: Sequence[Key],
) -> LedgerState:
    """Balances and steps as they are under the anchors' lock. The number is drawn here, so it rises with the lock."""
    # The facility's own pool, and that of each place which may be one.
    owners = {facility_id, *(key.holder_id for key in keys)}
    pools = [{"pool_id": owner, "presentation_id": each} for owner in owners for each in presentations]
    asked = {"id": event_id, "pools": packed(pools), "keys": _json_of(keys)}
    found = ask(connection, _STATE, asked)
    state = LedgerState({}, {}, {}, set(), {}, found["number"], found["recorded"])
    for row in found["keys"] or ():
        holder_id, batch_id = UUID(row["holder_id"]), UUID(row["batch_id"])
        state.expiries[batch_id] = date.fromisoformat(row["expiry"])
        if row["joined_into_id"] is not None:
            state.joined[batch_id] = UUID(row["joined_into_id"])
        if row["vials"] is not None:
            state.balances[Key(holder_id, batch_id, Status(row["status"]))] = balance_of(row)
        if row["out_since"] is not None:
            state.out_of_service[holder_id] = datetime.fromisoformat(row["out_since"])
        if row["apart"]:
            state.apart.add(holder_id)
    for row in found["steps"] or ():
        pool = UUID(row["pool_id"]), UUID(row["presentation_id"])
        step = Step(date.fromisoformat(row["step"]), row["vials"], row["needed"], row["short"])
        state.steps.setdefault(pool, []).append(step)
    return state


def balance_of(row: Mapping[str, Any]) -> Balance:
    """A balance as the database tells it."""
    packed_at = row["packed_at"] and datetime.fromisoformat(row["packed_at"])
    return Balance(
        Account(row["account"]),
        row["vials"],
        row["vvm_stage"],
        datetime.fromisoformat(row["touched_at"]),
        row["packed"],
        packed_at,
    )


# Which status changes are acts: of the house (a hold, a release, a recall) those with a cause, with what stands beside them;
# and what was stopped or freed by hand.
_HISTORY = text(
    """
    WITH pair AS (
        SELECT DISTINCT holder_id, batch_id
        FROM json_to_recordset(CAST(:keys AS json)) AS k(holder_id uuid, batch_id uuid, status text)
    )
    SELECT 'move' AS part, e.holder_id, e.batch_id, e.status, e.account, e.vials, e.occurred_at, e.ordinal, e.number,
           NULL::smallint AS vvm_stage, NULL::bigint AS packed, NULL::timestamptz AS packed_at,
           act.id AS event_id, act.facility_id, act.cause, act.reason
    FROM pair JOIN stock_entry e ON (e.holder_id, e.batch_id) = (pair.holder_id, pair.batch_id)
    LEFT JOIN LATERAL (
        SELECT v.id, v.facility_id, v.cause, v.reason FROM stock_event v
        WHERE v.number = e.ordinal AND v.kind = 'status' AND (v.cause IS NOT NULL OR v.because_id IS NULL)
          AND NOT EXISTS (SELECT FROM stock_event r WHERE r.reverses_id = v.id)
        LIMIT 1
    ) act ON true
    WHERE e.account IN ('place', 'transit', 'open') AND e.occurred_at >= :since
    UNION ALL
    SELECT 'count', c.holder_id, c.batch_id, c.status, NULL, NULL, c.occurred_at, c.number, c.number,
           NULL, NULL, NULL, c.event_id, NULL, NULL, NULL
    FROM pair JOIN stock_count c ON (c.holder_id, c.batch_id) = (pair.holder_id, pair.batch_id)
    WHERE c.occurred_at >= :since AND c.event_id <> :but
      AND NOT EXISTS (SELECT FROM stock_event r WHERE r.reverses_id = c.event_id)
    UNION ALL
    SELECT 'balance', b.holder_id, b.batch_id, b.status, b.account, b.vials, b.touched_at, NULL, NULL,
           b.vvm_stage, b.packed, b.packed_at, NULL, NULL, NULL, NULL
    FROM pair JOIN stock_balance b ON (b.holder_id, b.batch_id) = (pair.holder_id, pair.batch_id)
    """
)


def _json_of(keys: Sequence[Key]) -> str:
    return packed([{"holder_id": key.holder_id, "batch_id": key.batch_id, "status": key.status} for key in keys])


def read_history(connection: Connection, keys: Sequence[Key], since: datetime, but: UUID) -> History:
    """What is written of the batches of `keys` at their accounts from `since` on, in every status.

    Moves, the counts that stand (other than `but`), the acts of the house among the moves, and the balances now.
    """
    moves: dict[Key, list[Move]] = defaultdict(list)
    counts: dict[Key, list[PastCount]] = defaultdict(list)
    balances: dict[Key, Balance] = {}
    acting: dict[tuple[Pair, int], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_HISTORY, {"keys": _json_of(keys), "since": since, "but": but}):
        key = Key(row.holder_id, row.batch_id, Status(row.status))
        if row.part == "count":
            counts[key].append(PastCount(row.event_id, row.occurred_at, row.number))
        elif row.part == "balance":
            balances[key] = Balance(
                Account(row.account), row.vials, row.vvm_stage, row.occurred_at, row.packed, row.packed_at
            )
        else:
            moves[key].append(Move((row.occurred_at, row.ordinal, row.number), row.vials))
            if row.event_id is not None and row.number == row.ordinal:
                acting[Pair(row.holder_id, row.batch_id), row.number].append(row)
    acts: dict[Pair, list[Act]] = defaultdict(list)
    for (pair, number), rows in acting.items():
        if rows[0].cause is not None or _is_stop(rows):
            acts[pair].append(_act_of(number, rows))
    pasts = {key: Past(moves[key], counts[key]) for key in {*moves, *counts}}
    return History(pasts, acts, balances)


def _is_stop(rows: Sequence[Row[Any]]) -> bool:
    """Whether what was done by hand stopped or freed vials in one way; who said them unusable has looked at each."""
    statuses = {Status(row.status) for row in rows}
    return len(statuses) == len(rows) == 2 and Status.UNUSABLE not in statuses


def _act_of(number: int, rows: Sequence[Row[Any]]) -> Act:
    one = rows[0]
    return Act(
        occurred_at=one.occurred_at,
        number=number,
        event_id=one.event_id,
        facility_id=one.facility_id,
        account=Account(one.account),
        cause=one.cause,
        reason=one.reason,
        sources=frozenset(Status(row.status) for row in rows if row.vials < 0),
        target=next(Status(row.status) for row in rows if row.vials > 0),
    )


_NEED = text(
    """
    SELECT n.pool_id, n.presentation_id, n.day, n.vials
    FROM unnest(CAST(:pools AS uuid[]), CAST(:presentations AS uuid[])) AS pool(pool_id, presentation_id)
    CROSS JOIN LATERAL (
        SELECT * FROM stock_need
        WHERE (pool_id, presentation_id) = (pool.pool_id, pool.presentation_id) AND vials > 0
        OFFSET 0
    ) n
    """
)


def read_need(connection: Connection, pools: Collection[Pool]) -> dict[Pool, dict[date, int]]:
    """Vials needed by day, of each of these pools."""
    found: dict[Pool, dict[date, int]] = {pool: {} for pool in pools}
    asked = {"pools": [pool_id for pool_id, _ in found], "presentations": [presentation for _, presentation in found]}
    for row in connection.execute(_NEED, asked):
        found[row.pool_id, row.presentation_id][row.day] = row.vials
    return found


def more_numbers(connection: Connection, count: int) -> list[int]:
    """Further event numbers, rising."""
    rows = connection.execute(
        text("SELECT nextval('stock_event_number_seq') FROM generate_series(1, :count)"), {"count": count}
    )
    return [row[0] for row in rows]
