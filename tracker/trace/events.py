"""What recalls say on the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.feed.contract import Audience, Event, formerly


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallStarted(Event):
    """A batch is called back, whether or not any of its vials were found."""

    KIND: ClassVar[str] = "trace.recall_started"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    recall_id: UUID
    batch_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallWithdrawn(Event):
    """A recall was started by mistake: it is over, whether or not any vials were still stopped by it."""

    KIND: ClassVar[str] = "trace.recall_withdrawn"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    recall_id: UUID
    batch_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallGoesOn(Event):
    """Vials of a batch are stopped, or given back, at some hundred facilities; others wait for the worker's next round."""

    KIND: ClassVar[str] = "trace.recall_goes_on"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    batch_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VialsGivenBack(Event):
    """Vials that a withdrawn recall had stopped at one facility are what they were; `held` of them are still on hold."""

    KIND: ClassVar[str] = "trace.given_back"
    TOLD_AT: ClassVar[str] = "the facility the vials are at, or the one that acts for them when they are on the road"

    recall_id: UUID
    batch_id: UUID
    presentation_code: str
    lot: str
    vials: int
    held: int
    facility_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecalled(Event):
    """Vials of a recalled batch were stopped at one facility; again when more of them come to light there."""

    KIND: ClassVar[str] = "trace.recalled"
    TOLD_AT: ClassVar[str] = "the facility the vials are at, or the one that acts for them when they are on the road"

    recall_id: Annotated[UUID, formerly("recall")]
    batch_id: Annotated[UUID, formerly("batch")]
    presentation_code: Annotated[str, formerly("product")]
    lot: str
    vials: int
    facility_id: UUID
