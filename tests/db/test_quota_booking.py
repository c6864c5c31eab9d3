"""Booking: capacity, bucket and vials, all three or nothing."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.support.counting import counted
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.errors import (
    AlreadyBooked,
    BadStep,
    BadWindow,
    BookingOver,
    DoseGiven,
    DoseNotServed,
    Exhausted,
    OtherBooking,
    OtherSession,
    ReservationLapsed,
    SessionClosed,
    SessionInPast,
    SessionNotFound,
    UnknownPerson,
)
from tracker.quota.queries.nearby import with_alternatives
from tracker.quota.rules.words import BookingState, BucketKind, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, NewBucket, PlanSession
from tracker.quota.service.ending import close_session
from tracker.quota.service.sessions import plan_session


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def test_a_booking_promises_a_vial_and_the_next_nine_persons_promise_none(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    session = desk.session()
    desk.booked(session, 1)
    assert desk.need() == {desk.day(1): 1}
    desk.booked(session, 9)
    assert desk.need() == {desk.day(1): 1}
    desk.booked(session, 1)
    assert desk.need() == {desk.day(1): 2}


def test_no_vials_no_booking_whatever_the_capacity_says(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(capacity=100)
    desk.booked(session, 10)
    with pytest.raises(Exhausted) as refused:
        desk.book(session)
    assert refused.value.params["reason"] == "vials"
    assert with_alternatives(desk.db, refused.value, now=desk.now).params["alternatives"] == []


def test_a_place_never_stocked_promises_nothing(desk: Desk) -> None:
    session = desk.session()
    with pytest.raises(Exhausted):
        desk.book(session)
    assert desk.available(session) == 0


def test_vials_that_expire_before_the_day_promise_nothing_for_it(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 5)  # usable through 10 March; today is 2 March
    ahead = (desk.world.batches["az-10/AZ001"].expiry - desk.today).days
    desk.book(desk.session(ahead=ahead))
    late = desk.session(ahead=ahead + 1)
    assert desk.available(late) == 0
    with pytest.raises(Exhausted):
        desk.book(late)


def test_capacity_binds_where_vials_would_not(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    session = desk.session(capacity=2)
    desk.booked(session, 2)
    with pytest.raises(Exhausted) as refused:
        desk.book(session)
    assert refused.value.params["reason"] == "capacity"


def test_an_outsider_does_not_take_the_residents_places(desk: Desk) -> None:
    desk.world.puskesmas.code_kemendagri = "36.71.05.1001"
    desk.stock("az-10/AZ003", 5)
    buckets = (NewBucket(kind="kelurahan", share=0.8), NewBucket(kind="general", share=0.2))
    session = desk.session(capacity=10, buckets=buckets)
    for _ in range(2):
        desk.book(session, desk.person(residence="36.03.01.2001"))
    with pytest.raises(Exhausted) as refused:
        desk.book(session, desk.person(residence="36.03.01.2001"))
    assert refused.value.params["reason"] == "bucket"
    desk.book(session, desk.person(residence="36.71.05.1001"))


def test_what_no_bucket_covers_is_for_anybody(desk: Desk) -> None:
    session = desk.session(capacity=10, buckets=(NewBucket(kind="nakes", share=0.3),))
    kinds = {item.bucket: item.bucket_left for item in desk.quota(session)}
    assert kinds == {BucketKind.NAKES: 3, BucketKind.GENERAL: 7}


def test_a_person_has_one_live_booking_for_a_vaccine_and_dose(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    person = desk.person()
    first = desk.book(desk.session(ahead=1), person)
    with pytest.raises(AlreadyBooked):
        desk.book(desk.session(ahead=2), person)
    desk.move(first, BookingState.CANCELLED)
    desk.book(desk.session(ahead=3), person)


def test_the_database_itself_refuses_a_second_live_booking(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 5)
    booking = desk.book(desk.session())
    db.flush()
    copy = text(
        "INSERT INTO booking (id, session_id, bucket_id, person_id, vaccine_id, dose, medium, state, made_at,"
        " changed_at) SELECT :id, session_id, bucket_id, person_id, vaccine_id, dose, medium, 'confirmed',"
        " made_at, changed_at FROM booking WHERE id = :of"
    )
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(copy, {"id": uuid7(), "of": booking.id})


def test_the_same_booking_again_is_the_first_one_and_other_content_is_refused(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 5)
    session, person, booking_id = desk.session(), desk.person(), uuid7()
    command = Book(id=booking_id, person_id=person, session_id=session, dose=1, medium=Medium.WEB)
    assert book(db, SYSTEM, command, now=desk.now).fresh
    assert not book(db, SYSTEM, command, now=desk.now).fresh
    assert desk.read(session).taken == 1
    other = Book(id=booking_id, person_id=person, session_id=session, dose=2, medium=Medium.WEB)
    with pytest.raises(OtherBooking):
        book(db, SYSTEM, other, now=desk.now)


def test_a_reservation_runs_out_after_ten_minutes_and_its_place_is_free_at_once(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(capacity=1)
    lost = desk.book(session)
    desk.now += timedelta(minutes=10)
    with pytest.raises(ReservationLapsed):
        desk.move(lost, BookingState.CONFIRMED)
    desk.book(session)
    assert desk.state(lost) is BookingState.LAPSED
    assert desk.need() == {desk.day(1): 1}


def test_whoever_let_a_reservation_run_out_elsewhere_can_book_again(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 5)
    person = desk.person()
    first, second = desk.session(ahead=1), desk.session(ahead=2)
    lost = desk.book(first, person)
    desk.now += timedelta(minutes=11)
    desk.book(second, person)
    assert desk.state(lost) is BookingState.LAPSED
    assert desk.read(first).taken == 0
    assert desk.need() == {desk.day(2): 1}


def test_cancelling_gives_place_and_vial_back(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(capacity=1)
    booking = desk.confirmed(session)
    assert desk.available(session) == 0
    desk.move(booking, BookingState.CANCELLED)
    assert desk.need() == {}
    assert desk.available(session) == 1
    with pytest.raises(BadStep):
        desk.move(booking, BookingState.CONFIRMED)


def test_steps_asked_twice_are_taken_once(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    booking = desk.confirmed(session)
    desk.move(booking, BookingState.CONFIRMED)
    desk.move(booking, BookingState.ARRIVED)
    desk.move(booking, BookingState.ARRIVED)
    assert (desk.read(session).taken, desk.read(session).live) == (1, 1)


def test_screening_keeps_the_place_and_frees_the_dose(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    booking = desk.move(desk.confirmed(session), BookingState.ARRIVED)
    desk.move(booking, BookingState.DEFERRED)
    assert (desk.read(session).taken, desk.read(session).live) == (1, 0)
    assert desk.need() == {}


def test_closing_a_session_makes_the_rest_no_shows_and_frees_their_vials(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    stayed_away = desk.confirmed(session)
    waited = desk.move(desk.confirmed(session), BookingState.ARRIVED)
    desk.now += timedelta(days=2)
    close_session(db, SYSTEM, session, now=desk.now)
    assert desk.states([stayed_away, waited]) == [BookingState.NO_SHOW, BookingState.DEFERRED]
    assert desk.need() == {}
    with pytest.raises(SessionClosed):
        desk.book(session)


def test_who_had_the_dose_does_not_book_it_again(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    person = desk.person()
    desk.vaccinate(desk.confirmed(session, person))
    with pytest.raises(DoseGiven):
        desk.book(desk.session(ahead=1), person)


def test_bad_wishes_are_named(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(doses=(1,))
    with pytest.raises(DoseNotServed):
        desk.book(session, dose=2)
    with pytest.raises(UnknownPerson):
        desk.book(session, uuid7())
    with pytest.raises(SessionNotFound):
        desk.book(uuid7(), desk.person())
    hidden = desk.session(facility=desk.world.neighbour)
    command = Book(id=uuid7(), person_id=desk.person(), session_id=hidden, dose=1, medium=Medium.WEB)
    with pytest.raises(SessionNotFound):
        book(db, desk.world.who(Role.VACCINATOR), command, now=desk.now)
    with pytest.raises(Forbidden):
        book(db, desk.world.who(Role.AUDITOR), command, now=desk.now)


def test_a_session_is_planned_once_and_not_into_the_past(desk: Desk, db: Session) -> None:
    def wish(**more: object) -> PlanSession:
        asked = {
            "id": uuid7(),
            "facility": "pkm-cipondoh",
            "day": desk.day(1),
            "opens": time(8),
            "closes": time(12),
            "presentation": "az-10",
            "doses": (1,),
            "capacity": 10,
        }
        return PlanSession(**{**asked, **more})  # type: ignore[arg-type]  # test data

    command = wish()
    assert plan_session(db, SYSTEM, command, now=desk.now)[1]
    assert not plan_session(db, SYSTEM, command, now=desk.now)[1]
    with pytest.raises(OtherSession):
        plan_session(db, SYSTEM, wish(id=command.id, capacity=11), now=desk.now)
    with pytest.raises(SessionInPast):
        plan_session(db, SYSTEM, wish(day=desk.day(-1)), now=desk.now)
    with pytest.raises(BadWindow):
        plan_session(db, SYSTEM, wish(closes=time(7)), now=desk.now)


def test_a_refusal_names_the_nearest_place_with_room(desk: Desk) -> None:
    near, far = desk.world.neighbour, desk.world.facilities["pkm-neglasari"]
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    desk.stock("az-10/AZ003", 1, place="pkm-neglasari-k1")
    full = desk.session(capacity=1)
    desk.book(full)
    there, farther = desk.session(facility=near), desk.session(facility=far)
    desk.session(facility=near, product="penta-5")
    with pytest.raises(Exhausted) as refused:
        desk.book(full)
    assert "alternatives" not in refused.value.params, "everybody who wants the full session would wait for the search"
    found = with_alternatives(desk.db, refused.value, now=desk.now).params["alternatives"]
    assert isinstance(found, list)
    assert [each["session"] for each in found] == [str(there), str(farther)]
    assert found[0]["facility"] == near.code
    assert found[0]["available"] == 10


def test_places_are_looked_for_until_enough_have_room_however_many_nearer_ones_have_none(desk: Desk) -> None:
    """The nearer ones have places left and no vial: only the quota says so."""
    near, far = desk.world.neighbour, desk.world.facilities["pkm-neglasari"]
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-neglasari-k1")
    full = desk.session(capacity=1)
    desk.book(full)
    for _ in range(15):
        desk.session(facility=near)
    farther = desk.session(facility=far)
    with pytest.raises(Exhausted) as refused:
        desk.book(full)
    found = with_alternatives(desk.db, refused.value, now=desk.now).params["alternatives"]
    assert isinstance(found, list)
    assert [each["session"] for each in found] == [str(farther)]


def test_two_sessions_of_one_pool_show_the_same_vials(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 3)
    one, two = desk.session(ahead=1), desk.session(ahead=2)
    desk.booked(one, 1)
    first, second = desk.quota(one)[0], desk.quota(two)[0]
    assert first.pool == second.pool == "pkm-cipondoh:az-10"
    assert (first.pool_vials, first.pool_needed, first.pool_short, first.pool_available) == (3, 1, 0, 2)
    assert first.available == 29
    assert second.available == 20


def test_the_quota_is_what_can_really_be_booked(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(capacity=15)
    offered = desk.available(session)
    desk.booked(session, offered)
    assert desk.available(session) == 0
    with pytest.raises(Exhausted):
        desk.book(session)


def test_a_loss_of_vials_shows_in_the_quota_at_once_and_stops_bookings_even_into_half_filled_vials(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session()
    desk.booked(session, 11)
    assert desk.available(session) == 9
    desk.lose("az-10/AZ003", 1)
    assert desk.quota(session)[0].pool_short == 1
    assert desk.available(session) == 0
    with pytest.raises(Exhausted) as refused:
        desk.book(session)
    assert refused.value.params["reason"] == "vials"


def test_reading_the_quota_costs_the_same_statements_for_one_session_and_for_forty(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 3)
    desk.stock("penta-5/PB001", 3, place="pkm-tanah-tinggi-k1")

    def statements() -> int:
        with counted(db.connection()) as seen:
            desk.quota(session)
        return len(seen)

    session = desk.session()
    few = statements()
    for ahead in range(20):
        desk.session(ahead=ahead)
        desk.session(ahead=ahead, product="penta-5", facility=desk.world.neighbour)
    assert statements() == few <= 7


def test_a_first_dose_is_booked_by_ten_statements_five_of_them_behind_the_lock_and_two_more_where_it_promises_a_vial(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 5)
    session = desk.session()
    people = [desk.person() for _ in range(3)]
    counts = []
    for person in people:
        # As in a transaction of its own: nothing is known yet.
        db.expunge_all()
        with counted(db.connection()) as seen:
            desk.book(session, person)
        locked = next(n for n, statement in enumerate(seen) if "FOR NO KEY UPDATE" in statement)
        counts.append((len(seen), len(seen) - locked))
    assert counts == [(12, 7), (10, 5), (10, 5)], seen


def test_a_session_sells_no_place_to_who_could_not_come_in_time(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    closes = desk.read(session).closes_at
    desk.now = closes - timedelta(minutes=31)
    desk.book(session)
    desk.now = closes - timedelta(minutes=30)
    with pytest.raises(BookingOver):
        desk.book(session)
    assert desk.available(session) == 0
    standing = Book(id=uuid7(), person_id=desk.person(), session_id=session, dose=1, medium=Medium.WALK_IN)
    assert book(desk.db, SYSTEM, standing, now=desk.now).fresh
