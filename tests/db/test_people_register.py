"""Registering persons: once each, whoever asks and however often."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.support.quota import VAULT, fresh_nik
from tests.support.world import World
from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Grant, Principal
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.people.errors import NikTaken, OtherPerson, PersonNotFound, UnitUnsaid, UnknownUnit
from tracker.people.models import Person
from tracker.people.queries import person_by_id, person_by_nik
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.service import (
    NewPerson,
    Registered,
    read_person,
    register_person,
    registering_unit,
    serve_person,
)


def register(db: Session, world: World, nik: str, *, by: Role | None = None, **more: object) -> Registered:
    command = NewPerson(**{"id": uuid7(), "nik": nik, "name": "Budi", **more})  # type: ignore[arg-type]  # test data
    principal = SYSTEM if by is None else world.who(by)
    return register_person(db, principal, command, vault=VAULT, now=world.now)


def test_the_same_person_again_is_the_first_one(db: Session, world: World) -> None:
    nik, person_id = fresh_nik(), uuid7()
    first = register(db, world, nik, id=person_id, phone="0812 3456 7890")
    again = register(db, world, nik, id=person_id, phone="+62 812 3456 7890")
    assert (first.fresh, again.fresh) == (True, False)
    assert again.person.id == first.person.id


def test_who_registers_at_two_puskesmas_says_at_which_and_a_repeat_needs_no_more(db: Session, world: World) -> None:
    role = Role.MANAGER
    one, two = (Grant(role=role, path=db.get_one(Unit, at.id).path) for at in (world.puskesmas, world.neighbour))
    inside = Grant(role=role, path=f"{two.path}.hall")

    def register_as(*grants: Grant, **more: object) -> Registered:
        command = NewPerson(**{"id": person_id, "nik": nik, "name": "Budi", **more})  # type: ignore[arg-type]  # test data
        principal = Principal(account_id=None, name="two", grants=grants)
        return register_person(db, principal, command, vault=VAULT, now=world.now)

    nik, person_id = fresh_nik(), uuid7()
    with pytest.raises(UnitUnsaid) as refused:
        register_as(one, two)
    assert refused.value.params["units"] == sorted([world.puskesmas.code, world.neighbour.code])
    both = Principal(account_id=None, name="two", grants=(one, two))
    with pytest.raises(UnknownUnit):
        registering_unit(db, both, world.city.code)
    made = register_as(one, two, unit_id=registering_unit(db, both, world.neighbour.code))
    assert made.person.unit_id == world.neighbour.id
    assert not register_as(one, two).fresh
    nik, person_id = fresh_nik(), uuid7()
    assert register_as(two, inside).person.unit_id == world.neighbour.id


def test_another_id_for_a_known_number_names_the_person_that_has_it(db: Session, world: World) -> None:
    nik = fresh_nik()
    known = register(db, world, nik).person.id
    with pytest.raises(NikTaken) as refused:
        register(db, world, nik)
    assert refused.value.params["person"] == str(known)
    assert nik not in str(refused.value)


def test_an_id_used_for_other_data_is_refused(db: Session, world: World) -> None:
    person_id, nik = uuid7(), fresh_nik()
    register(db, world, nik, id=person_id)
    with pytest.raises(OtherPerson):
        register(db, world, nik, id=person_id, name="Bukan Budi")


def test_the_database_holds_the_number_nowhere_in_the_clear(db: Session, world: World) -> None:
    nik = fresh_nik()
    person = register(db, world, nik).person
    row = db.execute(text("SELECT person::text FROM person WHERE id = :id"), {"id": person.id}).scalar_one()
    feed = db.execute(text("SELECT coalesce(string_agg(feed_pending::text, ''), '') FROM feed_pending")).scalar_one()
    assert nik not in row
    assert nik.encode().hex() not in row
    assert nik not in feed
    assert VAULT.open(person.nik_cipher or b"", person.id) == nik


def test_a_person_is_found_by_number(db: Session, world: World) -> None:
    nik = fresh_nik()
    person = register(db, world, nik).person
    found = person_by_nik(db, nik, vault=VAULT, now=world.now)
    assert found is not None
    assert found.id == person.id
    assert person_by_nik(db, "not a number", vault=VAULT, now=world.now) is None


@pytest.mark.parametrize(
    ("zone", "born"),
    [("Asia/Jakarta", date(2026, 2, 5)), ("Asia/Makassar", date(2026, 2, 5)), ("Asia/Jayapura", date(2026, 2, 5))],
)
def test_a_child_born_today_is_born_today_where_it_is_registered(
    db: Session, world: World, zone: str, born: date
) -> None:
    world.puskesmas.timezone = zone
    just_past_midnight = datetime(2026, 2, 5, 0, 30, tzinfo=ZoneInfo(zone))
    command = NewPerson(id=uuid7(), nik="3671050502260007", name="Bayi", unit_id=world.puskesmas.id)
    made = register_person(db, SYSTEM, command, vault=VAULT, now=just_past_midnight).person
    assert made.birth_date == born


def test_who_registers_for_the_whole_country_knows_a_child_born_today_in_its_east(db: Session, world: World) -> None:
    just_past_midnight = datetime(2026, 2, 5, 0, 30, tzinfo=ZoneInfo("Asia/Jayapura"))
    born = date(2026, 2, 5)
    nation = world.who(Role.NATIONAL)
    for told in (
        NewPerson(id=uuid7(), nik="3671050502260007", name="Bayi"),
        NewPerson(id=uuid7(), name="Bayi", without_nik=WithoutNik.INFANT, birth_date=born, sex=Sex.FEMALE),
    ):
        made = register_person(db, nation, told, vault=VAULT, now=just_past_midnight).person
        assert made.birth_date == born


def test_who_is_not_born_yet_where_it_is_registered_is_a_hundred_years_old(db: Session, world: World) -> None:
    late_in_jakarta = datetime(2026, 2, 4, 22, 30, tzinfo=ZoneInfo("Asia/Jakarta"))  # the 5th already in Jayapura
    command = NewPerson(id=uuid7(), nik="3671050502260008", name="Eyang", unit_id=world.puskesmas.id)
    made = register_person(db, SYSTEM, command, vault=VAULT, now=late_in_jakarta).person
    assert made.birth_date == date(1926, 2, 5)


def test_an_auditor_registers_nobody_and_another_city_sees_nobody(db: Session, world: World) -> None:
    with pytest.raises(Forbidden):
        register(db, world, fresh_nik(), by=Role.AUDITOR)
    mine = register(db, world, fresh_nik(), by=Role.MANAGER).person
    assert mine.unit_id == world.puskesmas.id
    assert person_by_id(db, world.who(Role.CITY), mine.id).id == mine.id
    hidden: Person = register(db, world, fresh_nik(), unit_id=world.neighbour.id).person
    for person_id in (hidden.id, UUID(int=5)):
        with pytest.raises(PersonNotFound):
            person_by_id(db, world.who(Role.MANAGER), person_id)


def test_who_serves_one_person_sees_no_other_of_another_facility(db: Session, world: World) -> None:
    nurse = world.who(Role.VACCINATOR)
    served, other = (
        register_person(
            db,
            SYSTEM,
            NewPerson(id=uuid7(), nik=fresh_nik(), name="Warga Rekaan", unit_id=world.neighbour.id),
            vault=VAULT,
            now=world.now,
        ).person
        for _ in range(2)
    )
    serve_person(db, served, world.puskesmas.id)
    assert read_person(db, nurse, served.id, now=world.now) is served
    with pytest.raises(PersonNotFound):
        read_person(db, nurse, other.id, now=world.now)
