"""On whose note the number of a temperature logger stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.shipments.models import Shipment, ShipmentBox
from tracker.shipments.rules.words import ON_THE_ROAD, ShipmentState


def notes_of_loggers(db: Session, shipment_id: UUID, numbers: Collection[str]) -> Mapping[str, UUID]:
    """By number the shipment that was packed with it: this one before another. One that arrived gave its loggers back."""
    if not numbers:
        return {}
    under_way = Shipment.state.in_((ShipmentState.PACKED, *sorted(ON_THE_ROAD)))
    rows = db.execute(
        select(ShipmentBox.logger, Shipment.id)
        .join(Shipment, Shipment.id == ShipmentBox.shipment_id)
        .where(ShipmentBox.logger.in_(set(numbers)), (Shipment.id == shipment_id) | under_way)
        .order_by(Shipment.id == shipment_id, Shipment.created_at)
    )
    return {number: of for number, of in rows if number}
