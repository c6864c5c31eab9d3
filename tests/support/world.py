"""A small world for tests, made through the use cases: one road from the maker to two puskesmas.

    biofarma (warehouse, Bandung)
    prov-banten (Dinkes Provinsi Banten)
      kota-tangerang (Dinkes Kota Tangerang)
        pkm-cipondoh, pkm-tanah-tinggi, pkm-neglasari

It holds no stock, no devices and no sessions: a test adds what it is about.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from tests.support import databases
from tracker.access.principal import SYSTEM, Principal
from tracker.access.queries import principal_of
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, add_account
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.rules.barcodes.digits import check_digit
from tracker.catalog.rules.storage import Band, VvmType
from tracker.catalog.service import (
    NewBatch,
    NewPresentation,
    NewStorageClass,
    add_batch,
    add_presentation,
    ensure_storage_class,
    ensure_vaccine,
)
from tracker.database.engine import transaction
from tracker.network.models import Equipment, Facility
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # Monday, 10:00 in Jakarta
PASSWORD = "sandi-untuk-uji-coba"

COLD = (Band(name="2-8", min_c=2, max_c=8),)
FROZEN = (Band(name="frozen", min_c=-25, max_c=-15), Band(name="2-8", min_c=2, max_c=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything by its code. Principals by role; `batches` by `product/lot`."""

    now: datetime = NOW
    facilities: dict[str, Facility] = field(default_factory=dict)
    equipment: dict[str, Equipment] = field(default_factory=dict)
    presentations: dict[str, Presentation] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    principals: dict[Role, Principal] = field(default_factory=dict)
    usernames: dict[Role, str] = field(default_factory=dict)

    @property
    def warehouse(self) -> Facility:
        """Bio Farma."""
        return self.facilities["biofarma"]

    @property
    def city(self) -> Facility:
        """Dinkes Kota Tangerang."""
        return self.facilities["kota-tangerang"]

    @property
    def puskesmas(self) -> Facility:
        """The puskesmas whose staff the accounts are."""
        return self.facilities["pkm-cipondoh"]

    @property
    def neighbour(self) -> Facility:
        """The puskesmas next door; no account of facility level may see it."""
        return self.facilities["pkm-tanah-tinggi"]

    @property
    def fridge(self) -> Equipment:
        """The first fridge of `puskesmas`."""
        return self.equipment["pkm-cipondoh-k1"]

    @property
    def fridge2(self) -> Equipment:
        """The second fridge of `puskesmas`."""
        return self.equipment["pkm-cipondoh-k2"]

    @property
    def freezer(self) -> Equipment:
        """The freezer of `puskesmas`."""
        return self.equipment["pkm-cipondoh-f1"]

    @property
    def cold_box(self) -> Equipment:
        """The vaccine carrier of `puskesmas`."""
        return self.equipment["pkm-cipondoh-b1"]

    @property
    def cold_room(self) -> Equipment:
        """The walk-in cold room of Bio Farma."""
        return self.equipment["biofarma-r1"]

    def who(self, role: Role) -> Principal:
        """The principal of a role; facility roles stand at `puskesmas`, warehouse staff at the city."""
        return self.principals[role]


FACILITIES = (
    # code, name, kind, parent, longitude, latitude
    ("nasional", "Kementerian Kesehatan", UnitKind.NATIONAL, None, 106.8323, -6.2297),
    ("biofarma", "Bio Farma", UnitKind.WAREHOUSE, "nasional", 107.5747, -6.8990),
    ("prov-banten", "Dinkes Provinsi Banten", UnitKind.PROVINCE, "nasional", 106.1640, -6.1200),
    ("kota-tangerang", "Dinkes Kota Tangerang", UnitKind.CITY, "prov-banten", 106.6403, -6.1702),
    ("pkm-cipondoh", "Puskesmas Cipondoh", UnitKind.PUSKESMAS, "kota-tangerang", 106.6853, -6.1867),
    ("pkm-tanah-tinggi", "Puskesmas Tanah Tinggi", UnitKind.PUSKESMAS, "kota-tangerang", 106.6482, -6.1753),
    ("pkm-neglasari", "Puskesmas Neglasari", UnitKind.PUSKESMAS, "kota-tangerang", 106.6337, -6.1480),
)

