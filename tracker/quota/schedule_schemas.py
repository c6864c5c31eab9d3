"""Wire shapes of the schedule's rules."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tracker.edge.values import Day
from tracker.quota.schemas import Reason, Ref

Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]


class IntervalRule(BaseModel):
    """When a dose is due after the one before, in days; `after` is the vaccine of the one before."""

    model_config = ConfigDict(extra="forbid")

    rule: Literal["interval"]
    vaccine: Ref
    dose: int = Field(strict=True, ge=2, le=9)
    after: Ref | None = Field(None, description="The same vaccine when left out.")
    from_day: Day = Field(description="In force from this day on.")
    min_days: Annotated[int, Field(strict=True, ge=1, le=36_500)]
    due_days: Days
    max_days: Days
    source: Reason

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min_days <= self.due_days <= self.max_days:
            raise ValueError("min_days, due_days and max_days must rise")
        return self


class AgeRule(BaseModel):
    """From which age on, in calendar months, a dose and those after it are given."""

    model_config = ConfigDict(extra="forbid")

    rule: Literal["age"]
    vaccine: Ref
    dose: int = Field(1, strict=True, ge=1, le=9)
    from_day: Day = Field(description="In force from this day on.")
    min_months: Annotated[int, Field(strict=True, ge=0, le=1_440)]
    source: Reason


class SpacingRule(BaseModel):
    """Days between any dose of another vaccine and a dose of this one."""

    model_config = ConfigDict(extra="forbid")

    rule: Literal["spacing"]
    vaccine: Ref
    other: Ref
    from_day: Day = Field(description="In force from this day on.")
    min_days: Days
    source: Reason


RuleBody = Annotated[IntervalRule | AgeRule | SpacingRule, Field(discriminator="rule")]


class ScheduleOut(BaseModel):
    """Every rule there is or was, by vaccine, dose and day; of rules that differ in their day alone the newest is in force."""

    items: list[RuleBody]
