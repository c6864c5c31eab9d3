"""What a trace tells, and what the ids in it are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, func, literal, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.shipments.models import Shipment
from tracker.stock.models import StockBalance
from tracker.stock.queries.tracing import Whereabouts, where_now
from tracker.stock.rules.words import Account
from tracker.trace.rules.flows import Move, Road

Facilities = Select[Any]
"""A select of facilities' ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityName:
    """A facility by code and name."""

    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What ids are called: facilities, equipment, shipments."""

    facilities: Mapping[UUID, FacilityName]
    equipment: Mapping[UUID, str]
    shipments: Mapping[UUID, str]

    def holder(self, account: Account, holder_id: UUID) -> str | None:
        """The code of an equipment or shipment; None for opened vials and the outer world."""
        if account is Account.PLACE:
            return self.equipment.get(holder_id)
        return self.shipments.get(holder_id) if account is Account.TRANSIT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The road of one batch within the caller's reach.

    `moves` in order of time; `now` where vials are; `roads` vials between facilities; `totals` vials by what
    became of them (supplier, used, wasted, lost, found, destroyed). `hidden`: whether parts lie outside the
    caller's reach.
    """

    batch: Batch
    product: str
    moves: tuple[Move, ...]
    recorded_at: Mapping[UUID, datetime]
    shipment_of: Mapping[UUID, UUID]
    now: tuple[Whereabouts, ...]
    roads: tuple[Road, ...]
    totals: Mapping[str, int]
    names: Names
    hidden: bool
    summed: bool = False
    """Too many movements to be told one by one: `moves` is empty, the rest of some facilities at a time."""
    following: str | None = None
    """The code of the facility after which the next ones are told."""


def product_of(db: Session, batch: Batch) -> str:
    """The code of what is in it."""
    return db.scalars(select(Presentation.code).where(Presentation.id == batch.presentation_id)).one()


def is_elsewhere(db: Session, principal: Principal, batch: Batch) -> bool:
    """Whether the batch is or was anywhere that the caller may not see; a balance stays when it is empty."""
    seen = visible_to(principal, Unit.path, Permission.STOCK_READ)
    elsewhere = (
        select(StockBalance.batch_id)
        .join(Unit, Unit.id == StockBalance.facility_id)
        .where(StockBalance.batch_id == batch.id, ~seen)
    )
    return bool(db.scalar(select(elsewhere.exists())))


def present_in(db: Session, batch: Batch, reach: Facilities) -> list[Whereabouts]:
    """Where vials are now at these facilities, and on the road to and from them."""
    lying = where_now(db, [batch.id], StockBalance.facility_id.in_(reach))
    # From what is on the road now to its ends, not from every shipment that these facilities ever had.
    on_road = where_now(db, [batch.id], StockBalance.facility_id.is_(None))
    theirs = _shipments_of(db, [each.holder_id for each in on_road], reach)
    return [*lying, *(each for each in on_road if each.holder_id in theirs)]


def _shipments_of(db: Session, shipments: Collection[UUID], reach: Facilities) -> set[UUID]:
    """Those of these shipments that come from or go to one of these facilities."""
    if not shipments:
        return set()
    (facility,) = reach.selected_columns
    ends = [
        reach.where(facility == end).correlate(Shipment).exists()
        for end in (Shipment.from_facility_id, Shipment.to_facility_id)
    ]
    mine = select(Shipment.id).where(Shipment.id == func.any(literal(list(shipments), ARRAY(Uuid))), or_(*ends))
    return set(db.scalars(mine))


def names_of(db: Session, moves: Iterable[Move], present: Iterable[Whereabouts], roads: Iterable[Road]) -> Names:
    """Of everything that is told."""
    nodes = [node for move in moves for node in (move.source, move.target)]
    facilities = {node.facility_id for node in nodes} | {id_ for road in roads for id_ in (road.source, road.target)}
    facilities |= {found.facility_id for found in present if found.facility_id is not None}
    places = {node.holder_id for node in nodes if node.account is Account.PLACE}
    places |= {found.holder_id for found in present if found.account is Account.PLACE}
    shipments = {node.holder_id for node in nodes if node.account is Account.TRANSIT}
    shipments |= {found.holder_id for found in present if found.account is Account.TRANSIT}
    rows = db.execute(select(Facility.id, Facility.code, Facility.name).where(Facility.id.in_(facilities)))
    equipment = db.execute(select(Equipment.id, Equipment.code).where(Equipment.id.in_(places)))
    sent = db.execute(select(Shipment.id, Shipment.code).where(Shipment.id.in_(shipments)))
    return Names(
        facilities={row.id: FacilityName(id=row.id, code=row.code, name=row.name) for row in rows},
        equipment={row.id: row.code for row in equipment},
        shipments={row.id: row.code for row in sent},
    )
