"""Answers that nobody will ask for again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select, tuple_
from sqlalchemy.orm import Session

from tracker.edge.models import StoredAnswer


def old_answers(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Answers kept for repeats since before that instant."""
    return select(StoredAnswer.created_at, StoredAnswer.account_id, StoredAnswer.key).where(
        StoredAnswer.created_at < before
    )


def forget_answers(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them: the same request is judged anew from then on."""
    del now
    names = tuple_(StoredAnswer.account_id, StoredAnswer.key)
    db.execute(delete(StoredAnswer).where(names.in_([(row.account_id, row.key) for row in rows])))
