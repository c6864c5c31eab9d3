"""Polygons for the map: imported areas where there are some, else catchments drawn from the points."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Select, cast, func, literal_column, select
from sqlalchemy.orm import Session

from dashboard.stock.queries import FacilityStock
from tracker.network.models import Area, Facility
from tracker.network.rules.words import AreaLevel

# Finest level whose areas still number few enough to be drawn on a phone.
MOST_AREAS = 250
FINEST_FIRST = (AreaLevel.VILLAGE, AreaLevel.DISTRICT, AreaLevel.CITY, AreaLevel.PROVINCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A GeoJSON FeatureCollection (degrees) and whether it is only an approximation."""

    areas: dict[str, Any]
    approximate: bool
    level: str | None


def ground_of(db: Session, facilities: list[FacilityStock]) -> Ground:
    """What to draw below these facilities."""
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
    return Ground(areas=_collection(_catchments(db, placed)), approximate=True, level=None)


def _catchments(db: Session, placed: list[FacilityStock]) -> list[tuple[str, str]]:
    """Voronoi cells of the facilities' points, cut to their surroundings."""
    if len(placed) < 2:
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
