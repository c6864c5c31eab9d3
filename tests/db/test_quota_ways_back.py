"""Every state reached by mistake has a way back, and what is told late is recorded as it happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.errors import (
    AlreadyBooked,
    BadStep,
    CannotAwait,
    DoseDiffers,
    DoseGiven,
    Exhausted,
    NotToday,
    OtherBooking,
    OtherDay,
)
from tracker.quota.models import Booking, BookingStep, Claim, Displacement, SessionChange
from tracker.quota.rules.words import BookingState, ClaimState, Medium, OfferState, SessionAct, SessionState
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book
from tracker.quota.service.commands import ArriveAt, Book, CorrectDose, MoveBooking, TakeBack, Vaccinate
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import cancel_session, close_session, reopen_session
from tracker.quota.service.moving import move_booking
from tracker.quota.service.offering import make_offer
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial, OpenVialChange
from tracker.stock.rules.words import Kind, OpenWaste
from tracker.stock.service.amending import take_back_doses
from tracker.stock.service.commands import DiscardDoses, TakeBackDoses
from tracker.stock.service.opening import discard_doses

WHY = "salah ketuk"
B = BookingState


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def give(desk: Desk, booking: Booking, at: datetime | None = None, **more: object) -> Booking:
    return vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=booking.id, occurred_at=at, **more), now=desk.now)  # type: ignore[arg-type]  # test data


def back(desk: Desk, booking: Booking, state: BookingState) -> Booking:
    return take_back(desk.db, SYSTEM, TakeBack(booking_id=booking.id, state=state, reason=WHY), now=desk.now)


def steps(desk: Desk, booking: Booking) -> list[BookingStep]:
    desk.db.flush()
    query = select(BookingStep).where(BookingStep.booking_id == booking.id).order_by(BookingStep.id)
    return list(desk.db.scalars(query))


def claims(desk: Desk, booking: Booking) -> list[Claim]:
    desk.db.flush()
    query = select(Claim).where(Claim.given_booking_id == booking.id).order_by(Claim.id)
    return list(desk.db.scalars(query.execution_options(populate_existing=True)))


def vial(desk: Desk) -> OpenVial:
    desk.db.flush()
    return desk.db.scalars(select(OpenVial).execution_options(populate_existing=True)).one()


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


# ways back


@pytest.mark.parametrize("answer", [B.DEFERRED, B.REFUSED])
def test_screened_again_one_seat_and_both_answers(desk: Desk, answer: BookingState) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0, capacity=1)
    booking = desk.move(desk.confirmed(session), B.ARRIVED)
    desk.move(booking, answer)
    desk.now += timedelta(minutes=30)
    desk.move(booking, B.FIT)
    assert (desk.read(session).taken, desk.read(session).live, desk.need()) == (1, 1, {desk.today: 1})
    assert desk.read(session).vaccinated == 0
    told = [(step.from_state, step.to_state) for step in steps(desk, booking)]
    assert told[-2:] == [(B.ARRIVED, answer), (answer, B.FIT)]
    assert steps(desk, booking)[-1].before == {"screening": {"result": answer.value, "note": None}}
    assert desk.vaccinate(booking).state is B.VACCINATED


def test_screened_again_when_the_last_vial_was_promised_to_another_is_refused(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session, other = desk.session(ahead=0), desk.session(ahead=0)
    booking = desk.move(desk.move(desk.confirmed(session), B.ARRIVED), B.DEFERRED)
    desk.confirmed(other)
    with pytest.raises(Exhausted), desk.db.begin_nested():
        desk.move(booking, B.FIT)


@pytest.mark.parametrize("was", [B.CANCELLED, B.LAPSED, B.DISPLACED, B.NO_SHOW])
def test_a_place_lost_by_mistake_is_had_again(desk: Desk, db: Session, was: BookingState) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0, capacity=1)
    booking = desk.book(session)
    if was is B.LAPSED:
        desk.now += timedelta(minutes=11)
        displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    else:
        desk.move(booking, B.CONFIRMED)
    if was is B.CANCELLED:
        desk.move(booking, was)
    if was is B.DISPLACED:
        desk.lose("az-10/AZ003", 1)
        displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
        desk.stock("az-10/AZ003", 1)
    if was is B.NO_SHOW:
        desk.move(booking, was)
    assert desk.state(booking) is was
    back(desk, booking, B.CONFIRMED)
    assert (desk.read(session).taken, desk.read(session).live, desk.need()) == (1, 1, {desk.today: 1})
    assert (steps(desk, booking)[-1].from_state, steps(desk, booking)[-1].reason) == (was, WHY)
    back(desk, booking, B.CONFIRMED)
    assert desk.read(session).taken == 1


def test_a_place_that_another_has_since_is_not_had_again(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0, capacity=1)
    booking = desk.move(desk.confirmed(session), B.CANCELLED)
    desk.confirmed(session)
    with pytest.raises(Exhausted):
        back(desk, booking, B.CONFIRMED)
    other = desk.session(ahead=1)
    desk.confirmed(other, booking.person_id)
    with pytest.raises(AlreadyBooked):
        back(desk, booking, B.CONFIRMED)


def test_a_dose_typed_for_the_wrong_person_goes_back_into_its_vial(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    booked = desk.booked(session, 2)
    for booking in booked:
        desk.vaccinate(booking)
    at, lot = booked[0].vaccinated_at, booked[0].batch_id
    assert at is not None
    back(desk, booked[0], B.ARRIVED)
    assert (vial(desk).given, vial(desk).remaining) == (1, 9)
    assert (booked[0].vaccinated_at, booked[0].open_vial_id, booked[0].batch_id) == (None, None, None)
    assert [claim.state for claim in claims(desk, booked[0])] == [ClaimState.WITHDRAWN]
    assert (desk.read(session).taken, desk.read(session).live) == (2, 1)
    before = steps(desk, booked[0])[-1].before
    assert before is not None
    assert (before["vaccinated_at"], before["batch"]) == (at.isoformat(), str(lot))
    desk.vaccinate(booked[0])
    assert (vial(desk).given, vial(desk).remaining) == (2, 8)
    assert [claim.state for claim in claims(desk, booked[0])] == [ClaimState.WITHDRAWN, ClaimState.FUNDED]


def test_the_last_dose_of_a_vial_taken_back_opens_the_vial_again(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    booked = desk.booked(desk.session(ahead=0), 10)
    for booking in booked:
        desk.vaccinate(booking)
    assert desk.ledger.open_vials("az-10/AZ003") == 0
    back(desk, booked[3], B.ARRIVED)
    assert (vial(desk).remaining, vial(desk).closed_at) == (1, None)
    assert desk.ledger.open_vials("az-10/AZ003") == 1
    desk.vaccinate(booked[3])
    assert (vial(desk).remaining, desk.ledger.open_vials("az-10/AZ003")) == (0, 0)


def test_in_a_closed_session_nobody_waits_again_but_the_books_are_set_right(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    booking = desk.vaccinate(desk.confirmed(session))
    desk.now += timedelta(days=1)
    close_session(db, SYSTEM, session, now=desk.now)
    with pytest.raises(CannotAwait):
        back(desk, booking, B.ARRIVED)
    back(desk, booking, B.NO_SHOW)
    assert (desk.ledger.open_vials("az-10/AZ003"), desk.ledger.vials("az-10/AZ003")) == (0, 1)
    assert desk.read(session).taken == 0
    assert desk.need() == {}


def test_a_dose_typed_with_the_wrong_hour_or_vial_is_set_right_and_both_are_seen(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    was, wrong = booking.vaccinated_at, booking.open_vial_id
    assert was is not None
    desk.ledger.post(Kind.OPENING, desk.ledger.line("az-10/AZ003", 1), at=desk.now)
    right = db.scalars(select(OpenVial.id).where(OpenVial.id != wrong)).one()
    desk.now += timedelta(hours=1)
    at = was + timedelta(minutes=20)
    command = CorrectDose(booking_id=booking.id, reason=WHY, occurred_at=at, open_vial_id=right)
    correct_dose(db, SYSTEM, command, now=desk.now)
    assert (booking.state, booking.vaccinated_at, booking.open_vial_id) == (B.VACCINATED, at, right)
    given = {row.id: row.given for row in db.execute(select(OpenVial.id, OpenVial.given))}
    assert given == {right: 1}, "only the dose had said that the other was opened"
    before = steps(desk, booking)[-1].before
    assert before is not None
    assert (before["open_vial"], before["vaccinated_at"]) == (str(wrong), was.isoformat())
    assert [claim.state for claim in claims(desk, booking)].count(ClaimState.WITHDRAWN) == 1


def test_two_who_set_the_same_right_for_two_reasons_are_both_read(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    first, second = (desk.vaccinate(each) for each in desk.booked(desk.session(ahead=0), 2))
    desk.now += timedelta(minutes=30)
    for reason in ("salah orang", "tidak disuntik", "salah orang"):
        take_back(db, SYSTEM, TakeBack(booking_id=first.id, state=B.NO_SHOW, reason=reason), now=desk.now)
        at = desk.now - timedelta(minutes=20)
        correct_dose(db, SYSTEM, CorrectDose(booking_id=second.id, reason=reason, occurred_at=at), now=desk.now)
    for booking, state in ((first, B.NO_SHOW), (second, B.VACCINATED)):
        told = [step for step in steps(desk, booking) if step.to_state is state and step.reason]
        assert [step.reason for step in told] == ["salah orang", "tidak disuntik"]
    assert (desk.ledger.open_vials("az-10/AZ003"), vial(desk).given) == (1, 1)


def test_two_who_cancel_a_session_or_open_it_again_for_two_reasons_are_both_read(desk: Desk, db: Session) -> None:
    session = desk.session(ahead=1)
    for act in (cancel_session, reopen_session):
        for reason in ("vaksin kosong", "listrik padam", "vaksin kosong"):
            act(db, SYSTEM, session, reason, now=desk.now)
    kept = db.scalars(select(SessionChange).where(SessionChange.session_id == session).order_by(SessionChange.id))
    assert [(change.what, change.reason) for change in kept] == [
        (act, reason)
        for act in (SessionAct.CANCELLED, SessionAct.REOPENED)
        for reason in ("vaksin kosong", "listrik padam")
    ]
    assert desk.read(session).cancelled is None


def test_a_dose_of_another_day_is_set_right_and_the_reason_is_why_the_day_is_set_aside(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    desk.now += timedelta(days=2)
    at = desk.now - timedelta(days=1)
    correct_dose(db := desk.db, SYSTEM, CorrectDose(booking_id=booking.id, reason=WHY, occurred_at=at), now=desk.now)
    db.expire_all()
    assert (booking.vaccinated_at, booking.override, booking.late) == (at, WHY, True)


def test_a_dose_told_again_is_a_repeat_also_when_set_right_since_and_with_another_vial_or_hour_it_is_none(
    desk: Desk,
) -> None:
    desk.stock("az-10/AZ003", 2)
    first = desk.now
    desk.now += timedelta(minutes=1)
    booking = give(desk, desk.confirmed(desk.session(ahead=0)), first)
    desk.now += timedelta(minutes=10)
    right = first + timedelta(minutes=2)
    with pytest.raises(DoseDiffers):
        give(desk, booking, right)
    with pytest.raises(DoseDiffers):
        give(desk, booking, open_vial_id=uuid7())
    correct_dose(desk.db, SYSTEM, CorrectDose(booking_id=booking.id, reason=WHY, occurred_at=right), now=desk.now)
    for again in (first, right, None):
        assert give(desk, booking, again).vaccinated_at == right
    assert vial(desk).given == 1


def test_a_clock_ahead_told_twice_is_one_dose_and_another_reason_is_not_passed_over(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    booking, ahead = desk.confirmed(desk.session(ahead=0)), desk.now + timedelta(minutes=3)
    give(desk, booking, ahead, override="darurat")
    was = booking.vaccinated_at
    desk.now += timedelta(minutes=4)
    assert give(desk, booking, ahead, override="darurat").vaccinated_at == was
    for other in ({"at": ahead + timedelta(minutes=3)}, {"at": ahead, "override": "alasan lain"}):
        with pytest.raises(DoseDiffers):
            give(desk, booking, **other)


def test_a_correction_told_again_makes_no_second_version(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    desk.now += timedelta(minutes=30)
    right = CorrectDose(booking_id=booking.id, reason=WHY, occurred_at=desk.now - timedelta(minutes=10))
    for _ in range(2):
        correct_dose(db, SYSTEM, right, now=desk.now)
    assert [step.to_state for step in steps(desk, booking)].count(B.VACCINATED) == 2
    assert len(claims(desk, booking)) == 2


def test_a_booking_told_again_after_its_owner_came_to_another_session_is_a_repeat(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    booked_in, came_to, never = (desk.session(ahead=0) for _ in range(3))
    command = Book(id=uuid7(), person_id=desk.person(), session_id=booked_in, dose=1, medium=Medium.OPERATOR)
    booking = book(db, SYSTEM, command, now=desk.now).booking
    arrive_at(db, SYSTEM, ArriveAt(booking_id=booking.id, session_id=came_to), now=desk.now)
    again = book(db, SYSTEM, command, now=desk.now)
    assert (again.fresh, again.booking.id, again.booking.session_id) == (False, booking.id, came_to)
    for other in (replace(command, session_id=never), replace(command, medium=Medium.WEB)):
        with pytest.raises(OtherBooking):
            book(db, SYSTEM, other, now=desk.now)


def test_doses_thrown_away_by_mistake_are_in_the_vial_again(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    command = DiscardDoses(open_vial_id=vial(desk).id, occurred_at=desk.now, reason=OpenWaste.CONTAMINATION)
    discard_doses(db, SYSTEM, command, now=desk.now)
    undo = TakeBackDoses(open_vial_id=vial(desk).id, doses=9, reason=WHY, thrown_away=True)
    take_back_doses(db, SYSTEM, undo, now=desk.now)
    assert (vial(desk).remaining, vial(desk).discarded, vial(desk).closed_at) == (9, 0, None)
    kept = db.scalars(select(OpenVialChange)).one()
    assert (kept.discarded, kept.discard_reason, kept.reason) == (9, OpenWaste.CONTAMINATION, WHY)


def test_a_dose_not_given_out_of_a_vial_thrown_away_went_the_way_of_its_rest(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    command = DiscardDoses(open_vial_id=vial(desk).id, occurred_at=desk.now, reason=OpenWaste.SESSION_END)
    discard_doses(db, SYSTEM, command, now=desk.now)
    back(desk, booking, B.DEFERRED)
    assert (vial(desk).given, vial(desk).discarded, vial(desk).remaining) == (0, 10, 0)
    assert vial(desk).closed_at is not None


def test_an_eleventh_dose_is_recorded_with_a_word_and_opens_no_vial(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    booked = desk.booked(desk.session(ahead=0), 13)
    for booking in booked[:10]:
        desk.vaccinate(booking)
    give(desk, booked[10], extra="isi lebih")
    give(desk, booked[11], extra="isi lebih")
    assert (vial(desk).given, vial(desk).doses_per_vial, vial(desk).remaining) == (12, 12, 0)
    assert desk.ledger.vials("az-10/AZ003") == 1
    with pytest.raises(Exception, match="too_many_doses"):
        give(desk, booked[12], extra="isi lebih")
    assert db.scalar(select(func.count()).select_from(OpenVialChange)) == 2


# who may


def test_another_system_moves_its_own_bookings_and_serves_nobody(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    jaki, session = desk.world.who(Role.INTEGRATOR), desk.session(ahead=0)
    command = Book(id=uuid7(), person_id=desk.person(), session_id=session, dose=1, medium=Medium.APP)
    own = book(db, jaki, command, now=desk.now).booking
    others = desk.book(session)
    confirm = MoveBooking(booking_id=own.id, state=B.CONFIRMED)
    assert move_booking(db, jaki, confirm, now=desk.now).state is B.CONFIRMED
    for booking, state in ((own, B.ARRIVED), (own, B.REFUSED), (others, B.CONFIRMED), (others, B.CANCELLED)):
        with pytest.raises(Forbidden):
            move_booking(db, jaki, MoveBooking(booking_id=booking.id, state=state), now=desk.now)
    with pytest.raises(Forbidden):
        vaccinate(db, jaki, Vaccinate(booking_id=own.id), now=desk.now)
    with pytest.raises(Forbidden):
        take_back(db, jaki, TakeBack(booking_id=own.id, state=B.CONFIRMED, reason=WHY), now=desk.now)
    assert move_booking(db, jaki, MoveBooking(booking_id=own.id, state=B.CANCELLED), now=desk.now).state is B.CANCELLED
