"""Use cases of this room: facilities, equipment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import unit_by_ref
from tracker.access.rules import Permission, UnitKind
from tracker.access.service import ensure_unit
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.network.errors import BadCode, BadPoint, CodeTaken, FacilityNotFound, UnknownTimeZone
from tracker.network.events import EquipmentAdded, EquipmentChanged, FacilityAdded
from tracker.network.models import Equipment, Facility
from tracker.network.rules.words import TIME_ZONES, USUAL_PLACE_KIND, EquipmentKind, PlaceKind

# Codes travel in URLs, MQTT topics and ltree labels.
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFacility:
    """A facility under `parent` (id or code; None only for the root of the country).

    Longitude and latitude in degrees, both or neither. `synthetic` marks what was made up for demonstration.
    """

    code: str
    name: str
    kind: UnitKind
    parent: str | UUID | None
    longitude: float | None = None
    latitude: float | None = None
    timezone: str = "Asia/Jakarta"
    code_bps: str | None = None
    code_kemendagri: str | None = None
    synthetic: bool = False


def add_facility(db: Session, principal: Principal, command: NewFacility, *, now: datetime) -> Facility:
    """Make a facility and its unit, or answer the one that has this code under the same parent.

    Raises BadCode, BadPoint, UnknownTimeZone, FacilityNotFound (parent), CodeTaken, Forbidden.
    """
    _check_code(command.code)
    point = _ewkt(command.longitude, command.latitude)
    if command.timezone not in TIME_ZONES:
        raise UnknownTimeZone(field="timezone", known=list(TIME_ZONES))
    parent = _parent(db, principal, command)
    unit = unit_by_ref(db, command.code)
    if unit is not None and (unit.parent_id != (parent.id if parent else None) or unit.kind != command.kind):
        raise CodeTaken(field="code", value=command.code)
    found = db.get(Facility, unit.id) if unit is not None else None
    if found is not None:
        return found
    unit = ensure_unit(db, code=command.code, name=command.name, kind=command.kind, parent=parent)
    facility = Facility(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        point=point,
        timezone=command.timezone,
        code_bps=command.code_bps,
        code_kemendagri=command.code_kemendagri,
        synthetic=command.synthetic,
    )
    db.add(facility)
    told = FacilityAdded(facility_code=unit.code, kind=unit.kind)
    append(db, told, unit_id=unit.id, subject=unit.id, occurred_at=now, now=now)
    db.flush()
    return facility


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEquipment:
    """A place for stock at a facility (id or code); `place_kind` chooses the limits, usual for the kind when None."""

    code: str
    name: str
    facility: str | UUID
    kind: EquipmentKind
    place_kind: PlaceKind | None = None


def add_equipment(db: Session, principal: Principal, command: NewEquipment, *, now: datetime) -> Equipment:
    """Make equipment, or answer the one that has this code at the same facility.

    Raises BadCode, FacilityNotFound, CodeTaken, Forbidden.
    """
    _check_code(command.code)
    unit = unit_by_ref(db, command.facility)
    if unit is None or not principal.sees(unit.path) or db.get(Facility, unit.id) is None:
        raise FacilityNotFound(field="facility", facility=str(command.facility))
    principal.require(Permission.NETWORK_WRITE, unit.path)
    found = db.scalar(select(Equipment).where(Equipment.code == command.code))
    if found is not None:
        if found.facility_id != unit.id or found.kind != command.kind:
            raise CodeTaken(field="code", value=command.code)
        return found
    equipment = Equipment(
        id=uuid7(),
        facility_id=unit.id,
        code=command.code,
        name=command.name,
        kind=command.kind,
        place_kind=command.place_kind or USUAL_PLACE_KIND[command.kind],
        in_service=True,
    )
    db.add(equipment)
    _tell_equipment(db, equipment, EquipmentAdded, now=now)
    db.flush()
    return equipment


def mark_in_service(db: Session, equipment: Equipment, in_service: bool, *, now: datetime) -> None:
    """Write down and tell that equipment went out of service or back into it.

    For `tracker.stock.service.places.set_in_service`, which asks who may and takes promises along.
    """
    equipment.in_service = in_service
    equipment.service_changed_at = now
    _tell_equipment(db, equipment, EquipmentChanged, now=now)
    db.flush()


def _tell_equipment(
    db: Session, equipment: Equipment, news: type[EquipmentAdded | EquipmentChanged], *, now: datetime
) -> None:
    told = news(equipment_code=equipment.code, kind=equipment.kind, in_service=equipment.in_service)
    append(db, told, unit_id=equipment.facility_id, subject=equipment.id, occurred_at=now, now=now)


def _parent(db: Session, principal: Principal, command: NewFacility) -> Unit | None:
    if command.parent is None:
        principal.require(Permission.NETWORK_WRITE)
        if not principal.is_system:
            # Only the set-up of a country makes a second root; a person always stands under one.
            raise FacilityNotFound(field="parent", facility=None)
        return None
    parent = unit_by_ref(db, command.parent)
    if parent is None or not principal.sees(parent.path):
        raise FacilityNotFound(field="parent", facility=str(command.parent))
    principal.require(Permission.NETWORK_WRITE, parent.path)
    return parent


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise BadCode(field="code", value=code[:80])


def _ewkt(longitude: float | None, latitude: float | None) -> str | None:
    if longitude is None and latitude is None:
        return None
    # A NaN fails both comparisons, so it is refused too.
    if longitude is None or latitude is None or not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise BadPoint(field="longitude", longitude=longitude, latitude=latitude)
    return f"SRID=4326;POINT({longitude:.7f} {latitude:.7f})"
