"""Areas out of a GeoJSON FeatureCollection (RFC 7946). Pure.

Codes are looked for under the names Indonesian files use: `kode` or `KODE_PROV` hold Kemendagri codes,
`kode_bps` BPS ones; `level` may be given, else it follows from the Kemendagri code's form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
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


class FeatureFault(StrEnum):
    """Why a feature of a file cannot be taken."""

    NO_PROPERTIES = "no_properties"
    NO_NAME = "no_name"
    BAD_KEMENDAGRI = "bad_kemendagri"
    BAD_BPS = "bad_bps"
    NO_CODE = "no_code"
    BAD_LEVEL = "bad_level"
    NO_LEVEL = "no_level"
    NOT_POLYGON = "not_polygon"
    BAD_COORDINATES = "bad_coordinates"
    EMPTY = "empty"
    NO_DEGREES = "no_degrees"
    NO_SURFACE = "no_surface"
    CODE_TWICE = "code_twice"
    TWO_AREAS = "two_areas"


class FeatureError(ValueError):
    """A feature cannot be taken; `index` counts from 0, `name` is what it calls itself, `detail` what `reason` means."""

    def __init__(self, index: int, name: str, reason: FeatureFault, detail: str = "") -> None:
        self.detail = detail
        self.index = index
        self.name = name
        self.reason = reason
        super().__init__(f"feature {index} ({name}): {reason} {detail}".rstrip())


def features_of(document: Mapping[str, Any]) -> Iterator[AreaFeature]:
    """The areas one after another; raises FeatureError, and ValueError for what is no FeatureCollection."""
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise ValueError("not a FeatureCollection")
    for index, feature in enumerate(features):
        yield _area(index, feature)


def _area(index: int, feature: object) -> AreaFeature:
    if not isinstance(feature, Mapping) or not isinstance(feature.get("properties"), Mapping):
        raise FeatureError(index, "?", FeatureFault.NO_PROPERTIES)
    properties: Mapping[str, Any] = feature["properties"]
    name = _first(properties, _NAME_NAMES) or "?"
    kemendagri = _first(properties, _KEMENDAGRI_NAMES)
    bps = _first(properties, _BPS_NAMES)
    level = _level(index, name, properties, kemendagri)
    if name == "?":
        raise FeatureError(index, name, FeatureFault.NO_NAME)
    if kemendagri is not None and not is_kemendagri_code(level, kemendagri):
        raise FeatureError(index, name, FeatureFault.BAD_KEMENDAGRI, kemendagri)
    if bps is not None and not is_bps_code(level, bps):
        raise FeatureError(index, name, FeatureFault.BAD_BPS, bps)
    if kemendagri is None and bps is None:
        raise FeatureError(index, name, FeatureFault.NO_CODE)
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
            raise FeatureError(index, name, FeatureFault.BAD_LEVEL, str(given)) from None
    found = level_of_kemendagri(kemendagri) if kemendagri else None
    if found is None:
        raise FeatureError(index, name, FeatureFault.NO_LEVEL)
    return found


def _polygons(index: int, name: str, geometry: object) -> tuple[MultiPolygon, bool]:
    if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise FeatureError(index, name, FeatureFault.NOT_POLYGON)
    try:
        found: BaseGeometry = shapely.force_2d(shape(dict(geometry)))
    except (ShapelyError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise FeatureError(index, name, FeatureFault.BAD_COORDINATES, type(error).__name__) from None
    if found.is_empty:
        raise FeatureError(index, name, FeatureFault.EMPTY)
    west, south, east, north = found.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise FeatureError(index, name, FeatureFault.NO_DEGREES)
    # Simplified boundaries often cross themselves; PostGIS would then answer nonsense or fail.
    repaired = not found.is_valid
    if repaired:
        found = shapely.make_valid(found)
    surfaces = list(_surfaces(found))
    if not surfaces:
        raise FeatureError(index, name, FeatureFault.NO_SURFACE)
    return MultiPolygon(surfaces), repaired


def _surfaces(geometry: BaseGeometry) -> Iterator[Polygon]:
    """The polygons of whatever mending made of it; lines and points that fell off are left out."""
    if isinstance(geometry, Polygon):
        yield geometry
    elif isinstance(geometry, BaseMultipartGeometry):
        for part in geometry.geoms:
            yield from _surfaces(part)
