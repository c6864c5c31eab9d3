"""Facilities and their equipment."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files

from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility

# What stands where: suffix of the code, kind, name.
_LARGE_STORE = (
    ("r1", EquipmentKind.COLD_ROOM, "Kamar dingin 1"),
    ("f1", EquipmentKind.FREEZER_ROOM, "Kamar beku 1"),
    ("t1", EquipmentKind.TRUCK, "Truk berpendingin 1"),
)
_CITY_STORE = (
    ("r1", EquipmentKind.COLD_ROOM, "Kamar dingin 1"),
    ("f1", EquipmentKind.FREEZER, "Freezer 1"),
    ("t1", EquipmentKind.TRUCK, "Mobil vaksin 1"),
)
_PUSKESMAS = (
    ("k1", EquipmentKind.FRIDGE, "Kulkas vaksin 1"),
    ("b1", EquipmentKind.COLD_BOX, "Vaccine carrier 1"),
)
_SECOND_FRIDGE = ("k2", EquipmentKind.FRIDGE, "Kulkas vaksin 2")


def facility_rows() -> list[dict[str, str]]:
    """The rows of data/facilities.csv, parents before children."""
    text = files("rantai.world").joinpath("data", "facilities.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def puskesmas_rows() -> list[dict[str, str]]:
    """The 38 puskesmas."""
    return [row for row in facility_rows() if row["kind"] == UnitKind.PUSKESMAS]


def equipment_of(row: dict[str, str]) -> Iterator[tuple[str, EquipmentKind, str]]:
    """Suffix, kind and name of what a facility has; every second puskesmas has a second fridge."""
    kind = UnitKind(row["kind"])
    if kind in (UnitKind.WAREHOUSE, UnitKind.PROVINCE):
        yield from _LARGE_STORE
    elif kind is UnitKind.CITY:
        yield from _CITY_STORE
    elif kind is UnitKind.PUSKESMAS:
        yield from _PUSKESMAS
        if has_second_fridge(row["code"]):
            yield _SECOND_FRIDGE


def has_second_fridge(code: str) -> bool:
    """Whether the puskesmas has two fridges; the story's always, so that its vaccine has somewhere to go."""
    return code == "pkm-cipondoh" or len(code) % 2 == 0


def seed_places(db: Session, *, now: datetime) -> None:
    """Make what is missing."""
    for row in facility_rows():
        facility = NewFacility(
            code=row["code"],
            name=row["name"],
            kind=UnitKind(row["kind"]),
            parent=row["parent"] or None,
            longitude=float(row["longitude"]),
            latitude=float(row["latitude"]),
            code_bps=row["code_bps"] or None,
            code_kemendagri=row["code_kemendagri"] or None,
            synthetic=row["synthetic"] == "true",
        )
        add_facility(db, SYSTEM, facility, now=now)
        for suffix, kind, name in equipment_of(row):
            equipment = NewEquipment(code=f"{row['code']}-{suffix}", name=name, facility=row["code"], kind=kind)
            add_equipment(db, SYSTEM, equipment, now=now)