EQUIPMENT = (
    ("biofarma-r1", "biofarma", EquipmentKind.COLD_ROOM),
    ("biofarma-z1", "biofarma", EquipmentKind.FREEZER_ROOM),
    ("prov-banten-r1", "prov-banten", EquipmentKind.COLD_ROOM),
    ("kota-tangerang-r1", "kota-tangerang", EquipmentKind.COLD_ROOM),
    ("kota-tangerang-f1", "kota-tangerang", EquipmentKind.FREEZER),
    ("kota-tangerang-t1", "kota-tangerang", EquipmentKind.TRUCK),
    ("pkm-cipondoh-k1", "pkm-cipondoh", EquipmentKind.FRIDGE),
    ("pkm-cipondoh-k2", "pkm-cipondoh", EquipmentKind.FRIDGE),
    ("pkm-cipondoh-f1", "pkm-cipondoh", EquipmentKind.FREEZER),
    ("pkm-cipondoh-b1", "pkm-cipondoh", EquipmentKind.COLD_BOX),
    ("pkm-tanah-tinggi-k1", "pkm-tanah-tinggi", EquipmentKind.FRIDGE),
    ("pkm-neglasari-k1", "pkm-neglasari", EquipmentKind.FRIDGE),
)

STORAGE = (
    # code, freeze sensitive, shake test valid, VVM, bands
    ("cold-freeze-sensitive", True, True, VvmType.VVM14, COLD),
    ("cold-no-vvm", True, False, None, COLD),
    ("cold-lyophilised", False, False, VvmType.VVM14, COLD),
    ("frozen-opv", False, False, VvmType.VVM2, FROZEN),
)

PRESENTATIONS = (
    # code, vaccine, storage class, doses per vial, vials per box, open hours, open days, vvm
    ("coronavac-1", "coronavac", "cold-no-vvm", 1, 40, None, None, False),
    ("az-10", "astrazeneca", "cold-no-vvm", 10, 10, 6, None, False),
    ("penta-5", "pentabio", "cold-freeze-sensitive", 5, 10, None, 28, True),
    ("mr-10", "mr", "cold-lyophilised", 10, 10, 6, None, True),
    ("bopv-20", "bopv", "frozen-opv", 20, 10, None, 28, True),
)

# Those of 2029 and 2030 are good by the clock on the wall too, by which tests over HTTP go.
BATCHES = (
    ("coronavac-1", "CV001", date(2026, 3, 31)),
    ("coronavac-1", "CV002", date(2026, 9, 30)),
    ("az-10", "AZ001", date(2026, 3, 10)),
    ("az-10", "AZ002", date(2026, 6, 30)),
    ("az-10", "AZ003", date(2029, 12, 31)),
    ("penta-5", "PB001", date(2030, 1, 31)),
    ("penta-5", "PB002", date(2030, 8, 31)),
    ("mr-10", "MR001", date(2029, 11, 30)),
    ("bopv-20", "OP001", date(2030, 2, 28)),
)

ACCOUNTS = (
    ("pusat", Role.NATIONAL, "nasional"),
    ("provinsi", Role.PROVINCE, "prov-banten"),
    ("kota", Role.CITY, "kota-tangerang"),
    ("kepala", Role.MANAGER, "pkm-cipondoh"),
    ("gudang", Role.WAREHOUSE, "kota-tangerang"),
    ("vaksinator", Role.VACCINATOR, "pkm-cipondoh"),
    ("jaki", Role.INTEGRATOR, "prov-banten"),
    ("auditor", Role.AUDITOR, "nasional"),
    ("operator", Role.OPERATOR, "nasional"),
)


