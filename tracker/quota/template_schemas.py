"""Wire shapes of templates of sessions."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.values import Day, Number, Whole
from tracker.edge.words import Seen
from tracker.quota.schemas import Ref

Name = Annotated[
    str, Seen, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00]+$")
]
# A wall clock's time: what is held every week has no date and no zone of its own.
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class TemplateBucket(BaseModel):
    """Places kept for somebody."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="kelurahan, city, walk_in, second_dose, nakes or general."
    )
    share: Number = Field(gt=0, le=100_000, description="Part of the capacity up to 1, or whole persons from 2 on.")
    release_hours: Whole | None = Field(
        None, ge=0, le=2_000, description="So many hours before the session begins the rest is for anybody."
    )


class TemplateIn(BaseModel):
    """A template as it is to stand."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    facility: Ref
    name: Name
    weekday: Whole | None = Field(None, ge=1, le=7, description="1 is Monday; none for any day.")
    opens: Clock = Field(alias="from", description="Local time, 08:00.")
    closes: Clock = Field(alias="to", description="Local time, 12:00.")
    presentation: Ref
    doses: list[Annotated[Whole, Field(ge=1, le=9)]] = Field(min_length=1, max_length=9)
    capacity: Whole = Field(ge=1, le=100_000)
    buckets: list[TemplateBucket] = Field(default_factory=list, max_length=20)
    place: Ref | None = Field(None, description="Equipment its vials come from, by id or code; else the stores.")
    areas: list[Annotated[str, Field(max_length=20, pattern=r"^[0-9.]+$")]] = Field(
        default_factory=list,
        max_length=100,
        description="Kelurahan whose people are its residents; else the facility's.",
    )


class TemplateOut(BaseModel):
    """A template."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    facility: UUID
    name: str
    weekday: int | None
    opens: str = Field(alias="from")
    closes: str = Field(alias="to")
    presentation: UUID
    doses: list[int]
    capacity: int
    buckets: list[TemplateBucket]
    place: UUID | None
    areas: list[str]
    saved_at: dt.datetime


class TemplatesOut(BaseModel):
    """All templates of a facility."""

    items: list[TemplateOut]


class FromTemplateIn(BaseModel):
    """A session like the template, on a day."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    date: Day
