"""Reads of this room; every listing starts from what the caller may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geography, Geometry
from sqlalchemy import ColumnElement, Date, Select, SQLColumnExpression, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import at_or_below, visible_to
from tracker.access.rules import Permission, UnitKind
from tracker.database.hot import ask
from tracker.kit.days import WESTERN, earliest_day, latest_day, local_day
from tracker.network.errors import EquipmentNotFound, FacilityNotFound
from tracker.network.models import Area, Equipment, Facility, ServiceArea
from tracker.network.rules.distance import Point
from tracker.network.rules.words import AreaLevel, is_village_code


def day_there(at: datetime | SQLColumnExpression[Any]) -> ColumnElement[date]:
    """The calendar day of an instant at each `Facility` of a statement, the west's where it has none.

    By the same rule as `tracker.kit.days.local_day`.
    """
    return cast(func.timezone(func.coalesce(Facility.timezone, WESTERN), at), Date)


def local_today(now: datetime) -> ColumnElement[date]:
    """Today at each `Facility` of a statement."""
    return day_there(now)


def not_past(day: ColumnElement[date] | InstrumentedAttribute[date], now: datetime) -> ColumnElement[bool]:
    """True where a day is today or later at its `Facility`.

    Each place is asked only while the country's places have different days: the planner then guesses how many there are.
    """
    first = earliest_day(now)
    return day >= first if first == latest_day(now) else (day >= first) & (day >= local_today(now))


def today_at(db: Session, unit_id: UUID | None, now: datetime) -> date:
    """Today at a unit: its place's day, the west's where it has none (docs/domain.md, §1)."""
    zone = _own_zone(db, unit_id)
    return local_day(now, zone or WESTERN)


def begun_at(db: Session, unit_id: UUID | None, now: datetime) -> date:
    """The newest day that has begun where a unit works: its place's, the east's of who works for the whole country or at no place.

    No province lies in two zones.
    """
    zone = _own_zone(db, unit_id, Unit.kind != UnitKind.NATIONAL)
    return latest_day(now) if zone is None else local_day(now, zone)


def _own_zone(db: Session, unit_id: UUID | None, *which: ColumnElement[bool]) -> str | None:
    if unit_id is None:
        return None
    return db.scalar(select(Facility.timezone).join(Unit, Unit.id == Facility.id).where(Facility.id == unit_id, *which))


def as_id(ref: str | UUID) -> UUID | None:
    """The id a reference spells, or None when it can only be a code."""
    if isinstance(ref, UUID):
        return ref
    try:
        return UUID(ref)
    except ValueError:
        return None


def facility_by_code_or_id(
    db: Session, principal: Principal, ref: str | UUID, permission: Permission = Permission.NETWORK_READ
) -> Facility:
    """The facility with this id or code in the caller's subtree; raises FacilityNotFound."""
    found = db.scalar(
        select(Facility)
        .join(Unit, Unit.id == Facility.id)
        .where(_matches(Facility.id, Facility.code, ref), visible_to(principal, Unit.path, permission))
    )
    if found is None:
        raise FacilityNotFound(facility=str(ref))
    return found


def equipment_by_ref(
    db: Session, principal: Principal, ref: str | UUID, permission: Permission = Permission.NETWORK_READ
) -> Equipment:
    """The equipment with this id or code in the caller's subtree; raises EquipmentNotFound."""
    found = db.scalar(
        select(Equipment)
        .join(Unit, Unit.id == Equipment.facility_id)
        .where(_matches(Equipment.id, Equipment.code, ref), visible_to(principal, Unit.path, permission))
    )
    if found is None:
        raise EquipmentNotFound(equipment=str(ref))
    return found


def path_of(db: Session, unit_id: UUID) -> str:
    """The path of a unit (every facility is one); raises FacilityNotFound."""
    path = db.scalar(select(Unit.path).where(Unit.id == unit_id))
    if path is None:
        raise FacilityNotFound(facility=str(unit_id))
    return path


def facilities_visible_to(principal: Principal) -> Select[Facility, str, float | None, float | None, str | None]:
    """A select of (facility, path, longitude, latitude, parent code), not ordered, for listings to refine."""
    parent = Unit.__table__.alias("parent")
    return (
        select(Facility, Unit.path, *coordinates(), parent.c.code)
        .join(Unit, Unit.id == Facility.id)
        .outerjoin(parent, parent.c.id == Unit.parent_id)
        .where(visible_to(principal, Unit.path, Permission.NETWORK_READ))
    )


