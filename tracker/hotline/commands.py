"""What use cases of this room are asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tracker.hotline.rules.words import CallOutcome, TicketBy


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginCall:
    """`phone`: the number that the telephone shows, None where it is hidden; not shown by `repr`."""

    id: UUID
    phone: str | None
    language: str = "id"

    def __repr__(self) -> str:
        return f"BeginCall(id={self.id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SayInCall:
    """What the caller answered, as the operator typed it; the same id again gets the same replies."""

    call_id: UUID
    message_id: str
    text: str

    def __repr__(self) -> str:
        return f"SayInCall(call_id={self.call_id}, message_id={self.message_id!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTicket:
    """The ticket of what was booked in this call."""

    call_id: UUID
    by: TicketBy


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """What it came to; `note` for the colleagues, without anybody's name or number."""

    call_id: UUID
    outcome: CallOutcome
    note: str | None = None
