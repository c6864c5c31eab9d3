"""An event on its way into the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from tracker.stock.rules.entries import Counted, Entry, Key
from tracker.stock.rules.words import Kind
from tracker.stock.service.reading import Facts


@dataclass(slots=True, kw_only=True)
class Work:
    """An event on its way into the ledger: what was asked, then what it moves."""

    id: UUID
    kind: Kind
    facility_id: UUID
    occurred_at: datetime
    content: str
    facts: Facts
    reason: str | None = None
    reference: str | None = None
    said: str | None = None
    cause: UUID | None = None
    shipment_id: UUID | None = None
    reverses_id: UUID | None = None
    ordinal: int | None = None  # of the event it stands beside; its own number when None
    need: Mapping[date, int] = field(default_factory=dict)
    need_of: UUID | None = None  # the equipment whose pool that is; the facility's own when None
    entries: list[Entry] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    moved: Mapping[Key, int] = field(default_factory=dict)  # once it is carried out: by which each balance changed
