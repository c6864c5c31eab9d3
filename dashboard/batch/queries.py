"""Where a batch has been, as far as the caller may see: movements, holders now, holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pandas as pd
from sqlalchemy import Nullable, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.errors import BatchNotFound, LotAmbiguous
from tracker.catalog.models import Batch, Presentation, StorageClass, Vaccine
from tracker.catalog.queries import batch_by_ref
from tracker.kit.errors import NotFound
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockBalance, StockEntry, StockEvent
from tracker.stock.rules.words import Account

MOST_ENTRIES = 20_000


class BatchUnknown(NotFound):
    """There is no such batch."""

    code = "access.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFacts:
    """A batch with its product."""

    batch: Batch
    presentation: Presentation
    vaccine: Vaccine
    storage: StorageClass


def batch_by_text(db: Session, text: str) -> BatchFacts:
    """A batch by id, by product/lot, or by a lot only one product has; raises BatchUnknown."""
    try:
        batch = batch_by_ref(db, text)
    except (BatchNotFound, LotAmbiguous):
        raise BatchUnknown from None
    presentation, vaccine, storage = db.execute(
        select(Presentation, Vaccine, StorageClass)
        .join(Vaccine, Vaccine.id == Presentation.vaccine_id)
        .join(StorageClass, StorageClass.id == Presentation.storage_class_id)
        .where(Presentation.id == batch.presentation_id)
    ).one()
    return BatchFacts(batch=batch, presentation=presentation, vaccine=vaccine, storage=storage)


def entries_of(db: Session, principal: Principal, batch_id: UUID) -> pd.DataFrame:
    """The ledger's entries of a batch at facilities the caller may see, in the ledger's order.

    Columns: event, kind, occurred_at, recorded_at, account, holder, facility, facility_code, zone, place, status,
    vials, vvm_stage, reason, by.
    """
    columns = (
        "event", "kind", "occurred_at", "recorded_at", "account", "holder", "facility", "facility_code", "zone",
        "place", "status", "vials", "vvm_stage", "reason", "by",
    )  # fmt: skip
    query = (
        select(
            StockEvent.id,
            StockEvent.kind,
            StockEntry.occurred_at,
            StockEvent.recorded_at,
            StockEntry.account,
            StockEntry.holder_id,
            Facility.name,
            Facility.code,
            Facility.timezone,
            Equipment.name,
            StockEntry.status,
            StockEntry.vials,
            StockEntry.vvm_stage,
            StockEntry.reason,
            StockEvent.recorded_by,
        )
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .join(Facility, Facility.id == StockEntry.facility_id)
        .join(Unit, Unit.id == Facility.id)
        .outerjoin(Equipment, Equipment.id == StockEntry.place_id)
        .where(StockEntry.batch_id == batch_id, visible_to(principal, Unit.path, Permission.STOCK_READ))
        .order_by(StockEntry.occurred_at, StockEntry.ordinal, StockEntry.number, StockEntry.seq)
        .limit(MOST_ENTRIES)
    )
    rows = [
        tuple(value.value if hasattr(value, "value") else value for value in row) for row in db.execute(query).all()
    ]
    return pd.DataFrame(rows, columns=list(columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Vials of the batch somewhere now."""

    account: str
    place: str | None
    facility: str | None
    facility_code: str | None
    status: str
    vials: int
    vvm_stage: int | None
    touched_at: datetime


def holders_of(db: Session, principal: Principal, batch_id: UUID) -> list[Holder]:
    """Where vials of the batch are now within the caller's subtree; on the road: where the sender is visible.

    Whoever may see all (a national role) also sees transit whose sender is not told by the balance.
    """
    query = (
        select(StockBalance, Nullable(Equipment.name), Nullable(Facility.name), Nullable(Facility.code))
        .outerjoin(Equipment, Equipment.id == StockBalance.place_id)
        .outerjoin(Facility, Facility.id == StockBalance.facility_id)
        .outerjoin(Unit, Unit.id == StockBalance.facility_id)
        .where(StockBalance.batch_id == batch_id, StockBalance.vials > 0)
        .order_by(Facility.name.nulls_last(), Equipment.name, StockBalance.status)
    )
    seen = visible_to(principal, Unit.path, Permission.STOCK_READ)
    sent = (
        select(StockEntry.holder_id)
        .join(Unit, Unit.id == StockEntry.facility_id)
        .where(StockEntry.batch_id == batch_id, StockEntry.account == Account.TRANSIT, seen)
    )
    query = query.where(seen | (StockBalance.account == Account.TRANSIT) & StockBalance.holder_id.in_(sent))
    return [
        Holder(
            account=balance.account.value,
            place=place,
            facility=facility,
            facility_code=code,
            status=balance.status.value,
            vials=balance.vials,
            vvm_stage=balance.vvm_stage,
            touched_at=balance.touched_at,
        )
        for balance, place, facility, code in db.execute(query)
    ]
