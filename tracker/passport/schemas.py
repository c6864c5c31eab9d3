"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.coldchain.schemas import AlarmOut
from tracker.passport.rules.holding import Disposition, Harm, HoldState, ShakeTest
from tracker.stock.rules.words import Account


class HoldOut(BaseModel):
    """Vials of one batch at one place, stopped because of one episode."""

    id: UUID
    state: HoldState
    harm: Harm
    alarm: UUID | None
    episode: UUID
    facility: str
    facility_name: str
    account: Account
    place: str | None = Field(description="Code of the equipment; null on the road and for opened vials.")
    batch: UUID
    lot: str
    expiry: date
    product: str
    product_name: str
    vials: int
    doses: int = Field(description="As on the label.")
    placed_at: datetime
    evidence: dict[str, Any]
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    shake_test: ShakeTest | None
    override: bool


class DecisionIn(BaseModel):
    """Why held vials may be used again (or, in a disposition, what becomes of them)."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
    shake_test: ShakeTest | None = Field(None, description="After freezing: result of the shake test.")
    override: bool = Field(False, description="The level above takes it upon itself (needs hold.override).")


class DispositionIn(DecisionIn):
    """What becomes of one batch the alarm holds."""

    batch: UUID
    disposition: Disposition


class CloseIn(BaseModel):
    """A disposition for every held batch; none when the alarm holds nothing."""

    model_config = ConfigDict(extra="forbid")

    dispositions: list[DispositionIn] = Field(default_factory=list, max_length=200)
    comment: str | None = Field(None, max_length=2000)


class ClosedOut(BaseModel):
    """The closed alarm and its holds as they now stand."""

    alarm: AlarmOut
    holds: list[HoldOut]
