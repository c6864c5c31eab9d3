"""The number shown is the number that can be booked: by whoever it is shown to, and by nobody beyond."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from tests.db.test_network_facilities import collection, square
from tests.support.counting import counted
from tests.support.quota import ALL, Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.edge.paging import BadCursor
from tracker.network.areas import import_areas
from tracker.network.models import Facility
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.network.serving import ServeAreas, serve_areas
from tracker.people.models import Person
from tracker.quota.errors import Exhausted
from tracker.quota.models import VaccinationSession
from tracker.quota.queries import open_places
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places, seeker_of
from tracker.quota.rules.words import Medium
from tracker.quota.service.commands import NewBucket
from tracker.registration.service.finding import named

OWN, SERVED, CITY, AWAY = "36.71.05.1001", "36.71.05.1002", "36.71.06.1001", "32.73.01.1001"
KINDS = ("kelurahan", "city", "general", "walk_in", "second_dose", "nakes")


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    world.puskesmas.code_kemendagri = OWN
    serve_areas(db, SYSTEM, ServeAreas(facility="pkm-cipondoh", areas=[SERVED]), now=world.now)
    return Desk(db, world, world.now)


def shown(desk: Desk, seeker: Seeker, session: UUID) -> int:
    found = seek_places(desk.db, seeker, PlacesAsked(), limit=100, now=desk.now).places
    assert all(one.room > 0 for one in found), "what is not to be had is not shown"
    return next((one.room for one in found if one.session.id == session), 0)


def can_book(desk: Desk, session: UUID, residence: str | None, groups: tuple[str, ...]) -> int:
    """Books one after another until it is refused."""
    for number in range(40):
        try:
            desk.book(session, desk.person(residence=residence, groups=groups))
        except Exhausted:
            return number
    raise AssertionError("no end")


@given(
    vials=st.integers(0, 3),
    capacity=st.integers(1, 20),
    shares=st.dictionaries(st.sampled_from(KINDS), st.integers(2, 6), max_size=4),
    released=st.sets(st.sampled_from(KINDS)),
    residence=st.sampled_from([None, OWN, SERVED, CITY, AWAY, "3671051002"]),
    groups=st.sampled_from([(), ("nakes",)]),
    before=st.integers(0, 5),
)
@settings(max_examples=40)
def test_as_many_as_are_shown_can_book_and_no_more(
    desk: Desk, vials: int, capacity: int, shares: dict[str, int], released: set[str], residence: str | None,
    groups: tuple[str, ...], before: int,
) -> None:  # fmt: skip
    attempt = desk.db.begin_nested()
    try:
        if vials:
            desk.stock("az-10/AZ003", vials)
        buckets = tuple(
            NewBucket(kind=kind, share=share, release_at=desk.now if kind in released else None)
            for kind, share in shares.items()
        )
        session = desk.session(capacity=max(capacity, sum(shares.values())), buckets=buckets)
        for _ in range(before):
            try:
                desk.book(session, desk.person(residence=AWAY))
            except Exhausted:
                break
        stranger = Seeker(medium=Medium.WEB, dose=1, residence=residence, groups=frozenset(groups))
        promised = shown(desk, stranger, session)
        known = seeker_of(desk.db, desk.db.get_one(Person, desk.person(residence=residence, groups=groups)), Medium.WEB)
        assert shown(desk, known, session) == promised
        assert can_book(desk, session, residence, groups) == promised
    finally:
        attempt.rollback()


def test_all_sessions_are_found_page_by_page_whatever_the_day_and_each_once(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    wanted = [desk.session(ahead=ahead, capacity=2) for ahead in range(1, 24) for _ in range(2)]
    seeker = Seeker(medium=Medium.WEB, dose=1)
    for asked in (PlacesAsked(), PlacesAsked(near=(-6.2, 106.7))):
        found: list[UUID] = []
        cursor = None
        while True:
            page = seek_places(desk.db, seeker, asked, limit=7, now=desk.now, cursor=cursor)
            found += [place.session.id for place in page.places]
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(found) == sorted(wanted)
    with pytest.raises(BadCursor):
        seek_places(desk.db, seeker, PlacesAsked(), limit=7, now=desk.now, cursor="x")


def test_a_crowd_of_sessions_for_others_is_passed_in_bounded_looks_and_hides_none(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    theirs = desk.session(ahead=1, capacity=1, buckets=(NewBucket(kind="kelurahan", share=1),))
    many = open_places.LOOKED_AT * open_places.MOST_LOOKS
    first = desk.read(theirs)
    _copies(desk, first, many)
    mine = desk.session(ahead=2, capacity=1)
    page = seek_places(desk.db, Seeker(medium=Medium.WEB, dose=1), PlacesAsked(), limit=5, now=desk.now)
    assert page.places == []
    assert page.cursor is not None
    on = seek_places(
        desk.db, Seeker(medium=Medium.WEB, dose=1), PlacesAsked(), limit=5, now=desk.now, cursor=page.cursor
    )
    assert [one.session.id for one in on.places] == [mine]


def test_a_short_page_looks_at_few_sessions_where_there_is_room(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 30)
    for _ in range(30):
        desk.session(ahead=1, capacity=1)
    looked: list[VaccinationSession] = []
    desk.db.expunge_all()

    def note(session: VaccinationSession, *_: object) -> None:
        looked.append(session)

    event.listen(VaccinationSession, "load", note)
    try:
        page = seek_places(desk.db, Seeker(medium=Medium.WEB, dose=1), PlacesAsked(), limit=5, now=desk.now)
    finally:
        event.remove(VaccinationSession, "load", note)
    assert len(page.places) == 5
    assert page.cursor is not None
    assert len(looked) == 2 * 5


def _copies(desk: Desk, first: VaccinationSession, many: int) -> None:
    desk.db.connection().exec_driver_sql(
        """
        WITH made AS (
            INSERT INTO vaccination_session (id, facility_id, presentation_id, vaccine_id, day, opens_at, closes_at, doses,
                                             capacity, taken, live, state, content, created_at)
            SELECT gen_random_uuid(), facility_id, presentation_id, vaccine_id, day, opens_at, closes_at, doses,
                   capacity, taken, live, state, content, created_at
            FROM vaccination_session, generate_series(1, %(many)s) WHERE id = %(first)s
            RETURNING id
        )
        INSERT INTO session_bucket (id, session_id, kind, places, taken)
        SELECT gen_random_uuid(), id, 'kelurahan', 1, 0 FROM made
        """,
        {"many": many, "first": first.id},
    )


def test_the_statements_do_not_grow_with_the_facilities(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.session()
    seeker = Seeker(medium=Medium.WEB, dose=1, residence=OWN)

    def sought() -> tuple[int, int]:
        with counted(desk.db.connection()) as statements:
            found = seek_places(desk.db, seeker, PlacesAsked(), limit=50, now=desk.now).places
        return len(found), len(statements)

    few = sought()
    for number in range(12):
        code = f"pkm-baru-{number}"
        made = add_facility(
            desk.db,
            SYSTEM,
            NewFacility(
                code=code, name=code, kind=UnitKind.PUSKESMAS, parent="kota-tangerang", longitude=106.6, latitude=-6.1
            ),
            now=desk.now,
        )
        fridge = NewEquipment(code=f"{code}-k1", name=code, facility=code, kind=EquipmentKind.FRIDGE)
        desk.world.facilities[code] = made
        desk.world.equipment[fridge.code] = add_equipment(desk.db, SYSTEM, fridge, now=desk.now)
        desk.stock("az-10/AZ003", 1, place=fridge.code)
        for ahead in (1, 5):
            desk.session(facility=made, ahead=ahead)
    many = sought()
    assert (few[0], many[0]) == (1, 25)
    assert many[1] <= few[1] <= 12


def test_what_is_known_of_somebody_narrows_what_they_are_shown(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    session = desk.session(ahead=1)
    desk.db.execute(update(VaccinationSession).where(VaccinationSession.id == session).values(doses=[1, 2, 5]))
    anybody = Seeker(medium=Medium.WEB, dose=1)
    assert shown(desk, anybody, session) == 50
    born = {"child": desk.today - timedelta(days=365), "adult": date(1990, 1, 1)}
    assert shown(desk, replace(anybody, born=born["child"]), session) == 0
    assert shown(desk, replace(anybody, born=born["adult"]), session) == 50
    assert shown(desk, replace(anybody, dose=2), session) == 50
    assert shown(desk, replace(anybody, dose=5), session) == 0  # no such dose is foreseen
    assert shown(desk, replace(anybody, dose=3), session) == 0  # not given there
    person = desk.person()
    known = seeker_of(desk.db, desk.db.get_one(Person, person), Medium.WEB)
    assert shown(desk, known, session) == 50
    second = seeker_of(desk.db, desk.db.get_one(Person, person), Medium.WEB)
    assert shown(desk, replace(second, dose=2), session) == 0  # of somebody who is known to have had none


def test_places_are_found_by_facility_kelurahan_served_vaccine_and_day(desk: Desk) -> None:
    assert desk.db.get_one(Facility, desk.world.puskesmas.id).name == "Puskesmas Cipondoh"
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=3, buckets=ALL)
    seeker = Seeker(medium=Medium.WEB, dose=1)
    day = VaccinationSession.day == desk.day(3)
    for where, found in ((day, [session]), (VaccinationSession.day == desk.day(4), [])):
        asked = PlacesAsked(where=(where,))
        places = seek_places(desk.db, seeker, asked, limit=5, now=desk.now).places
        assert [place.session.id for place in places] == found


def test_a_kelurahan_finds_the_facility_that_serves_it_and_no_other(desk: Desk) -> None:
    file = collection(("36.71.01.1002", "Babakan", square(10.0, 5.0)), ("36.71.01", "Tangerang", square(10.0, 5.0)))
    import_areas(desk.db, SYSTEM, file, now=desk.now)
    there = desk.world.neighbour
    serve_areas(desk.db, SYSTEM, ServeAreas(facility=there.code, areas=["36.71.01.1002"]), now=desk.now)
    assert desk.db.scalars(select(Facility.code).where(named("babakan"))).all() == [there.code]
