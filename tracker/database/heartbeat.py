"""When each long-running loop last did its work; `/readyz` shows the ages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.database.base import Base


class Heartbeat(Base):
    """One row a loop: ingest, evaluation, reactions, numbering, timers."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]


def beat(db: Session, name: str, now: datetime) -> None:
    """The loop `name` has just done its work."""
    statement = upsert(Heartbeat).values(name=name, beat_at=now)
    db.execute(
        statement.on_conflict_do_update(index_elements=[Heartbeat.name], set_={"beat_at": statement.excluded.beat_at})
    )
