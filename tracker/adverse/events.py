"""What adverse events say on the feed: ids only, and nothing of what somebody had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.adverse.rules.words import Level
from tracker.feed.contract import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAdverse(Event):
    """Of one adverse event."""

    adverse_event_id: UUID
    booking_id: UUID
    facility_id: UUID
    serious: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseTold(_OfAdverse):
    """Somebody had something after a dose, and it was told."""

    KIND: ClassVar[str] = "adverse.told"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseCorrected(_OfAdverse):
    """What was told of an adverse event was put right, or it was withdrawn."""

    KIND: ClassVar[str] = "adverse.corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseAnswered(_OfAdverse):
    """The head of the facility or the health office wrote down what was done about a serious one."""

    KIND: ClassVar[str] = "adverse.answered"

    level: Level
