"""A correction of the lot is refused where it would be a guess, with what to do instead; and what a shipment brought."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

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
    recall,
    right,
    supply,
    wrong,
)
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.catalog.errors import BatchNotFound
from tracker.kit.ids import uuid7
from tracker.quota.service.relabelling import correct_lot, foresee_correction
from tracker.stock.errors import (
    CountedSince,
    LotsMixed,
    OtherContent,
    OtherProduct,
    PackedVials,
    SameLot,
    SentOn,
    TooFewOfLot,
)
from tracker.stock.models import LotCorrection
from tracker.stock.rules.entries import Key
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import CorrectLot, ReverseEvent
from tracker.stock.service.places import set_aside
from tracker.stock.service.reversing import reverse_event
from tracker.trace.progress import progress_of


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


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
