"""How far two points of the earth are from each other. Pure."""

from __future__ import annotations

from math import cos, hypot, radians

EARTH_KM = 6371.0
Point = tuple[float, float]
"""Latitude and longitude, degrees."""


def distance_km(one: Point | None, other: Point | None) -> float | None:
    """Kilometres on an even patch of earth: right to a per cent within a city. None where a point is not known."""
    if one is None or other is None:
        return None
    north = radians(one[0] - other[0])
    east = radians(one[1] - other[1]) * cos(radians(other[0]))
    return EARTH_KM * hypot(north, east)
