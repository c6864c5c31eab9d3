"""Wishes whose time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from tracker.interest.models import Interest


def old_interests(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """What people said before that instant and have not said again."""
    return select(Interest.at, Interest.id).where(Interest.at < before)


def forget_interests(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them."""
    del now
    db.execute(delete(Interest).where(Interest.id.in_([row.id for row in rows])))
