"""What can be asked of this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tracker.handsets.rules import Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """A phone begins a book: `id` is made by the phone, `facility` by id or code."""

    id: UUID
    facility: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """What a person decides of a conflict. `id` is made by whoever decides; `body` only of a correction."""

    id: UUID
    way: Way
    reason: str
    body: dict[str, Any] | None = None
