"""What this room tells the feed: to both ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.service import Happening, append_all
from tracker.shipments.events import ShipmentNews, Side
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import ShipmentState


class ShipmentFacts(TypedDict):
    """The fields every event of a shipment has."""

    shipment_id: UUID
    code: str
    state: ShipmentState
    from_facility_id: UUID
    to_facility_id: UUID
    side: Side


class ReceiptFacts(ShipmentFacts):
    """The fields every event of a receipt has besides."""

    receipt_id: UUID
    accepted_vials: int
    rejected_vials: int
    missing_vials: int
    surplus_vials: int


def tell(
    db: Session,
    shipment: Shipment,
    news: Callable[[ShipmentFacts], ShipmentNews],
    *,
    now: datetime,
    occurred_at: datetime | None = None,
) -> None:
    """Say it once under each end, so that sender and receiver both hear of it.

    `news` makes the event of the shipment's facts: `lambda facts: ShipmentApproved(**facts)`.
    """
    ends = ((Side.SENDER, shipment.from_facility_id), (Side.RECEIVER, shipment.to_facility_id))
    happenings = [
        Happening(
            event=news(_facts(shipment, side)),
            unit_id=unit_id,
            subject=shipment.id,
            occurred_at=occurred_at or now,
        )
        for side, unit_id in ends
    ]
    append_all(db, happenings, now=now)


def _facts(shipment: Shipment, side: Side) -> ShipmentFacts:
    return ShipmentFacts(
        shipment_id=shipment.id,
        code=shipment.code,
        state=shipment.state,
        from_facility_id=shipment.from_facility_id,
        to_facility_id=shipment.to_facility_id,
        side=side,
    )
