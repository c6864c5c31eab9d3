"""Answers kept for repeats of a write."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base


class StoredAnswer(Base):
    """The answer given to one (caller, key), kept in the transaction that did the work."""

    __tablename__ = "stored_answer"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