def below(path: str) -> ColumnElement[bool]:
    """True for units at `path` and under it."""
    return at_or_below(Unit.path, [path])


def coordinates() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Longitude and latitude of a facility's point, degrees; null where it has none."""
    plane = cast(Facility.point, Geometry("POINT", srid=4326))
    return func.ST_X(plane).label("longitude"), func.ST_Y(plane).label("latitude")


def equipment_visible_to(principal: Principal) -> Select[Equipment, str]:
    """A select of (equipment, facility code), not ordered."""
    return (
        select(Equipment, Facility.code)
        .join(Facility, Facility.id == Equipment.facility_id)
        .join(Unit, Unit.id == Equipment.facility_id)
        .where(visible_to(principal, Unit.path, Permission.NETWORK_READ))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A facility and how far it is, straight line, kilometres."""

    facility_id: UUID
    code: str
    name: str
    distance_km: float


def nearest_facilities(
    db: Session,
    *,
    to: UUID | tuple[float, float],
    kinds: Collection[UnitKind] = (UnitKind.PUSKESMAS, UnitKind.HOSPITAL, UnitKind.POST),
    among: Collection[UUID] | None = None,
    where: ColumnElement[bool] | None = None,
    limit: int = 10,
) -> list[Neighbour]:
    """The facilities nearest to a facility (id) or to a point (longitude, latitude), nearest first.

    The facility itself is left out. `among` restricts to these ids, `where` by any condition on Facility
    and Unit. No permission is asked: a citizen may be sent across the border of any subtree, so the caller
    decides what to show.
    """
    query = select(Facility.id, Facility.code, Facility.name).join(Unit, Unit.id == Facility.id)
    origin: ColumnElement[Any]
    if isinstance(to, UUID):
        origin = select(Facility.point).where(Facility.id == to).scalar_subquery()
        query = query.where(Facility.id != to)
    else:
        origin = geography_point(*to)
    if among is not None:
        query = query.where(Facility.id.in_(among))
    if where is not None:
        query = query.where(where)
    # `<->` walks the GiST index from the nearest outwards.
    nearness = Facility.point.op("<->")(origin)
    rows = db.execute(
        query.add_columns((func.ST_Distance(Facility.point, origin) / 1000).label("distance_km"))
        .where(Facility.point.is_not(None), Facility.kind.in_(kinds))
        .order_by(nearness, Facility.code)
        .limit(limit)
    )
    return [
        Neighbour(facility_id=row.id, code=row.code, name=row.name, distance_km=row.distance_km)
        for row in rows
        if row.distance_km is not None
    ]


def areas_of_point(db: Session, longitude: float, latitude: float) -> list[Area]:
    """The imported areas that cover a point, widest first."""
    found = db.scalars(select(Area).where(func.ST_Covers(Area.polygon, geography_point(longitude, latitude))))
    order = list(AreaLevel)
    return sorted(found, key=lambda area: order.index(area.level))


def area_by_code(db: Session, code: str) -> Area | None:
    """An area by its BPS or Kemendagri code (the forms never collide: one has dots or is a province both name alike)."""
    return db.scalar(select(Area).where((Area.code_kemendagri == code) | (Area.code_bps == code)).limit(1))


def served_areas(db: Session, facility_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """The codes, in both systems where known, of all whom each facility serves: those listed, and where it stands.

    One known only down to its district or city serves all of that, unless kelurahan are listed. One statement.
    """
    # Asked for every booking of a hot session.
    db.flush()
    rows = ask(db.connection(), _SERVED, {"facilities": list(facility_ids)}) or ()
    listed: dict[str, set[str]] = defaultdict(set)
    for facility, _, codes in rows:
        listed[facility] |= {code for code in codes if code}
    return {
        UUID(facility): frozenset(
            listed[facility] | {code for code in own if code and (is_village_code(code) or not listed[facility])}
        )
        for facility, own, _ in rows
    }


_SERVED = """
    SELECT json_agg(json_build_array(
        f.id, json_build_array(f.code_kemendagri, f.code_bps), json_build_array(s.area_code, a.code_kemendagri, a.code_bps)
    ))::text
    FROM facility f
    LEFT JOIN service_area s ON s.facility_id = f.id
    LEFT JOIN area a ON a.code_kemendagri = s.area_code OR a.code_bps = s.area_code
    WHERE f.id = ANY(%(facilities)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A kelurahan somebody serves; `name` is None where no area of that code was imported."""

    code: str
    name: str | None
    stands_here: bool


def areas_served_by(db: Session, facility: Facility) -> list[Served]:
    """What a facility serves, as people read it: where it stands first, then by name."""
    listed = db.scalars(select(ServiceArea.area_code).where(ServiceArea.facility_id == facility.id)).all()
    own = facility.code_kemendagri or facility.code_bps
    names = names_of_areas(db, [*listed, *([own] if own else [])])
    found = [Served(code=code, name=names.get(code), stands_here=False) for code in listed if code != own]
    if own is not None and (is_village_code(own) or not found):
        found.append(Served(code=own, name=names.get(own), stands_here=True))
    return sorted(found, key=lambda one: (not one.stands_here, one.name or "~", one.code))


def areas_named(words: Collection[str], level: AreaLevel | None = None) -> Select[Area]:
    """A select of areas whose name holds all these words, or whose code begins with one of them; not ordered."""
    query = select(Area)
    if level is not None:
        query = query.where(Area.level == level)
    for word in words:
        query = query.where(
            Area.name.icontains(word, autoescape=True)
            | Area.code_kemendagri.startswith(word, autoescape=True)
            | Area.code_bps.startswith(word, autoescape=True)
        )
    return query


def names_of_areas(db: Session, codes: Collection[str]) -> dict[str, str]:
    """The names of imported areas by the code asked for."""
    found: dict[str, str] = {}
    for area in db.scalars(select(Area).where(Area.code_kemendagri.in_(codes) | Area.code_bps.in_(codes))):
        both = (area.code_kemendagri, area.code_bps)
        found.update({code: area.name for code in both if code is not None and code in codes})
    return found


def home_point(db: Session, code: str | None) -> Point | None:
    """The middle of the area somebody lives in, else the place of a facility of that area; None where neither is known."""
    if code is None:
        return None
    area = select(
        cast(func.ST_Centroid(cast(Area.polygon, Geometry())), Geometry("POINT", srid=4326)).label("at")
    ).where((Area.code_kemendagri == code) | (Area.code_bps == code))
    place = select(cast(Facility.point, Geometry("POINT", srid=4326)).label("at")).where(
        (Facility.code_kemendagri == code)
        | (Facility.code_bps == code)
        | Facility.id.in_(select(ServiceArea.facility_id).where(ServiceArea.area_code == code)),
        Facility.point.is_not(None),
    )
    for found in (area.limit(1).subquery(), place.limit(1).subquery()):
        row = db.execute(select(func.ST_Y(found.c.at), func.ST_X(found.c.at))).first()
        if row is not None:
            return row[0], row[1]
    return None


def geography_point(longitude: float, latitude: float) -> ColumnElement[Any]:
    """A point on earth as the database reckons with it."""
    return cast(func.ST_SetSRID(func.ST_MakePoint(longitude, latitude), 4326), Geography("POINT", srid=4326))


def _matches(id_column: Any, code_column: Any, ref: str | UUID) -> ColumnElement[bool]:
    as_uuid = as_id(ref)
    condition: ColumnElement[bool] = id_column == as_uuid if as_uuid is not None else code_column == ref
    return condition


def zone_there() -> ColumnElement[str]:
    """The zone of the `Unit` of a query that outer-joins its `Facility`: its own, else that of most places below it.

    The programme's own where there is no place at all.
    """
    below, place = aliased(Unit), aliased(Facility)
    usual = (
        select(place.timezone)
        .join(below, below.id == place.id)
        .where(below.path.op("<@", is_comparison=True)(Unit.path))
        .group_by(place.timezone)
        .order_by(func.count().desc(), place.timezone)
        .limit(1)
        .correlate(Unit)
        .scalar_subquery()
    )
    return func.coalesce(Facility.timezone, usual, WESTERN)
