"""Sessions that are changed, cancelled, closed early or opened again; people who come to another place; what is left."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import NOW, World, small_world
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.kit.errors import Forbidden
from tracker.people.errors import PersonNotFound
from tracker.people.queries import person_by_id
from tracker.quota.errors import (
    AlreadyBooked,
    BadStep,
    BadWindow,
    CannotAwait,
    Exhausted,
    NoVial,
    OtherPlace,
    OtherVaccine,
    PlaceLacks,
    SessionClosed,
    TooManySeated,
)
from tracker.quota.models import Booking, Displacement, SessionChange
from tracker.quota.rules.words import BookingState, Medium, OfferState, SessionAct, SessionState
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ArriveAt, ChangeSession, NewBucket
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import cancel_session, close_session, reopen_session
from tracker.quota.service.leftovers import leftovers, throw_leftovers_away
from tracker.quota.service.offering import make_offer
from tracker.quota.service.rounds import tidy_pools
from tracker.stock.errors import PlacePromised
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Kind, OpenWaste

B = BookingState
WHY = "vaksinator sakit"


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def change(desk: Desk, session: object, **more: object) -> None:
    change_session(desk.db, SYSTEM, ChangeSession(session_id=session, reason=WHY, **more), now=desk.now)  # type: ignore[arg-type]  # test data


def acts(desk: Desk) -> list[SessionAct]:
    desk.db.flush()
    return list(desk.db.scalars(select(SessionChange.what).order_by(SessionChange.id)))


def displacement(desk: Desk, booking: Booking) -> OfferState:
    desk.db.flush()
    return desk.db.get_one(Displacement, booking.id, populate_existing=True).state


# ended


def test_who_is_booked_in_a_session_that_is_cancelled_gives_way_is_offered_and_told(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    session, other = desk.session(ahead=0), desk.session(ahead=2)
    booked, came, reserved = desk.confirmed(session), desk.confirmed(session), desk.book(session)
    desk.move(came, B.ARRIVED)
    for _ in range(2):
        cancel_session(db, SYSTEM, session, WHY, now=desk.now)
    assert desk.states([booked, came, reserved]) == [B.DISPLACED] * 3
    read = desk.read(session)
    assert (read.state, read.cancelled, read.taken, read.live) == (SessionState.CLOSED, WHY, 0, 0)
    assert (desk.need(), acts(desk)) == ({}, [SessionAct.CANCELLED])
    offer = make_offer(db, came.id, now=desk.now)
    assert offer is not None
    assert db.get_one(Booking, offer).session_id == other
    db.flush()
    assert list(db.scalars(select(OutMessage.template))) == ["quota_offer"]
    with pytest.raises(SessionClosed):
        desk.book(session)


def test_a_session_closed_before_its_end_makes_nobody_a_no_show(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    booked, came = desk.confirmed(session), desk.move(desk.confirmed(session), B.ARRIVED)
    close_session(db, SYSTEM, session, now=desk.now)
    assert desk.states([booked, came]) == [B.DISPLACED, B.DEFERRED]
    assert displacement(desk, booked) is OfferState.PENDING


def test_a_session_cancelled_by_mistake_takes_place_and_its_people_are_offered_it_again(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=1)
    booked = desk.confirmed(session)
    cancel_session(db, SYSTEM, session, WHY, now=desk.now)
    assert make_offer(db, booked.id, now=desk.now) is None
    reopen_session(db, SYSTEM, session, "tanggal tertukar", now=desk.now)
    assert (desk.read(session).state, desk.read(session).cancelled) == (SessionState.PLANNED, None)
    offer = make_offer(db, booked.id, now=desk.now)
    assert offer is not None
    assert db.get_one(Booking, offer).session_id == session
    assert acts(desk) == [SessionAct.CANCELLED, SessionAct.REOPENED]
    desk.now += timedelta(days=3)
    close_session(db, SYSTEM, session, now=desk.now)
    with pytest.raises(CannotAwait):
        reopen_session(db, SYSTEM, session, WHY, now=desk.now)


def test_a_vaccinator_does_not_cancel_sessions(desk: Desk, db: Session) -> None:
    session = desk.session()
    with pytest.raises(Forbidden):
        cancel_session(db, desk.world.who(Role.VACCINATOR), session, WHY, now=desk.now)


# changed


def test_other_hours_are_told_to_everybody_who_keeps_a_place(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=1)
    booked = desk.confirmed(session)
    change(desk, session, opens=time(13), closes=time(16))
    db.flush()
    message = db.scalars(select(OutMessage)).one()
    assert (message.template, message.recipient_ref) == ("quota_session_changed", str(booked.person_id))
    assert (message.params["opens"], message.params["closes"]) == ("13.00", "16.00")
    change(desk, session, opens=time(13), closes=time(16))
    assert acts(desk) == [SessionAct.CHANGED]
    with pytest.raises(BadWindow):
        change(desk, session, closes=time(12))


def test_with_fewer_places_the_newest_first_doses_give_way_and_who_has_come_stays(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 3)
    session = desk.session(ahead=0, capacity=6, buckets=(NewBucket(kind="nakes", share=2),))
    came = desk.move(desk.confirmed(session), B.ARRIVED)
    second = desk.confirmed(session, dose=2)
    old, new = desk.confirmed(session), None
    desk.now += timedelta(minutes=1)
    new = desk.confirmed(session)
    change(desk, session, capacity=3)
    assert desk.states([came, second, old, new]) == [B.ARRIVED, B.CONFIRMED, B.CONFIRMED, B.DISPLACED]
    change(desk, session, capacity=1)
    assert desk.states([came, second, old]) == [B.ARRIVED, B.DISPLACED, B.DISPLACED]
    assert (desk.read(session).taken, desk.read(session).capacity) == (1, 1)
    assert {item.bucket_left for item in desk.quota(session)} == {0}
    change(desk, session, capacity=10)
    assert desk.available(session) == 9
    desk.booked(session, 2)
    desk.move(desk.confirmed(session), B.ARRIVED)
    with pytest.raises(TooManySeated):
        change(desk, session, capacity=1)


# come to another place


def test_who_booked_here_and_comes_there_has_one_seat_and_the_vials_are_there(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    here, there = desk.session(ahead=0), desk.session(ahead=0, facility=desk.world.neighbour)
    booking = desk.confirmed(here)
    with pytest.raises(AlreadyBooked) as told:
        desk.book(there, booking.person_id, medium=Medium.WALK_IN)
    assert told.value.params["booking"] == str(booking.id)
    for _ in range(2):
        arrive_at(db, SYSTEM, ArriveAt(booking_id=booking.id, session_id=there), now=desk.now)
    assert (booking.state, booking.session_id) == (B.ARRIVED, there)
    assert [(desk.read(one).taken, desk.read(one).live) for one in (here, there)] == [(0, 0), (1, 1)]
    assert desk.need() == {}
    desk.vaccinate(booking)
    assert desk.ledger.vials("az-10/AZ003", place=desk.world.equipment["pkm-tanah-tinggi-k1"]) == 0
    assert desk.ledger.vials("az-10/AZ003") == 1


def test_without_a_vial_there_the_booking_stays_where_it_was(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    here, there = desk.session(ahead=0), desk.session(ahead=0, facility=desk.world.neighbour)
    booking = desk.confirmed(here)
    with pytest.raises(Exhausted), db.begin_nested():
        arrive_at(db, SYSTEM, ArriveAt(booking_id=booking.id, session_id=there), now=desk.now)
    db.refresh(booking)
    assert (booking.state, booking.session_id, desk.read(here).taken) == (B.CONFIRMED, here, 1)


def test_only_the_same_vaccine_of_a_booking_that_stands_moves(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.confirmed(desk.session(ahead=0))
    other = desk.session(ahead=0, product="penta-5", facility=desk.world.neighbour)
    with pytest.raises(OtherVaccine):
        arrive_at(db, SYSTEM, ArriveAt(booking_id=booking.id, session_id=other), now=desk.now)
    desk.move(booking, B.CANCELLED)
    there = desk.session(ahead=0, facility=desk.world.neighbour)
    with pytest.raises(BadStep):
        arrive_at(db, SYSTEM, ArriveAt(booking_id=booking.id, session_id=there), now=desk.now)


def test_who_comes_with_a_claim_from_elsewhere_uses_it_and_another_facilitys_staff_need_not_see_where(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 3)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0, facility=desk.world.neighbour)))
    desk.stock("az-10/AZ003", 2, place="pkm-tanah-tinggi-k1")
    desk.now += timedelta(days=60)
    second = desk.confirmed(desk.session(ahead=60, facility=desk.world.neighbour), first.person_id, dose=2)
    here = desk.session(ahead=60)
    nurse = desk.world.who(Role.VACCINATOR)
    with pytest.raises(PersonNotFound):
        person_by_id(db, nurse, first.person_id)
    arrive_at(db, nurse, ArriveAt(booking_id=second.id, session_id=here), now=desk.now)
    assert person_by_id(db, nurse, first.person_id).id == first.person_id
    assert desk.vaccinate(second).state is B.VACCINATED


# where the vials come from


def test_an_outreach_takes_its_vials_from_its_carrier_and_the_desk_from_the_fridge(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 2)  # the first to expire lies in the fridge
    desk.stock("az-10/AZ003", 1, place="pkm-cipondoh-b1")
    outreach, home = desk.session(ahead=0, place="pkm-cipondoh-b1"), desk.session(ahead=0)
    there, here = desk.vaccinate(desk.confirmed(outreach)), desk.vaccinate(desk.confirmed(home))
    assert there.batch_id == desk.world.batches["az-10/AZ003"].id
    assert here.batch_id == desk.world.batches["az-10/AZ001"].id
    for booking in desk.booked(outreach, 9):
        desk.vaccinate(booking)
    # One vial is left in the fridge, none in the carrier.
    assert (desk.available(outreach), desk.available(home)) == (0, 19)
    with pytest.raises(Exhausted) as refused:
        desk.confirmed(outreach)
    assert refused.value.params["reason"] == "vials"
    check_books(desk.db)


def test_the_desk_opens_none_of_a_box_that_is_out_though_it_expires_first(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 1, place="pkm-cipondoh-b1")
    desk.stock("az-10/AZ003", 1)
    home = desk.session(ahead=0)
    desk.session(ahead=0, place="pkm-cipondoh-b1")
    assert desk.vaccinate(desk.confirmed(home)).batch_id == desk.world.batches["az-10/AZ003"].id
    check_books(desk.db)


def test_whose_vials_in_the_carrier_were_lost_gets_none_from_the_fridge(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 2)
    desk.stock("az-10/AZ003", 1, place="pkm-cipondoh-b1")
    outreach = desk.session(ahead=0, place="pkm-cipondoh-b1")
    booked = desk.booked(outreach, 2)
    desk.lose("az-10/AZ003", 1, place="pkm-cipondoh-b1")
    with pytest.raises(NoVial):
        desk.vaccinate(booked[0])
    found = displace(desk.db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert (set(found.bookings), found.short) == ({one.id for one in booked}, 0)
    check_books(desk.db)


def test_the_desk_does_not_promise_what_an_outreach_took_along(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 1, place="pkm-cipondoh-b1")
    outreach, home = desk.session(ahead=0, place="pkm-cipondoh-b1"), desk.session(ahead=0)
    assert (desk.available(outreach), desk.available(home)) == (10, 0)
    attempt = desk.db.begin_nested()
    with pytest.raises(Exhausted):
        desk.book(home)
    attempt.rollback()
    # Over, what it brings back is the facility's again.
    close_session(desk.db, SYSTEM, outreach, now=desk.now)
    assert desk.available(home) == 10
    assert desk.vaccinate(desk.confirmed(home)).batch_id == desk.world.batches["az-10/AZ001"].id
    check_books(desk.db)


def test_what_is_promised_to_the_desk_is_not_taken_along_by_a_session_planned_since(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 1, place="pkm-cipondoh-b1")
    home = desk.session(ahead=0)
    desk.booked(home, 3)
    with pytest.raises(PlacePromised) as refused:
        desk.session(place="pkm-cipondoh-b1")
    assert refused.value.params["vials"] == 1
    desk.stock("az-10/AZ003", 1)
    outreach = desk.session(place="pkm-cipondoh-b1")
    # Cancelled, used by the desk, and wanted again: too late.
    cancel_session(desk.db, SYSTEM, outreach, "hujan", now=desk.now)
    desk.booked(home, 17)
    desk.lose("az-10/AZ003", 1)
    with pytest.raises(PlacePromised):
        reopen_session(desk.db, SYSTEM, outreach, "cerah", now=desk.now)


def test_a_session_that_gets_a_carrier_takes_the_promise_of_its_people_along(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-cipondoh-b1")
    session, home = desk.session(), desk.session()
    people, others = desk.booked(session, 4), desk.booked(home, 4)
    change(desk, session, place="pkm-cipondoh-b1")
    assert desk.short() == 0
    assert desk.need() == {desk.day(1): 1}
    assert (desk.available(session), desk.available(home)) == (6, 6)
    displace(desk.db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert set(desk.states([*people, *others])) == {BookingState.CONFIRMED}
    check_books(desk.db)


def test_a_session_gets_no_carrier_that_lacks_vials_for_its_people(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 2)
    session = desk.session()
    desk.booked(session, 4)
    with pytest.raises(PlaceLacks) as refused:
        change(desk, session, place="pkm-cipondoh-b1")
    assert refused.value.params["persons"] == 4


def test_a_carrier_of_another_facility_is_no_place_of_a_session(desk: Desk) -> None:
    with pytest.raises(OtherPlace):
        desk.session(place="pkm-tanah-tinggi-k1")
    session = desk.session()
    change(desk, session, place="pkm-cipondoh-b1")
    assert desk.read(session).place_id == desk.world.cold_box.id


# what is left


def test_doses_left_when_the_session_is_over_are_proposed_as_waste_and_recorded_at_once(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    for booking in desk.booked(session, 3):
        desk.vaccinate(booking)
    assert leftovers(db, desk.read(session), desk.now) == []
    desk.now += timedelta(hours=3)
    close_session(db, SYSTEM, session, now=desk.now)
    assert [vial.remaining for vial, _ in leftovers(db, desk.read(session), desk.now)] == [7]
    thrown = throw_leftovers_away(db, desk.world.who(Role.VACCINATOR), session, now=desk.now)
    assert [(vial.discarded, vial.discard_reason) for vial in thrown] == [(7, OpenWaste.SESSION_END)]
    assert throw_leftovers_away(db, SYSTEM, session, now=desk.now) == []


def test_vials_that_keep_for_days_are_no_waste_at_the_end_and_one_opened_by_hand_is(desk: Desk, db: Session) -> None:
    desk.stock("penta-5/PB001", 1)
    desk.stock("az-10/AZ003", 1)
    keeps, session = desk.session(ahead=0, product="penta-5"), desk.session(ahead=0)
    desk.vaccinate(desk.confirmed(keeps))
    desk.ledger.post(Kind.OPENING, desk.ledger.line("az-10/AZ003", 1), at=desk.now)
    desk.now += timedelta(days=1)
    for one in (keeps, session):
        close_session(db, SYSTEM, one, now=desk.now)
    assert leftovers(db, desk.read(keeps), desk.now) == []
    assert [vial.remaining for vial, _ in leftovers(db, desk.read(session), desk.now)] == [10]
    desk.now += timedelta(days=28)
    assert [vial.remaining for vial, _ in leftovers(db, desk.read(keeps), desk.now)] == [4]
    db.flush()
    assert db.scalars(select(OpenVial.closed_at)).all() == [None, None]


# offers in turn


def test_a_crowd_whom_nothing_fits_holds_up_nobody_of_another_product(engine: Engine) -> None:
    with transaction(engine) as db:
        desk = Desk(db, small_world(db), NOW)
        desk.stock("az-10/AZ003", 6)
        desk.stock("penta-5/PB001", 1)
        crowd, session = desk.session(ahead=3), desk.session(ahead=3, product="penta-5")
        many = [desk.confirmed(crowd) for _ in range(52)]
        desk.now += timedelta(seconds=1)
        one = desk.confirmed(session)
        for closed in (crowd, session):
            cancel_session(db, SYSTEM, closed, WHY, now=desk.now)
        for booking in (*many, one):
            make_offer(db, booking.id, now=desk.now)
        fits = desk.session(ahead=4, product="penta-5")
    # Round by round the crowd is looked for in turn, and the one for whom there is a place is in the first.
    tidy_pools(engine, now=desk.now + timedelta(minutes=1))
    with transaction(engine) as db:
        found = db.get_one(Displacement, one.id)
        assert found.state is OfferState.OFFERED
        offer = db.get_one(Booking, found.offer_id)
        assert offer.session_id == fits
    tidy_pools(engine, now=desk.now + timedelta(minutes=2))
    with transaction(engine) as db:
        tried = set(db.scalars(select(Displacement.tried_at).where(Displacement.state == OfferState.NONE_FOUND)))
        assert min(at for at in tried if at is not None) >= desk.now + timedelta(minutes=1)


def test_an_offer_that_nobody_reacted_to_is_made_by_the_round(engine: Engine) -> None:
    with transaction(engine) as db:
        desk = Desk(db, small_world(db), NOW)
        desk.stock("az-10/AZ003", 1)
        session = desk.session(ahead=3)
        lost = desk.confirmed(session)
        desk.lose("az-10/AZ003", 1)
        displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
        desk.stock("az-10/AZ003", 1)
    tidy_pools(engine, now=desk.now + timedelta(minutes=11))
    with transaction(engine) as db:
        assert db.get_one(Displacement, lost.id).state is OfferState.OFFERED
