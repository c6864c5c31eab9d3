"""Wire shapes of this room. The identity number goes in and never comes out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Group = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class PersonIn(BaseModel):
    """Somebody to be vaccinated."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: UUID
    nik: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(description="16 digits.")
    name: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    residence: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        None, description="Area code, BPS or Kemendagri, best of the kelurahan."
    )
    groups: list[Group] = Field(default_factory=list, max_length=20)


class PersonOut(BaseModel):
    """A person as the API shows one."""

    id: UUID
    name: str
    birth_date: date
    sex: str
    phone: str | None = Field(description="Masked.")
    residence: str | None
    groups: list[str]
    registered_at: datetime
    warnings: list[str] = Field(default_factory=list)
