"""What was deleted because its time was over: how much of what and when, and nothing of whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.database.base import Base
from tracker.kit.ids import uuid7


class Forgotten(Base):
    """One chunk that went: everything of that kind from before `before`, as far as it came."""

    __tablename__ = "forgotten"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    what: Mapped[str]
    before: Mapped[datetime]
    how_many: Mapped[int]


def note_forgotten(db: Session, what: str, how_many: int, *, before: datetime, now: datetime) -> None:
    """Write down that so many went, in the transaction in which they went."""
    if how_many:
        db.add(Forgotten(id=uuid7(), at=now, what=what, before=before, how_many=how_many))
        db.flush()


def last_forgotten(db: Session, *, most: int) -> Sequence[Forgotten]:
    """What went last, the newest first."""
    return db.scalars(select(Forgotten).order_by(Forgotten.id.desc()).limit(most)).all()
