"""Phones that were laid aside long ago: the whole book goes, as no step of a chain can go alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from tracker.handsets.models import Handset, HandsetHolding, HandsetStep
from tracker.handsets.rules import OPEN


def old_handsets(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Phones not heard since, of whose book nothing waits for a person."""
    waits = select(HandsetStep.id).where(HandsetStep.handset_id == Handset.id, HandsetStep.state.in_(sorted(OPEN)))
    return select(Handset.heard_at, Handset.id).where(Handset.heard_at < before, ~waits.exists())


def forget_handsets(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them, their steps, and what their accounts were told of a store before they fell silent."""
    del now
    ids = [row.id for row in rows]
    told = select(Handset.account_id).where(Handset.id.in_(ids))
    silent_since = max(row.heard_at for row in rows)
    db.execute(
        delete(HandsetHolding).where(HandsetHolding.account_id.in_(told), HandsetHolding.told_at <= silent_since)
    )
    db.execute(delete(HandsetStep).where(HandsetStep.handset_id.in_(ids)))
    db.execute(delete(Handset).where(Handset.id.in_(ids)))
