"""What a shipment says on the feed: the same to both of its ends, one event for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.feed.contract import Event, Part, formerly
from tracker.shipments.rules.words import Difference, ShipmentState


class Side(StrEnum):
    """Which end this event is for."""

    SENDER = "sender"
    RECEIVER = "receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentNews(Event):
    """One shipment as it stands."""

    TOLD_AT: ClassVar[str] = "the sender, and once more the receiver"

    shipment_id: Annotated[UUID, formerly("shipment")]
    code: str
    state: ShipmentState
    from_facility_id: Annotated[UUID, formerly("from")]
    to_facility_id: Annotated[UUID, formerly("to")]
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentCreated(ShipmentNews):
    """A shipment was asked for by its receiver, or begun by its sender."""

    KIND: ClassVar[str] = "shipments.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentApproved(ShipmentNews):
    """The sender agreed to what was asked for, or to part of it."""

    KIND: ClassVar[str] = "shipments.approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTakenBack(ShipmentNews):
    """The sender took its approval back before anything was packed: the order waits again."""

    KIND: ClassVar[str] = "shipments.approval_taken_back"

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentCancelled(ShipmentNews):
    """Either end gave up a shipment that had not left; with the reason where one was said."""

    KIND: ClassVar[str] = "shipments.cancelled"

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentPacked(ShipmentNews):
    """Its vials were put into boxes."""

    KIND: ClassVar[str] = "shipments.packed"

    boxes: int
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentUnpacked(ShipmentNews):
    """Its boxes were emptied again before it left."""

    KIND: ClassVar[str] = "shipments.unpacked"

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptTakenBack(ShipmentNews):
    """A receipt did not happen: its vials are on the road again."""

    KIND: ClassVar[str] = "shipments.receipt_taken_back"

    receipt_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDispatched(ShipmentNews):
    """It left the sender."""

    KIND: ClassVar[str] = "shipments.dispatched"

    stock_event_id: Annotated[UUID, formerly("event")]
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentTold(ShipmentNews):
    """Vials came that nobody had announced, by the receiver's word; they are in nobody's books until the sender confirms."""

    KIND: ClassVar[str] = "shipments.told"

    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDisputed(ShipmentNews):
    """The sender says that it did not send what the receiver told of."""

    KIND: ClassVar[str] = "shipments.disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptNews(ShipmentNews):
    """What one receipt said in all its lines; several receipts make up a shipment that comes in parts."""

    receipt_id: Annotated[UUID, formerly("receipt")]
    accepted_vials: Annotated[int, formerly("accepted")]
    rejected_vials: Annotated[int, formerly("rejected")]
    missing_vials: Annotated[int, formerly("missing")]
    surplus_vials: Annotated[int, formerly("surplus")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentReceived(ReceiptNews):
    """The receiver took what came, all of it or a part."""

    KIND: ClassVar[str] = "shipments.received"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentReturned(ReceiptNews):
    """The truck turned round and the sender took back what was still on it, all of it or a part."""

    KIND: ClassVar[str] = "shipments.returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLine(Part):
    """What was not as sent, of one batch."""

    batch_id: Annotated[UUID, formerly("batch")]
    rejected_vials: Annotated[int, formerly("rejected")]
    missing_vials: Annotated[int, formerly("missing")]
    surplus_vials: Annotated[int, formerly("surplus")]
    reason: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDiffered(ReceiptNews):
    """A receipt did not match what was sent, or some of it was refused."""

    KIND: ClassVar[str] = "shipments.difference"

    lines: tuple[DifferenceLine, ...]
