"""What was let go because its time was over: how much of what and when, and nothing of whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.database.base import Base
from tracker.kit.ids import uuid7


class Forgotten(Base):
    """One run of a rule: everything of that kind from before `before` goes, piece by piece.

    `how_many` went so far. While `ended_at` is None the run goes on behind `reached`, whoever takes the next piece. Of runs that
    found nothing only the last stays.
    """

    __tablename__ = "forgotten"
    __table_args__ = (Index("ix_forgotten_what_id", "what", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    what: Mapped[str]
    before: Mapped[datetime]
    how_many: Mapped[int]
    ended_at: Mapped[datetime | None]
    reached: Mapped[str | None]


def begin_run(db: Session, what: str, *, before: datetime, now: datetime) -> Forgotten:
    """A new run of a rule; an earlier one that found nothing says no more than this one will."""
    db.execute(
        delete(Forgotten).where(Forgotten.what == what, Forgotten.how_many == 0, Forgotten.ended_at.is_not(None))
    )
    run = Forgotten(id=uuid7(), at=now, what=what, before=before, how_many=0)
    db.add(run)
    db.flush()
    return run


def last_run(db: Session, what: str) -> Forgotten | None:
    """The newest run of a rule, at its end or not; read anew."""
    newest = select(Forgotten).where(Forgotten.what == what).order_by(Forgotten.id.desc()).limit(1)
    return db.scalar(newest.execution_options(populate_existing=True))


def last_that_took(db: Session, what: str) -> Forgotten | None:
    """The newest run of a rule in which something went."""
    took = select(Forgotten).where(Forgotten.what == what, Forgotten.how_many > 0)
    return db.scalar(took.order_by(Forgotten.id.desc()).limit(1))


def last_forgotten(db: Session, *, most: int) -> Sequence[Forgotten]:
    """What went last, the newest first."""
    return db.scalars(select(Forgotten).where(Forgotten.how_many > 0).order_by(Forgotten.id.desc()).limit(most)).all()