def gtin_of(number: int) -> str:
    """A GTIN-14 with a right check digit under GS1 Indonesia's prefix (899); made up."""
    body = f"0899{number:09d}"
    return body + check_digit(body)


def small_world(db: Session, *, now: datetime = NOW, password: str | None = None) -> World:
    """Make the world in the session's transaction; a second call answers the same one.

    Accounts get `password` where one is given (hashing eight takes half a second), else none and no log-in.
    """
    world = World(now=now)
    for code, name, kind, parent, longitude, latitude in FACILITIES:
        facility = NewFacility(
            code=code, name=name, kind=kind, parent=parent, longitude=longitude, latitude=latitude, synthetic=True
        )
        world.facilities[code] = add_facility(db, SYSTEM, facility, now=now)
    for code, facility_code, equipment_kind in EQUIPMENT:
        equipment = NewEquipment(code=code, name=code.upper(), facility=facility_code, kind=equipment_kind)
        world.equipment[code] = add_equipment(db, SYSTEM, equipment, now=now)
    _catalog(db, world)
    for username, role, unit in ACCOUNTS:
        account = add_account(
            db,
            SYSTEM,
            NewAccount(username=username, name=username.title(), password=password, role=role, unit=unit),
            now=now,
        )
        world.usernames[role] = username
        world.principals[role] = _known(principal_of(db, account.id))
    return world


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingWorld:
    """The small world in a database of its own, to be copied: a copy takes a moment, the world a second."""

    database: str
    kept: bytes

    def copy(self, *, now: datetime = NOW) -> World:
        """The world as it stands in a copy of the database, with objects that no other test has in hand."""
        world: World = pickle.loads(self.kept)
        return replace(world, now=now)

    def joined(self, db: Session, *, now: datetime = NOW) -> World:
        """A copy whose objects belong to this session, as if the world had been made in it."""
        world = self.copy(now=now)
        for things in (world.facilities, world.equipment, world.presentations, world.batches):
            db.add_all(things.values())
        return world


@contextmanager
def standing_world(maintenance_url: str, template: str) -> Iterator[StandingWorld]:
    """Make the small world once, through the use cases and with a password for every account."""
    with databases.copied_database(maintenance_url, template) as url:
        with databases.engine_of(url) as engine, transaction(engine) as db:
            world = small_world(db, password=PASSWORD)
        yield StandingWorld(database=databases.name_of(url), kept=pickle.dumps(world))


def _catalog(db: Session, world: World) -> None:
    for code, freeze_sensitive, shake_test_valid, vvm_type, bands in STORAGE:
        storage_class = NewStorageClass(
            code=code,
            name=code,
            freeze_sensitive=freeze_sensitive,
            shake_test_valid=shake_test_valid,
            vvm_type=vvm_type,
            bands=bands,
            source="made up for tests",
        )
        ensure_storage_class(db, SYSTEM, storage_class, now=world.now)
    for number, (code, vaccine, storage, doses, box, hours, days, vvm) in enumerate(PRESENTATIONS, start=1):
        ensure_vaccine(db, SYSTEM, code=vaccine, name=vaccine.title(), now=world.now)
        presentation = NewPresentation(
            code=code,
            name=f"{vaccine.title()} {doses} dosis",
            vaccine=vaccine,
            storage_class=storage,
            manufacturer="Bio Farma",
            doses_per_vial=doses,
            vials_per_box=box,
            gtin=gtin_of(number),
            box_gtin=gtin_of(number + 100),
            nie=f"DKL20{number:08d}A1" if code == "penta-5" else None,
            open_vial_hours=hours,
            open_vial_days=days,
            uses_vvm=vvm,
            synthetic=True,
        )
        world.presentations[code] = add_presentation(db, SYSTEM, presentation, now=world.now)
    for product, lot, expiry in BATCHES:
        batch = NewBatch(presentation=product, lot=lot, expiry=expiry)
        world.batches[f"{product}/{lot}"] = add_batch(db, SYSTEM, batch, now=world.now)


def _known(principal: Principal | None) -> Principal:
    assert principal is not None
    return principal
