"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.edge.words import Seen
from tracker.hotline.rules.words import CallOutcome, TicketBy


class CallIn(BaseModel):
    """A call that an operator takes."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: UUID
    phone: str | None = Field(
        None, max_length=60, description="The number that the telephone shows, as it shows it; none where it is hidden."
    )
    language: Literal["id", "en"] = "id"


class CallOut(BaseModel):
    """A call; `person` is an id, to be read with `GET /persons/{id}`, which keeps that it was read."""

    id: UUID
    operator: str
    begun_at: datetime
    ended_at: datetime | None
    seconds: int | None = Field(description="How long it lasted; null while it does.")
    outcome: CallOutcome | None
    note: str | None
    person: UUID | None
    booking: UUID | None
    ticket_sent_by: TicketBy | None


class SoughtCallerIn(BaseModel):
    """Whom to look for: a NIK, a phone, or a name with a birth date."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: Annotated[str, Seen, Field(min_length=1, max_length=300)]


class ChosenCallerIn(BaseModel):
    """Whom the call is about."""

    model_config = ConfigDict(extra="forbid")

    person: UUID


class CallMessageIn(BaseModel):
    """What the caller answered."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: str = Field(min_length=1, max_length=100, description="The message's own id: a repeat gets the same replies.")
    text: str = Field(max_length=2000)


class CallChoiceOut(BaseModel):
    """An answer to the question that stands."""

    answer: str
    label: str
    detail: str


class SpelledTicketOut(BaseModel):
    """A ticket as it is read out."""

    facility: str
    vaccine: str
    dose: int
    day: date
    hours: str
    phone_ending: str = Field(
        description="The last three digits of the phone it can be sent to; empty where there is none."
    )


class CallRepliesOut(BaseModel):
    """What is to be read out, in order, and what may be answered."""

    replies: list[str]
    choices: list[CallChoiceOut]
    over: bool
    ticket: SpelledTicketOut | None


class SendTicketIn(BaseModel):
    """How to send the ticket."""

    model_config = ConfigDict(extra="forbid")

    by: TicketBy


class CallEndIn(BaseModel):
    """What a call came to."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    outcome: CallOutcome
    note: Annotated[str, Seen, Field(max_length=500)] | None = None


class StandardAnswerOut(BaseModel):
    """What operators answer to what people ask, in the language that was asked for."""

    key: str
    question: str
    answer: str


class StandardAnswersOut(BaseModel):
    """In the order of the catalogue."""

    items: list[StandardAnswerOut]
