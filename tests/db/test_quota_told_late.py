"""What is told late is recorded as it happened; the day of a session and the schedule are asked, and set aside with a word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.ways_back import B, claims, give
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.errors import (
    BadStep,
    DoseGiven,
    NotToday,
    OtherDay,
)
from tracker.quota.models import Booking, Displacement
from tracker.quota.rules.words import Medium, OfferState, SessionState
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import close_session
from tracker.quota.service.offering import make_offer


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


# what is told late


@pytest.mark.parametrize("came", [True, False])
def test_a_dose_of_yesterday_is_recorded_though_the_session_was_closed_since(desk: Desk, came: bool) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    booking = desk.confirmed(session)
    if came:
        desk.move(booking, B.ARRIVED)
    at = desk.now + timedelta(hours=2)
    desk.now += timedelta(hours=30)
    close_session(desk.db, SYSTEM, session, now=desk.now)
    assert desk.state(booking) is (B.DEFERRED if came else B.NO_SHOW)
    give(desk, booking, at)
    assert (booking.state, booking.vaccinated_at, booking.late) == (B.VACCINATED, at, True)
    (claim,) = claims(desk, booking)
    assert claim.from_day == desk.today + timedelta(days=56)
    assert (desk.read(session).taken, desk.read(session).live, desk.read(session).vaccinated) == (1, 0, 1)
    assert desk.read(session).state is SessionState.CLOSED


def test_a_dose_given_at_once_is_not_late(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    assert not desk.vaccinate(desk.confirmed(desk.session(ahead=0))).late


def test_a_dose_given_before_its_booking_gave_way_stands_and_the_offer_ends(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    here, there = desk.session(ahead=0, capacity=1), desk.session(ahead=0, facility=desk.world.neighbour)
    booking = desk.confirmed(here)
    at = desk.now
    desk.lose("az-10/AZ003", 1)
    desk.now += timedelta(minutes=30)
    displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    offer = make_offer(db, booking.id, now=desk.now)
    assert offer is not None
    later, desk.now = desk.now, at
    desk.stock("az-10/AZ003", 1)  # a vial that was there all the time
    desk.now = later
    with pytest.raises(BadStep):  # said to have been given after it gave way
        give(desk, booking, desk.now)
    give(desk, booking, at)
    assert booking.state is B.VACCINATED
    assert db.get_one(Booking, offer, populate_existing=True).state is B.CANCELLED
    assert (desk.read(there).taken, desk.read(there).live) == (0, 0)
    assert db.get_one(Displacement, booking.id, populate_existing=True).state is OfferState.REBOOKED
    with pytest.raises(DoseGiven):
        desk.book(there, booking.person_id)


def test_who_was_served_where_all_places_are_taken_shows_that_the_staff_could(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0, capacity=1)
    lapsed = desk.book(session)
    at = desk.now
    desk.now += timedelta(minutes=11)
    desk.confirmed(session)
    assert desk.state(lapsed) is B.LAPSED
    give(desk, lapsed, at)
    assert (desk.read(session).capacity, desk.read(session).taken, desk.read(session).live) == (2, 2, 1)


def test_a_walk_in_is_written_down_after_the_doors_are_shut_and_nobody_else_is(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0, capacity=1)
    desk.vaccinate(desk.confirmed(session))
    at = desk.now + timedelta(hours=1)
    desk.now += timedelta(days=1)
    close_session(db, SYSTEM, session, now=desk.now)
    late = desk.book(session, medium=Medium.WALK_IN)
    give(desk, late, at)
    assert (late.state, late.late) == (B.VACCINATED, True)
    assert desk.read(session).live == 0
    with pytest.raises(Exception, match="session_closed"):
        desk.book(session, medium=Medium.WEB)


def test_a_walk_in_of_a_closed_session_that_nobody_follows_up_lapses(desk: Desk, db: Session) -> None:
    session = desk.session(ahead=0)
    desk.now += timedelta(days=1)
    close_session(db, SYSTEM, session, now=desk.now)
    late = desk.book(session, medium=Medium.WALK_IN)
    desk.now += timedelta(minutes=11)
    displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert desk.state(late) is B.LAPSED


# the day of the session


def test_a_dose_belongs_to_the_day_of_its_session_unless_somebody_says_why(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 3)
    tomorrow = desk.confirmed(desk.session(ahead=1))
    with pytest.raises(OtherDay):
        give(desk, tomorrow)
    today = desk.confirmed(desk.session(ahead=0))
    with pytest.raises(OtherDay):
        give(desk, today, desk.now - timedelta(days=21))
    give(desk, tomorrow, override="dokter meminta hari ini")
    assert (tomorrow.state, tomorrow.override) == (B.VACCINATED, "dokter meminta hari ini")


def test_who_comes_a_day_early_is_told_so_and_opens_no_session(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=1)
    with pytest.raises(NotToday, match=f"day={desk.day(1)}"):
        desk.move(desk.confirmed(session), B.ARRIVED)
    assert desk.read(session).state is SessionState.PLANNED


# the schedule, asked at the door and at the desk


@pytest.mark.parametrize("ahead", [0, 55])
def test_a_second_dose_before_its_first_day_is_refused_and_names_it(desk: Desk, ahead: int) -> None:
    desk.stock("az-10/AZ003", 3)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    with pytest.raises(Exception, match=f"not_due.*first_day={desk.day(56)}"):
        desk.book(desk.session(ahead=ahead), first.person_id, dose=2)
    desk.book(desk.session(ahead=56), first.person_id, dose=2)


def test_orders_that_no_schedule_knows_are_refused(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 3)
    desk.stock("coronavac-1/CV002", 3)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    with pytest.raises(Exception, match="dose_before"):
        desk.book(desk.session(ahead=60, product="coronavac-1"), first.person_id, dose=2)
    with pytest.raises(Exception, match="too_near"):
        desk.book(desk.session(ahead=20, product="coronavac-1"), first.person_id)
    with pytest.raises(Exception, match="dose_not_foreseen"):
        desk.book(desk.session(ahead=200, doses=(1, 2, 3)), first.person_id, dose=3)
    with pytest.raises(Exception, match="dose_before"):
        desk.book(desk.session(ahead=60), desk.person(), dose=2)


def test_a_nurse_sets_the_schedule_aside_with_a_reason_and_another_system_does_not(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 3)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    early = Book(
        id=uuid7(),
        person_id=first.person_id,
        session_id=desk.session(ahead=7),
        dose=2,
        medium=Medium.OPERATOR,
        override="berangkat haji",
    )
    with pytest.raises(Forbidden):
        book(db, desk.world.who(Role.INTEGRATOR), early, now=desk.now)
    made = book(db, desk.world.who(Role.VACCINATOR), early, now=desk.now).booking
    assert (made.override, made.made_by) == ("berangkat haji", desk.world.who(Role.VACCINATOR).account_id)


def test_a_displaced_second_dose_is_not_sent_to_a_day_before_it_is_due(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 3)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    second = desk.confirmed(desk.session(ahead=57), first.person_id, dose=2)
    desk.lose("az-10/AZ003", 2)
    displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    desk.stock("az-10/AZ003", 3, place="pkm-tanah-tinggi-k1")
    desk.session(ahead=55, facility=desk.world.neighbour)
    assert make_offer(db, second.id, now=desk.now) is None
    due = desk.session(ahead=56, facility=desk.world.neighbour)
    offer = make_offer(db, second.id, now=desk.now)
    assert offer is not None
    assert db.get_one(Booking, offer).session_id == due


def test_what_was_due_by_the_booking_is_asked_again_when_the_dose_is_given(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 3)
    desk.stock("coronavac-1/CV002", 3)
    session, person = desk.session(ahead=0), desk.person()
    booking = desk.confirmed(session, person)
    desk.vaccinate(desk.confirmed(desk.session(ahead=0, product="coronavac-1"), person))
    with pytest.raises(Exception, match="too_near"):
        desk.vaccinate(booking)
