"""How the ledger writes: events, all their entries, balances, steps, sums by day and what the feed is told, in one statement.

Rows travel as one JSON parameter each (`tracker/database/hot.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from tracker.database.hot import packed, run
from tracker.feed.service import APPEND, Happening, appended
from tracker.stock.queries.availability import Pool
from tracker.stock.rules.availability import Step
from tracker.stock.rules.entries import Balance, Counted, Entry, Key
from tracker.stock.rules.words import Account, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event with its entries, ready to be written."""

    id: UUID
    number: int
    ordinal: int
    kind: Kind
    facility_id: UUID
    occurred_at: datetime
    entries: Sequence[Entry]
    reason: str | None = None
    reference: str | None = None
    said: str | None = None
    content: str = ""
    cause: UUID | None = None
    shipment_id: UUID | None = None
    reverses_id: UUID | None = None
    because_id: UUID | None = None
    count_id: UUID | None = None


_EVENT_COLUMNS = {
    "id": "uuid",
    "number": "bigint",
    "kind": "text",
    "facility_id": "uuid",
    "occurred_at": "timestamptz",
    "reason": "text",
    "reference": "text",
    "said": "text",
    "content": "text",
    "cause": "uuid",
    "shipment_id": "uuid",
    "reverses_id": "uuid",
    "because_id": "uuid",
    "count_id": "uuid",
}
_ENTRY_COLUMNS = {
    "event_id": "uuid",
    "seq": "smallint",
    "account": "text",
    "holder_id": "uuid",
    "place_id": "uuid",
    "facility_id": "uuid",
    "batch_id": "uuid",
    "status": "text",
    "vials": "bigint",
    "vvm_stage": "smallint",
    "reason": "text",
    "occurred_at": "timestamptz",
    "number": "bigint",
    "ordinal": "bigint",
}
_BALANCE_COLUMNS = {
    "holder_id": "uuid",
    "batch_id": "uuid",
    "status": "text",
    "account": "text",
    "place_id": "uuid",
    "facility_id": "uuid",
    "vials": "bigint",
    "packed": "bigint",
    "packed_at": "timestamptz",
    "vvm_stage": "smallint",
    "touched_at": "timestamptz",
    "touched_event_id": "uuid",
}
_STEP_COLUMNS = {
    "facility_id": "uuid",
    "pool_id": "uuid",
    "presentation_id": "uuid",
    "step": "date",
    "vials": "bigint",
    "needed": "bigint",
    "short": "bigint",
}


def _names(columns: Mapping[str, str]) -> str:
    return ", ".join(columns)


def _rows(parameter: str, columns: Mapping[str, str]) -> str:
    """The rows of a JSON parameter as a table, in the order of `columns`."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(CAST(%({parameter})s AS json)) AS {parameter}({typed})"


_BALANCES = f"""
    INSERT INTO stock_balance AS b ({_names(_BALANCE_COLUMNS)})
    SELECT balances.* FROM {_rows("balances", _BALANCE_COLUMNS)}
    ON CONFLICT (holder_id, batch_id, status) DO UPDATE
    SET vials = excluded.vials, packed = excluded.packed, packed_at = excluded.packed_at, vvm_stage = excluded.vvm_stage, touched_at = excluded.touched_at,
        touched_event_id = CASE WHEN excluded.touched_at >= b.touched_at AND %(newest)s THEN excluded.touched_event_id
                                ELSE b.touched_event_id END
"""
_STEPS = f"""
    INSERT INTO availability ({_names(_STEP_COLUMNS)})
    SELECT steps.* FROM {_rows("steps", _STEP_COLUMNS)}
    ON CONFLICT (pool_id, presentation_id, step) DO UPDATE
    SET vials = excluded.vials, needed = excluded.needed, short = excluded.short
"""
_EVENTS = f"""
    INSERT INTO stock_event ({_names(_EVENT_COLUMNS)}, recorded_at, account_id, recorded_by)
    SELECT events.*, %(recorded_at)s, CAST(%(account_id)s AS uuid), %(recorded_by)s FROM {_rows("events", _EVENT_COLUMNS)}
"""
_ENTRIES = f"""
    INSERT INTO stock_entry ({_names(_ENTRY_COLUMNS)}, recorded_at)
    SELECT entries.*, %(recorded_at)s FROM {_rows("entries", _ENTRY_COLUMNS)}
    RETURNING facility_id, batch_id, account, vials, occurred_at, ordinal
"""
# What takes an event back, or tells it of another lot, stands beside it (`ordinal`) and counts as it does.
_DAYS = """
    INSERT INTO stock_day AS d (facility_id, presentation_id, day, used, moves)
    SELECT entry.facility_id, b.presentation_id, CAST(entry.occurred_at AT TIME ZONE f.timezone AS date),
           coalesce(sum(-entry.vials) FILTER (WHERE coalesce(event.kind, beside.kind) IN ('opening', 'dispatch')), 0), count(*)
    FROM entry
    CROSS JOIN LATERAL (SELECT presentation_id FROM batch WHERE batch.id = entry.batch_id LIMIT 1) b
    CROSS JOIN LATERAL (SELECT timezone FROM facility WHERE facility.id = entry.facility_id LIMIT 1) f
    LEFT JOIN event ON event.number = entry.ordinal
    LEFT JOIN LATERAL (
        SELECT kind FROM stock_event s WHERE s.number = entry.ordinal AND event.number IS NULL LIMIT 1
    ) beside ON true
    WHERE entry.account = 'place'
    GROUP BY 1, 2, 3
    ON CONFLICT (facility_id, presentation_id, day) DO UPDATE
    SET used = d.used + excluded.used, moves = d.moves + excluded.moves
