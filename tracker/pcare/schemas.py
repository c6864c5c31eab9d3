"""Wire shapes of this room; nobody is named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.words import Seen
from tracker.pcare.rules.words import Reporting, State, Why


class PcareRecordOut(BaseModel):
    """One version of one dose as P-Care is told it."""

    id: UUID
    booking: UUID
    version: int
    facility: str
    day: date
    given: bool = Field(description="False: it says that the dose was not given.")
    state: State
    why: Why | None
    words: str | None = Field(description="P-Care's own, without numbers and names.")
    number: str | None = Field(description="P-Care's.")
    attempts: int
    next_at: datetime | None = Field(description="When it is tried next; null: not by itself.")
    made_at: datetime
    changed_at: datetime


class PcareStandOut(BaseModel):
    """How far P-Care was told."""

    connected: bool
    trouble: str | None
    rests_until: datetime | None
    answered_at: datetime | None
    oldest: datetime | None = Field(description="Since when the oldest record waits that could leave.")
    records: dict[State, int] = Field(description="In one's area; more than 10,000 are not counted.")


class PcareStrangerOut(BaseModel):
    """A record that P-Care has and we have not."""

    number: str
    facility: str
    day: date
    repeats: UUID | None = Field(description="Our record that it is a second copy of.")
    seen_at: datetime


class PcareFacilityIn(BaseModel):
    """How a facility's doses leave."""

    model_config = ConfigDict(extra="forbid")

    mode: Reporting
    code: (
        Annotated[
            str, Seen, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00]+$")
        ]
        | None
    ) = Field(None, description="P-Care's code of the facility; null: ours.")


class PcareFacilityOut(BaseModel):
    """How a facility's doses leave."""

    facility: str
    mode: Reporting
    code: str | None
