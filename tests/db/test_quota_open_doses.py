"""Doses left in any open vial serve the day's bookings, as long as the vial may be used."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import ALL, Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.kit.ids import uuid7
from tracker.quota.events import SessionChanged
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession, PlanSession
from tracker.quota.service.displacing import displace
from tracker.quota.service.rounds import tidy_pools
from tracker.quota.service.sessions import plan_session
from tracker.reactions import BY_NAME, REACTIONS
from tracker.stock.events import StockMoved
from tracker.stock.models import OpenVial
from tracker.stock.queries.availability import need_by_day
from tracker.stock.rules.words import Kind, OpenWaste
from tracker.stock.service.commands import DiscardDoses
from tracker.stock.service.opening import discard_doses

LOT = "az-10/AZ003"


class Morning(Desk):
    """The desk before anybody has come."""

    def clock(self, hour: int, minute: int = 0, *, ahead: int = 0) -> datetime:
        zone = ZoneInfo(self.world.puskesmas.timezone)
        return datetime.combine(self.day(ahead), time(hour, minute), zone)

    def from_to(self, opens: int, closes: int, *, product: str = "az-10", ahead: int = 0) -> UUID:
        command = PlanSession(
            id=uuid7(),
            facility=self.world.puskesmas.id,
            day=self.day(ahead),
            opens=time(opens),
            closes=time(closes),
            presentation=product,
            doses=(1, 2),
            capacity=100,
            buckets=ALL,
        )
        return plan_session(self.db, SYSTEM, command, now=self.now)[0]

    def open_by_hand(self, batch: str = LOT, vials: int = 1) -> None:
        line = self.ledger.line(batch, vials)
        posted = self.ledger.post(Kind.OPENING, line, at=self.now, now=self.now)
        told = StockMoved(
            stock_event_id=posted.event_id,
            kind=Kind.OPENING,
            facility_id=self.world.puskesmas.id,
            presentation_ids=(self.world.batches[batch].presentation_id,),
            batch_ids=(self.world.batches[batch].id,),
        )
        self.round(batch)
        BY_NAME["share_opened"].act(self.db, told, self.now)

    def round(self, batch: str = LOT) -> None:
        displace(self.db, self.world.puskesmas.id, self.world.batches[batch].presentation_id, now=self.now)

    def all_stay(self, people: list[Booking]) -> bool:
        return set(self.states(people)) == {BookingState.CONFIRMED}


@pytest.fixture
def desk(db: Session, world: World) -> Morning:
    morning = Morning(db, world, world.now)
    morning.now = morning.clock(6)
    return morning


def opened(db: Session) -> list[int]:
    return sorted(db.scalars(select(OpenVial.given).execution_options(populate_existing=True)))


def test_a_vial_opened_before_anyone_has_come_serves_those_who_are_booked(desk: Morning, db: Session) -> None:
    desk.stock(LOT, 1)
    people = desk.booked(desk.from_to(8, 12), 10)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert desk.all_stay(people)
    assert (desk.need(), desk.short()) == ({}, 0)
    desk.now = desk.clock(8, 30)
    for booking in people:
        desk.vaccinate(desk.move(booking, BookingState.ARRIVED))
    assert opened(db) == [10]
    check_books(db)


def test_fifteen_people_on_two_vials_stay_whichever_are_opened_first(desk: Morning, db: Session) -> None:
    desk.stock(LOT, 2)
    people = desk.booked(desk.from_to(8, 12), 15)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert desk.all_stay(people)
    assert (desk.need(), desk.short()) == ({desk.today: 1}, 0)
    desk.open_by_hand()
    assert desk.all_stay(people)
    assert (desk.need(), desk.short()) == ({}, 0)
    desk.now = desk.clock(8, 30)
    for booking in people:
        desk.vaccinate(booking)
    assert sum(opened(db)) == 15
    assert len(opened(db)) == 2


def test_what_a_vial_has_left_can_be_booked_without_another_vial(desk: Morning) -> None:
    desk.stock(LOT, 1)
    session = desk.from_to(8, 12)
    desk.booked(session, 4)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert desk.available(session) == 6
    desk.booked(session, 6)
    assert (desk.available(session), desk.need()) == (0, {})


def test_a_vial_that_is_past_its_time_before_a_session_begins_does_not_serve_it(desk: Morning) -> None:
    desk.stock(LOT, 1)
    afternoon = desk.booked(desk.from_to(14, 17), 3)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert set(desk.states(afternoon)) == {BookingState.DISPLACED}


def test_when_the_time_of_the_open_vial_is_up_its_people_need_another(engine: Engine, committed_world: World) -> None:
    with transaction(engine) as db:
        desk = Morning(db, committed_world, committed_world.now)
        desk.now = desk.clock(6)
        desk.stock(LOT, 1)
        people = [booking.id for booking in desk.booked(desk.from_to(8, 17), 3)]
        desk.now = desk.clock(7, 50)
        desk.open_by_hand()
        over = desk.clock(13, 51)
    tidy_pools(engine, now=over - timedelta(minutes=5))
    with transaction(engine) as db:
        assert {db.get_one(Booking, each).state for each in people} == {BookingState.CONFIRMED}
    tidy_pools(engine, now=over)
    with transaction(engine) as db:
        assert {db.get_one(Booking, each).state for each in people} == {BookingState.DISPLACED}


def test_sessions_of_the_day_share_what_is_open(desk: Morning, db: Session) -> None:
    desk.stock(LOT, 2)
    one, two = desk.from_to(8, 12), desk.from_to(9, 12)
    first, second = desk.booked(one, 5), desk.booked(two, 5)
    assert desk.need() == {desk.today: 2}
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert (desk.need(), desk.short()) == ({}, 0)
    desk.now = desk.clock(9, 30)
    for booking in [*second, *first]:
        desk.vaccinate(booking)
    assert opened(db) == [10]


def test_who_has_no_share_in_an_open_vial_leaves_it_to_those_who_have(desk: Morning, db: Session) -> None:
    desk.stock(LOT, 2)
    one, two = desk.from_to(8, 12), desk.from_to(9, 12)
    desk.booked(one, 10)
    late = desk.confirmed(two)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert desk.need() == {desk.today: 1}
    desk.now = desk.clock(9, 30)
    desk.vaccinate(late)
    assert opened(db) == [0, 1]
    assert (desk.need(), desk.short()) == ({}, 0)


def test_doses_thrown_away_from_a_vial_opened_by_hand_are_needed_again(desk: Morning, db: Session) -> None:
    desk.stock(LOT, 2)
    people = desk.booked(desk.from_to(8, 12), 10)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    vial = db.scalars(select(OpenVial.id)).one()
    command = DiscardDoses(open_vial_id=vial, occurred_at=desk.now, reason=OpenWaste.CONTAMINATION, doses=4)
    discard_doses(db, SYSTEM, command, now=desk.now)
    desk.round()
    assert desk.all_stay(people)
    assert desk.need() == {desk.today: 1}


def test_a_vial_that_keeps_for_days_serves_tomorrow_what_today_leaves(desk: Morning, db: Session) -> None:
    desk.stock("penta-5/PB001", 1)
    today, tomorrow = desk.from_to(8, 12, product="penta-5"), desk.from_to(8, 12, product="penta-5", ahead=1)
    first, second = desk.booked(today, 2), desk.booked(tomorrow, 0)
    assert second == []
    desk.now = desk.clock(7, 50)
    desk.open_by_hand("penta-5/PB001")
    assert desk.need("penta-5") == {}
    second = desk.booked(tomorrow, 3)
    assert (desk.need("penta-5"), desk.available(tomorrow), desk.available(today)) == ({}, 0, 0)
    desk.now = desk.clock(8, 30)
    for booking in first:
        desk.vaccinate(booking)
    assert desk.all_stay(second)
    desk.now = desk.clock(8, 30, ahead=1)
    for booking in second:
        desk.vaccinate(booking)
    assert opened(db) == [5]


def test_the_vial_opened_by_the_desk_takes_all_it_serves_out_of_the_rule(desk: Morning, db: Session) -> None:
    desk.stock(LOT, 2)
    one, two = desk.from_to(8, 12), desk.from_to(9, 12)
    first, second = desk.booked(one, 4), desk.booked(two, 4)
    desk.now = desk.clock(8, 30)
    desk.vaccinate(first[0])
    assert (desk.need().get(desk.today, 0), desk.short()) == (0, 0)
    assert desk.ledger.told("stock.short") == []
    desk.round()
    assert desk.all_stay([*first[1:], *second])
    check_books(db)


def test_a_vial_opened_at_the_desk_is_not_promised_to_an_outreach_with_a_box_of_its_own(desk: Morning) -> None:
    desk.stock(LOT, 1)
    desk.ledger.post(Kind.SUPPLY, desk.ledger.line(LOT, 1, place=desk.world.cold_box), at=desk.now, now=desk.now)
    outreach = desk.from_to(8, 12)
    change_session(
        desk.db, SYSTEM, ChangeSession(session_id=outreach, reason="x", place="pkm-cipondoh-b1"), now=desk.now
    )
    people = desk.booked(outreach, 4)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    noted = need_by_day(desk.db, desk.world.cold_box.id, desk.world.presentations["az-10"].id)
    assert (noted, desk.need(), desk.short(), desk.all_stay(people)) == ({desk.today: 1}, {}, 0, True)


def test_at_hours_that_an_opened_vial_does_not_outlast_its_people_need_another_or_give_way(desk: Morning) -> None:
    desk.stock(LOT, 1)
    session = desk.from_to(8, 12)
    people = desk.booked(session, 5)
    desk.now = desk.clock(7, 50)
    desk.open_by_hand()
    assert desk.all_stay(people)
    later = ChangeSession(session_id=session, reason="listrik padam", opens=time(15), closes=time(18))
    change_session(desk.db, SYSTEM, later, now=desk.now)
    desk.db.flush()
    (told,) = desk.ledger.told(SessionChanged.KIND)
    news = SessionChanged(
        session_id=session,
        facility_id=UUID(told["facility_id"]),
        presentation_id=UUID(told["presentation_id"]),
        day=desk.today,
        capacity_left=told["capacity_left"],
    )
    for reaction in REACTIONS:
        if SessionChanged in reaction.on:
            reaction.act(desk.db, news, desk.now)
    assert set(desk.states(people)) == {BookingState.DISPLACED}
    check_books(desk.db)
