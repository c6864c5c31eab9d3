"""What a conversation remembers, and what a turn of it is. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tracker.registration.rules.wishes import Option, Say, Wish


class ConversationStep(StrEnum):
    """What the conversation waits for."""

    START = "start"
    GROUP = "group"
    NIK = "nik"
    PROOF = "proof"
    PLACE = "place"
    CHOICE = "choice"
    HEALTH = "health"
    SURE = "sure"
    BOOKED = "booked"
    LOST = "lost"
    CODE = "code"


# The questions of the national screening form that make a person come another day.
QUESTIONS = ("fever", "severe_allergy", "recent_covid")
SHOWN_AT_ONCE = 3
"""So many places are shown at a time; the others come with the word for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationState:
    """What the conversation remembers between two messages; JSON values only."""

    step: ConversationStep = ConversationStep.START
    person: str | None = None
    group: str | None = None
    """Of which group it was asked whether they belong to it."""
    options: tuple[Option, ...] = ()
    shown: int = 0
    """How many of the options were shown before those shown last."""
    chosen: Option | None = None
    asked: int = 0
    answers: dict[str, bool] = field(default_factory=dict)
    booking: str | None = None
    code: str | None = None
    missed: int = 0
    """How often an ending belonged to nobody; it stays through new beginnings, so that nobody tries all."""

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ConversationState:
        """As it was kept."""
        options = tuple(Option(**one) for one in value.get("options", ()))
        chosen = Option(**value["chosen"]) if value.get("chosen") else None
        return cls(
            step=ConversationStep(value["step"]),
            person=value.get("person"),
            group=value.get("group"),
            options=options,
            shown=int(value.get("shown", max(0, len(options) - SHOWN_AT_ONCE))),  # all, in rows of earlier versions
            chosen=chosen,
            asked=int(value.get("asked", 0)),
            answers={str(name): bool(said) for name, said in (value.get("answers") or {}).items()},
            booking=value.get("booking"),
            code=value.get("code"),
            missed=int(value.get("missed", 0)),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """The new state, what to say, and what must be looked up or done before more can be said."""

    state: ConversationState
    says: tuple[Say, ...] = ()
    wish: Wish | None = None
