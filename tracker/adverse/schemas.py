"""Wire shapes of this room."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.adverse.rules.words import Level, Outcome
from tracker.edge.values import Flag, Instant
from tracker.edge.words import Seen

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
_PLAIN = r"^[^\x00]+$"
FacilityRef = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PLAIN)]
Word = Annotated[str, Seen, StringConstraints(strip_whitespace=True, min_length=2, max_length=100, pattern=_PLAIN)]
Words = Annotated[str, Seen, StringConstraints(strip_whitespace=True, min_length=2, max_length=1000, pattern=_PLAIN)]
Reason = Annotated[str, Seen, StringConstraints(strip_whitespace=True, min_length=3, max_length=500, pattern=_PLAIN)]


class ToldIn(BaseModel):
    """What somebody had after a dose."""

    model_config = ConfigDict(extra="forbid")

    onset: Instant = Field(description="When it began; not before the dose.")
    symptoms: list[Code] = Field(default_factory=list, max_length=30, description="Codes of `GET /adverse-symptoms`.")
    words: Words | None = Field(None, description="What the list has no code for.")
    serious: Flag = Field(description="Death, danger to life, hospital, lasting harm, or a child born with harm.")
    outcome: Outcome = Outcome.UNKNOWN


class AdverseIn(ToldIn):
    """An adverse event to be written down."""

    id: UUID
    booking: UUID
    facility: FacilityRef | None = Field(
        None, description="Where the person came with it, id or code; without it where the dose was given."
    )


class AdverseCorrectionIn(ToldIn):
    """What should have been told, whole."""

    withdrawn: Flag = False
    reason: Reason


class AdverseAnswerIn(BaseModel):
    """What was done about a serious one."""

    model_config = ConfigDict(extra="forbid")

    words: Words


class AdverseOut(BaseModel):
    """An adverse event without whom it befell."""

    id: UUID
    facility: str = Field(description="Where the dose was given.")
    presentation: str
    lot: str | None
    batch: UUID | None
    open_vial: UUID | None
    dose: int
    vaccinated_at: datetime | None = Field(description="Null where the dose was taken back since.")
    onset: datetime
    symptoms: list[str]
    serious: bool
    outcome: Outcome
    withdrawn: bool
    recorded_at: datetime


class AnswerOut(BaseModel):
    """What was done, for whom."""

    level: Level
    words: str
    recorded_by: str
    recorded_at: datetime


class AdverseDetailOut(AdverseOut):
    """An adverse event with whom it befell; that it was read is kept with the person."""

    booking: UUID
    person: UUID
    words: str | None
    recorded_by: str
    answers: list[AnswerOut]


class AdverseChangeOut(BaseModel):
    """What stood before somebody put it right."""

    before: dict[str, Any]
    reason: str
    recorded_by: str
    recorded_at: datetime


class SymptomIn(BaseModel):
    """A symptom's word in both languages."""

    model_config = ConfigDict(extra="forbid")

    word_id: Word
    word_en: Word


class SymptomOut(SymptomIn):
    """A symptom of the list."""

    code: str


class SymptomCountOut(BaseModel):
    """How often one was told."""

    symptom: str
    times: int


class TallyOut(BaseModel):
    """How often something followed a dose of a batch."""

    batch: UUID
    told: int
    serious: int
    symptoms: list[SymptomCountOut]


class SessionReportOut(BaseModel):
    """How a session went: persons, of opened vials doses, and adverse events."""

    session: UUID
    target: int
    booked: int
    came: int
    given: dict[int, int] = Field(description="By dose.")
    late: int
    awaited: int
    at_the_desk: int
    deferred: int
    refused: int
    no_show: int
    displaced: int
    vials: int
    doses_opened: int
    doses_given: int
    doses_left: int
    wasted: dict[str, int] = Field(description="Doses, by reason.")
    adverse: int
    adverse_serious: int
