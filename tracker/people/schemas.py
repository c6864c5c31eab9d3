"""Wire shapes of this room. The identity number goes in and never comes out."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.values import Day
from tracker.edge.words import Seen
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import Identity, PersonAct, WithoutNik

Group = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Phone = Annotated[str, StringConstraints(max_length=60)]
Residence = Annotated[str, StringConstraints(max_length=40)]
NikText = Annotated[str, StringConstraints(min_length=1, max_length=40)]
UnitCode = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, Seen, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class PersonIn(BaseModel):
    """Somebody to be vaccinated: with an identity number, or with the reason why there is none."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: UUID
    nik: NikText | None = Field(None, description="16 digits.")
    name: Name
    phone: Phone | None = None
    residence: Residence | None = Field(None, description="Area code, BPS or Kemendagri, best of the kelurahan.")
    groups: list[Group] = Field(default_factory=list, max_length=20)
    without_nik: WithoutNik | None = Field(None, description="Why there is no NIK; then birth date and sex are needed.")
    birth_date: Day | None = None
    sex: Sex | None = None
    guardian: UUID | None = Field(None, description="The person whose phone rings for this one.")
    unit: UnitCode | None = Field(
        None, description="Code of the unit that registers; needed by who registers people at several."
    )


class PersonChangeIn(BaseModel):
    """What is different now; what is left out stays."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Name | None = None
    phone: Phone | None = None
    residence: Residence | None = None
    groups: list[Group] | None = Field(None, max_length=20)
    birth_date: Day | None = Field(None, description="Only of somebody without a NIK, which says it.")
    sex: Sex | None = None
    guardian: UUID | None = None
    reason: Reason | None = None


class NikIn(BaseModel):
    """The right number of a person, or why there is none."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Reason
    nik: NikText | None = None
    without_nik: WithoutNik | None = None
    birth_date: Day | None = None
    sex: Sex | None = None


class PersonSearchIn(BaseModel):
    """A whole identity number; in the body, because addresses are written into logs."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    nik: NikText


class PersonOut(BaseModel):
    """A person as the API shows one."""

    id: UUID
    name: str
    birth_date: dt.date
    sex: str
    phone: str | None = Field(description="Masked.")
    residence: str | None
    groups: list[str]
    identity: Identity
    without_nik: WithoutNik | None
    guardian: UUID | None
    registered_at: dt.datetime
    warnings: list[str] = Field(default_factory=list)


class PersonsOut(BaseModel):
    """Everybody under a number: who has it proven first."""

    items: list[PersonOut]


class PersonRecordOut(BaseModel):
    """What somebody did with a person's record; changes with both versions, numbers masked."""

    id: UUID
    person: UUID
    at: dt.datetime
    who: str
    act: PersonAct
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
