"""Points of the earth: how far they are from each other, and how somebody's own is written and kept. Pure."""

from __future__ import annotations

import re
from math import cos, hypot, radians

EARTH_KM = 6371.0
Point = tuple[float, float]
"""Latitude and longitude, degrees."""

POINT_PATTERN = r"^-?([0-8]?[0-9](\.[0-9]{1,9})?|90(\.0{1,9})?),-?((1[0-7]|[0-9])?[0-9](\.[0-9]{1,9})?|180(\.0{1,9})?)$"
"""A point as `latitude,longitude`."""


def distance_km(one: Point | None, other: Point | None) -> float | None:
    """Kilometres on an even patch of earth: right to a per cent within a city. None where a point is not known."""
    if one is None or other is None:
        return None
    north = radians(one[0] - other[0])
    east = radians(one[1] - other[1]) * cos(radians(other[0]))
    return EARTH_KM * hypot(north, east)


def coarse(point: Point) -> Point:
    """The point to a kilometre: enough to put places in order, too little to find a home."""
    return round(point[0], 2), round(point[1], 2)


def written_point(point: Point) -> str:
    """As it is kept."""
    return f"{point[0]},{point[1]}"


def read_point(text: str) -> Point | None:
    """A point as it was written; None for anything else."""
    if re.fullmatch(POINT_PATTERN, text) is None:
        return None
    latitude, longitude = text.split(",")
    return float(latitude), float(longitude)
