"""What the ledger tells the feed, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.contract import Event
from tracker.feed.service import Happening, append, append_all
from tracker.stock.events import OpenDosesFell, StockAvailable, StockMoved, StockShort
from tracker.stock.rules.words import Kind
from tracker.stock.service.pools import PoolChange
from tracker.stock.service.writing import EventRow


def happenings_of(event: EventRow, presentations: Iterable[UUID], pools: Sequence[PoolChange]) -> list[Happening]:
    """Vials moved or were counted, and what that does to promises; told by the statement that writes them.

    What a lot correction brings is told once it is whole (`tell_available`): one of its events alone says nothing.
    """
    if event.kind is Kind.RELABEL:
        pools = [replace(pool, rose=0) for pool in pools]
    return [_moved(event, presentations), *_consequences(event.facility_id, pools, event.occurred_at)]


def tell_pools(
    db: Session, facility_id: UUID, pools: Sequence[PoolChange], *, occurred_at: datetime, now: datetime
) -> None:
    """What may be promised changed though no vial moved: a fridge went out of service, vials were packed."""
    append_all(db, _consequences(facility_id, pools, occurred_at), now=now)


def tell_available(
    db: Session,
    facility_id: UUID,
    presentation_id: UUID,
    rose: Mapping[UUID, int],
    *,
    occurred_at: datetime,
    now: datetime,
) -> None:
    """So many more vials are usable in these pools."""
    pools = [
        PoolChange((pool_id, presentation_id), (), (), 0, vials) for pool_id, vials in sorted(rose.items()) if vials > 0
    ]
    append_all(db, _consequences(facility_id, pools, occurred_at), now=now)


def tell_open_doses_fell(
    db: Session, *, facility_id: UUID, presentation_id: UUID, occurred_at: datetime, now: datetime
) -> None:
    """Doses of opened vials are gone that nobody got."""
    append(
        db,
        OpenDosesFell(facility_id=facility_id, presentation_id=presentation_id),
        unit_id=facility_id,
        subject=facility_id,
        occurred_at=occurred_at,
        now=now,
    )


def _moved(event: EventRow, presentations: Iterable[UUID]) -> Happening:
    named = tuple(sorted(presentations))
    told = StockMoved(
        stock_event_id=event.id,
        kind=event.kind,
        facility_id=event.facility_id,
        presentation_id=named[0] if named else None,
        presentation_ids=named,
        batch_ids=tuple(sorted({entry.key.batch_id for entry in event.entries})),
        cause_id=event.cause,
        shipment_id=event.shipment_id,
    )
    return Happening(event=told, unit_id=event.facility_id, subject=event.id, occurred_at=event.occurred_at)


def _consequences(facility_id: UUID, pools: Sequence[PoolChange], occurred_at: datetime) -> list[Happening]:
    found: list[Event] = []
    for pool in pools:
        pool_id, presentation_id = pool.pool
        place_id = None if pool_id == facility_id else pool_id
        if pool.short:
            short = StockShort(
                facility_id=facility_id,
                presentation_id=presentation_id,
                place_id=place_id,
                days=pool.short_days,
                short_vials=pool.short,
            )
            found.append(short)
        if pool.rose > 0:
            found.append(
                StockAvailable(
                    facility_id=facility_id, presentation_id=presentation_id, place_id=place_id, vials=pool.rose
                )
            )
    return [Happening(event=each, unit_id=facility_id, subject=facility_id, occurred_at=occurred_at) for each in found]
