"""What may still be promised, as the quota room and the pages read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, text
from sqlalchemy.orm import Session, aliased

from tracker.database.hot import ask
from tracker.stock.models import Availability, StockNeed
from tracker.stock.rules import availability as rules
from tracker.stock.rules.availability import Step

Pool = tuple[UUID, UUID]  # facility (for its stores) or equipment that sessions take along, presentation


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A row that binds: from `from_day` on, `vials` usable, `needed` promised, `short` not covered."""

    step: date
    from_day: date
    vials: int
    needed: int
    short: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """All that binds at a pool today; `short` is the worst shortage."""

    rows: tuple[StepRow, ...]
    steps: tuple[Step, ...]
    today: date

    @property
    def vials(self) -> int:
        """Usable vials that serve today."""
        return self.rows[0].vials if self.rows else 0

    @property
    def needed(self) -> int:
        """Vials promised from today on."""
        return self.rows[0].needed if self.rows else 0

    @property
    def short(self) -> int:
        """By how many vials promises exceed what there is, at worst."""
        return max((row.short for row in self.rows), default=0)

    def bears(self, day: date) -> int:
        """Vials that can still be promised for `day`."""
        return rules.bears(self.steps, day, self.today)


@dataclass(frozen=True, slots=True)
class PoolBook:
    """What is noted of a pool: vials needed by day (days without any are left out), and its steps, ascending."""

    need: Mapping[date, int]
    steps: tuple[Step, ...]


NOTED = """
    'need', (
        SELECT json_agg(json_build_array(day, vials)) FROM stock_need
        WHERE pool_id = %(pool)s AND presentation_id = %(presentation)s AND vials > 0
    ),
    'steps', (
        SELECT json_agg(json_build_array(step, vials, needed, short) ORDER BY step) FROM availability
        WHERE pool_id = %(pool)s AND presentation_id = %(presentation)s
    )
"""
"""The fields of a JSON object that `book_of` reads; for hot statements (`tracker/database/hot.py`)."""


def book_of(noted: Mapping[str, Any]) -> PoolBook:
    """What `NOTED` answered."""
    at = date.fromisoformat
    return PoolBook(
        need={at(day): vials for day, vials in noted["need"] or ()},
        steps=tuple(Step(at(step), *numbers) for step, *numbers in noted["steps"] or ()),
    )


def read_book(db: Session, pool: Pool) -> PoolBook:
    """What is noted of a pool; who wants to rely on it has locked it."""
    asked = {"pool": pool[0], "presentation": pool[1]}
    return book_of(ask(db.connection(), f"SELECT json_build_object({NOTED})::text", asked))


def read_steps(db: Session, pool_id: UUID, presentation_id: UUID) -> list[Step]:
    """All rows of a pool, ascending, passed ones too."""
    rows = db.execute(
        select(Availability.step, Availability.vials, Availability.needed, Availability.short)
        .where(Availability.pool_id == pool_id, Availability.presentation_id == presentation_id)
        .order_by(Availability.step)
    )
    return [Step(*row) for row in rows]


def binds(today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a row of Availability binds on `today`, for statements over many pools.

    The same rule as `rules.availability.binding`: the largest step up to today, and all later ones.
    """
    later = aliased(Availability)
    passed = exists().where(
        later.pool_id == Availability.pool_id,
        later.presentation_id == Availability.presentation_id,
        later.step > Availability.step,
        later.step <= today,
    )
    return ~passed


def pool_state(db: Session, pool_id: UUID, presentation_id: UUID, today: date) -> list[StepRow]:
    """The rows of a pool that bind on `today` (local day), ascending."""
    return list(_state(read_steps(db, pool_id, presentation_id), today).rows)


# Pools as two arrays: a parameter for each of a thousand pools costs more than what is read. Each by its key (OFFSET keeps
# the planner from joining): otherwise a few hundred of them are reason enough to read the table whole.
_STEPS = text(
    """
    SELECT a.pool_id, a.presentation_id, a.step, a.vials, a.needed, a.short
    FROM unnest(CAST(:pools AS uuid[]), CAST(:presentations AS uuid[])) AS p (pool_id, presentation_id)
    CROSS JOIN LATERAL (
        SELECT * FROM availability WHERE pool_id = p.pool_id AND presentation_id = p.presentation_id OFFSET 0
    ) AS a
    ORDER BY a.step
    """
)


def pool_states(db: Session, pools: Collection[Pool], today: date) -> dict[Pool, PoolState]:
    """Many pools in one statement; a pool never stocked has no rows and bears nothing."""
    found: dict[Pool, list[Step]] = {pool: [] for pool in pools}
    asked = {"pools": [pool for pool, _ in found], "presentations": [presentation for _, presentation in found]}
    for row in db.execute(_STEPS, asked):
        found[row.pool_id, row.presentation_id].append(Step(row.step, row.vials, row.needed, row.short))
    return {pool: _state(steps, today) for pool, steps in found.items()}


def bears(db: Session, pool_id: UUID, presentation_id: UUID, day: date, today: date) -> int:
    """Vials that can still be promised at a pool for `day`."""
    return rules.bears(read_steps(db, pool_id, presentation_id), day, today)


def need_by_day(db: Session, pool_id: UUID, presentation_id: UUID) -> dict[date, int]:
    """Vials promised, by day, ascending; days without any are left out."""
    rows = db.execute(
        select(StockNeed.day, StockNeed.vials)
        .where(StockNeed.pool_id == pool_id, StockNeed.presentation_id == presentation_id, StockNeed.vials > 0)
        .order_by(StockNeed.day)
    )
    return {row.day: row.vials for row in rows}


def _state(steps: list[Step], today: date) -> PoolState:
    rows = tuple(
        StepRow(step=s.step, from_day=max(s.step, today), vials=s.vials, needed=s.needed, short=s.short)
        for s in rules.binding(steps, today)
    )
    return PoolState(rows=rows, steps=tuple(steps), today=today)
