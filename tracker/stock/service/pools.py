"""Availability inside a transaction that already holds the anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from tracker.stock.queries.availability import Pool
from tracker.stock.rules.availability import (
    FIRST,
    Step,
    binding,
    passed,
    short_days,
    step_after,
    with_need,
    with_step,
    with_vials,
)
from tracker.stock.service.reading import read_need


@dataclass(frozen=True, slots=True)
class PoolChange:
    """The rows of one pool that changed, and what the world should hear of it."""

    pool: Pool
    changed: tuple[Step, ...]
    short_days: tuple[date, ...]  # empty when no shortage rose
    short: int
    rose: int  # usable vials that came


def change_pools(
    connection: Connection,
    facility_id: UUID,
    steps: Mapping[Pool, Sequence[Step]],
    *,
    rises: Mapping[Pool, Sequence[tuple[date, int]]],
    need: Mapping[Pool, Mapping[date, int]],
    today: date,
) -> list[PoolChange]:
    """New steps for `rises` (pool → [(expiry, usable vials that came or went)]) and `need` (pool → day → vials).

    Steps that are missing are made from the needs that stand.
    """
    changes = []
    for pool in sorted({*rises, *need}):
        risen, needed = rises.get(pool, ()), need.get(pool)
        old = list(steps.get(pool, ()))
        gone = passed(old, today)
        if gone:
            _prune(connection, pool, [step.step for step in gone])
            old = [step for step in old if step not in gone]
        rows = _with_steps(connection, pool, old, [expiry for expiry, _ in risen], today)
        for expiry, vials in risen:
            rows = with_vials(rows, expiry, vials)
        if needed:
            _apply_need(connection, facility_id, pool, needed)
            rows = with_need(rows, needed)
        before = {step.step: step for step in old}
        changed = tuple(step for step in rows if before.get(step.step) != step)
        worse = [s for s in binding(rows, today) if s.short > (before[s.step].short if s.step in before else 0)]
        days: list[date] = []
        if worse:
            days = short_days(rows, read_need(connection, pool), today)
        changes.append(
            PoolChange(
                pool,
                changed,
                tuple(days),
                max((step.short for step in worse), default=0),
                sum(vials for _, vials in risen),
            )
        )
    return changes


_PRUNE = text(
    """
    DELETE FROM availability
    WHERE pool_id = :pool AND presentation_id = :presentation AND step = ANY(CAST(:steps AS date[]))
    """
)


def _prune(connection: Connection, pool: Pool, steps: Sequence[date]) -> None:
    """Forget steps that have passed: else every event would rewrite one row for each expiry there ever was."""
    connection.execute(_PRUNE, {**_named(pool), "steps": list(steps)})


def _with_steps(
    connection: Connection, pool: Pool, steps: list[Step], expiries: Sequence[date], today: date
) -> list[Step]:
    have = {step.step for step in steps}
    # A batch that expired before the row that bound yesterday needs no step: it would have passed.
    bound = next((step.step for step in binding(steps, today - timedelta(days=1))), FIRST)
    wanted = {FIRST, *(day for day in map(step_after, expiries) if day > bound)}
    missing = wanted - have
    if missing:
        need = read_need(connection, pool)
        for day in sorted(missing):
            steps = with_step(steps, day, need)
    return steps


_APPLY = text(
    """
    INSERT INTO stock_need AS n (pool_id, facility_id, presentation_id, day, vials)
    SELECT CAST(:pool AS uuid), CAST(:facility AS uuid), CAST(:presentation AS uuid), d.day, greatest(d.vials, 0)
    FROM unnest(CAST(:days AS date[]), CAST(:vials AS bigint[])) AS d(day, vials)
    ON CONFLICT (pool_id, presentation_id, day) DO UPDATE SET vials = n.vials + (
        SELECT d.vials FROM unnest(CAST(:days AS date[]), CAST(:vials AS bigint[])) AS d(day, vials)
        WHERE d.day = n.day)
    """
)


def _apply_need(connection: Connection, facility_id: UUID, pool: Pool, deltas: Mapping[date, int]) -> None:
    """Change vials needed by day; the caller has seen that no day falls below zero."""
    values = {**_named(pool), "facility": facility_id}
    connection.execute(_APPLY, {**values, "days": list(deltas), "vials": list(deltas.values())})


def _named(pool: Pool) -> dict[str, object]:
    return {"pool": pool[0], "presentation": pool[1]}
