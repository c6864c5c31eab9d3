"""Messages of devices that nobody looked into in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from tracker.telemetry.models import DeadLetter


def old_dead_letters(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Messages that could not become readings and did not come again since."""
    return select(DeadLetter.last_received_at, DeadLetter.id).where(DeadLetter.last_received_at < before)


def forget_dead_letters(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them."""
    del now
    db.execute(delete(DeadLetter).where(DeadLetter.id.in_([row.id for row in rows])))
