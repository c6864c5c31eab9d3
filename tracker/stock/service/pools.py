"""Availability inside a transaction that already holds the anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Promised:
    """What stands promised at pools, read when it is asked for, and steps to forget that have passed."""

    connection: Connection

    def need(self, pool: Pool) -> Mapping[date, int]:
        """Vials needed by day."""
        return read_need(self.connection, [pool])[pool]

    def forget(self, pool: Pool, steps: Sequence[date]) -> None:
        """Forget steps that have passed: else every event would rewrite one row for each expiry there ever was."""
        prune(self.connection, [(pool, step) for step in steps])


@dataclass(slots=True)
class PromisedByMany(Promised):
    """The same of many pools: read at once, and what is to be forgotten noted down."""

    pools: Sequence[Pool]
    passed: list[tuple[Pool, date]] = field(default_factory=list)
    _needs: dict[Pool, dict[date, int]] | None = None

    def need(self, pool: Pool) -> Mapping[date, int]:
        """Read for all pools when the first is asked for."""
        if self._needs is None:
            self._needs = read_need(self.connection, self.pools)
        return self._needs[pool]

    def forget(self, pool: Pool, steps: Sequence[date]) -> None:
        """Note them down; `prune` forgets them."""
        self.passed += [(pool, step) for step in steps]


_PRUNE = text(
    """
    DELETE FROM availability USING unnest(CAST(:pools AS uuid[]), CAST(:presentations AS uuid[]), CAST(:steps AS date[]))
        AS gone(pool_id, presentation_id, step)
    WHERE (availability.pool_id, availability.presentation_id, availability.step)
        = (gone.pool_id, gone.presentation_id, gone.step)
    """
)


def prune(connection: Connection, passed: Sequence[tuple[Pool, date]]) -> None:
    """Forget steps of pools."""
    if passed:
        values = {
            "pools": [pool_id for (pool_id, _), _ in passed],
            "presentations": [presentation_id for (_, presentation_id), _ in passed],
            "steps": [step for _, step in passed],
        }
        connection.execute(_PRUNE, values)


def change_pools(
    connection: Connection,
    facility_id: UUID,
    steps: Mapping[Pool, Sequence[Step]],
    *,
    rises: Mapping[Pool, Sequence[tuple[date, int]]],
    need: Mapping[Pool, Mapping[date, int]],
    today: date,
    promised: Promised | None = None,
) -> list[PoolChange]:
    """New steps for `rises` (pool → [(expiry, usable vials that came or went)]) and `need` (pool → day → vials).

    Steps that are missing are made from the needs that stand. `promised` is where needs are read and passed steps
    forgotten; pool by pool when it is left out.
    """
    promised = promised or Promised(connection)
    changes = []
    for pool in sorted({*rises, *need}):
        risen, needed = rises.get(pool, ()), need.get(pool)
        old = list(steps.get(pool, ()))
        gone = passed(old, today)
        if gone:
            promised.forget(pool, [step.step for step in gone])
            old = [step for step in old if step not in gone]
        rows = _with_steps(promised, pool, old, [expiry for expiry, _ in risen], today)
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
            days = short_days(rows, promised.need(pool), today)
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


def _with_steps(promised: Promised, pool: Pool, steps: list[Step], expiries: Sequence[date], today: date) -> list[Step]:
    have = {step.step for step in steps}
    # A batch that expired before the row that bound yesterday needs no step: it would have passed.
    bound = next((step.step for step in binding(steps, today - timedelta(days=1))), FIRST)
    wanted = {FIRST, *(day for day in map(step_after, expiries) if day > bound)}
    missing = wanted - have
    if missing:
        need = promised.need(pool)
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
