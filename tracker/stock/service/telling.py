"""What the ledger says on the feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.service import Happening, append, append_all
from tracker.stock.service.pools import PoolChange
from tracker.stock.service.writing import EventRow


def tell(
    db: Session, event: EventRow, presentations: Iterable[UUID], pools: Sequence[PoolChange], *, now: datetime
) -> None:
    """`stock.moved`: vials moved or were counted. `stock.short`, `stock.available`: what that does to promises."""
    append_all(db, [_moved(event, presentations), *_consequences(event, pools)], now=now)


def tell_open_doses_fell(
    db: Session, *, facility_id: UUID, presentation_id: UUID, occurred_at: datetime, now: datetime
) -> None:
    """`stock.open_doses_fell`: doses of opened vials are gone that nobody got, so whoever counted on them needs others."""
    append(
        db,
        "stock.open_doses_fell",
        unit_id=facility_id,
        subject=str(facility_id),
        data={"facility_id": str(facility_id), "presentation_id": str(presentation_id)},
        occurred_at=occurred_at,
        now=now,
    )


def _moved(event: EventRow, presentations: Iterable[UUID]) -> Happening:
    named = sorted(str(presentation) for presentation in presentations)
    data: dict[str, object] = {
        "event": str(event.id),
        "kind": event.kind.value,
        "facility": str(event.facility_id),
        "presentation": named[0] if named else None,
        "presentations": named,
        "batches": sorted({str(draft.key.batch_id) for draft in event.drafts}),
    }
    if event.cause:
        data["cause"] = str(event.cause)
    if event.shipment_id:
        data["shipment"] = str(event.shipment_id)
    return Happening(
        kind="stock.moved",
        unit_id=event.facility_id,
        subject=str(event.id),
        data=data,
        occurred_at=event.occurred_at,
    )


def _consequences(event: EventRow, pools: Sequence[PoolChange]) -> list[Happening]:
    found = []
    for pool in pools:
        data = {"facility_id": str(event.facility_id), "presentation_id": str(pool.presentation_id)}
        if pool.short:
            days = [day.isoformat() for day in pool.short_days]
            found.append(_about(event, "stock.short", {**data, "days": days, "short": pool.short}))
        if pool.rose > 0:
            found.append(_about(event, "stock.available", {**data, "vials": pool.rose}))
    return found


def _about(event: EventRow, kind: str, data: dict[str, object]) -> Happening:
    return Happening(
        kind=kind,
        unit_id=event.facility_id,
        subject=str(event.facility_id),
        data=data,
        occurred_at=event.occurred_at,
    )
