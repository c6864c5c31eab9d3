"""The words of this room: area levels, kinds of equipment, which alarm rules fit a place. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from tracker.kit.days import CENTRAL, EASTERN, WESTERN


class AreaLevel(StrEnum):
    """Administrative levels of Indonesia, from the widest."""

    PROVINCE = "province"
    CITY = "city"  # kabupaten or kota
    DISTRICT = "district"  # kecamatan
    VILLAGE = "village"  # desa or kelurahan


class EquipmentKind(StrEnum):
    """What stock lies in."""

    COLD_ROOM = "cold_room"
    FREEZER_ROOM = "freezer_room"
    FRIDGE = "fridge"
    FREEZER = "freezer"
    COLD_BOX = "cold_box"
    TRUCK = "truck"


CARRIERS = (EquipmentKind.COLD_BOX, EquipmentKind.TRUCK)
"""What goods are carried in: nothing is kept or counted there."""


class PlaceKind(StrEnum):
    """Which set of limits applies to a place (WHO PQS E006: refrigerator, freezer, shipping type 1 and 2)."""

    FRIDGE = "fridge"
    FREEZER = "freezer"
    TRANSPORT1 = "transport1"
    TRANSPORT2 = "transport2"


# A place's limits follow from what it is, unless somebody says otherwise (a truck may carry either
# freeze-sensitive vaccine, shipping type 1, or frozen ice packs and OPV, shipping type 2).
USUAL_PLACE_KIND: dict[EquipmentKind, PlaceKind] = {
    EquipmentKind.COLD_ROOM: PlaceKind.FRIDGE,
    EquipmentKind.FREEZER_ROOM: PlaceKind.FREEZER,
    EquipmentKind.FRIDGE: PlaceKind.FRIDGE,
    EquipmentKind.FREEZER: PlaceKind.FREEZER,
    EquipmentKind.COLD_BOX: PlaceKind.TRANSPORT1,
    EquipmentKind.TRUCK: PlaceKind.TRANSPORT1,
}

TIME_ZONES = (WESTERN, CENTRAL, EASTERN)

_BPS_DIGITS = {AreaLevel.PROVINCE: 2, AreaLevel.CITY: 4, AreaLevel.DISTRICT: 7, AreaLevel.VILLAGE: 10}
_KEMENDAGRI = {
    AreaLevel.PROVINCE: re.compile(r"\d{2}"),
    AreaLevel.CITY: re.compile(r"\d{2}\.\d{2}"),
    AreaLevel.DISTRICT: re.compile(r"\d{2}\.\d{2}\.\d{2}"),
    AreaLevel.VILLAGE: re.compile(r"\d{2}\.\d{2}\.\d{2}\.\d{4}"),
}


def is_bps_code(level: AreaLevel, code: str) -> bool:
    """Whether `code` has the form the statistics office (BPS) gives areas of this level, e.g. 3671 or 3671010."""
    return code.isascii() and code.isdigit() and len(code) == _BPS_DIGITS[level]


def is_kemendagri_code(level: AreaLevel, code: str) -> bool:
    """Whether `code` has the form of the Ministry of Home Affairs, e.g. 36.71 or 36.71.01."""
    return _KEMENDAGRI[level].fullmatch(code) is not None


def is_village_code(code: str) -> bool:
    """Whether `code` is a kelurahan's or desa's in either system: 36.71.05.1001 or 3671050001."""
    return is_kemendagri_code(AreaLevel.VILLAGE, code) or is_bps_code(AreaLevel.VILLAGE, code)


def level_of_kemendagri(code: str) -> AreaLevel | None:
    """The level a Kemendagri code speaks of; None when it is no such code."""
    return next((level for level, form in _KEMENDAGRI.items() if form.fullmatch(code)), None)
