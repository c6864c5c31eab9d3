"""What a gateway says afterwards of a message that it took. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Fate(StrEnum):
    """How far a gateway says that a message has come."""

    SENT = "sent"
    ARRIVED = "arrived"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One word of a gateway. `message` is our own id where it gives that back, `ref` its own; `reason` names nobody."""

    gateway: str
    fate: Fate
    at: datetime
    message: UUID | None = None
    ref: str | None = None
    reason: str = ""
