"""What a ticket says and when it opens the door. Pure.

A ticket names a booking, never a person: whoever finds one learns a place and a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A booking at a facility (code) on a local day."""

    booking: UUID
    facility: str
    day: date
    dose: int

    def to_claims(self) -> dict[str, Any]:
        """Short names: every byte makes the code's squares smaller."""
        return {"b": self.booking.hex, "f": self.facility, "d": self.day.isoformat(), "n": self.dose}

    @classmethod
    def from_claims(cls, claims: dict[str, Any]) -> Ticket:
        """Raises ValueError, KeyError or TypeError when these are no ticket's claims."""
        return cls(
            booking=UUID(hex=claims["b"]),
            facility=str(claims["f"]),
            day=date.fromisoformat(claims["d"]),
            dose=int(claims["n"]),
        )
