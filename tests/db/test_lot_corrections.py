"""The wrong lot was written: the right one is told of all that became of the vials, and both versions stay."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.db.test_stock_concurrency import together
from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.relabel import (
    OPEN,
    PLACE,
    RIGHT,
    WHY,
    WRONG,
    command,
    correct,
    given,
    hold,
    hours,
    lying,
    right,
    supply,
    vials,
    wrong,
)
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.models import Booking, BookingStep, Claim
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import TakeBack, Vaccinate
from tracker.quota.service.correcting import take_back
from tracker.quota.service.relabelling import correct_lot
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.errors import (
    EventNotFound,
    TooFewOfLot,
)
from tracker.stock.models import LotCorrectionEvent, StockEntry, StockEvent
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.commands import CorrectLot, DiscardDoses, ReverseEvent
from tracker.stock.service.opening import discard_doses
from tracker.stock.service.reversing import reverse_event
from tracker.trace.epcis import EventFilter, ledger_events
from tracker.trace.rules.epcis import object_event


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def test_vials_that_only_lie_there_are_of_the_right_lot_from_then_on(desk: Desk) -> None:
    event = supply(desk)
    made = correct(desk, event).correction
    assert (wrong(desk), right(desk)) == ({}, {(PLACE, Status.USABLE): 10})
    assert (made.vials, made.on_hand, made.opened, made.doses) == (10, 10, 0, 0)
    assert desk.ledger.vials_at(RIGHT, hours(desk, 19)) == 10, "as of then"
    assert desk.ledger.vials_at(WRONG, hours(desk, 19)) == 0
    assert desk.ledger.world_total(Account.SUPPLIER, WRONG) == 0
    assert desk.ledger.world_total(Account.SUPPLIER, RIGHT) == -10
    check_books(desk.db)


def test_what_was_told_stays_beside_the_correction(desk: Desk) -> None:
    event = supply(desk)
    before = desk.now
    desk.now += timedelta(hours=1)
    made = correct(desk, event).correction
    assert desk.ledger.vials_at(WRONG, desk.now, known_at=before) == 10, "as it was known then"
    told = desk.db.scalars(select(StockEntry).where(StockEntry.event_id == event)).all()
    assert {entry.batch_id for entry in told} == {desk.world.batches[WRONG].id}
    kinds = desk.db.execute(
        select(StockEvent.kind, StockEvent.reason, LotCorrectionEvent.right_lot)
        .join(LotCorrectionEvent, LotCorrectionEvent.event_id == StockEvent.id)
        .where(LotCorrectionEvent.correction_id == made.id)
        .order_by(StockEvent.number)
    ).all()
    assert [tuple(row) for row in kinds] == [(Kind.RELABEL, WHY, True), (Kind.RELABEL, WHY, False)]
    assert made.reason == WHY


def test_moved_wasted_opened_and_used_vials_follow_each_at_its_own_time(desk: Desk) -> None:
    event, ledger = supply(desk), desk.ledger
    ledger.post(Kind.TRANSFER, ledger.line(WRONG, 4, to_place=desk.world.fridge2), at=hours(desk, 9))
    ledger.post(Kind.WASTE, ledger.line(WRONG, 1, place=desk.world.fridge2, reason="broken"), at=hours(desk, 8))
    ledger.post(Kind.OPENING, ledger.line(WRONG, 2), at=hours(desk, 3))
    emptied, kept = vials(desk)
    throw = DiscardDoses(open_vial_id=emptied.id, occurred_at=hours(desk, 1), reason=OpenWaste.OTHER)
    discard_doses(desk.db, SYSTEM, throw, now=desk.now)
    made = correct(desk, event).correction
    assert wrong(desk) == {}
    assert right(desk) == {(PLACE, Status.USABLE): 7, (OPEN, Status.USABLE): 1}
    assert (made.vials, made.on_hand, made.opened) == (10, 7, 2)
    assert desk.ledger.vials(RIGHT, place=desk.world.fridge2) == 3
    assert ledger.world_total(Account.WASTED, RIGHT) == 1
    assert (ledger.world_total(Account.WASTED, WRONG), ledger.world_total(Account.USED, WRONG)) == (0, 0)
    assert {vial.batch_id for vial in vials(desk)} == {desk.world.batches[RIGHT].id}
    assert kept.closed_at is None
    check_books(desk.db)


def test_doses_given_name_the_right_lot_and_keep_their_claims(desk: Desk) -> None:
    event = supply(desk)
    (booking,) = given(desk)
    claims = desk.db.scalar(select(func.count()).select_from(Claim))
    assert booking.batch_id == desk.world.batches[WRONG].id
    made = correct(desk, event).correction
    assert made.doses == 1
    assert booking.batch_id == desk.world.batches[RIGHT].id
    assert booking.state is BookingState.VACCINATED
    assert desk.db.scalar(select(func.count()).select_from(Claim)) == claims
    step = desk.db.scalars(
        select(BookingStep).where(BookingStep.booking_id == booking.id, BookingStep.reason == WHY)
    ).one()
    assert step.before is not None
    assert step.before["batch"] == str(desk.world.batches[WRONG].id)
    assert desk.ledger.told("quota.dose_taken_back")[-1]["batch_id"] == str(desk.world.batches[WRONG].id)
    assert desk.ledger.told("quota.vaccinated")[-1]["batch_id"] == str(desk.world.batches[RIGHT].id)
    assert desk.short() == 0
    check_books(desk.db)


def test_bookings_stay_when_their_vials_change_their_name(desk: Desk) -> None:
    event = supply(desk, 2)
    session = desk.session(ahead=1)
    bookings = desk.booked(session, 15)
    correct(desk, event)
    assert {desk.state(each) for each in bookings} == {BookingState.CONFIRMED}
    assert desk.ledger.told("stock.short") == []
    assert desk.short() == 0


def test_a_dose_taken_back_after_the_correction_goes_into_the_vial_of_the_right_lot(desk: Desk) -> None:
    event = supply(desk, 1)
    bookings = given(desk, 10)
    correct(desk, event)
    assert desk.ledger.world_total(Account.USED, RIGHT) == 1
    back = TakeBack(booking_id=bookings[0].id, state=BookingState.ARRIVED, reason=WHY)
    take_back(desk.db, SYSTEM, back, now=desk.now)
    assert right(desk) == {(OPEN, Status.USABLE): 1}
    assert desk.ledger.world_total(Account.USED, RIGHT) == 0
    check_books(desk.db)


def test_a_correction_that_was_wrong_itself_is_corrected(desk: Desk) -> None:
    event = supply(desk)
    desk.ledger.post(Kind.OPENING, desk.ledger.line(WRONG, 1), at=hours(desk, 3))
    correct(desk, event)
    correct(desk, event, wrong=RIGHT, right=WRONG)
    assert wrong(desk) == {(PLACE, Status.USABLE): 9, (OPEN, Status.USABLE): 1}
    assert right(desk) == {}
    assert vials(desk)[0].batch_id == desk.world.batches[WRONG].id
    check_books(desk.db)


def test_what_was_told_and_taken_back_is_not_told_again(desk: Desk) -> None:
    event = supply(desk)
    waste = desk.ledger.post(Kind.WASTE, desk.ledger.line(WRONG, 3, reason="broken"), at=hours(desk, 5)).event_id
    reverse_event(desk.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=waste, reason=WHY), now=desk.now)
    made = correct(desk, event).correction
    assert right(desk) == {(PLACE, Status.USABLE): 10}
    events = select(func.count()).where(LotCorrectionEvent.correction_id == made.id)
    assert desk.db.scalar(events) == 2
    check_books(desk.db)


def test_whoever_writes_stock_there_may_and_of_stopped_vials_who_may_release_them(desk: Desk) -> None:
    event, world = supply(desk), desk.world
    with pytest.raises(Forbidden):
        correct(desk, event, principal=world.who(Role.AUDITOR))
    elsewhere = desk.ledger.post(
        Kind.SUPPLY,
        desk.ledger.line(WRONG, 1, place=world.equipment["kota-tangerang-r1"]),
        facility=world.city,
        at=hours(desk, 2),
    ).event_id
    with pytest.raises(EventNotFound):
        correct(desk, elsewhere, principal=world.who(Role.VACCINATOR))
    with pytest.raises(EventNotFound):
        correct(desk, uuid7())
    hold(desk, 6)
    with pytest.raises(Forbidden):
        correct(desk, event, principal=world.who(Role.VACCINATOR))
    made = correct(desk, event, principal=world.who(Role.MANAGER)).correction
    assert made.recorded_by == world.who(Role.MANAGER).name


def test_epcis_declares_the_event_wrong_and_names_what_tells_it_rightly(desk: Desk) -> None:
    ledger = desk.ledger
    other = next(name for name in desk.world.batches if not name.startswith("az-10/"))
    event = ledger.post(Kind.SUPPLY, ledger.line(WRONG, 10), ledger.line(other, 3), at=hours(desk, 20)).event_id
    ledger.post(Kind.OPENING, ledger.line(WRONG, 1), at=hours(desk, 3))
    correct(desk, event)
    told = [object_event(one) for one in ledger_events(desk.db, SYSTEM, EventFilter(), after=0, limit=100)[0]]
    supplies = [one for one in told if one["bizStep"] == "commissioning"]
    first, anew, declared = supplies
    assert declared["errorDeclaration"]["reason"] == "incorrect_data"
    assert declared["errorDeclaration"]["correctiveEventIDs"] == [anew["eventID"]]
    same = {name: value for name, value in declared.items() if name not in ("errorDeclaration", "recordTime")}
    assert same == {name: value for name, value in first.items() if name != "recordTime"}
    lots = {each["epcClass"].rpartition("/")[2]: each["quantity"] for each in anew["quantityList"]}
    assert lots == {RIGHT.rpartition("/")[2]: 10, other.rpartition("/")[2]: 3}, "the other lot of the event is not lost"
    assert [one["bizStep"] for one in told].count("dispensing") == 3, "told, declared wrong, told rightly"


def test_two_corrections_at_once_make_one_and_neither_meets_a_dose_in_a_knot(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    with transaction(engine) as db:
        desk = Desk(db, world, world.now)
        event = supply(desk, 10)
        session = desk.session(ahead=0)
        given_now = [each.id for each in desk.booked(session, 6)]
        vaccinate(db, SYSTEM, Vaccinate(booking_id=given_now[0]), now=desk.now)
        same, other = command(desk, event), command(desk, event)

    def corrects(asked: CorrectLot) -> bool:
        with transaction(engine) as db:
            return correct_lot(db, SYSTEM, asked, now=world.now).fresh

    def gives(booking: UUID) -> object:
        with transaction(engine) as db:
            return vaccinate(db, SYSTEM, Vaccinate(booking_id=booking), now=world.now).id

    work = [partial(corrects, same), partial(corrects, same), partial(corrects, other)]
    done = together([*work, *(partial(gives, booking) for booking in given_now[1:])])
    made = done[:3]
    assert [one for one in made if one is True] == [True], made
    assert all(isinstance(one, (bool, TooFewOfLot)) for one in made), made
    assert all(isinstance(one, UUID) for one in done[3:]), done[3:]
    with transaction(engine) as db:
        check_books(db)
        assert lying(db, world.batches[WRONG].id) == {}
        lots = set(db.scalars(select(Booking.batch_id).where(Booking.batch_id.is_not(None))))
        assert lots == {world.batches[RIGHT].id}
