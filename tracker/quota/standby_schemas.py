"""Wire shapes of the standby list."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.edge.values import Whole
from tracker.quota.rules.words import Said


class StandbyIn(BaseModel):
    """Somebody wants to be called when doses are left."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    person: UUID
    dose: Whole = Field(ge=1, le=9)


class StandbyOut(BaseModel):
    """Somebody on the list."""

    id: UUID
    person: UUID
    dose: int
    asked_at: dt.datetime


class ToCallOut(StandbyOut):
    """Somebody in the order of the draw."""

    group: str
    said: Said | None


class CallListOut(BaseModel):
    """Whom to call, in order: by group, then by SHA-256 of `seed:id` (hex). Nobody before the draw."""

    seed: str | None
    drawn_at: dt.datetime | None
    drawn_by: str | None
    waiting: int
    items: list[ToCallOut]


class CallIn(BaseModel):
    """What somebody said who was called."""

    model_config = ConfigDict(extra="forbid")

    said: Said
