"""What lay where, and where it went: for holds, passports and recalls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, text
from sqlalchemy.orm import Session, aliased

from tracker.catalog.history import last_day_then
from tracker.catalog.models import Batch
from tracker.network.models import Equipment
from tracker.stock.models import StockBalance, StockEntry, StockEvent
from tracker.stock.rules import tracing
from tracker.stock.rules.fefo import Parcel
from tracker.stock.rules.tracing import Holder, TracedEntry
from tracker.stock.rules.words import ROAD, Account, Kind, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LotStay:
    """Vials of a batch lay at a piece of equipment; `last_at` None when they still do, `vials` at most at once."""

    batch_id: UUID
    first_at: datetime
    last_at: datetime | None
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Vials of a batch at an account now. `facility_id` is None on the road; `holder_id` is then the shipment."""

    account: Account
    holder_id: UUID
    facility_id: UUID | None
    batch_id: UUID
    vials: dict[Status, int]

    @property
    def total(self) -> int:
        """Vials in all statuses."""
        return sum(self.vials.values())


def lots_present(
    db: Session,
    holder_id: UUID,
    from_at: datetime,
    to_at: datetime,
    *,
    account: Account = Account.PLACE,
    only: Collection[UUID] | None = None,
) -> list[LotStay]:
    """The stays at a piece of equipment (or other account) that overlap [from_at, to_at], what has left since included.

    By the ledger as it is known now, in order of time; a batch that left and came back has two stays. `only` these batches
    are looked at, when any are named.
    """
    # What had gone before the first instant has no stay in question.
    batches = select(StockBalance.batch_id).where(
        StockBalance.holder_id == holder_id, (StockBalance.vials > 0) | (StockBalance.touched_at >= from_at)
    )
    if only is not None:
        batches = batches.where(StockBalance.batch_id.in_(only))
    by_batch: dict[UUID, list[TracedEntry]] = defaultdict(list)
    for batch_id, entry in _traced(db, StockEntry.batch_id.in_(batches), StockEntry.holder_id == holder_id):
        by_batch[batch_id].append(entry)
    here = Holder(account, holder_id)
    found = [
        LotStay(batch_id=batch_id, first_at=stay.first_at, last_at=stay.last_at, vials=stay.vials)
        for batch_id, entries in by_batch.items()
        for stay in tracing.stays(entries, here)
        if stay.first_at <= to_at and (stay.last_at is None or stay.last_at >= from_at)
    ]
    return sorted(found, key=lambda stay: (stay.first_at, str(stay.batch_id)))


def where_now(db: Session, batch_ids: Collection[UUID], *only: ColumnElement[bool]) -> list[Whereabouts]:
    """Every account that has vials of these batches now: places, shipments on the road, opened vials; `only` those balances."""
    rows = db.execute(
        select(
            StockBalance.batch_id,
            StockBalance.account,
            StockBalance.holder_id,
            StockBalance.facility_id,
            StockBalance.status,
            StockBalance.vials,
        )
        .where(StockBalance.batch_id.in_(batch_ids), StockBalance.vials > 0, *only)
        .order_by(StockBalance.batch_id, StockBalance.account, StockBalance.holder_id)
    )
    return whereabouts(rows)


def whereabouts(rows: Iterable[Any]) -> list[Whereabouts]:
    """Rows of balances by account, in their order."""
    found: dict[tuple[UUID, Account, UUID, UUID | None], dict[Status, int]] = defaultdict(dict)
    for row in rows:
        found[row.batch_id, Account(row.account), row.holder_id, row.facility_id][Status(row.status)] = row.vials
    return [
        Whereabouts(account=account, holder_id=holder_id, facility_id=facility_id, batch_id=batch_id, vials=vials)
        for (batch_id, account, holder_id, facility_id), vials in found.items()
    ]


