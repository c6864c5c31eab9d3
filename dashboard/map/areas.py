"""Polygons for the map: imported areas where there are some, else catchments drawn from the points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from geoalchemy2 import Geography, Geometry
from sqlalchemy import Select, cast, func, literal_column, select
from sqlalchemy.orm import Session, aliased

from dashboard.stock.queries import FacilityStock
from tracker.access.models import Unit
from tracker.network.models import Area, Facility
from tracker.network.rules.words import AreaLevel

# Finest level whose areas still number few enough to be drawn on a phone.
MOST_AREAS = 250
FEW = 2
MOST_NEIGHBOURS = 8
NEAR_M = 30_000
# Degrees. Over more than a city and its surroundings the nearest facility says nothing of who serves whom.
WIDEST_CATCHMENTS = 0.5
FINEST_FIRST = (AreaLevel.VILLAGE, AreaLevel.DISTRICT, AreaLevel.CITY, AreaLevel.PROVINCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A GeoJSON FeatureCollection (degrees) and whether it is only an approximation."""

    areas: dict[str, Any]
    approximate: bool
    level: str | None


class Placed(Protocol):
    """What has a point, or none."""

    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...


def ground_of(db: Session, facilities: Sequence[Placed]) -> Ground:
    """What to draw below these facilities, or the middles of areas."""
    placed = [facility for facility in facilities if facility.lat is not None and facility.lon is not None]
    if not placed:
        return Ground(areas=_collection([]), approximate=False, level=None)
    west, east = min(f.lon or 0 for f in placed), max(f.lon or 0 for f in placed)
    south, north = min(f.lat or 0 for f in placed), max(f.lat or 0 for f in placed)
    air = max(0.05, (east - west) * 0.3, (north - south) * 0.3)
    window = func.ST_MakeEnvelope(west - air, south - air, east + air, north + air, 4326)
    plane = cast(Area.polygon, Geometry("MULTIPOLYGON", srid=4326))
    # A thousandth of the view: nobody sees finer on any screen, and the answer stays small.
    tolerance = max(air, 0.05) / 500
    for level in FINEST_FIRST:
        inside = (Area.level == level, func.ST_Intersects(plane, window))
        count = db.scalar(select(func.count()).where(*inside)) or 0
        if 0 < count <= MOST_AREAS:
            shape = func.ST_AsGeoJSON(func.ST_SimplifyPreserveTopology(plane, tolerance), 5)
            rows = db.execute(select(Area.name, shape).where(*inside).order_by(Area.name)).all()
            return Ground(areas=_collection([(name, text) for name, text in rows]), approximate=False, level=level)
    cells = _catchments(db, [facility for facility in placed if isinstance(facility, FacilityStock)])
    return Ground(areas=_collection(cells), approximate=True, level=None)


def neighbours_of(db: Session, facilities: list[FacilityStock]) -> list[tuple[str, float, float]]:
    """(name, longitude, latitude) of the facilities nearest to these few, for one's bearings.

    Name and place of a facility are public (citizens choose by them); its stock is not and is not asked for. Whoever sees
    many facilities needs no neighbours.
    """
    placed = [facility for facility in facilities if facility.lat is not None and facility.lon is not None]
    if not placed or len(facilities) > FEW:
        return []
    here = func.ST_SetSRID(func.ST_MakePoint(placed[0].lon, placed[0].lat), 4326)
    point = cast(Facility.point, Geometry("POINT", srid=4326))
    rows = db.execute(
        select(Facility.name, func.ST_X(point), func.ST_Y(point))
        .where(Facility.point.is_not(None), Facility.id.not_in([facility.id for facility in facilities]))
        .where(func.ST_DWithin(Facility.point, cast(here, Geography("POINT", srid=4326)), NEAR_M))
        .order_by(func.ST_Distance(point, here))
        .limit(MOST_NEIGHBOURS)
    )
    return [(name, lon, lat) for name, lon, lat in rows]


def parents_of(db: Session, facilities: list[FacilityStock]) -> dict[UUID, str]:
    """The name of the unit above each facility: what several signs in one place are called together."""
    above = aliased(Unit)
    query = (
        select(Unit.id, above.name)
        .join(above, above.path == func.subpath(Unit.path, 0, -1))
        .where(Unit.id.in_([facility.id for facility in facilities]), func.nlevel(Unit.path) > 1)
    )
    return {unit_id: name for unit_id, name in db.execute(query)}  # noqa: C416 - rows are not tuples to the type checker


def _catchments(db: Session, placed: list[FacilityStock]) -> list[tuple[str, str]]:
    """Voronoi cells of the facilities' points, cut to their surroundings."""
    lons, lats = [f.lon or 0 for f in placed], [f.lat or 0 for f in placed]
    if len(placed) < 2 or max(max(lons) - min(lons), max(lats) - min(lats)) > WIDEST_CATCHMENTS:
        return []
    points: Select[Any] = select(cast(Facility.point, Geometry("POINT", srid=4326)).label("point")).where(
        Facility.id.in_([facility.id for facility in placed])
    )
    cloud = points.subquery()
    gathered = select(func.ST_Collect(cloud.c.point).label("all")).subquery()
    hull = func.ST_Buffer(func.ST_ConvexHull(gathered.c.all), 0.03)
    cells = select(func.ST_Dump(func.ST_VoronoiPolygons(gathered.c.all)).label("cell"), hull.label("hull")).subquery()
    cut = func.ST_Intersection(literal_column("(cell).geom"), cells.c.hull)
    return [("", text) for (text,) in db.execute(select(func.ST_AsGeoJSON(cut, 5)).select_from(cells))]


def _collection(rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"name": name}, "geometry": json.loads(text)} for name, text in rows
        ],
    }
