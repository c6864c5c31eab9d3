"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.coldchain.schemas import AlarmOut
from tracker.edge.values import Flag
from tracker.edge.words import Seen
from tracker.passport.rules.harm import Disposition, Harm, HoldState, ShakeTest
from tracker.stock.rules.words import Account, Status


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

    reason: Annotated[str, Seen] = Field(min_length=1, max_length=2000)
    shake_test: ShakeTest | None = Field(None, description="After freezing: result of the shake test.")
    override: Flag = Field(False, description="The level above takes it upon itself (needs hold.override).")


class DispositionIn(DecisionIn):
    """What becomes of one batch the alarm holds."""

    batch: UUID
    disposition: Disposition


class CloseIn(BaseModel):
    """A disposition for every held batch; none when the alarm holds nothing."""

    model_config = ConfigDict(extra="forbid")

    dispositions: list[DispositionIn] = Field(default_factory=list, max_length=200)
    comment: Annotated[str, Seen] | None = Field(None, max_length=2000)


class ClosedOut(BaseModel):
    """The closed alarm and its holds as they now stand."""

    alarm: AlarmOut
    holds: list[HoldOut]


class ExposureOut(BaseModel):
    """Minutes and °C. `vvm_used` is the share of the VVM's life used, 1 = at its end point; null without a VVM."""

    known_minutes: float
    unmonitored_minutes: float
    minutes_below_0: float
    minutes_above_8: float
    min_c: float | None
    max_c: float | None
    vvm_used: float | None


class StayOut(BaseModel):
    """Vials of the batch at one place in one status, from the first to the last."""

    account: Account
    status: Status
    place: str | None
    place_name: str | None
    facility: str | None
    facility_name: str | None
    from_at: datetime
    to_at: datetime | None
    vials: int
    mkt_c: float | None = Field(description="Of this stay alone; null when unmeasured or for frozen classes.")
    here: ExposureOut
    total: ExposureOut = Field(description="With what the vials had when they came; the worst where parcels met.")
    vvm_stage: int | None = Field(description="As people last recorded it.")
    origin_unknown: bool = Field(description="Some of the vials were found; nobody knows where they had been.")
    archived_until: datetime | None = Field(
        description="Readings from before that instant are archived: what was summed up by hours stays, the rest of that time counts as unmonitored. null: none of this stay is."
    )
    vvm_disagrees: bool = Field(description="The recorded stage and the computed life do not fit together.")


class PassportAlarmOut(BaseModel):
    """An alarm at a place on the road, and what was decided about this batch."""

    alarm: UUID
    rule: str
    facility: str
    equipment: str | None
    started_at: datetime
    alarmed_at: datetime
    ended_at: datetime | None
    acknowledged_by: str | None
    disposition: Disposition | None
    reason: str | None


class PassportOut(BaseModel):
    """What a batch was exposed to on its road to one facility."""

    batch: UUID
    lot: str
    expiry: date
    product: str
    product_name: str
    facility: str
    vvm_type: str | None
    freeze_sensitive: bool
    stays: list[StayOut]
    holds: list[HoldOut]
    alarms: list[PassportAlarmOut]
