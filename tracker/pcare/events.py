"""What this room says on the feed: ids only, nobody's name, no number of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLost(_OfRecord):
    """P-Care had a dose and has it no more; it is told again."""

    KIND: ClassVar[str] = "pcare.lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMade(Event):
    """A facility's day was handed over in a file for P-Care; each person in it has a note of who made it."""

    KIND: ClassVar[str] = "pcare.file_made"

    facility_id: UUID
    day: date
    records: int
