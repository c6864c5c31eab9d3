"""Handsets, the steps of their books, and what each was last told of its store."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.handsets.rules import StepState, Way


class Handset(Base):
    """A browser in which one account works, and its one book of steps."""

    __tablename__ = "handset"
    __table_args__ = (
        Index(None, "facility_id"),
        Index(None, "account_id"),
        CheckConstraint("num_nonnulls(cut_off_at, cut_off_by, cut_off_reason) IN (0, 3)", name="cut_off_whole"),
        CheckConstraint("last_number >= 0", name="counted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    former: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=sql("'{}'"))
    """Facilities at which it was enrolled before: what was done there and is sent later is still theirs."""
    name: Mapped[str]
    enrolled_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    last_number: Mapped[int] = mapped_column(server_default="0")
    last_hash: Mapped[str]
    cut_off_at: Mapped[datetime | None]
    cut_off_by: Mapped[str | None]
    cut_off_reason: Mapped[str | None]


class HandsetStep(Base):
    """One step as the phone wrote it down, and what became of it.

    `facility_id` is where it was done, wherever its phone is at home by now: whose conflict it is, and who may settle it.
    `before` is the hash of the step before: the book is whole, and the table itself says so. What a step says is in its
    `text`, whose other columns are read out of it; `corrected` is what a person made of its body.
    """

    __tablename__ = "handset_step"
    __table_args__ = (
        UniqueConstraint("handset_id", "number", "hash"),
        UniqueConstraint("handset_id", "number"),
        ForeignKeyConstraint(
            ["handset_id", "previous", "before"],
            ["handset_step.handset_id", "handset_step.number", "handset_step.hash"],
            name="fk_handset_step_chain",
        ),
        CheckConstraint(
            "CASE WHEN number = 1 THEN previous IS NULL AND before = repeat('0', 64) ELSE previous = number - 1 END",
            name="follows",
        ),
        CheckConstraint("hash = encode(sha256(convert_to(before || text, 'UTF8')), 'hex')", name="proven"),
        CheckConstraint("state <> 'conflict' OR code IS NOT NULL", name="conflict_says_why"),
        CheckConstraint("num_nonnulls(settle_id, settled_at, settled_by, way, reason) IN (0, 5)", name="settled_whole"),
        CheckConstraint("(way = 'correct') = (corrected IS NOT NULL) OR way IS NULL", name="corrected_whole"),
        Index("ix_handset_step_open", "handset_id", "number", postgresql_where=sql("state IN ('conflict', 'waiting')")),
        Index("ix_handset_step_open_at", "facility_id", postgresql_where=sql("state IN ('conflict', 'waiting')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handset_id: Mapped[UUID] = mapped_column(ForeignKey("handset.id"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    number: Mapped[int]
    previous: Mapped[int | None]
    before: Mapped[str]
    hash: Mapped[str]
    text: Mapped[str]
    kind: Mapped[str]
    needs: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    said_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[StepState] = mapped_column(StrEnumText(StepState))
    code: Mapped[str | None]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))
    result_id: Mapped[UUID | None]
    settle_id: Mapped[UUID | None] = mapped_column(unique=True)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    way: Mapped[Way | None] = mapped_column(StrEnumText(Way))
    reason: Mapped[str | None]
    corrected: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    @property
    def body(self) -> dict[str, Any]:
        """What it says now: a person's correction, else the phone's own words; for half of a letter (a remark that
        was cut within a sign of two halves) stands a question mark, for no answer and no other table can hold it.
        """
        if self.corrected is not None:
            return self.corrected
        whole = json.dumps(json.loads(self.text)["body"], ensure_ascii=False).encode(errors="replace")
        said: dict[str, Any] = json.loads(whole)
        return said


class HandsetHolding(Base):
    """What somebody was last told of a facility: a digest of each row by its key, so that the next answer tells the difference."""

    __tablename__ = "handset_holding"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    token: Mapped[UUID] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]
    digests: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB)
