"""What handsets say on the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.feed.contract import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfHandset(Event):
    TOLD_AT: ClassVar[str] = "the facility the handset was enrolled at"

    handset_id: UUID
    facility_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfStep(Event):
    TOLD_AT: ClassVar[str] = "the facility where the step was done, wherever its handset is enrolled by now"

    handset_id: UUID
    facility_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsetEnrolled(_OfHandset):
    """A phone began a book of steps, or goes on with it at another facility."""

    KIND: ClassVar[str] = "handsets.enrolled"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsetCutOff(_OfHandset):
    """A phone was cut off: nothing is taken from it any more."""

    KIND: ClassVar[str] = "handsets.cut_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInConflict(_OfStep):
    """A step of a phone could not be carried out and waits for a person; `code` says why."""

    KIND: ClassVar[str] = "handsets.conflict"

    step_id: UUID
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettled(_OfStep):
    """A person has settled a conflict; `way` is again, correct or drop."""

    KIND: ClassVar[str] = "handsets.settled"

    step_id: UUID
    way: str
