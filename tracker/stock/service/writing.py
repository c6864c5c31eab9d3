"""How the ledger writes: events with all their entries in one statement, balances and steps in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from tracker.stock.rules.availability import Step
from tracker.stock.rules.booking import Balance, Counted, Draft, Key
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
    drafts: Sequence[Draft]
    reason: str | None = None
    reference: str | None = None
    content: str = ""
    cause: UUID | None = None
    shipment_id: UUID | None = None
    reverses_id: UUID | None = None
    because_id: UUID | None = None
    count_id: UUID | None = None


_EVENT_COLUMNS = (
    ("id", "uuid"),
    ("number", "bigint"),
    ("kind", "text"),
    ("facility_id", "uuid"),
    ("occurred_at", "timestamptz"),
    ("reason", "text"),
    ("reference", "text"),
    ("content", "text"),
    ("cause", "uuid"),
    ("shipment_id", "uuid"),
    ("reverses_id", "uuid"),
    ("because_id", "uuid"),
    ("count_id", "uuid"),
)
_ENTRY_COLUMNS = (
    ("event_id", "uuid"),
    ("seq", "smallint"),
    ("account", "text"),
    ("holder_id", "uuid"),
    ("place_id", "uuid"),
    ("facility_id", "uuid"),
    ("batch_id", "uuid"),
    ("status", "text"),
    ("vials", "bigint"),
    ("vvm_stage", "smallint"),
    ("reason", "text"),
    ("occurred_at", "timestamptz"),
    ("number", "bigint"),
    ("ordinal", "bigint"),
)


def _unnest(columns: Sequence[tuple[str, str]], prefix: str) -> str:
    return ", ".join(f"CAST(:{prefix}_{name} AS {kind}[])" for name, kind in columns)


def _names(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(name for name, _ in columns)


_WRITE = text(
    f"""
    WITH written AS (
        INSERT INTO stock_event ({_names(_EVENT_COLUMNS)}, recorded_at, account_id, recorded_by)
        SELECT v.*, :recorded_at, CAST(:account_id AS uuid), :recorded_by
        FROM unnest({_unnest(_EVENT_COLUMNS, "v")}) AS v
    )
    INSERT INTO stock_entry ({_names(_ENTRY_COLUMNS)}, recorded_at)
    SELECT e.*, :recorded_at FROM unnest({_unnest(_ENTRY_COLUMNS, "e")}) AS e
    """
)


def write_events(
    connection: Connection, events: Sequence[EventRow], *, recorded_at: datetime, account_id: UUID | None, by: str
) -> None:
    """Append events and all their entries, in one statement."""
    values: dict[str, object] = {"recorded_at": recorded_at, "account_id": account_id, "recorded_by": by}
    for name, _ in _EVENT_COLUMNS:
        values[f"v_{name}"] = [getattr(event, name) for event in events]
    entries = [
        (
            event.id,
            seq,
            draft.account.value,
            draft.key.holder_id,
            draft.key.holder_id if draft.account is Account.PLACE else None,
            event.facility_id,
            draft.key.batch_id,
            draft.key.status.value,
            draft.vials,
            draft.vvm_stage,
            draft.reason,
            event.occurred_at,
            event.number,
            event.ordinal,
        )
        for event in events
        for seq, draft in enumerate(event.drafts)
    ]
    values["v_kind"] = [event.kind.value for event in events]
    columns = zip(*entries, strict=True) if entries else [()] * len(_ENTRY_COLUMNS)
    for (name, _), column in zip(_ENTRY_COLUMNS, columns, strict=True):
        values[f"e_{name}"] = list(column)
    connection.execute(_WRITE, values)


_BALANCES = """
    INSERT INTO stock_balance AS b (holder_id, batch_id, status, account, place_id, facility_id, vials, vvm_stage,
                                    touched_at, touched_event_id)
    SELECT v.*, CAST(:event AS uuid)
    FROM unnest(CAST(:holders AS uuid[]), CAST(:batches AS uuid[]), CAST(:statuses AS text[]),
                CAST(:accounts AS text[]), CAST(:places AS uuid[]), CAST(:facilities AS uuid[]),
                CAST(:vials AS bigint[]), CAST(:stages AS smallint[]), CAST(:touched AS timestamptz[])) AS v
    ON CONFLICT (holder_id, batch_id, status) DO UPDATE
    SET vials = excluded.vials, vvm_stage = excluded.vvm_stage, touched_at = excluded.touched_at,
        touched_event_id = CASE WHEN excluded.touched_at >= b.touched_at AND :newest THEN excluded.touched_event_id
                                ELSE b.touched_event_id END
"""
_STEPS = """
    INSERT INTO availability (facility_id, presentation_id, step, vials, needed, short)
    SELECT CAST(:facility AS uuid), s.*
    FROM unnest(CAST(:step_presentations AS uuid[]), CAST(:step_days AS date[]), CAST(:step_vials AS bigint[]),
                CAST(:step_needed AS bigint[]), CAST(:step_short AS bigint[])) AS s
    ON CONFLICT (facility_id, presentation_id, step) DO UPDATE
    SET vials = excluded.vials, needed = excluded.needed, short = excluded.short
"""
_BALANCES_AND_STEPS = text(f"WITH balances AS ({_BALANCES}) {_STEPS}")
_STEPS_ONLY = text(_STEPS)


def write_balances(
    connection: Connection,
    facility_id: UUID,
    balances: Mapping[Key, Balance],
    steps: Mapping[UUID, Sequence[Step]],
    *,
    event_id: UUID,
    newest: bool,
) -> None:
    """Put down the new balances and the changed steps (by presentation), in one statement.

    All are behind locked anchors, so values are written, not added. `newest`: the event is the last word at
    its keys in the order of time.
    """
    values: dict[str, object] = {
        "event": event_id,
        "newest": newest,
        "holders": [key.holder_id for key in balances],
        "batches": [key.batch_id for key in balances],
        "statuses": [key.status.value for key in balances],
        "accounts": [b.account.value for b in balances.values()],
        "places": [key.holder_id if b.account is Account.PLACE else None for key, b in balances.items()],
        "facilities": [None if b.account is Account.TRANSIT else facility_id for b in balances.values()],
        "vials": [b.vials for b in balances.values()],
        "stages": [b.vvm_stage for b in balances.values()],
        "touched": [b.touched_at for b in balances.values()],
    }
    connection.execute(_BALANCES_AND_STEPS, {**values, **_step_values(facility_id, steps)})


def write_steps(connection: Connection, facility_id: UUID, steps: Mapping[UUID, Sequence[Step]]) -> None:
    """Put down changed steps alone."""
    connection.execute(_STEPS_ONLY, _step_values(facility_id, steps))


def _step_values(facility_id: UUID, steps: Mapping[UUID, Sequence[Step]]) -> dict[str, object]:
    rows = [(presentation, step) for presentation, changed in steps.items() for step in changed]
    return {
        "facility": facility_id,
        "step_presentations": [presentation for presentation, _ in rows],
        "step_days": [step.step for _, step in rows],
        "step_vials": [step.vials for _, step in rows],
        "step_needed": [step.needed for _, step in rows],
        "step_short": [step.short for _, step in rows],
    }


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
