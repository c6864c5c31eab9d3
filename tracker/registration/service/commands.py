"""Commands of this room: what its use cases are asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.quota.rules.words import Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; ids are the mouth's own. Text and sender are not shown by `repr`.

    `sender`: the phone number the mouth knows it to come from. `sent_at`: when it was written, by the mouth's clock. `near`: a point that was
    sent, latitude and longitude.
    """

    conversation_id: UUID
    message_id: str
    medium: Medium
    text: str
    language: str = "id"
    sender: str | None = None
    sent_at: datetime | None = None
    near: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"Message(conversation_id={self.conversation_id}, message_id={self.message_id!r})"
