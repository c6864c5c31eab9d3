"""Commands of this room: what its use cases are asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlarm:
    """Somebody has seen the alarm and says what is being done."""

    alarm_id: UUID
    comment: str
