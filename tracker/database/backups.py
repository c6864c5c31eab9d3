"""When the newest backup was complete, as far as whoever makes them has told the house."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.database.base import Base

TELL = "SELECT backup_made(%s)"
"""What tells it: a function of the database that needs no right to any table, for who makes backups has none."""


class BackupTold(Base):
    """One row: the newest backup that was told of."""

    __tablename__ = "backup_told"
    __table_args__ = (CheckConstraint("newest", name="one_row"),)

    newest: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    complete_at: Mapped[datetime]
    told_at: Mapped[datetime]


def newest_backup(db: Session) -> datetime | None:
    """When it was complete; None where nobody has told of one."""
    return db.scalar(select(BackupTold.complete_at))
