"""What happened to messages to people: ids only, neither address nor text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.feed.contract import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfMessage(Event):
    """Of one message of the outbox; `template` names its words, `medium` the way it goes."""

    TOLD_AT: ClassVar[str] = "the facility the message speaks of"

    message_id: UUID
    template: str
    medium: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(_OfMessage):
    """A message was handed to its gateway, or lies where the person reads it; its cause is what it speaks of."""

    KIND: ClassVar[str] = "delivery.message_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(_OfMessage):
    """A message will not arrive: the person has no address for it, it was refused, or all tries are used up."""

    KIND: ClassVar[str] = "delivery.message_failed"
