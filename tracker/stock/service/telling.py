"""What the ledger says on the feed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.service import append
from tracker.stock.service.writing import EventRow


def tell_moved(db: Session, event: EventRow, presentations: Iterable[UUID], *, now: datetime) -> None:
    """`stock.moved`: vials moved, or were counted, at a facility."""
    named = sorted(str(presentation) for presentation in presentations)
    batches = sorted({str(draft.key.batch_id) for draft in event.drafts})
    append(
        db,
        "stock.moved",
        unit_id=event.facility_id,
        subject=str(event.id),
        data={
            "event": str(event.id),
            "kind": event.kind.value,
            "facility": str(event.facility_id),
            "presentation": named[0] if named else None,
            "presentations": named,
            "batches": batches,
            **({"cause": str(event.cause)} if event.cause else {}),
            **({"shipment": str(event.shipment_id)} if event.shipment_id else {}),
        },
        occurred_at=event.occurred_at,
        now=now,
    )
