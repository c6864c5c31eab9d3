"""What this room is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.adverse.rules.words import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody had after a dose: codes of the list, words of whoever tells it, or both."""

    onset_at: datetime
    symptoms: tuple[str, ...]
    words: str | None
    serious: bool
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAdverse:
    """An adverse event after the dose of a booking. The id is made by whoever acts first; the same again is the same event."""

    id: UUID
    booking_id: UUID
    told: Told
    facility_id: UUID | None = None
    """Where the person came with it; None: where the dose was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeElsewhere:
    """Who had the dose of this booking has come to a facility that did not give it, with something that followed."""

    booking_id: UUID
    facility_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectAdverse:
    """What should have been told, whole, and why; `withdrawn`: it was told by mistake and counts nowhere."""

    event_id: UUID
    told: Told
    withdrawn: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAdverse:
    """What was done about a serious one, in words."""

    event_id: UUID
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSymptom:
    """A symptom of the list, with its word in both languages; a code that is there gets other words."""

    code: str
    word_id: str
    word_en: str
