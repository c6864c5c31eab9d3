"""Every state reached by mistake has a way back, and what was told twice or wrongly is read with both its versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.ways_back import WHY, B, back, claims, give, steps, vial
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.errors import (
    AlreadyBooked,
    CannotAwait,
    DoseDiffers,
    Exhausted,
    OtherBooking,
)
from tracker.quota.models import SessionChange
from tracker.quota.rules.words import BookingState, ClaimState, Medium, SessionAct
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book
from tracker.quota.service.commands import ArriveAt, Book, CorrectDose, MoveBooking, TakeBack, Vaccinate
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import cancel_session, close_session, reopen_session
from tracker.quota.service.moving import move_booking
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial, OpenVialChange
from tracker.stock.rules.words import Kind, OpenWaste
from tracker.stock.service.amending import take_back_doses
from tracker.stock.service.commands import DiscardDoses, TakeBackDoses
from tracker.stock.service.opening import discard_doses


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


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
