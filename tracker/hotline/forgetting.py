"""Calls whose time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from tracker.hotline.models import HotlineCall


def old_calls(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Calls that were over before that instant."""
    return select(HotlineCall.ended_at, HotlineCall.id).where(HotlineCall.ended_at < before)


def forget_calls(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them."""
    del now
    db.execute(delete(HotlineCall).where(HotlineCall.id.in_([row.id for row in rows])))
