"""What is said of persons on the feed: whose record changed, nothing of what stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.feed.contract import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChanged(Event):
    """Somebody's number, name, birth date or sex is another now, or two records became theirs: who was told of them is told again."""

    KIND: ClassVar[str] = "people.identity_changed"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    person_id: UUID
