"""Phones whose owners want no messages but those they ask for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.people.models import SilentPhone


def silence(db: Session, phone: str, medium: str, *, now: datetime) -> None:
    """From now on nothing goes to that phone of itself; said again it changes nothing."""
    row = insert(SilentPhone).values(phone=phone, medium=medium, since=now)
    db.execute(row.on_conflict_do_nothing())


def lift_silence(db: Session, phone: str) -> bool:
    """They want messages again; whether they wanted none."""
    found = db.get(SilentPhone, phone)
    if found is not None:
        db.delete(found)
        db.flush()
    return found is not None


def silent_since(db: Session, phone: str | None) -> datetime | None:
    """Since when no messages are wanted on a phone; None where they are."""
    return db.scalar(select(SilentPhone.since).where(SilentPhone.phone == phone))
