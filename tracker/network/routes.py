"""HTTP of this room: facilities and equipment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission, UnitKind
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.versions import Versioned, shows, versioned
from tracker.network import queries, service
from tracker.network.models import Area, Equipment, Facility
from tracker.network.presenting import area_out, equipment_out, facility_out, neighbours_out, service_areas_out
from tracker.network.rules.words import AreaLevel
from tracker.network.schemas import (
    AreaOut,
    EquipmentIn,
    EquipmentOut,
    FacilityIn,
    FacilityOut,
    NeighboursOut,
    ServiceAreasIn,
    ServiceAreasOut,
)
from tracker.network.serving import ServeAreas, lock_areas, serve_areas

router = Router(prefix="/api/v1", tags=["network"])

Ref = Annotated[str | None, Query(max_length=64, description="Id or code.")]


@router.get("/facilities")
def list_facilities(
    *,
    db: Db,
    caller: Caller,
    kind: UnitKind | None = None,
    parent: Ref = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FacilityOut]:
    """Facilities of the caller's subtree by code; `parent` restricts to one unit and all below it."""
    query = queries.facilities_visible_to(caller)
    if kind is not None:
        query = query.where(Facility.kind == kind)
    if parent is not None:
        above = queries.facility_by_code_or_id(db, caller, parent)
        query = query.where(queries.below(queries.path_of(db, above.id)))
    return page_of(
        db,
        query,
        keys=[Facility.code],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].code],
        present=facility_out,
    )


@router.get("/facilities/{ref}")
def read_facility(ref: str, db: Db, caller: Caller) -> FacilityOut:
    """One facility by id or code."""
    found = queries.facility_by_code_or_id(db, caller, ref)
    return facility_out(db.execute(queries.facilities_visible_to(caller).where(Facility.id == found.id)).one())


@router.get("/facilities/{ref}/nearest")
def nearest(ref: str, db: Db, caller: Caller, limit: Annotated[int, Query(ge=1, le=50)] = 10) -> NeighboursOut:
    """The facilities of the caller's subtree nearest to one of them."""
    found = queries.facility_by_code_or_id(db, caller, ref)
    near = queries.nearest_facilities(
        db, to=found.id, where=visible_to(caller, Unit.path, Permission.NETWORK_READ), limit=limit
    )
    return neighbours_out(near)


@router.post("/facilities", status_code=201)
def add_facility(body: FacilityIn, db: Db, caller: Caller, now: Now) -> FacilityOut:
    """Make a facility; the same code under the same parent again answers the one there is."""
    made = service.add_facility(db, caller, service.NewFacility(**body.model_dump()), now=now)
    return facility_out(db.execute(queries.facilities_visible_to(caller).where(Facility.id == made.id)).one())


def _all(shown: ServiceAreasOut) -> object:
    return shown


def _lock_areas(db: Session, caller: Principal, values: Mapping[str, Any]) -> object:
    return lock_areas(db, caller, values["ref"])


@router.get("/facilities/{ref}/service-areas")
@shows(_all)
def list_service_areas(ref: str, db: Db, caller: Caller) -> ServiceAreasOut:
    """Whose people a facility serves."""
    return service_areas_out(queries.areas_served_by(db, queries.facility_by_code_or_id(db, caller, ref)))


@router.put("/facilities/{ref}/service-areas")
@shows(_all)
@versioned(Versioned(read=list_service_areas, lock=_lock_areas, part=_all))
def set_service_areas(ref: str, body: ServiceAreasIn, db: Db, caller: Caller, now: Now) -> ServiceAreasOut:
    """Say whose people a facility serves: the whole list; the same again changes nothing."""
    facility = serve_areas(db, caller, ServeAreas(facility=ref, areas=body.areas), now=now)
    return service_areas_out(queries.areas_served_by(db, facility))


@router.get("/areas")
def list_areas(
    *,
    db: Db,
    caller: Caller,
    q: Annotated[str, Query(max_length=100, description="Words of the name, or the beginning of a code.")] = "",
    level: AreaLevel | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AreaOut]:
    """Imported areas by name."""
    caller.require(Permission.NETWORK_READ)
    return page_of(
        db,
        queries.areas_named(q.replace("\x00", " ").split(), level),
        keys=[Area.name, Area.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].name, row[0].id],
        present=area_out,
    )


@router.get("/equipment")
def list_equipment(
    db: Db, caller: Caller, facility: Ref = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[EquipmentOut]:
    """Equipment of the caller's subtree by code."""
    query = queries.equipment_visible_to(caller)
    if facility is not None:
        query = query.where(Equipment.facility_id == queries.facility_by_code_or_id(db, caller, facility).id)
    return page_of(
        db,
        query,
        keys=[Equipment.code],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].code],
        present=equipment_out,
    )


@router.get("/equipment/{ref}")
def read_equipment(ref: str, db: Db, caller: Caller) -> EquipmentOut:
    """One piece of equipment by id or code."""
    return _one_equipment(db, caller, queries.equipment_by_ref(db, caller, ref))


@router.post("/equipment", status_code=201)
def add_equipment(body: EquipmentIn, db: Db, caller: Caller, now: Now) -> EquipmentOut:
    """Make a place for stock; the same code at the same facility again answers the one there is."""
    return _one_equipment(
        db, caller, service.add_equipment(db, caller, service.NewEquipment(**body.model_dump()), now=now)
    )


def _one_equipment(db: Session, caller: Principal, equipment: Equipment) -> EquipmentOut:
    return equipment_out(db.execute(queries.equipment_visible_to(caller).where(Equipment.id == equipment.id)).one())
