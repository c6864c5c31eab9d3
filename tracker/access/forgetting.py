"""Log-ins that ran out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from tracker.access.models import Login


def old_logins(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Page log-ins that ran out before that instant; one that was ended by its owner is gone already."""
    return select(Login.expires_at, Login.id).where(Login.expires_at < before)


def forget_logins(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them."""
    del now
    db.execute(delete(Login).where(Login.id.in_([row.id for row in rows])))
