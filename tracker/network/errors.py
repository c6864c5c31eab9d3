"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class FacilityNotFound(NotFound):
    """There is no such facility within the caller's reach."""

    code = "network.facility_not_found"


class EquipmentNotFound(NotFound):
    """There is no such equipment within the caller's reach."""

    code = "network.equipment_not_found"


class CodeTaken(Conflict):
    """The code already belongs to something else."""

    code = "network.code_taken"


class BadCode(Refused):
    """A code has 1 to 64 characters: letters, digits, `-` and `_`."""

    code = "network.bad_code"


class BadPoint(Refused):
    """Longitude and latitude do not name a point on earth."""

    code = "network.bad_point"


class UnknownTimeZone(Refused):
    """The time zone is none of WIB, WITA, WIT."""

    code = "network.unknown_time_zone"


class BadFeature(Refused):
    """A feature of the GeoJSON file cannot be taken; the parameters name it."""

    code = "network.bad_feature"


class BadGeoJson(Refused):
    """The file is not a GeoJSON FeatureCollection."""

    code = "network.bad_geojson"


class BadAreaCode(Refused):
    """What should be the code of a kelurahan or desa is none; `line` counts from 0."""

    code = "network.bad_area_code"


class UnknownArea(Refused):
    """The areas round about are known, and this code is none of them; `line` counts from 0."""

    code = "network.unknown_area"


class TooManyAreas(Refused):
    """More kelurahan than any facility serves."""

    code = "network.too_many_areas"