def parcels_then(db: Session, facility_id: UUID, presentation_id: UUID, at: datetime) -> list[Parcel]:
    """The usable vials in places of a facility at an instant, by all that is known of it now.

    Whether some of them have gone since is the ledger's to say; what their monitor shows is what was read last.
    """
    then = (
        select(StockEntry.holder_id, StockEntry.batch_id, func.sum(StockEntry.vials).label("vials"))
        .join(Batch, Batch.id == StockEntry.batch_id)
        .where(
            StockEntry.facility_id == facility_id,
            StockEntry.account == Account.PLACE,
            StockEntry.status == Status.USABLE,
            StockEntry.occurred_at <= at,
            Batch.presentation_id == presentation_id,
        )
        .group_by(StockEntry.holder_id, StockEntry.batch_id)
        .having(func.sum(StockEntry.vials) > 0)
        .subquery()
    )
    # Also what is packed and was stopped since.
    any_status = aliased(StockBalance)
    packed = (
        select(func.coalesce(func.sum(any_status.packed), 0))
        .where(
            any_status.holder_id == then.c.holder_id,
            any_status.batch_id == then.c.batch_id,
            any_status.packed_at <= at,
        )
        .scalar_subquery()
    )
    rows = db.execute(
        select(
            then,
            Batch.lot,
            last_day_then(at).label("expiry"),
            Equipment.code,
            (Equipment.in_service | (Equipment.service_changed_at > at)).label("in_service"),
            StockBalance.vvm_stage,
            packed.label("packed"),
        )
        .join(Batch, Batch.id == then.c.batch_id)
        .join(Equipment, Equipment.id == then.c.holder_id)
        .join(
            StockBalance,
            (StockBalance.holder_id == then.c.holder_id)
            & (StockBalance.batch_id == then.c.batch_id)
            & (StockBalance.status == Status.USABLE),
        )
    )
    return [
        Parcel(
            batch_id=row.batch_id,
            lot=row.lot,
            expiry=row.expiry,
            place_id=row.holder_id,
            place=row.code,
            status=Status.USABLE,
            vials=row.vials,
            vvm_stage=row.vvm_stage,
            in_service=bool(row.in_service),
            packed=row.packed,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One entry of a batch with its event, in the order of the ledger."""

    event_id: UUID
    kind: Kind
    occurred_at: datetime
    recorded_at: datetime
    ordinal: int
    number: int
    facility_id: UUID
    shipment_id: UUID | None
    account: Account
    holder_id: UUID
    status: Status
    vials: int
    vvm_stage: int | None
    reason: str | None
    cause: UUID | None


def movements_of(db: Session, batch_id: UUID, *only: ColumnElement[bool]) -> list[Movement]:
    """Entries of a batch by (occurred_at, ordinal, number): the matter of traces and passports. `only` those, else all."""
    rows = db.execute(
        select(
            StockEvent.id.label("event_id"),
            StockEvent.kind,
            StockEntry.occurred_at,
            StockEntry.recorded_at,
            StockEntry.ordinal,
            StockEntry.number,
            StockEntry.facility_id,
            StockEvent.shipment_id,
            StockEntry.account,
            StockEntry.holder_id,
            StockEntry.status,
            StockEntry.vials,
            StockEntry.vvm_stage,
            StockEntry.reason,
            StockEvent.cause,
        )
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .where(StockEntry.batch_id == batch_id, *only)
        .order_by(StockEntry.occurred_at, StockEntry.ordinal, StockEntry.number, StockEntry.seq)
    )
    return [Movement(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


def are_more_than(db: Session, batch_id: UUID, most: int, *only: ColumnElement[bool]) -> bool:
    """Whether so many entries of a batch and more would be read; looks no further than that."""
    few = select(StockEntry.seq).where(StockEntry.batch_id == batch_id, *only).limit(most + 1).subquery()
    return (db.scalar(select(func.count()).select_from(few)) or 0) > most


# Who took from a shipment had it from whoever put into it; so on, until nobody sent it. By index from the asked place on.
_UPSTREAM = text(
    """
    WITH RECURSIVE up AS (
        SELECT CAST(:facility AS uuid) AS facility_id
        UNION
        SELECT sent.facility_id
        FROM up
        JOIN stock_entry came ON came.batch_id = :batch AND came.facility_id = up.facility_id
            AND came.account = 'transit' AND came.vials < 0
        JOIN stock_entry sent ON sent.batch_id = :batch AND sent.holder_id = came.holder_id AND sent.vials > 0
    )
    SELECT facility_id FROM up
    """
)


def upstream_of(db: Session, batch_id: UUID, facility_id: UUID) -> list[UUID]:
    """The facilities through which vials of a batch may have come to one, itself included."""
    return list(db.scalars(_UPSTREAM, {"batch": batch_id, "facility": facility_id}))


def _traced(db: Session, *conditions: object) -> list[tuple[UUID, TracedEntry]]:
    rows = db.execute(
        select(
            StockEntry.batch_id,
            StockEntry.occurred_at,
            StockEntry.ordinal,
            StockEntry.number,
            StockEntry.event_id,
            StockEntry.account,
            # What one shipment lost is kept apart from what others did: it turns up as what was on that road.
            case(
                (StockEntry.account == Account.LOST, func.coalesce(StockEvent.shipment_id, StockEntry.holder_id)),
                else_=StockEntry.holder_id,
            ).label("holder_id"),
            StockEntry.vials,
            StockEntry.status,
            StockEvent.kind,
        )
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .where(StockEntry.account.in_(sorted(ROAD)), *conditions)  # type: ignore[arg-type]  # column conditions
    )
    return [
        (
            row.batch_id,
            TracedEntry(
                (row.occurred_at, row.ordinal, row.number),
                row.event_id,
                Holder(row.account, row.holder_id),
                row.vials,
                row.status,
                row.kind,
            ),
        )
        for row in rows
    ]
