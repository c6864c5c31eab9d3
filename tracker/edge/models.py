"""Answers kept for repeats of a write, and how the line before booking stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger
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


class WaitingLine(Base):
    """One row: how many numbers were ever drawn, and up to which they were let in. No number stands here."""

    __tablename__ = "waiting_line"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("let_in BETWEEN 0 AND drawn", name="in_order"),
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    drawn: Mapped[int] = mapped_column(BigInteger)
    let_in: Mapped[int] = mapped_column(BigInteger)
