"""What the passport says on the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.feed.contract import Event, formerly


@dataclass(frozen=True, slots=True, kw_only=True)
class StockHeld(Event):
    """Vials an episode may have harmed were stopped at one facility; one event for each facility they are at."""

    KIND: ClassVar[str] = "passport.held"
    TOLD_AT: ClassVar[str] = "the facility the vials are at, or the one that sent them when they are on the road"

    alarm_id: UUID | None
    episode_id: UUID
    rule: str
    equipment_id: UUID | None
    facility_id: UUID
    batch_ids: Annotated[tuple[UUID, ...], formerly("batches")]
    vials: int
    doses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfHold(Event):
    """Of one hold; `vials` are those that changed their status by it."""

    TOLD_AT: ClassVar[str] = StockHeld.TOLD_AT

    hold_id: UUID
    alarm_id: UUID | None
    batch_id: UUID
    facility_id: UUID
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased(_OfHold):
    """A person freed a hold; its vials are usable again where no other hold covers them."""

    KIND: ClassVar[str] = "passport.released"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDiscarded(_OfHold):
    """A person gave the vials of a hold up for good."""

    KIND: ClassVar[str] = "passport.discarded"
