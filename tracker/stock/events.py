"""What the ledger says on the feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.feed.contract import Event, formerly
from tracker.stock.rules.words import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMoved(Event):
    """An event was written into the ledger: vials came, went, were counted or changed their status.

    `presentation_id` is the first of `presentation_ids`. `cause_id` is the episode, hold or recall for whose
    sake vials changed their status.
    """

    KIND: ClassVar[str] = "stock.moved"

    stock_event_id: Annotated[UUID, formerly("event")]
    kind: Kind
    facility_id: Annotated[UUID, formerly("facility")]
    presentation_id: Annotated[UUID | None, formerly("presentation")] = None
    presentation_ids: Annotated[tuple[UUID, ...], formerly("presentations")]
    batch_ids: Annotated[tuple[UUID, ...], formerly("batches")]
    cause_id: Annotated[UUID | None, formerly("cause")] = None
    shipment_id: Annotated[UUID | None, formerly("shipment")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfPool(Event):
    """Of the vials of one presentation at one facility: in its stores, or in equipment that sessions take along (`place_id`)."""

    facility_id: UUID
    presentation_id: UUID
    place_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockShort(_OfPool):
    """Usable vials fell below what is promised, or further below; `days` are those whose promises are not covered."""

    KIND: ClassVar[str] = "stock.short"

    days: tuple[date, ...]
    short_vials: Annotated[int, formerly("short")]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAvailable(_OfPool):
    """Usable vials came: supplied, received, returned, found or freed."""

    KIND: ClassVar[str] = "stock.available"

    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDosesFell(_OfPool):
    """Doses of opened vials are gone that nobody got, so whoever counted on them needs another vial."""

    KIND: ClassVar[str] = "stock.open_doses_fell"
