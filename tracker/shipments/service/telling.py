"""What this room says on the feed: to both ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.feed.service import append
from tracker.shipments.models import Shipment


def tell(
    db: Session,
    shipment: Shipment,
    kind: str,
    more: Mapping[str, object] | None = None,
    *,
    now: datetime,
    occurred_at: datetime | None = None,
) -> None:
    """Say it once under each end, so that sender and receiver both hear of it."""
    for side, unit_id in (("sender", shipment.from_facility_id), ("receiver", shipment.to_facility_id)):
        append(
            db,
            kind,
            unit_id=unit_id,
            subject=str(shipment.id),
            data={
                "shipment": str(shipment.id),
                "code": shipment.code,
                "state": shipment.state.value,
                "from": str(shipment.from_facility_id),
                "to": str(shipment.to_facility_id),
                "side": side,
                **(more or {}),
            },
            occurred_at=occurred_at or now,
            now=now,
        )
