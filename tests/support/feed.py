"""Events of tests: the feed's own machinery is tried with classes no room knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.contract import Audience, Event
from tracker.feed.service import append


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldHere(Event):
    """A test says something under a unit."""

    KIND: ClassVar[str] = "test.told"

    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldToNation(Event):
    """A test says something to the nation."""

    KIND: ClassVar[str] = "test.told_to_nation"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(ToldToNation):
    """Something nobody listens to."""

    KIND: ClassVar[str] = "test.other"


def say(db: Session, unit_id: UUID | None, subjects: Sequence[str], *, now: datetime) -> list[UUID]:
    """Append one event for each subject; their ids."""
    told = ToldHere() if unit_id else ToldToNation()
    return [append(db, told, unit_id=unit_id, subject=one, occurred_at=now, now=now) for one in subjects]
