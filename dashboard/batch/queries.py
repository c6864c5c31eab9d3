"""Where a batch has been, as far as the caller may see: movements, holders now, holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pandas as pd
from sqlalchemy import Nullable, Select, and_, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from dashboard.batch.flows import node_of
from dashboard.frame.choices import Choices, choices, known
from dashboard.frame.listing import Listed, listed
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.errors import BatchNotFound, LotAmbiguous
from tracker.catalog.models import Batch, Presentation, StorageClass, Vaccine
from tracker.catalog.queries import batch_by_ref
from tracker.database.types import said
from tracker.kit.errors import NotFound
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockBalance, StockEntry, StockEvent
from tracker.stock.queries.tracing import are_more_than
from tracker.stock.rules.words import Account

HOLDERS = "mulai"
"""Where the list of holders goes on, in the page's address: it has another list, too."""
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
    """A page of who has vials of a batch, by name, and how much there is in all."""

    turned: Listed[Holder]
    count: int
    vials: int


def holders_of(db: Session, principal: Principal, batch_id: UUID, *, most: int, after: str = "") -> Holders:
    """Where vials of the batch are now within the caller's subtree, behind them what is on the road from a sender there.

    Raises BadCursor.
    """
    reach = reach_of(principal)
    there = (said(StockBalance.batch_id, batch_id), StockBalance.vials > 0)
    here = StockBalance.facility_id.in_(reach)
    left_here = (
        select(StockEntry.seq)
        .where(
            StockEntry.batch_id == batch_id,
            StockEntry.holder_id == StockBalance.holder_id,
            StockEntry.facility_id.in_(reach),
        )
        .exists()
    )
    on_road = and_(StockBalance.facility_id.is_(None), left_here)
    # Each part by its own index: of both at once every balance of the batch would be read, also those of a whole nation.
    seen = union_all(*(select(StockBalance.vials).where(*there, part) for part in (here, on_road))).subquery()
    count, vials = db.execute(select(func.count(), func.coalesce(func.sum(seen.c.vials), 0)).select_from(seen)).one()
    query = select(StockBalance, Nullable(Facility)).where(*there)
    its = Facility.id == StockBalance.facility_id
    unnamed, last = literal(""), [StockBalance.holder_id, StockBalance.status]
    turned = listed(
        db,
        [query.join(Facility, its).where(here), query.outerjoin(Facility, its).where(on_road)],
        # By the facility's name as it stands: so of a lot that half a nation has a page reads the first few by index.
        keys=[Facility.name, Facility.code, *last],
        last_keys=[unnamed, unnamed, *last],
        key_of=lambda row: [
            row[1].name if row[1] else "",
            row[1].code if row[1] else "",
            row[0].holder_id,
            row[0].status.value,
        ],
        most=most,
        after=after,
        field=HOLDERS,
    )
    # Names of shelves are looked up for the page alone.
    shelves = {balance.place_id for balance, _ in turned.rows if balance.place_id}
    names = {one.id: one.name for one in db.scalars(select(Equipment).where(Equipment.id.in_(shelves)))}
    rows = [_holder(balance, names.get(balance.place_id), facility) for balance, facility in turned.rows]
    return Holders(turned=Listed(rows=rows, onward=turned.onward, begun=turned.begun), count=count, vials=int(vials))


def _holder(balance: StockBalance, place: str | None, facility: Facility | None) -> Holder:
    return Holder(
        account=balance.account.value,
        place=place,
        facility=facility.name if facility else None,
        facility_code=facility.code if facility else None,
        status=balance.status.value,
        vials=balance.vials,
        vvm_stage=balance.vvm_stage,
        touched_at=balance.touched_at,
    )


def stations_of(
    db: Session, principal: Principal, batch_id: UUID, asked_for: str
) -> tuple[Choices[Facility], Facility | None]:
    """The facilities of the caller's reach where the batch lies, to choose from, and the one chosen: also where it only lay."""
    mine = select(Facility).where(Facility.id.in_(reach_of(principal)))
    lay = select(StockBalance.facility_id).where(said(StockBalance.batch_id, batch_id))
    stations = choices(db, mine.where(Facility.id.in_(lay.where(StockBalance.vials > 0))), Facility, said=asked_for)
    asked = known(db, mine.where(Facility.id.in_(lay)), Facility, [asked_for] if asked_for else []).get(asked_for)
    if asked is not None and asked not in stations:
        stations.insert(0, asked)
    return stations, asked or next(iter(stations), None)


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
