"""What this room says on the feed: ids only, nobody's name, no number of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.feed.contract import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfRecord(Event):
    """Of one record."""

    record_id: UUID
    booking_id: UUID
    facility_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefused(_OfRecord):
    """P-Care will not have a dose as it is told; the reason stands on the page."""

    KIND: ClassVar[str] = "pcare.refused"
