"""Where a batch has been, as far as the caller may see: movements, holders now, holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pandas as pd
from sqlalchemy import Nullable, Select, func, select
from sqlalchemy.orm import Session, aliased

from dashboard.batch.flows import node_of
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
from tracker.stock.queries.tracing import are_more_than
from tracker.stock.rules.words import Account

MOST_ENTRIES = 2_000
"""Of more in the viewer's reach the road is drawn by areas, and the movements of one facility are told."""


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


def reach_of(principal: Principal) -> Select[UUID]:
    """The units whose stock the caller may see."""
    return select(Unit.id).where(visible_to(principal, Unit.path, Permission.STOCK_READ))


def is_wide(db: Session, principal: Principal, batch_id: UUID) -> bool:
    """Whether the batch moved more often in the caller's reach than a page tells one by one."""
    return are_more_than(db, batch_id, MOST_ENTRIES, StockEntry.facility_id.in_(reach_of(principal)))


def entries_of(db: Session, principal: Principal, batch_id: UUID, *, at: str | None = None) -> pd.DataFrame:
    """The ledger's entries of a batch at facilities the caller may see, in the ledger's order; only `at` that one (a code).

    The newest `MOST_ENTRIES` of them: who asks for all has seen that there are no more.

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
        .outerjoin(Equipment, Equipment.id == StockEntry.place_id)
        .where(StockEntry.batch_id == batch_id, StockEntry.facility_id.in_(reach_of(principal)))
        .order_by(
            StockEntry.occurred_at.desc(), StockEntry.ordinal.desc(), StockEntry.number.desc(), StockEntry.seq.desc()
        )
        .limit(MOST_ENTRIES)
    )
    if at is not None:
        query = query.where(Facility.code == at)
    found = reversed(db.execute(query).all())
    rows = [tuple(value.value if hasattr(value, "value") else value for value in row) for row in found]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """Some of who has vials of a batch, by name, and how much there is in all."""

    shown: Sequence[Holder]
    count: int
    vials: int


def holders_of(db: Session, principal: Principal, batch_id: UUID, *, first: int, after: int = 0) -> Holders:
    """Where vials of the batch are now within the caller's subtree; on the road: where the sender is visible."""
    reach = reach_of(principal)
    here = (StockBalance.batch_id == batch_id, StockBalance.vials > 0, StockBalance.facility_id.in_(reach))
    on_road = db.scalars(
        select(StockBalance)
        .where(StockBalance.batch_id == batch_id, StockBalance.facility_id.is_(None), StockBalance.vials > 0)
        .where(
            select(StockEntry.seq)
            .where(
                StockEntry.batch_id == batch_id,
                StockEntry.holder_id == StockBalance.holder_id,
                StockEntry.facility_id.in_(reach),
            )
            .exists()
        )
        .order_by(StockBalance.holder_id, StockBalance.status)
    ).all()
    # What lies there is read once, for the page and for the sums of all; names of the shelves are looked up for the page.
    page = (
        select(
            StockBalance.holder_id,
            StockBalance.status,
            func.count().over().label("holders"),
            func.sum(StockBalance.vials).over().label("held"),
        )
        .join(Facility, Facility.id == StockBalance.facility_id)
        .where(*here)
        .order_by(Facility.name, Facility.code, StockBalance.holder_id, StockBalance.status)
        .limit(first)
        .offset(after)
        .subquery()
    )
    rows = db.execute(
        select(StockBalance, Nullable(Equipment.name), Facility.name, Facility.code, page.c.holders, page.c.held)
        .join(page, (page.c.holder_id == StockBalance.holder_id) & (page.c.status == StockBalance.status))
        .outerjoin(Equipment, Equipment.id == StockBalance.place_id)
        .join(Facility, Facility.id == StockBalance.facility_id)
        .where(StockBalance.batch_id == batch_id)
        .order_by(Facility.name, Facility.code, Equipment.name, StockBalance.status)
    ).all()
    if rows or not after:
        lying, vials = (rows[0].holders, rows[0].held) if rows else (0, 0)
    else:
        sums = select(func.count(), func.coalesce(func.sum(StockBalance.vials), 0)).where(*here)
        lying, vials = db.execute(sums).one()
    shown = [_holder(*row[:4]) for row in rows]
    # What is on the road stands behind all that lies somewhere.
    behind = max(0, after - lying)
    shown += [_holder(balance, None, None, None) for balance in on_road[behind:][: first - len(shown)]]
    return Holders(
        shown=shown, count=lying + len(on_road), vials=int(vials) + sum(balance.vials for balance in on_road)
    )


def _holder(balance: StockBalance, place: str | None, facility: str | None, code: str | None) -> Holder:
    return Holder(
        account=balance.account.value,
        place=place,
        facility=facility,
        facility_code=code,
        status=balance.status.value,
        vials=balance.vials,
        vvm_stage=balance.vvm_stage,
        touched_at=balance.touched_at,
    )


def station_named(db: Session, principal: Principal, batch_id: UUID, code: str) -> str | None:
    """The name of a facility of the caller's reach where the batch lies or lay; None where it never did."""
    lay = select(StockBalance.facility_id).where(StockBalance.batch_id == batch_id)
    query = select(Facility.name).where(
        Facility.code == code, Facility.id.in_(reach_of(principal)), Facility.id.in_(lay)
    )
    return db.scalar(query)


def area_flows(db: Session, principal: Principal, batch_id: UUID) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The road of a batch by the areas right below the caller's own: flows, and the areas' `key`, `name`, `href`.

    Between an area's places and the rest of the world, there and back netted; what moved within an area is not seen.
    """
    roots = [path.count(".") + 1 for path in principal.roots(Permission.STOCK_READ)]
    # A place's entries are added up first, by the index alone; only these sums are looked up in the tree.
    at_place = (
        select(StockEntry.facility_id, StockEntry.account, func.sum(StockEntry.vials).label("vials"))
        .where(
            StockEntry.batch_id == batch_id,
            StockEntry.account != Account.PLACE,
            StockEntry.facility_id.in_(reach_of(principal)),
        )
        .group_by(StockEntry.facility_id, StockEntry.account)
        .subquery()
    )
    area = func.subpath(Unit.path, 0, func.least(func.nlevel(Unit.path), min(roots, default=0) + 1))
    sums = (
        select(area.label("path"), at_place.c.account, func.sum(at_place.c.vials).label("vials"))
        .join(Unit, Unit.id == at_place.c.facility_id)
        .group_by(area, at_place.c.account)
        .subquery()
    )
    above = aliased(Unit)
    rows = db.execute(
        select(above.code, above.name, sums.c.account, sums.c.vials).join(above, above.path == sums.c.path)
    )
    net: dict[tuple[str, str], int] = defaultdict(int)
    names: dict[str, str] = {}
    for code, name, account, vials in rows:
        names[f"@{code}"] = name
        net[f"@{code}", node_of(account.value, code)] += int(vials)
    flows = [(*((key, node) if vials > 0 else (node, key)), abs(vials)) for (key, node), vials in net.items() if vials]
    areas = [(key, name, f"/fasilitas/{key[1:]}") for key, name in names.items()]
    return (
        pd.DataFrame(flows, columns=["source", "target", "vials"]),
        pd.DataFrame(areas, columns=["key", "name", "href"]),
    )