"""
_LEDGER = (
    f"WITH event AS ({_EVENTS} RETURNING number, kind), entry AS ({_ENTRIES}), balance AS ({_BALANCES}), step AS ({_STEPS}), "
    f"day AS ({_DAYS}) {APPEND}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChange:
    """What an event leaves behind: the rows of the ledger, the new balances, the changed steps by pool.

    `newest`: the event is the last word at its keys in the order of time.
    """

    events: Sequence[EventRow]
    balances: Mapping[Key, Balance]
    steps: Mapping[Pool, Sequence[Step]]
    newest: bool


def write(
    db: Session,
    changes: Sequence[LedgerChange],
    told: Sequence[Happening],
    *,
    recorded_at: datetime,
    account_id: UUID | None,
    by: str,
) -> None:
    """Write all of it, and what is `told` of it, in one statement. Several changes are all of them the newest, or none.

    Everything is behind locked anchors, so values are written, not added; but for the sums of a day, which no rule reads.
    """
    events = [event for change in changes for event in change.events]
    values = {
        "events": packed([{name: getattr(event, name) for name in _EVENT_COLUMNS} for event in events]),
        "entries": packed([row for event in events for row in _entry_rows(event)]),
        "balances": packed([row for change in changes for row in _balance_rows(change.events[0], change.balances)]),
        "recorded_at": recorded_at,
        "account_id": account_id,
        "recorded_by": by,
        "newest": all(change.newest for change in changes),
        "steps": packed([row for change in changes for row in _step_rows(change.events[0].facility_id, change.steps)]),
        **appended(db, told, now=recorded_at),
    }
    run(db.connection(), _LEDGER, values)


def _entry_rows(event: EventRow) -> list[dict[str, object]]:
    return [
        {
            "event_id": event.id,
            "seq": seq,
            "account": entry.account,
            "holder_id": entry.key.holder_id,
            "place_id": entry.key.holder_id if entry.account is Account.PLACE else None,
            "facility_id": event.facility_id,
            "batch_id": entry.key.batch_id,
            "status": entry.key.status,
            "vials": entry.vials,
            "vvm_stage": entry.vvm_stage,
            "reason": entry.reason,
            "occurred_at": event.occurred_at,
            "number": event.number,
            "ordinal": event.ordinal,
        }
        for seq, entry in enumerate(event.entries)
    ]


def _balance_rows(asked: EventRow, balances: Mapping[Key, Balance]) -> list[dict[str, object]]:
    return [
        {
            "holder_id": key.holder_id,
            "batch_id": key.batch_id,
            "status": key.status,
            "account": balance.account,
            "place_id": key.holder_id if balance.account is Account.PLACE else None,
            "facility_id": None if balance.account is Account.TRANSIT else asked.facility_id,
            "vials": balance.vials,
            "packed": balance.packed,
            "packed_at": balance.packed_at,
            "vvm_stage": balance.vvm_stage,
            "touched_at": balance.touched_at,
            "touched_event_id": asked.id,
        }
        for key, balance in balances.items()
    ]


def write_steps(connection: Connection, facility_id: UUID, steps: Mapping[Pool, Sequence[Step]]) -> None:
    """Put down changed steps alone."""
    run(connection, _STEPS, {"steps": packed(_step_rows(facility_id, steps))})


def _step_rows(facility_id: UUID, steps: Mapping[Pool, Sequence[Step]]) -> list[dict[str, object]]:
    return [
        {
            "facility_id": facility_id,
            "pool_id": pool_id,
            "presentation_id": presentation_id,
            "step": step.step,
            "vials": step.vials,
            "needed": step.needed,
            "short": step.short,
        }
        for (pool_id, presentation_id), changed in steps.items()
        for step in changed
    ]


_COUNTS = text(
    """
    INSERT INTO stock_count (event_id, seq, holder_id, batch_id, status, vials, occurred_at, number)
    SELECT CAST(:event AS uuid), c.line - 1, c.holder_id, c.batch_id, c.status, c.vials, :occurred_at, :number
    FROM unnest(CAST(:holders AS uuid[]), CAST(:batches AS uuid[]), CAST(:statuses AS text[]),
                CAST(:vials AS bigint[])) WITH ORDINALITY AS c(holder_id, batch_id, status, vials, line)
    """
)
_COUNTED = text(
    """
    UPDATE stock_balance b SET counted_at = :occurred_at, counted_event_id = :event
    FROM unnest(CAST(:holders AS uuid[]), CAST(:batches AS uuid[]), CAST(:statuses AS text[]))
         AS c(holder_id, batch_id, status)
    WHERE (b.holder_id, b.batch_id, b.status) = (c.holder_id, c.batch_id, c.status)
      AND (b.counted_at IS NULL OR b.counted_at <= :occurred_at)
    """
)


def write_counts(connection: Connection, event: EventRow, counted: Sequence[Counted]) -> None:
    """Remember what was counted, and on the balances that they were."""
    keys = {
        "event": event.id,
        "occurred_at": event.occurred_at,
        "holders": [c.key.holder_id for c in counted],
        "batches": [c.key.batch_id for c in counted],
        "statuses": [c.key.status.value for c in counted],
    }
    connection.execute(_COUNTS, {**keys, "number": event.number, "vials": [c.vials for c in counted]})
    connection.execute(_COUNTED, keys)
