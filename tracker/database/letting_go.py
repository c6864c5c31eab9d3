"""Letting rows go whose time is over: piece by piece, in short transactions, from where the last piece ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

PIECE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """How many went, and behind what the next piece begins; `reached` is None at the end."""

    how_many: int
    reached: str | None


class Part(Protocol):
    """One kind of rows: how many are too old, and how the next of them go."""

    def count(self, db: Session, before: datetime, *, most: int) -> int | None:
        """How many are from before that instant, at most `most`; None where only the run itself can tell."""

    def count_all(self, db: Session, before: datetime) -> int:
        """All of them, however long that takes; for who asks before a first run."""

    def next(self, db: Session, before: datetime, reached: str | None, *, now: datetime) -> Piece:
        """Let the next of them go; harmless when it was stopped and is done again."""


@dataclass(frozen=True, slots=True)
class OldRows:
    """Rows that a select finds, by columns that tell them apart and by whose order they go."""

    too_old: Callable[[Session, datetime], Select[*tuple[Any, ...]]]
    forget: Callable[[Session, Sequence[Row[Any]], datetime], None]
    at_once: int = PIECE

    def count(self, db: Session, before: datetime, *, most: int) -> int:
        """How many are from before that instant, at most `most`."""
        return db.scalar(select(func.count()).select_from(self.too_old(db, before).limit(most).subquery())) or 0

    def count_all(self, db: Session, before: datetime) -> int:
        """All of them."""
        return db.scalar(select(func.count()).select_from(self.too_old(db, before).subquery())) or 0

    def next(self, db: Session, before: datetime, reached: str | None, *, now: datetime) -> Piece:
        """Let the next of them go. What somebody else has locked waits for another day."""
        query = self.too_old(db, before)
        columns = list(query.selected_columns)
        query = query.order_by(*columns).limit(self.at_once).with_for_update(skip_locked=True, of=columns[-1].table)
        if reached is not None:
            last = [
                literal(_value(said, column), column.type)
                for said, column in zip(json.loads(reached), columns, strict=True)
            ]
            query = query.where(tuple_(*columns) > tuple_(*last))
        rows = db.execute(query).all()
        if not rows:
            return Piece(how_many=0, reached=None)
        self.forget(db, rows, now)
        return Piece(how_many=len(rows), reached=json.dumps([str(value) for value in rows[-1]]))


def _value(said: str, column: Any) -> Any:
    kind: Any = column.type.python_type
    return datetime.fromisoformat(said) if kind is datetime else kind(said)
