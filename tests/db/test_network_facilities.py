"""Facilities, equipment and areas in the database."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.world import NOW, World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.feed.models import FeedPending
from tracker.kit.days import local_day
from tracker.kit.errors import Forbidden
from tracker.network.areas import import_areas
from tracker.network.errors import (
    BadCode,
    BadFeature,
    BadPoint,
    CodeTaken,
    EquipmentNotFound,
    FacilityNotFound,
    UnknownTimeZone,
)
from tracker.network.models import Area, Facility
from tracker.network.queries import (
    area_by_code,
    areas_of_point,
    equipment_by_ref,
    facility_by_code_or_id,
    nearest_facilities,
)
from tracker.network.rules.words import EquipmentKind, PlaceKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.stock.service.places import set_in_service


def new(**changes: Any) -> NewFacility:
    values: dict[str, Any] = {
        "code": "pkm-baru",
        "name": "Baru",
        "kind": UnitKind.PUSKESMAS,
        "parent": "kota-tangerang",
    }
    return NewFacility(**values | changes)


def square(west: float, south: float, side: float = 0.1) -> list[list[list[float]]]:
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def collection(*areas: tuple[str, str, Any]) -> dict[str, Any]:
    features = [
        {"properties": {"kode": code, "nama": name}, "geometry": {"type": "Polygon", "coordinates": coordinates}}
        for code, name, coordinates in areas
    ]
    return {"type": "FeatureCollection", "features": features}


def test_a_city_adds_a_facility_below_itself_and_the_feed_says_so(db: Session, world: World) -> None:
    made = add_facility(db, world.who(Role.CITY), new(longitude=106.6, latitude=-6.2), now=NOW)
    assert facility_by_code_or_id(db, world.who(Role.CITY), "pkm-baru").id == made.id
    told = db.scalars(select(FeedPending).where(FeedPending.subject == str(made.id))).one()
    assert (told.kind, told.unit_id) == ("network.facility_added", made.id)


def test_the_same_again_is_the_same_and_another_thing_is_a_conflict(db: Session, world: World) -> None:
    made = add_facility(db, SYSTEM, new(), now=NOW)
    assert add_facility(db, SYSTEM, new(name="Nama lain"), now=NOW) is made
    for other in (new(parent="prov-banten"), new(kind=UnitKind.HOSPITAL)):
        with pytest.raises(CodeTaken):
            add_facility(db, SYSTEM, other, now=NOW)


def test_what_is_out_of_reach_does_not_exist(db: Session, world: World) -> None:
    manager = world.who(Role.MANAGER)
    with pytest.raises(FacilityNotFound):
        facility_by_code_or_id(db, manager, world.neighbour.id)
    with pytest.raises(EquipmentNotFound):
        equipment_by_ref(db, manager, "pkm-tanah-tinggi-k1")
    with pytest.raises(FacilityNotFound):
        add_facility(db, manager, new(), now=NOW)
    with pytest.raises(Forbidden):
        add_facility(db, manager, new(parent="pkm-cipondoh", kind=UnitKind.POSYANDU), now=NOW)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (new(code="a b"), BadCode),
        (new(code=""), BadCode),
        (new(longitude=106.0), BadPoint),
        (new(longitude=106.0, latitude=float("nan")), BadPoint),
        (new(longitude=-190.0, latitude=0.0), BadPoint),
        (new(timezone="Europe/Paris"), UnknownTimeZone),
        (new(parent="tidak-ada"), FacilityNotFound),
    ],
)
def test_a_bad_facility_changes_nothing(db: Session, world: World, bad: NewFacility, error: type[Exception]) -> None:
    before = db.scalar(select(func.count()).select_from(Facility))
    with pytest.raises(error):
        add_facility(db, SYSTEM, bad, now=NOW)
    assert db.scalar(select(func.count()).select_from(Facility)) == before


def test_equipment_takes_its_limits_from_its_kind(db: Session, world: World) -> None:
    made = add_equipment(
        db, SYSTEM, NewEquipment(code="x1", name="X", facility="pkm-cipondoh", kind=EquipmentKind.FREEZER), now=NOW
    )
    assert made.place_kind is PlaceKind.FREEZER
    assert world.cold_box.place_kind is PlaceKind.TRANSPORT1
    with pytest.raises(CodeTaken):
        add_equipment(
            db, SYSTEM, NewEquipment(code="x1", name="X", facility="biofarma", kind=EquipmentKind.FREEZER), now=NOW
        )


def test_taking_out_of_service_is_told_once(db: Session, world: World) -> None:
    for _ in range(2):
        set_in_service(db, world.who(Role.MANAGER), world.fridge.code, False, now=NOW)
    kinds = list(db.scalars(select(FeedPending.kind).where(FeedPending.subject == str(world.fridge.id))))
    assert kinds.count("network.equipment_changed") == 1
    assert not world.fridge.in_service


def test_nearest_facilities_come_nearest_first(db: Session, world: World) -> None:
    near = nearest_facilities(db, to=world.puskesmas.id)
    assert [each.code for each in near] == ["pkm-tanah-tinggi", "pkm-neglasari"]
    assert 4 < near[0].distance_km < 5
    assert near[0].distance_km < near[1].distance_km
    point = nearest_facilities(db, to=(106.6337, -6.1480), limit=1)
    assert (point[0].code, round(point[0].distance_km, 3)) == ("pkm-neglasari", 0)
    assert nearest_facilities(db, to=world.puskesmas.id, among=[world.puskesmas.id]) == []


def test_the_day_is_the_facilitys_own(world: World) -> None:
    late = NOW.replace(hour=16, minute=30)
    assert local_day(late, world.puskesmas.timezone) == date(2026, 3, 2)
    eastern = Facility(timezone="Asia/Jayapura")
    assert local_day(late, eastern.timezone) == date(2026, 3, 3)


def test_importing_areas_again_refreshes_them(db: Session, world: World) -> None:
    first = import_areas(db, SYSTEM, collection(("36.71", "Tangerang", square(106.6, -6.2))), now=NOW)
    again = import_areas(
        db,
        SYSTEM,
        collection(
            ("36.71", "Kota Tangerang", square(106.6, -6.2)), ("36.71.01", "Tangerang", square(106.6, -6.2, 0.05))
        ),
        now=NOW,
    )
    assert (first.added, again.added, again.refreshed) == (1, 1, 1)
    assert [area.name for area in areas_of_point(db, 106.62, -6.18)] == ["Kota Tangerang", "Tangerang"]
    found = area_by_code(db, "36.71")
    assert found is not None
    assert found.name == "Kota Tangerang"
    assert areas_of_point(db, 100, 0) == []


def test_one_bad_feature_and_nothing_is_imported(db: Session, world: World) -> None:
    bad = collection(("36.71", "Satu", square(106, -6)), ("36.71", "Kembar", square(107, -6)))
    with pytest.raises(BadFeature) as caught:
        import_areas(db, SYSTEM, bad, now=NOW)
    assert (caught.value.params["line"], caught.value.params["name"]) == (1, "Kembar")
    assert db.scalar(select(func.count()).select_from(Area)) == 0


def test_areas_are_for_those_who_may_write_the_network(db: Session, world: World) -> None:
    with pytest.raises(Forbidden):
        import_areas(db, world.who(Role.VACCINATOR), collection(), now=NOW)
