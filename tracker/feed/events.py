"""What the feed says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from tracker.feed.contract import Audience, Event, formerly


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSetAside(Event):
    """A reaction could not handle an event; it waits for somebody to have it tried again."""

    KIND: ClassVar[str] = "reactions.gave_up"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    reaction: str
    event_kind: Annotated[str, formerly("kind")]
    position: int
