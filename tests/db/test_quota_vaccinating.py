"""Giving doses: the vial and the booking change together, and the next dose is claimed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.feed.contract import decode
from tracker.feed.models import FeedPending
from tracker.kit.ids import uuid7
from tracker.quota.errors import BadStep, Exhausted, NoVial
from tracker.quota.models import Booking, Claim
from tracker.quota.rules.words import BookingState, ClaimState
from tracker.quota.service.claims import roll_claims
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.displacing import displace
from tracker.quota.service.lapsing import lapse_in
from tracker.quota.service.pools import lock_pool, pool_facts
from tracker.quota.service.seating import buckets_of, lock_sessions
from tracker.quota.service.vaccinating import vaccinate
from tracker.reactions import REACTIONS
from tracker.stock.errors import OpenVialNotFound, TooFarAhead
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Kind, OpenWaste
from tracker.stock.service.commands import DiscardDoses, ReverseEvent
from tracker.stock.service.opening import discard_doses
from tracker.stock.service.reversing import reverse_event


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def claims(db: Session, booking: Booking) -> list[Claim]:
    db.flush()
    query = select(Claim).where(Claim.person_id == booking.person_id).execution_options(populate_existing=True)
    return list(db.scalars(query))


def test_the_first_dose_opens_a_vial_and_takes_it_and_its_bookings_out_of_the_rule_together(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    booked = desk.booked(session, 11)
    assert desk.need() == {desk.today: 2}
    desk.vaccinate(booked[0])
    assert desk.need() == {desk.today: 1}
    assert desk.short() == 0
    # Not even for a moment: nobody is to be woken for a vial that serves its own people.
    assert db.scalars(select(FeedPending.id).where(FeedPending.kind == "stock.short")).all() == []
    vial = db.scalars(select(OpenVial)).one()
    assert (vial.given, vial.remaining, vial.session_id) == (1, 9, session)
    assert booked[0].batch_id == desk.world.batches["az-10/AZ003"].id
    for booking in booked[1:]:
        desk.vaccinate(booking)
    vials = db.scalars(select(OpenVial).order_by(OpenVial.opened_at, OpenVial.id)).all()
    assert sorted(v.given for v in vials) == [1, 10]
    assert desk.ledger.vials("az-10/AZ003") == 0


def test_a_dose_is_not_given_in_the_future(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.confirmed(desk.session(ahead=0))

    def give(minutes: int) -> Booking:
        at = desk.now + timedelta(minutes=minutes)
        return vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=booking.id, occurred_at=at), now=desk.now)

    with pytest.raises(TooFarAhead):
        give(6)
    assert desk.state(booking) is BookingState.CONFIRMED
    # Phones' clocks run a little ahead.
    assert give(4).vaccinated_at == desk.now


def test_a_claim_whose_last_day_is_over_here_does_not_stand_again(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    session = desk.session(ahead=60)
    desk.book(session, first.person_id, dose=2)
    (claim,) = claims(db, first)
    claim.from_day = claim.due_day = claim.last_day = desk.day(5)
    db.flush()
    # 17.30 UTC of the fifth day is half past midnight of the sixth in Jakarta.
    now = datetime.combine(desk.day(5), time(17, 30), tzinfo=UTC)
    sessions = lock_sessions(db, [session])
    assert lapse_in(db, sessions, buckets_of(db, [session]), now) == 1
    (claim,) = claims(db, first)
    assert claim.state is ClaimState.USED


def test_a_dose_is_given_once_however_often_it_is_told(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.confirmed(desk.session(ahead=0))
    desk.vaccinate(booking)
    desk.vaccinate(booking)
    assert db.scalars(select(OpenVial.given)).one() == 1


def test_the_batch_that_expires_first_is_opened(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ001", 1)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    assert booking.batch_id == desk.world.batches["az-10/AZ001"].id


def test_doses_of_a_vial_opened_for_one_session_are_left_to_its_people(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    one, two = desk.session(ahead=0), desk.session(ahead=0)
    first, *_ = desk.booked(one, 10)
    other = desk.confirmed(two)
    desk.vaccinate(first)
    desk.vaccinate(other)
    assert sorted(db.scalars(select(OpenVial.given))) == [1, 1]


def test_doses_that_nobody_of_its_session_waits_for_serve_the_other_sessions_of_the_day(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 2)
    one, two = desk.session(ahead=0), desk.session(ahead=0)
    first, other = desk.confirmed(one), desk.confirmed(two)
    desk.vaccinate(first)
    assert desk.need().get(desk.today, 0) == 0
    desk.vaccinate(other)
    assert list(db.scalars(select(OpenVial.given))) == [2]


def test_vials_that_keep_for_days_are_shared_by_the_sessions_of_a_day(desk: Desk, db: Session) -> None:
    desk.stock("penta-5/PB001", 2)
    one, two = desk.session(product="penta-5", ahead=0), desk.session(product="penta-5", ahead=0)
    first, other = desk.confirmed(one), desk.confirmed(two)
    assert desk.need("penta-5") == {desk.today: 1}
    desk.vaccinate(first)
    desk.vaccinate(other)
    assert list(db.scalars(select(OpenVial.given))) == [2]
    # What is left promised is the second doses of both, four weeks on.
    assert desk.need("penta-5") == {desk.day(28): 1}


def test_without_a_usable_vial_nothing_is_booked_as_given(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.confirmed(desk.session(ahead=0))
    desk.lose("az-10/AZ003", 1)
    with pytest.raises(NoVial):
        desk.vaccinate(booking)
    assert desk.state(booking) is BookingState.CONFIRMED


def test_who_cancelled_is_not_vaccinated_on_that_booking(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.move(desk.confirmed(desk.session(ahead=0)), BookingState.CANCELLED)
    with pytest.raises(BadStep):
        desk.vaccinate(booking)


def test_the_first_dose_makes_a_funded_claim_to_the_second(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    (claim,) = claims(db, booking)
    assert (claim.dose, claim.state, claim.due_day) == (2, ClaimState.FUNDED, desk.day(56))
    assert desk.need() == {desk.day(56): 1}


def test_without_vials_the_vaccination_stands_and_the_claim_is_unfunded_until_the_next_inflow(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    (claim,) = claims(db, booking)
    assert claim.state is ClaimState.UNFUNDED
    assert desk.need() == {}
    desk.stock("az-10/AZ003", 1)
    # First in line: the only vial that came is not for a new first dose.
    with pytest.raises(Exhausted), db.begin_nested():
        desk.book(desk.session(ahead=1))
    pool = pool_facts(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, desk.now)
    displace(db, pool.facility_id, pool.presentation_id, now=desk.now)
    (claim,) = claims(db, booking)
    assert claim.state is ClaimState.FUNDED


def test_who_comes_back_uses_the_claim_and_not_somebody_elses_dose(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    second = desk.book(desk.session(ahead=60), first.person_id, dose=2)
    (claim,) = claims(db, first)
    assert (claim.state, claim.used_by_id) == (ClaimState.USED, second.id)
    assert desk.need() == {desk.day(60): 1}
    desk.move(second, BookingState.CANCELLED)
    (claim,) = claims(db, first)
    assert claim.state is ClaimState.FUNDED
    assert desk.need() == {desk.day(56): 1}


def test_a_claim_used_elsewhere_leaves_its_vial_to_the_claim_that_waited(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session(ahead=0)
    first = desk.vaccinate(desk.confirmed(session))
    (funded,) = claims(db, first)
    other = desk.vaccinate(desk.confirmed(session))
    (waiting,) = claims(db, other)
    # The second claim shares the vial of the first one's day; on a day of its own it finds none.
    waiting.state, waiting.due_day = ClaimState.UNFUNDED, funded.due_day + timedelta(days=1)
    db.flush()
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    desk.book(desk.session(ahead=60, facility=desk.world.neighbour), first.person_id, dose=2)
    assert [claim.state for claim in (*claims(db, first), *claims(db, other))] == [ClaimState.USED, ClaimState.FUNDED]


def test_a_second_dose_without_a_claim_comes_after_the_claims_that_wait(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    (claim,) = claims(db, first)
    assert claim.state is ClaimState.UNFUNDED
    desk.stock("az-10/AZ003", 1)
    with pytest.raises(Exhausted), db.begin_nested():
        desk.book(desk.session(ahead=1), dose=2)


def test_a_claim_waits_past_its_due_day_and_expires_with_its_window(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    start = desk.now
    for days, state in ((90, ClaimState.FUNDED), (181, ClaimState.EXPIRED)):
        desk.now = start + timedelta(days=days)
        pool = pool_facts(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, desk.now)
        lock_pool(db, pool)
        roll_claims(db, pool, desk.now)
        (claim,) = claims(db, first)
        assert claim.state is state
    assert desk.need() == {}


def test_doses_thrown_away_in_mid_session_are_needed_again_and_displacement_settles_it(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    booked = desk.booked(session, 3)
    desk.vaccinate(booked[0])
    vial = db.scalars(select(OpenVial.id)).one()
    command = DiscardDoses(open_vial_id=vial, occurred_at=desk.now, reason=OpenWaste.CONTAMINATION)
    discard_doses(db, SYSTEM, command, now=desk.now)
    done = displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert set(done.bookings) == {booked[1].id, booked[2].id}
    assert (desk.short(), desk.need()) == (0, {})


def test_the_vial_named_must_be_of_this_facility_and_of_what_was_booked(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.stock("mr-10/MR001", 1)
    booking = desk.booked(desk.session(ahead=0), 1)[0]
    desk.ledger.post(Kind.OPENING, desk.ledger.line("mr-10/MR001", 1), at=desk.now)
    other = db.scalars(select(OpenVial.id)).one()
    with pytest.raises(OpenVialNotFound):
        vaccinate(db, SYSTEM, Vaccinate(booking_id=booking.id, open_vial_id=other), now=desk.now)
    assert desk.state(booking) is BookingState.CONFIRMED


def test_an_unclosed_session_of_last_night_keeps_nobody_from_booking_today(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 3)
    booked = desk.booked(desk.session(ahead=0), 2)
    tomorrow = desk.session(ahead=1)
    desk.vaccinate(booked[0])
    desk.now += timedelta(hours=15)  # past midnight there, and past the six hours of the opened vial
    assert db.scalars(select(OpenVial.discard_by)).one() < desk.now
    assert desk.book(tomorrow).state is BookingState.RESERVED
    displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)


@pytest.mark.parametrize("doses", [None, 1])
def test_doses_thrown_away_are_told_so_that_the_pool_is_settled_anew(
    desk: Desk, db: Session, doses: int | None
) -> None:
    desk.stock("az-10/AZ003", 1)
    booked = desk.booked(desk.session(ahead=0), 10)
    desk.vaccinate(booked[0])
    vial = db.scalars(select(OpenVial.id)).one()
    command = DiscardDoses(open_vial_id=vial, occurred_at=desk.now, reason=OpenWaste.CONTAMINATION, doses=doses)
    discard_doses(db, SYSTEM, command, now=desk.now)
    (told,) = db.scalars(select(FeedPending).where(FeedPending.kind == "stock.open_doses_fell"))
    (reaction,) = (one for one in REACTIONS if told.kind in {cls.KIND for cls in one.on})
    reaction.act(db, decode(told, *reaction.on), desk.now)
    assert desk.states(booked).count(BookingState.DISPLACED) == (9 if doses is None else 1)


def test_an_opening_that_is_taken_back_is_told_too(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    opening = desk.ledger.post(Kind.OPENING, desk.ledger.line("az-10/AZ003", 1), at=desk.now).event_id
    reverse_event(db, SYSTEM, ReverseEvent(id=uuid7(), event_id=opening), now=desk.now)
    assert len(desk.ledger.told("stock.open_doses_fell")) == 1
