"""Where a batch went and how it came here, as far as the caller may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.shipments.models import Shipment
from tracker.stock.queries.tracing import Movement, Whereabouts, movements_of, where_now
from tracker.stock.rules.words import Account
from tracker.trace.rules.flows import Move, Node, Road, Side, moves_of, roads_between, totals, upstream


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


def trace_of(db: Session, principal: Principal, batch: Batch, *, back_from: UUID | None = None) -> Trace:
    """The road of a batch; with `back_from` (a facility) only what led there.

    Rows of facilities outside the caller's subtree are left out; a shipment is seen from both its ends.
    """
    entries = movements_of(db, batch.id)
    visible = set(db.scalars(select(Unit.id).where(visible_to(principal, Unit.path, Permission.STOCK_READ))))
    shipments = _shipments(db, entries)
    moves = moves_of(_side(entry) for entry in entries)
    seen = [move for move in moves if move.source.facility_id in visible or move.target.facility_id in visible]
    roads = [road for road in roads_between(moves) if road.source in visible or road.target in visible]
    if back_from is not None:
        wanted = upstream(roads, back_from)
        seen = [move for move in seen if {move.source.facility_id, move.target.facility_id} <= wanted]
        roads = [road for road in roads if road.source in wanted and road.target in wanted]
    present = [each for each in where_now(db, batch.id) if _may_see(each, visible, shipments)]
    return Trace(
        batch=batch,
        product=db.scalars(select(Presentation.code).where(Presentation.id == batch.presentation_id)).one(),
        moves=tuple(seen),
        recorded_at={entry.event_id: entry.recorded_at for entry in entries},
        shipment_of={entry.event_id: entry.shipment_id for entry in entries if entry.shipment_id is not None},
        now=tuple(present),
        roads=tuple(roads),
        totals=totals(seen),
        names=_names(db, seen, present, roads, shipments),
        hidden=len(seen) < len(moves),
    )


def _side(entry: Movement) -> Side:
    return Side(
        event_id=entry.event_id,
        kind=entry.kind,
        occurred_at=entry.occurred_at,
        node=Node(account=entry.account, holder_id=entry.holder_id, facility_id=entry.facility_id),
        status=entry.status,
        vials=entry.vials,
    )


def _shipments(db: Session, entries: Iterable[Movement]) -> dict[UUID, Shipment]:
    ids = {entry.holder_id for entry in entries if entry.account is Account.TRANSIT}
    return {found.id: found for found in db.scalars(select(Shipment).where(Shipment.id.in_(ids)))} if ids else {}


def _may_see(found: Whereabouts, visible: set[UUID], shipments: Mapping[UUID, Shipment]) -> bool:
    if found.facility_id is not None:
        return found.facility_id in visible
    shipment = shipments.get(found.holder_id)
    return shipment is not None and bool({shipment.from_facility_id, shipment.to_facility_id} & visible)


def _names(
    db: Session,
    moves: Iterable[Move],
    present: Iterable[Whereabouts],
    roads: Iterable[Road],
    shipments: Mapping[UUID, Shipment],
) -> Names:
    nodes = [node for move in moves for node in (move.source, move.target)]
    facilities = {node.facility_id for node in nodes} | {id_ for road in roads for id_ in (road.source, road.target)}
    facilities |= {found.facility_id for found in present if found.facility_id is not None}
    places = {node.holder_id for node in nodes if node.account is Account.PLACE}
    places |= {found.holder_id for found in present if found.account is Account.PLACE}
    rows = db.execute(select(Facility.id, Facility.code, Facility.name).where(Facility.id.in_(facilities)))
    equipment = db.execute(select(Equipment.id, Equipment.code).where(Equipment.id.in_(places)))
    return Names(
        facilities={row.id: FacilityName(id=row.id, code=row.code, name=row.name) for row in rows},
        equipment={row.id: row.code for row in equipment},
        shipments={id_: shipment.code for id_, shipment in shipments.items()},
    )
