"""When vials go: who gives way, what they are offered, and what they are told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.counting import counted
from tests.support.quota import Desk
from tests.support.world import World
from tracker.delivery.models import OutMessage
from tracker.feed.contract import Event
from tracker.feed.models import FeedPending
from tracker.quota.events import StillShort
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.rules.words import BookingState, OfferState
from tracker.quota.service.displacing import MOST_AT_ONCE, Displaced, displace
from tracker.quota.service.offering import make_offer
from tracker.reactions import BY_NAME


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def run(desk: Desk, product: str = "az-10", *, most: int = MOST_AT_ONCE) -> Displaced:
    return displace(desk.db, desk.world.puskesmas.id, desk.world.presentations[product].id, now=desk.now, most=most)


def displacement(desk: Desk, booking: Booking) -> Displacement:
    desk.db.flush()
    return desk.db.get_one(Displacement, booking.id, populate_existing=True)


def messages(desk: Desk) -> list[str]:
    desk.db.flush()
    return list(desk.db.scalars(select(OutMessage.template).order_by(OutMessage.created_at, OutMessage.id)))


def test_the_newest_first_doses_give_way_a_vial_at_a_time(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    session = desk.session()
    booked = []
    for _ in range(12):
        desk.now += timedelta(seconds=1)
        booked.append(desk.confirmed(session))
    desk.lose("az-10/AZ003", 1)
    assert desk.short() == 1
    done = run(desk)
    assert set(done.bookings) == {booked[10].id, booked[11].id}
    assert desk.short() == 0
    assert desk.read(session).taken == 10
    assert run(desk).bookings == ()


def test_second_doses_stay_while_a_first_dose_can_give_way(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 2)
    first, second = desk.session(ahead=1), desk.session(ahead=1)
    old_first = desk.confirmed(first)
    new_second = desk.confirmed(second, dose=2)
    desk.lose("az-10/AZ003", 1)
    run(desk)
    assert desk.states([old_first, new_second]) == [BookingState.DISPLACED, BookingState.CONFIRMED]


def test_who_has_arrived_stays_and_the_shortage_is_told_not_hidden(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 1)
    session = desk.session(ahead=0)
    arrived = desk.move(desk.confirmed(session), BookingState.ARRIVED)
    waiting = desk.confirmed(session)
    desk.lose("az-10/AZ003", 1)
    done = run(desk)
    assert (done.bookings, done.short) == ((), 1)
    assert desk.states([arrived, waiting]) == [BookingState.ARRIVED, BookingState.CONFIRMED]


def test_only_the_days_that_are_short_are_touched(desk: Desk) -> None:
    desk.stock("az-10/AZ001", 1)
    desk.stock("az-10/AZ003", 1)
    early = desk.confirmed(desk.session(ahead=1))
    late = desk.confirmed(desk.session(ahead=30))
    desk.lose("az-10/AZ003", 1)
    run(desk)
    assert desk.states([early, late]) == [BookingState.CONFIRMED, BookingState.DISPLACED]
    assert desk.short() == 0


def test_the_displaced_get_the_nearest_place_really_reserved_and_are_told(desk: Desk, db: Session) -> None:
    near = desk.world.neighbour
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    desk.stock("az-10/AZ003", 1, place="pkm-neglasari-k1")
    session, other = desk.session(), desk.session(facility=near)
    desk.session(facility=desk.world.facilities["pkm-neglasari"])
    lost = desk.confirmed(session)
    desk.lose("az-10/AZ003", 1)
    run(desk)
    offer_id = make_offer(db, lost.id, now=desk.now)
    assert offer_id is not None
    offer = db.get_one(Booking, offer_id)
    assert (offer.session_id, offer.state, offer.replaces_id) == (other, BookingState.RESERVED, lost.id)
    assert offer.expires_at is not None
    assert offer.expires_at > desk.now + timedelta(hours=12)
    assert desk.read(other).live == 1
    assert messages(desk) == ["quota_offer"]
    assert make_offer(db, lost.id, now=desk.now) is None
    assert messages(desk) == ["quota_offer"]
    desk.move(offer, BookingState.CONFIRMED)
    assert displacement(desk, lost).state is OfferState.ACCEPTED


@pytest.mark.parametrize("lost_at", ["here", "nowhere"])
def test_a_place_of_which_nobody_knows_where_it_lies_is_the_last_that_is_offered(
    desk: Desk, db: Session, lost_at: str
) -> None:
    near, nowhere = desk.world.neighbour, desk.world.facilities["pkm-neglasari"]
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-neglasari-k1")
    lost, unknown = desk.confirmed(desk.session()), desk.session(facility=nowhere)
    for place in [nowhere] if lost_at == "here" else [nowhere, desk.world.puskesmas]:
        place.point = None
    desk.lose("az-10/AZ003", 1)
    run(desk)
    if lost_at == "here":
        desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
        known = desk.session(facility=near)
    offer = db.get_one(Booking, make_offer(db, lost.id, now=desk.now))
    assert offer.session_id == (known if lost_at == "here" else unknown)


def test_until_when_an_offer_stands_is_told_by_the_clock_of_its_place(desk: Desk, db: Session) -> None:
    desk.world.neighbour.timezone = "Asia/Jayapura"
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    lost = desk.confirmed(desk.session())
    desk.session(facility=desk.world.neighbour)
    desk.lose("az-10/AZ003", 1)
    run(desk)
    offer = db.get_one(Booking, make_offer(db, lost.id, now=desk.now))
    told = db.scalars(select(OutMessage)).one().params["answer_by"]
    assert offer.expires_at is not None
    assert told == offer.expires_at.astimezone(ZoneInfo("Asia/Jayapura")).isoformat()


def test_the_offer_may_be_another_day_at_the_same_place_but_not_more_than_two_weeks_off(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ001", 1)  # usable through the eighth day ahead
    desk.stock("az-10/AZ003", 1)
    desk.session(ahead=5)
    lost = desk.confirmed(desk.session(ahead=20))
    desk.lose("az-10/AZ003", 1)
    run(desk)
    assert make_offer(db, lost.id, now=desk.now) is None
    near = desk.session(ahead=7)
    offer_id = make_offer(db, lost.id, now=desk.now)
    assert offer_id is not None
    assert db.get_one(Booking, offer_id).session_id == near


def test_an_unanswered_offer_lapses_and_its_place_is_free(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    session, other = desk.session(ahead=3), desk.session(ahead=3, facility=desk.world.neighbour)
    lost = desk.confirmed(session)
    desk.lose("az-10/AZ003", 1)
    run(desk)
    offer_id = make_offer(db, lost.id, now=desk.now)
    assert offer_id is not None
    desk.now += timedelta(hours=25)
    displace(db, desk.world.neighbour.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert db.get_one(Booking, offer_id, populate_existing=True).state is BookingState.LAPSED
    assert displacement(desk, lost).state is OfferState.LAPSED
    assert (desk.read(other).taken, desk.read(other).live) == (0, 0)


def test_without_any_place_the_person_is_told_once_and_helped_when_there_is_one(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    lost = desk.confirmed(desk.session(ahead=3))
    desk.lose("az-10/AZ003", 1)
    run(desk)
    assert make_offer(db, lost.id, now=desk.now) is None
    assert make_offer(db, lost.id, now=desk.now) is None
    assert messages(desk) == ["quota_displaced_no_place"]
    desk.session(ahead=4, facility=desk.world.neighbour)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    assert make_offer(db, lost.id, now=desk.now) is not None
    assert messages(desk) == ["quota_displaced_no_place", "quota_offer"]


def test_who_found_another_place_alone_is_left_in_peace(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    lost = desk.confirmed(desk.session(ahead=3))
    desk.lose("az-10/AZ003", 1)
    run(desk)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    desk.book(desk.session(ahead=4, facility=desk.world.neighbour), lost.person_id)
    assert make_offer(db, lost.id, now=desk.now) is None
    assert displacement(desk, lost).state is OfferState.REBOOKED
    assert messages(desk) == []


def test_an_offer_that_must_give_way_itself_leads_to_another(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    desk.stock("az-10/AZ003", 1, place="pkm-neglasari-k1")
    session = desk.session(ahead=3)
    desk.session(ahead=3, facility=desk.world.neighbour)
    third = desk.session(ahead=3, facility=desk.world.facilities["pkm-neglasari"])
    lost = desk.confirmed(session)
    desk.lose("az-10/AZ003", 1)
    run(desk)
    offer_id = make_offer(db, lost.id, now=desk.now)
    assert offer_id is not None
    desk.lose("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    displace(db, desk.world.neighbour.id, desk.world.presentations["az-10"].id, now=desk.now)
    second = make_offer(db, offer_id, now=desk.now)
    assert second is not None
    assert db.get_one(Booking, second).session_id == third
    assert displacement(desk, lost).state is OfferState.LAPSED


def test_the_feed_names_bookings_and_never_persons(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    lost = desk.confirmed(desk.session())
    desk.lose("az-10/AZ003", 1)
    run(desk)
    db.flush()
    rows = db.scalars(select(FeedPending).where(FeedPending.kind.startswith("quota."))).all()
    kinds = {row.kind for row in rows}
    assert {"quota.session_planned", "quota.booked", "quota.displaced", "quota.changed"} <= kinds
    assert all(str(lost.person_id) not in str(row.data) for row in rows)


def test_a_displaced_second_dose_keeps_its_claim(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 2)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    second = desk.book(desk.session(ahead=60), first.person_id, dose=2)
    desk.lose("az-10/AZ003", 1)
    run(desk)
    assert desk.state(second) is BookingState.DISPLACED
    assert desk.need() == {}
    desk.stock("az-10/AZ003", 1)
    run(desk)
    assert desk.need() == {desk.day(56): 1}
    assert db.scalars(select(VaccinationSession.live)).all().count(0) == 2


def told(desk: Desk, event: type[Event]) -> int:
    desk.db.flush()
    query = select(func.count()).select_from(FeedPending).where(FeedPending.kind == event.KIND)
    return desk.db.scalar(query) or 0


def many(desk: Desk) -> None:
    """Two sessions of 17 persons each, some for a second dose, and one vial left for ten of them."""
    desk.stock("az-10/AZ003", 5)
    sessions = (desk.session(ahead=1), desk.session(ahead=2))
    for turn in range(17):
        for session in sessions:
            desk.now += timedelta(seconds=1)
            desk.confirmed(session, dose=2 if turn % 5 == 0 else 1)
    desk.lose("az-10/AZ003", 4)


def test_many_give_way_in_pieces_each_of_which_may_be_the_last_and_in_the_same_order(desk: Desk, db: Session) -> None:
    many(desk)
    whole = db.begin_nested()
    at_once = run(desk)
    whole.rollback()
    db.expire_all()
    assert (len(at_once.bookings), at_once.more, told(desk, StillShort)) == (24, False, 0)
    gone: list[UUID] = []
    pieces, more = 0, True
    while more:
        before = desk.short()
        piece = run(desk, most=3)
        check_books(db)
        gone += piece.bookings
        pieces, more = pieces + 1, piece.more
        assert desk.short() < before
        # What goes on is told with what is done, so a worker killed in between leaves neither undone.
        assert told(desk, StillShort) == pieces - (not more)
    assert tuple(gone) == at_once.bookings
    assert pieces > 2
    assert run(desk, most=3) == Displaced(bookings=(), claims=0, short=0)
    assert StillShort in BY_NAME["displace"].on


def test_more_people_who_give_way_cost_no_more_statements(desk: Desk, db: Session) -> None:
    many(desk)
    with counted(db.connection()) as seen:
        few = len(run(desk, most=1).bookings), len(seen)
        seen.clear()
        rest = len(run(desk).bookings), len(seen)
    assert rest[0] > 2 * few[0]
    assert rest[1] <= few[1]
