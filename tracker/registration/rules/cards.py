"""What a vaccination card says. Pure.

A card names its owner, as whoever checks it compares that with a face and a paper; an identity number is not on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

_CUT = 80


class CardState(StrEnum):
    """What is true of a card now."""

    VALID = "valid"
    CORRECTED = "corrected"  # dose or owner stand otherwise since: there is a newer card
    WITHDRAWN = "withdrawn"  # the dose was taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One dose of one person: what a card says besides which it is."""

    name: str
    born: date
    vaccine: str
    dose: int
    day: date
    facility: str
    lot: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card by its id, which nobody can guess, and the how manieth of its dose it is."""

    id: UUID
    version: int
    content: Content

    def to_claims(self) -> dict[str, Any]:
        """Short names: every byte makes the code's squares smaller."""
        told = self.content
        return {
            "i": self.id.hex,
            "r": self.version,
            "p": told.name[:_CUT],
            "o": told.born.isoformat(),
            "v": told.vaccine,
            "n": told.dose,
            "d": told.day.isoformat(),
            "f": told.facility,
            **({"l": told.lot} if told.lot else {}),
        }


def said(content: Content) -> dict[str, Any]:
    """The content as what a digest is made of."""
    return {name: str(value) for name, value in asdict(content).items()}


def masked(name: str) -> str:
    """A name by its first letters: enough to see whether a paper with the whole name belongs to it."""
    return " ".join(f"{word[0]}•••" for word in name.split())
