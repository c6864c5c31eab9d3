"""The wrong lot was written: the right one is told of all that became of the vials, and both versions stay."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.db.test_stock_concurrency import together
from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.relabel import RIGHT, WHY, WRONG, command, correct, lying
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.errors import BatchNotFound
from tracker.database.engine import transaction
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.models import Booking, BookingStep, Claim
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import TakeBack, Vaccinate
from tracker.quota.service.correcting import take_back
from tracker.quota.service.relabelling import correct_lot, foresee_correction
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.errors import (
    CountedSince,
    EventNotFound,
    LotsMixed,
    OtherContent,
    OtherProduct,
    PackedVials,
    SameLot,
    SentOn,
    TooFewOfLot,
)
from tracker.stock.models import LotCorrection, LotCorrectionEvent, OpenVial, StockEntry, StockEvent
from tracker.stock.rules.entries import Key
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import CorrectLot, DiscardDoses, ReverseEvent, StatusChange, StatusLine
from tracker.stock.service.opening import discard_doses
from tracker.stock.service.places import set_aside
from tracker.stock.service.reversing import reverse_event
from tracker.trace.epcis import EventFilter, ledger_events
from tracker.trace.models import Recall
from tracker.trace.progress import progress_of
from tracker.trace.recalls import StartRecall, start_recall
from tracker.trace.rules.epcis import object_event

PLACE, OPEN = Account.PLACE, Account.OPEN


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def hours(desk: Desk, ago: float) -> datetime:
    return desk.now - timedelta(hours=ago)


def supply(desk: Desk, vials: int = 10, *, ago: float = 20, lot: str = WRONG) -> UUID:
    return desk.ledger.post(Kind.SUPPLY, desk.ledger.line(lot, vials), at=hours(desk, ago)).event_id


def wrong(desk: Desk) -> dict[tuple[Account, Status], int]:
    return lying(desk.db, desk.world.batches[WRONG].id)


def right(desk: Desk) -> dict[tuple[Account, Status], int]:
    return lying(desk.db, desk.world.batches[RIGHT].id)


def hold(desk: Desk, ago: float, source: Status = Status.USABLE, target: Status = Status.HELD) -> UUID:
    """The house stops all vials of the lot that was written; answers the cause."""
    cause, batch_id, world = uuid7(), desk.world.batches[WRONG].id, desk.world
    lines = tuple(
        StatusLine(batch_id=batch_id, holder_id=holder, from_status=source, to_status=target, account=account)
        for account, holder in ((PLACE, world.fridge.id), (PLACE, world.fridge2.id), (OPEN, world.puskesmas.id))
    )
    change = StatusChange(id=uuid7(), facility_id=world.puskesmas.id, lines=lines, cause=cause, reason="hold:FRZE")
    change_status(desk.db, SYSTEM, change, now=hours(desk, ago))
    return cause


def recall(desk: Desk, lot: str) -> Recall:
    asked = StartRecall(id=uuid7(), batch=desk.world.batches[lot].id, reason="mutu")
    return start_recall(desk.db, SYSTEM, asked, now=desk.now)[0]


def given(desk: Desk, doses: int = 1) -> list[Booking]:
    session = desk.session(ahead=0)
    bookings = desk.booked(session, doses)
    return [vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=each.id), now=desk.now) for each in bookings]


def vials(desk: Desk) -> list[OpenVial]:
    desk.db.flush()
    return list(desk.db.scalars(select(OpenVial).order_by(OpenVial.id).execution_options(populate_existing=True)))


# what was done with the vials


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


# holds and recalls


def test_vials_stay_held_for_what_they_went_through(desk: Desk) -> None:
    event = supply(desk)
    hold(desk, 6)
    correct(desk, event)
    assert (wrong(desk), right(desk)) == ({}, {(PLACE, Status.HELD): 10})
    assert len(desk.ledger.told("stock.available")) == 1, "nothing became usable since"
    check_books(desk.db)


def test_a_hold_between_two_uses_and_its_release_are_told_again(desk: Desk) -> None:
    event, ledger = supply(desk), desk.ledger
    ledger.post(Kind.OPENING, ledger.line(WRONG, 1), at=hours(desk, 7))
    hold(desk, 6)
    ledger.post(Kind.WASTE, ledger.line(WRONG, 2, status=Status.HELD, reason="broken"), at=hours(desk, 5))
    hold(desk, 4, Status.HELD, Status.USABLE)
    ledger.post(Kind.OPENING, ledger.line(WRONG, 1), at=hours(desk, 3))
    correct(desk, event)
    assert wrong(desk) == {}
    assert right(desk) == {(PLACE, Status.USABLE): 6, (OPEN, Status.USABLE): 2}
    check_books(desk.db)


def test_a_recall_of_the_lot_that_was_written_is_no_recall_of_these_vials(desk: Desk) -> None:
    event = supply(desk)
    desk.ledger.post(Kind.OPENING, desk.ledger.line(WRONG, 1), at=hours(desk, 3))
    called = recall(desk, WRONG)
    assert wrong(desk) == {(PLACE, Status.RECALLED): 9, (OPEN, Status.RECALLED): 1}
    correct(desk, event)
    assert wrong(desk) == {}
    assert right(desk) == {(PLACE, Status.USABLE): 9, (OPEN, Status.USABLE): 1}
    assert [vial.status for vial in vials(desk)] == [Status.USABLE]
    (part,) = progress_of(desk.db, SYSTEM, called)
    assert (part.found, part.left, part.gone, part.unaccounted) == (0, 0, 0, 0)
    check_books(desk.db)


def test_a_recall_of_the_right_lot_stops_them_as_of_then_and_counts_them(desk: Desk) -> None:
    event = supply(desk)
    (booking,) = given(desk)
    called = recall(desk, RIGHT)
    desk.now += timedelta(hours=1)
    line = desk.ledger.line(WRONG, 1, reason="broken")
    desk.ledger.post(Kind.WASTE, line, at=desk.now, now=desk.now)
    correct(desk, event)
    assert wrong(desk) == {}
    assert right(desk) == {(PLACE, Status.RECALLED): 8, (OPEN, Status.RECALLED): 1}
    assert [vial.status for vial in vials(desk)] == [Status.RECALLED]
    assert booking.batch_id == desk.world.batches[RIGHT].id
    (part,) = progress_of(desk.db, SYSTEM, called)
    assert (part.found, part.left, part.gone, part.unaccounted) == (10, 9, 1, 0)
    check_books(desk.db)


def test_vials_held_before_a_recall_of_the_wrong_lot_are_held_again(desk: Desk) -> None:
    event = supply(desk)
    hold(desk, 6)
    recall(desk, WRONG)
    correct(desk, event)
    assert right(desk) == {(PLACE, Status.HELD): 10}
    check_books(desk.db)


# refusals, each with a way out


def test_a_count_since_is_taken_back_first(desk: Desk) -> None:
    event = supply(desk)
    count = desk.ledger.post(Kind.COUNT, desk.ledger.line(WRONG, 9), at=hours(desk, 5)).event_id
    with pytest.raises(CountedSince):
        correct(desk, event)
    reverse_event(desk.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=count, reason=WHY), now=desk.now)
    correct(desk, event)
    assert right(desk) == {(PLACE, Status.USABLE): 10}


def test_vials_sent_on_are_corrected_where_they_are(desk: Desk) -> None:
    event = supply(desk)
    desk.ledger.post(Kind.DISPATCH, desk.ledger.line(WRONG, 4), at=hours(desk, 5), shipment_id=uuid7())
    with pytest.raises(SentOn):
        correct(desk, event)


def test_packed_vials_are_unpacked_first(desk: Desk) -> None:
    event = supply(desk)
    key = Key(desk.world.fridge.id, desk.world.batches[WRONG].id, Status.USABLE)
    set_aside(desk.db, desk.world.puskesmas.id, {key: 2}, now=desk.now)
    with pytest.raises(PackedVials):
        correct(desk, event)


def test_where_other_vials_of_the_lot_lay_too_only_what_nobody_moved_can_be_told_apart(desk: Desk) -> None:
    supply(desk, 5, ago=30)
    event = supply(desk, 10)
    correct(desk, event, vials=4)
    assert (wrong(desk), right(desk)) == ({(PLACE, Status.USABLE): 11}, {(PLACE, Status.USABLE): 4})
    desk.ledger.post(Kind.OPENING, desk.ledger.line(WRONG, 1), at=hours(desk, 3))
    with pytest.raises(LotsMixed):
        correct(desk, event, vials=2)
    check_books(desk.db)


def test_of_vials_that_cannot_be_told_apart_none_comes_free_of_a_hold(desk: Desk) -> None:
    supply(desk, 5, ago=30)
    event = supply(desk, 10)
    hold(desk, 6)
    correct(desk, event, vials=4)
    assert (wrong(desk), right(desk)) == ({(PLACE, Status.HELD): 11}, {(PLACE, Status.HELD): 4})
    check_books(desk.db)


def test_no_more_than_came_is_corrected_and_once(desk: Desk) -> None:
    event = supply(desk)
    with pytest.raises(TooFewOfLot):
        correct(desk, event, vials=11)
    correct(desk, event)
    with pytest.raises(TooFewOfLot) as refused:
        correct(desk, event)
    assert refused.value.params["vials"] == 0


def test_lots_must_differ_and_be_of_one_product(desk: Desk) -> None:
    event = supply(desk)
    other = next(name for name in desk.world.batches if not name.startswith("az-10/"))
    with pytest.raises(OtherProduct):
        correct(desk, event, right=other)
    with pytest.raises(SameLot):
        correct(desk, event, right=WRONG)
    unknown = CorrectLot(id=uuid7(), event_id=event, wrong=WRONG, right="TIDAK-ADA", reason=WHY)
    with pytest.raises(BatchNotFound):
        correct_lot(desk.db, SYSTEM, unknown, now=desk.now)


def test_the_same_again_answers_the_first_whatever_has_changed_and_other_words_are_refused(desk: Desk) -> None:
    event = supply(desk)
    asked = command(desk, event)
    first = correct_lot(desk.db, SYSTEM, asked, now=desk.now)
    correct(desk, event, wrong=RIGHT, right=WRONG)
    again = correct_lot(desk.db, SYSTEM, asked, now=desk.now + timedelta(days=1))
    assert (first.fresh, again.fresh, again.correction.id) == (True, False, asked.id)
    other = CorrectLot(id=asked.id, event_id=event, wrong=asked.wrong, right=asked.right, reason="lain")
    with pytest.raises(OtherContent):
        correct_lot(desk.db, SYSTEM, other, now=desk.now)
    assert desk.db.scalar(select(func.count()).select_from(LotCorrection)) == 2


def test_what_is_foreseen_is_what_is_done_and_changes_nothing(desk: Desk) -> None:
    event = supply(desk)
    given(desk, 2)
    meant, foreseen = foresee_correction(desk.db, SYSTEM, command(desk, event))
    assert (foreseen.vials, foreseen.on_hand, len(foreseen.opened), foreseen.doses) == (10, 9, 1, 2)
    assert meant.right.lot == RIGHT.rpartition("/")[2]
    assert right(desk) == {}


def test_what_a_shipment_brought_is_found_under_the_right_lot_and_the_shipment_keeps_its_papers(desk: Desk) -> None:
    world, shipment = desk.world, uuid7()
    there = {"place": world.equipment["kota-tangerang-r1"]}
    desk.ledger.post(Kind.SUPPLY, desk.ledger.line(WRONG, 20, **there), facility=world.city, at=hours(desk, 40))
    desk.ledger.post(
        Kind.DISPATCH,
        desk.ledger.line(WRONG, 10, **there),
        facility=world.city,
        at=hours(desk, 30),
        shipment_id=shipment,
    )
    event = desk.ledger.post(
        Kind.RECEIPT, desk.ledger.line(WRONG, 10), at=hours(desk, 20), shipment_id=shipment
    ).event_id
    (booking,) = given(desk)
    called = recall(desk, WRONG)
    correct(desk, event)
    assert wrong(desk) == {(PLACE, Status.RECALLED): 10}, "what the sender has"
    assert right(desk) == {(PLACE, Status.USABLE): 9, (OPEN, Status.USABLE): 1}
    assert desk.ledger.world_total(Account.FOUND, RIGHT) == -10
    assert desk.ledger.world_total(Account.FOUND, WRONG) == 10
    assert desk.ledger.world_total(Account.LOST, WRONG) == 0
    assert booking.batch_id == world.batches[RIGHT].id
    assert sum(part.unaccounted for part in progress_of(desk.db, SYSTEM, called)) == 0
    check_books(desk.db)


def test_vials_that_came_recalled_under_the_wrong_name_are_held_until_somebody_looks(desk: Desk) -> None:
    world, shipment = desk.world, uuid7()
    there = {"place": world.equipment["kota-tangerang-r1"]}
    desk.ledger.post(Kind.SUPPLY, desk.ledger.line(WRONG, 10, **there), facility=world.city, at=hours(desk, 40))
    called = recall(desk, WRONG)
    desk.now += timedelta(hours=1)
    line = desk.ledger.line(WRONG, 10, status=Status.RECALLED, **there)
    desk.ledger.post(Kind.DISPATCH, line, facility=world.city, at=desk.now, now=desk.now, shipment_id=shipment)
    line = desk.ledger.line(WRONG, 10, status=Status.RECALLED)
    event = desk.ledger.post(Kind.RECEIPT, line, at=desk.now, now=desk.now, shipment_id=shipment).event_id
    correct(desk, event)
    assert (wrong(desk), right(desk)) == ({}, {(PLACE, Status.HELD): 10})
    parts = {part.facility: part for part in progress_of(desk.db, SYSTEM, called)}
    assert parts["pkm-cipondoh"].unaccounted == 0
    check_books(desk.db)


# who may, and what others are told


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


# at once, on real connections


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
