"""Wire shapes of this room. Temperatures °C, durations seconds, times RFC 3339."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.coldchain.rules.limits import Severity
from tracker.edge.words import Seen


class AlarmOut(BaseModel):
    """One alarm."""

    id: UUID
    rule: str = Field(description="HEAT, FRZE, DOOR, POWR, …; SILENT: no data for three intervals.")
    severity: Severity
    facility: str = Field(description="Code of the unit it belongs to.")
    facility_name: str
    equipment: str | None
    equipment_name: str | None
    shipment: UUID | None
    device: str
    channel: int
    started_at: datetime
    alarmed_at: datetime
    ended_at: datetime | None = Field(description="Null while it goes on.")
    raised_at: datetime = Field(description="When this system learnt of it.")
    level: int = Field(description="Who is told: 0 facility, 1 city, 2 province.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    comment: str | None
    closed_at: datetime | None
    withdrawn_at: datetime | None = Field(description="Late readings showed that the limit was not met.")


class AcknowledgeIn(BaseModel):
    """What is being done about an alarm."""

    model_config = ConfigDict(extra="forbid")

    comment: Annotated[str, Seen, Field(max_length=2000)]


class EpisodeOut(BaseModel):
    """One episode of one limit on one sensor, as known now."""

    id: UUID
    rule: str
    severity: Severity
    channel: int
    equipment: UUID | None
    shipment: UUID | None
    started_at: datetime
    alarmed_at: datetime | None
    ended_at: datetime | None
    peak: float
    exposed_s: float
    known_s: float
    alarm: UUID | None
