"""Areas out of a GeoJSON FeatureCollection (RFC 7946). Pure.

Codes are looked for under the names Indonesian files use: `kode` or `KODE_PROV` hold Kemendagri codes,
`kode_bps` BPS ones; `level` may be given, else it follows from the Kemendagri code's form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from tracker.network.rules.words import AreaLevel, is_bps_code, is_kemendagri_code, level_of_kemendagri

_KEMENDAGRI_NAMES = ("code_kemendagri", "kode_kemendagri", "kode", "KODE_PROV", "kode_prov")
_BPS_NAMES = ("code_bps", "kode_bps", "bps")
_NAME_NAMES = ("name", "nama", "NAMA", "PROVINSI", "WADMKK", "WADMKC", "WADMKD")


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaFeature:
    """One area as the file has it; `wkt` is a MULTIPOLYGON in degrees, longitude first."""

    index: int
    name: str
    level: AreaLevel
    code_kemendagri: str | None
    code_bps: str | None
    wkt: str
    repaired: bool


class FeatureError(ValueError):
    """A feature cannot be taken; `index` counts from 0, `name` is what it calls itself."""

    def __init__(self, index: int, name: str, reason: str) -> None:
        self.index = index
        self.name = name
        self.reason = reason
        super().__init__(f"feature {index} ({name}): {reason}")


def features_of(document: Mapping[str, Any]) -> Iterator[AreaFeature]:
    """The areas one after another; raises FeatureError, and ValueError for what is no FeatureCollection."""
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise ValueError("not a FeatureCollection")
    for index, feature in enumerate(features):
        yield _area(index, feature)


def _area(index: int, feature: object) -> AreaFeature:
    if not isinstance(feature, Mapping) or not isinstance(feature.get("properties"), Mapping):
        raise FeatureError(index, "?", "it has no properties")
    properties: Mapping[str, Any] = feature["properties"]
    name = _first(properties, _NAME_NAMES) or "?"
    kemendagri = _first(properties, _KEMENDAGRI_NAMES)
    bps = _first(properties, _BPS_NAMES)
    level = _level(index, name, properties, kemendagri)
    if name == "?":
        raise FeatureError(index, name, "it has no name")
    if kemendagri is not None and not is_kemendagri_code(level, kemendagri):
        raise FeatureError(index, name, f"{kemendagri} is no Kemendagri code of a {level}")
    if bps is not None and not is_bps_code(level, bps):
        raise FeatureError(index, name, f"{bps} is no BPS code of a {level}")
    if kemendagri is None and bps is None:
        raise FeatureError(index, name, "it has no area code")
    polygons, repaired = _polygons(index, name, feature.get("geometry"))
    return AreaFeature(
        index=index,
        name=name,
        level=level,
        code_kemendagri=kemendagri,
        code_bps=bps,
        wkt=shapely.to_wkt(polygons, rounding_precision=7),
        repaired=repaired,
    )


def _first(properties: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(properties[name]).strip() for name in names if properties.get(name) not in (None, "")), None)


def _level(index: int, name: str, properties: Mapping[str, Any], kemendagri: str | None) -> AreaLevel:
    given = properties.get("level")
    if given is not None:
        try:
            return AreaLevel(str(given))
        except ValueError:
            raise FeatureError(index, name, f"{given} is no level") from None
    found = level_of_kemendagri(kemendagri) if kemendagri else None
    if found is None:
        raise FeatureError(index, name, "its level is neither given nor told by a Kemendagri code")
    return found


def _polygons(index: int, name: str, geometry: object) -> tuple[MultiPolygon, bool]:
    if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise FeatureError(index, name, "its geometry is neither Polygon nor MultiPolygon")
    try:
        found: BaseGeometry = shapely.force_2d(shape(dict(geometry)))
    except (ShapelyError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise FeatureError(index, name, f"its coordinates cannot be read ({type(error).__name__})") from None
    if found.is_empty:
        raise FeatureError(index, name, "its geometry is empty")
    west, south, east, north = found.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise FeatureError(index, name, "its coordinates are not longitude and latitude in degrees")
    # Simplified boundaries often cross themselves; PostGIS would then answer nonsense or fail.
    repaired = not found.is_valid
    if repaired:
        found = shapely.make_valid(found)
    surfaces = list(_surfaces(found))
    if not surfaces:
        raise FeatureError(index, name, "its geometry has no surface")
    return MultiPolygon(surfaces), repaired


def _surfaces(geometry: BaseGeometry) -> Iterator[Polygon]:
    """The polygons of whatever mending made of it; lines and points that fell off are left out."""
    if isinstance(geometry, Polygon):
        yield geometry
    elif isinstance(geometry, BaseMultipartGeometry):
        for part in geometry.geoms:
            yield from _surfaces(part)
