"""Wire shapes from rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracker.network.queries import Neighbour, Served
from tracker.network.schemas import (
    AreaOut,
    EquipmentOut,
    FacilityOut,
    NeighbourOut,
    NeighboursOut,
    ServiceAreaOut,
    ServiceAreasOut,
)


def facility_out(row: Any) -> FacilityOut:
    """A row of `facilities_visible_to`."""
    facility, path, longitude, latitude, parent = row
    return FacilityOut(
        id=facility.id,
        code=facility.code,
        name=facility.name,
        kind=facility.kind,
        parent=parent,
        path=path,
        longitude=longitude,
        latitude=latitude,
        timezone=facility.timezone,
        code_bps=facility.code_bps,
        code_kemendagri=facility.code_kemendagri,
        synthetic=facility.synthetic,
    )


def equipment_out(row: Any) -> EquipmentOut:
    """A row of `equipment_visible_to`."""
    equipment, facility_code = row
    return EquipmentOut(
        id=equipment.id,
        code=equipment.code,
        name=equipment.name,
        facility=facility_code,
        facility_id=equipment.facility_id,
        kind=equipment.kind,
        place_kind=equipment.place_kind,
        in_service=equipment.in_service,
    )


def neighbours_out(near: Iterable[Neighbour]) -> NeighboursOut:
    """Neighbours in the order given; distances to the metre."""
    items = [
        NeighbourOut(id=each.facility_id, code=each.code, name=each.name, distance_km=round(each.distance_km, 3))
        for each in near
    ]
    return NeighboursOut(items=items)


def area_out(row: Any) -> AreaOut:
    """A row of `areas_named`."""
    (area,) = row
    return AreaOut(code_kemendagri=area.code_kemendagri, code_bps=area.code_bps, name=area.name, level=area.level)


def service_areas_out(served: Iterable[Served]) -> ServiceAreasOut:
    """Areas in the order given."""
    items = [ServiceAreaOut(code=one.code, name=one.name, stands_here=one.stands_here) for one in served]
    return ServiceAreasOut(items=items)
