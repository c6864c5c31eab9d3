"""What is said of calls on the feed: who took them and what they came to, nothing of who called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.feed.contract import Event
from tracker.hotline.rules.words import CallOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBegun(Event):
    """An operator took a call."""

    KIND: ClassVar[str] = "hotline.call_begun"
    TOLD_AT: ClassVar[str] = "the operator's unit"

    call_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """A call is over; `cut_off` also where nobody ended it."""

    KIND: ClassVar[str] = "hotline.call_ended"
    TOLD_AT: ClassVar[str] = "the operator's unit"

    call_id: UUID
    account_id: UUID
    outcome: CallOutcome
    seconds: int
