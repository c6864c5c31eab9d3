"""Whose people a facility, or a session out in a kelurahan, serves; and who is a resident there."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rantai.cli import main
from tests.db.test_front_door_commands import commands, forget_settings
from tests.db.test_network_facilities import collection, square
from tests.support.quota import Desk
from tests.support.world import NOW, World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.feed.models import FeedPending
from tracker.kit.errors import Forbidden
from tracker.network.areas import import_areas
from tracker.network.errors import BadAreaCode, FacilityNotFound, TooManyAreas, UnknownArea
from tracker.network.models import Area, ServiceArea
from tracker.network.queries import areas_served_by, served_areas
from tracker.network.serving import MOST_AREAS, ChangeAreas, ServeAreas, change_areas, serve_areas
from tracker.people.models import Person
from tracker.quota.errors import Exhausted
from tracker.quota.queries.open_places import PlacesAsked, seek_places, seeker_of
from tracker.quota.queries.quota import QuotaAsked
from tracker.quota.rules.words import BookingState, BucketKind, Medium
from tracker.quota.service.commands import NewBucket
from tracker.quota.service.displacing import displace
from tracker.quota.service.offering import make_offer

__all__ = ["commands", "forget_settings"]

OWN, SECOND, THIRD, FOURTH, OUTSIDE = (f"36.71.05.10{number:02d}" for number in (1, 2, 3, 4, 9))
RESIDENTS = (NewBucket(kind="kelurahan", share=1),)


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    world.puskesmas.code_kemendagri = OWN
    return Desk(db, world, world.now)


def serve(desk: Desk, *areas: str) -> None:
    serve_areas(desk.db, SYSTEM, ServeAreas(facility="pkm-cipondoh", areas=areas), now=desk.now)


def room(desk: Desk, session: UUID, person: UUID) -> int:
    seeker = seeker_of(desk.db, desk.db.get_one(Person, person), Medium.WEB)
    found = seek_places(desk.db, seeker, PlacesAsked(), limit=50, now=desk.now).places
    return next((one.room for one in found if one.session.id == session), 0)


def test_people_of_each_of_four_kelurahan_take_the_places_of_residents_and_nobody_else_does(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    session = desk.session(capacity=10, buckets=RESIDENTS)
    serve(desk, SECOND, THIRD, FOURTH)
    for home in (OWN, SECOND, THIRD, FOURTH, "3671051004"):
        person = desk.person(residence=home)
        assert room(desk, session, person) > 0
        assert desk.book(session, person).bucket_id is not None
    outsider = desk.person(residence=OUTSIDE)
    assert room(desk, session, outsider) == 0
    with pytest.raises(Exhausted):
        desk.book(session, outsider)
    serve(desk, SECOND)
    with pytest.raises(Exhausted):
        desk.book(session, desk.person(residence=THIRD))
    desk.book(session, desk.person(residence=OWN))


def test_a_session_out_in_a_kelurahan_is_for_its_people(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    serve(desk, SECOND)
    out = desk.session(capacity=10, buckets=RESIDENTS, areas=(THIRD,))
    with pytest.raises(Exhausted):
        desk.book(out, desk.person(residence=SECOND))
    desk.book(out, desk.person(residence=THIRD))
    found = {item.session for item in desk.quota_asked(QuotaAsked(area=THIRD))}
    assert found == {out}


def test_a_displaced_resident_is_offered_the_residents_places_of_a_neighbour_that_serves_their_kelurahan(
    desk: Desk,
) -> None:
    neighbour = desk.world.neighbour
    neighbour.code_kemendagri = "36.71.01.1001"
    serve_areas(desk.db, SYSTEM, ServeAreas(facility=neighbour.code, areas=[SECOND]), now=desk.now)
    serve(desk, SECOND)
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    here = desk.session(capacity=10, buckets=RESIDENTS)
    there = desk.session(capacity=10, buckets=RESIDENTS, facility=neighbour)
    booking = desk.confirmed(here, desk.person(residence=SECOND))
    desk.lose("az-10/AZ003", 1)
    displace(desk.db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert desk.state(booking) is BookingState.DISPLACED
    assert make_offer(desk.db, booking.id, now=desk.now) is not None
    assert desk.read(there).taken == 1


def test_quota_is_asked_by_any_kelurahan_served(desk: Desk) -> None:
    serve(desk, SECOND)
    desk.stock("az-10/AZ003", 1)
    session = desk.session(capacity=10, buckets=RESIDENTS)
    for area in (OWN, SECOND, "36.71.05"):
        items = desk.quota_asked(QuotaAsked(area=area))
        assert [item.bucket for item in items if item.session == session and item.dose == 1] == [BucketKind.KELURAHAN]
    assert desk.quota_asked(QuotaAsked(area=THIRD)) == []


def test_one_known_by_its_district_serves_all_of_it_until_kelurahan_are_listed(desk: Desk) -> None:
    desk.world.puskesmas.code_kemendagri = "36.71.05"
    assert served_areas(desk.db, [desk.world.puskesmas.id]) == {desk.world.puskesmas.id: {"36.71.05"}}
    serve(desk, SECOND)
    assert served_areas(desk.db, [desk.world.puskesmas.id]) == {desk.world.puskesmas.id: {SECOND}}


def test_an_imported_area_is_the_same_by_either_code_and_a_slip_beside_it_is_refused(desk: Desk) -> None:
    file = collection((SECOND, "Poris", square(106.6, -6.2)))
    file["features"][0]["properties"]["kode_bps"] = "3671050002"
    import_areas(desk.db, SYSTEM, file, now=NOW)
    serve(desk, "3671050002")
    served = areas_served_by(desk.db, desk.world.puskesmas)
    assert [(one.code, one.name, one.stands_here) for one in served] == [(OWN, None, True), (SECOND, "Poris", False)]
    session = desk.session(capacity=10, buckets=RESIDENTS)
    desk.stock("az-10/AZ003", 1)
    for home in (SECOND, "3671050002"):
        assert room(desk, session, desk.person(residence=home)) == 10
    with pytest.raises(UnknownArea) as refused:
        serve(desk, SECOND, THIRD)
    assert refused.value.params["line"] == 1
    serve(desk, "36.71.06.1001")  # of that district nothing was imported


def test_lists_are_whole_changes_are_told_once_and_bad_ones_change_nothing(desk: Desk) -> None:
    def told() -> int:
        kind = "network.service_areas_changed"
        return len(desk.db.scalars(select(FeedPending).where(FeedPending.kind == kind)).all())

    serve(desk, SECOND, THIRD, SECOND, OWN)
    serve(desk, THIRD, SECOND)
    assert told() == 1
    change = ChangeAreas(facility="pkm-cipondoh", more=[FOURTH], fewer=[SECOND])
    change_areas(desk.db, SYSTEM, change, now=desk.now)
    assert sorted(desk.db.scalars(select(ServiceArea.area_code))) == [THIRD, FOURTH]
    for bad in ("36.71.05", "", "36.71.05.10011", "x", "３６71051001"):
        with pytest.raises(BadAreaCode):
            serve(desk, THIRD, bad)
    with pytest.raises(TooManyAreas):
        serve(
            desk, *(f"36.71.{district:02d}.1{number:03d}" for district in range(4) for number in range(MOST_AREAS // 2))
        )
    assert sorted(desk.db.scalars(select(ServiceArea.area_code))) == [THIRD, FOURTH]
    with pytest.raises(IntegrityError), desk.db.begin_nested():
        desk.db.add(ServiceArea(facility_id=desk.world.puskesmas.id, area_code="36.71"))
        desk.db.flush()


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CITY, Role.PROVINCE, Role.NATIONAL])
def test_whoever_manages_the_unit_may_say_it(desk: Desk, role: Role) -> None:
    serve_areas(desk.db, desk.world.who(role), ServeAreas(facility="pkm-cipondoh", areas=[SECOND]), now=desk.now)
    if role is Role.MANAGER:
        with pytest.raises(FacilityNotFound):
            serve_areas(desk.db, desk.world.who(role), ServeAreas(facility="pkm-tanah-tinggi", areas=[]), now=desk.now)


@pytest.mark.parametrize("role", [Role.VACCINATOR, Role.INTEGRATOR, Role.AUDITOR])
def test_nobody_else_may(desk: Desk, role: Role) -> None:
    with pytest.raises(Forbidden):
        serve_areas(desk.db, desk.world.who(role), ServeAreas(facility="pkm-cipondoh", areas=[]), now=desk.now)


def test_in_jakarta_codes_are_compared_with_their_like(desk: Desk) -> None:
    # BPS 3171 is Kemendagri 31.74: South Jakarta is no part of Central Jakarta because of equal digits.
    desk.world.puskesmas.code_kemendagri, desk.world.puskesmas.code_bps = "31.74.01.1001", "3171010001"
    desk.stock("az-10/AZ003", 1)
    session = desk.session(capacity=10, buckets=(NewBucket(kind="city", share=1),))
    assert room(desk, session, desk.person(residence="31.71.02.1001")) == 0
    for home in ("31.74.09.1001", "3171090003", "3174011001"):
        assert room(desk, session, desk.person(residence=home)) == 10


def test_a_spreadsheet_says_who_serves_what_or_names_every_bad_line(
    commands: Engine, committed_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wilayah.csv"
    file.write_text(
        f"fasilitas;kelurahan\npkm-cipondoh;{SECOND}\npkm-tanah;{THIRD}\n\npkm-cipondoh;36.71\npkm-cipondoh\n"
    )
    assert main(["areas", "import-served", str(file)]) == 2
    told = capsys.readouterr().err
    assert all(f"line {number}: " in told for number in (3, 5, 6))
    assert "line 2" not in told
    with transaction(commands) as db:
        assert db.scalars(select(ServiceArea)).all() == []
    file.write_text(f"\ufefffacility,area\npkm-cipondoh,{SECOND}\npkm-cipondoh,{THIRD}\npkm-tanah-tinggi,{SECOND}\n")
    for _ in range(2):
        assert main(["areas", "import-served", str(file)]) == 0
    assert "2 facilities serve 3 kelurahan" in capsys.readouterr().out
    assert main(["areas", "serve", "pkm-cipondoh", FOURTH]) == 0
    assert capsys.readouterr().out.strip() == FOURTH
    with transaction(commands) as db:
        assert db.scalar(text("SELECT count(*) FROM service_area")) == 2
    for content in (b"", b"\xff\xfe", b"a,b\n1,2\n", b'facility,area\n"x\n'):
        file.write_bytes(content)
        assert main(["areas", "import-served", str(file)]) == 2
        assert "line 1" in capsys.readouterr().err or content.startswith(b"facility")


def test_asking_for_many_facilities_takes_one_statement(desk: Desk) -> None:
    import_areas(desk.db, SYSTEM, collection((SECOND, "Poris", square(106.6, -6.2))), now=NOW)
    serve(desk, SECOND)
    everywhere = served_areas(desk.db, [one.id for one in desk.world.facilities.values()])
    assert everywhere[desk.world.puskesmas.id] == {OWN, SECOND}
    assert everywhere[desk.world.neighbour.id] == frozenset()
    assert desk.db.scalar(select(Area.name)) == "Poris"
