"""A lot registered twice through two spellings is one: all that was told of the one is told of the other, and both stay visible."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.db.test_lot_corrections_whatever import Step, could, end_of, record, told
from tests.support.books import books, check_books
from tests.support.facts import FROST, Morning
from tests.support.quota import Desk
from tests.support.relabel import PLACE, WRONG, given, hours, lying
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.errors import NotJoinedHere
from tracker.catalog.history import changes_of
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.scanning import Caution, resolve_scan
from tracker.catalog.service import NewBatch, add_batch
from tracker.catalog.unlike import part_lot
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.passport.models import Hold
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import JoinLots, TakeBack
from tracker.quota.service.correcting import take_back
from tracker.quota.service.joining import join_lots
from tracker.quota.service.relabelling import correct_lot
from tracker.shipments.rules.words import Difference
from tracker.shipments.service.commands import Received, ReceiveShipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.errors import HistoryNegative, LotJoined, NotJoined, OtherProduct, SameLot
from tracker.stock.models import LotCorrection, OpenVial
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import CorrectLot, RecordEvent, ReverseEvent
from tracker.stock.service.recording import record_event
from tracker.stock.service.reversing import reverse_event
from tracker.trace.recalls import StartRecall, start_recall

RIGHT = "az-10/AZ003"
TWIN = "az-10/AZOO3"


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    """The lot is known by a second spelling."""
    right = world.batches[RIGHT]
    new = NewBatch(presentation="az-10", lot="AZOO3", expiry=right.expiry)
    world.batches[TWIN] = add_batch(db, SYSTEM, new, now=world.now)
    return Desk(db, world, world.now)


def join(desk: Desk, lot: str = TWIN, into: str = RIGHT) -> Batch:
    with desk.db.begin_nested():
        return join_lots(desk.db, SYSTEM, JoinLots(lot=lot, into=into, reason="satu label"), now=desk.now)


def of(desk: Desk, lot: str) -> dict[tuple[Account, Status], int]:
    return lying(desk.db, desk.world.batches[lot].id)


def why_not(desk: Desk) -> object:
    with pytest.raises(NotJoined) as refused:
        join(desk)
    return refused.value.params["why"]


def came(desk: Desk, vials: int = 10, lot: str = TWIN, ago: float = 20) -> None:
    desk.ledger.post(Kind.SUPPLY, desk.ledger.line(lot, vials), at=hours(desk, ago))


def late(desk: Desk, ago: float, lot: str) -> RecordEvent:
    line = NamedLine(batch_id=Reference(lot), vials=2, place_id=Reference(desk.world.fridge.code), reason="broken")
    at: datetime = hours(desk, ago)
    return RecordEvent(id=uuid7(), kind=Kind.WASTE, facility=desk.world.puskesmas.code, occurred_at=at, lines=(line,))


def test_what_was_moved_opened_and_given_of_the_twin_is_the_lots_and_its_label_names_it(desk: Desk) -> None:
    came(desk)
    came(desk, 3, RIGHT)
    desk.ledger.post(Kind.TRANSFER, desk.ledger.line(TWIN, 4, to_place=desk.world.fridge2), at=hours(desk, 9))
    (booking,) = given(desk)
    twin, right = desk.world.batches[TWIN], desk.world.batches[RIGHT]
    assert join(desk).id == right.id
    assert of(desk, TWIN) == {}
    assert sum(of(desk, RIGHT).values()) == 13
    assert desk.ledger.vials_at(RIGHT, hours(desk, 19)) == 13, "as of then"
    assert desk.ledger.vials(RIGHT, place=desk.world.fridge2) == 4
    assert booking.batch_id == right.id
    assert {vial.batch_id for vial in desk.db.scalars(select(OpenVial))} == {right.id}
    check_books(desk.db, desk.now)
    assert [change.field for change in changes_of(desk.db, twin)] == ["joined"]
    assert [(c.field, c.before, c.after) for c in changes_of(desk.db, right)] == [("joined", "AZOO3", "AZ003")]
    assert desk.db.scalars(select(LotCorrection.reason)).all() == ["satu label"]
    record_event(desk.db, SYSTEM, late(desk, 15, "AZOO3"), now=desk.now)
    assert desk.ledger.vials_at(RIGHT, hours(desk, 14)) == 11, "named by its former label, told late"
    with pytest.raises(LotJoined):
        desk.ledger.post(Kind.SUPPLY, desk.ledger.line(TWIN, 1), at=desk.now)
    new = NewBatch(presentation="az-10", lot="AZOO3", expiry=right.expiry)
    assert add_batch(desk.db, SYSTEM, new, now=desk.now).id == right.id
    for again in (TWIN, str(twin.id)):
        assert join(desk, again).id == right.id
    check_books(desk.db, desk.now)


def test_the_label_of_a_joined_lot_scans_as_an_old_label_of_the_other(desk: Desk, world: World) -> None:
    join(desk)
    product = desk.db.get_one(Presentation, world.batches[RIGHT].presentation_id)
    scan = resolve_scan(desk.db, f"(01){product.gtin}(10)AZOO3", today=world.now.date())
    assert scan.batch is not None
    assert (scan.batch.lot, scan.warnings, scan.alike) == ("AZ003", (Caution.OLD_LABEL,), ())


def test_a_hold_and_a_recall_go_on_over_both(db: Session, world: World, desk: Desk) -> None:
    came(desk)
    came(desk, 3, RIGHT)
    morning = Morning(db, world)
    morning.begin()
    morning.carry_out(FROST)
    assert of(desk, TWIN) == {(PLACE, Status.HELD): 10}
    join(desk)
    assert of(desk, RIGHT).get((PLACE, Status.HELD)) == 13
    holds = db.scalars(select(Hold).where(Hold.holder_id == world.fridge.id, Hold.vials > 0)).all()
    assert {hold.batch_id for hold in holds} >= {world.batches[RIGHT].id}
    assert morning.unheld() == []
    check_books(db)
    # The lot is called back under the spelling that somebody still uses.
    start = StartRecall(id=uuid7(), batch=str(world.batches[TWIN].id), reason="uji")
    assert start_recall(db, SYSTEM, start, now=desk.now)[0].batch_id == world.batches[RIGHT].id
    assert {status for _, status in lying(db, world.batches[RIGHT].id)} == {Status.RECALLED}


def test_what_went_by_road_is_told_again_at_both_ends(db: Session, world: World, desk: Desk) -> None:
    came(desk)
    morning = Morning(db, world)
    shipment = uuid7()
    db.add(morning.shipment(shipment, hours(desk, 8)))
    db.flush()
    desk.ledger.post(Kind.DISPATCH, desk.ledger.line(TWIN, 4), at=hours(desk, 8), shipment_id=shipment)
    assert why_not(desk) == "road"
    lines = (Received(batch=TWIN, place=world.fridge2.code, accepted=3, missing=1, reason=Difference.LOST),)
    receipt = ReceiveShipment(id=uuid7(), occurred_at=hours(desk, 6), lines=lines, returned=True)
    receive_shipment(db, SYSTEM, shipment, receipt, now=desk.now)
    join(desk)
    assert of(desk, TWIN) == {}
    assert of(desk, RIGHT) == {(PLACE, Status.USABLE): 9}
    assert desk.ledger.vials_at(RIGHT, hours(desk, 7)) == 6
    check_books(db, desk.now)


def test_what_stands_in_the_way_is_said(desk: Desk) -> None:
    came(desk)
    count = desk.ledger.post(Kind.COUNT, desk.ledger.line(TWIN, 10), at=hours(desk, 5))
    assert why_not(desk) == "counted"
    undo = ReverseEvent(id=uuid7(), event_id=count.event_id, reason="keliru")
    reverse_event(desk.db, SYSTEM, undo, now=desk.now)
    start = StartRecall(id=uuid7(), batch=TWIN, reason="uji")
    start_recall(desk.db, SYSTEM, start, now=desk.now)
    assert why_not(desk) == "recalled"
    for into, error in ((TWIN, SameLot), ("penta-5/PB001", OtherProduct)):
        with pytest.raises(error):
            join(desk, into=into)
    desk.world.batches[RIGHT].expiry = desk.world.batches[TWIN].expiry.replace(year=2028)
    desk.db.flush()
    assert why_not(desk) == "expiry"
    assert sum(of(desk, TWIN).values()) == 10


def part(desk: Desk, lot: str = "AZOO3") -> Batch:
    return part_lot(desk.db, SYSTEM, desk.world.batches[RIGHT], lot, "dua label", now=desk.now)


def test_a_join_by_mistake_is_taken_back_and_lot_corrections_tell_the_rest_apart(desk: Desk) -> None:
    came(desk)
    (booking,) = given(desk)
    before = of(desk, TWIN)
    join(desk)
    twin, right = desk.world.batches[TWIN], desk.world.batches[RIGHT]
    assert part(desk).id == part(desk).id == twin.id  # said twice it is said once
    for lot in (twin, right):
        assert [change.field for change in changes_of(desk.db, lot)][:2] == ["joined", "parted"]
    assert of(desk, TWIN) == {}, "what was told of the standing lot stays until somebody says where"
    (made,) = desk.db.scalars(select(LotCorrection).where(LotCorrection.from_batch_id == twin.id))
    back = CorrectLot(id=uuid7(), event_id=made.event_id, wrong=RIGHT, right=TWIN, reason="dua label", vials=None)
    correct_lot(desk.db, SYSTEM, back, now=desk.now)
    assert of(desk, TWIN) == before
    assert of(desk, RIGHT) == {}
    assert booking.batch_id == twin.id
    check_books(desk.db, desk.now)
    came(desk, 2, TWIN, ago=1)  # its label means it again
    assert sum(of(desk, TWIN).values()) == sum(before.values()) + 2


def test_what_is_not_joined_is_not_parted(desk: Desk) -> None:
    for lot in ("AZOO3", "NOBODY", "AZ003"):
        with pytest.raises(NotJoinedHere):
            part(desk, lot)
    join(desk)
    with pytest.raises(Forbidden):
        part_lot(desk.db, desk.world.who(Role.CITY), desk.world.batches[RIGHT], "AZOO3", "dua", now=desk.now)
    part(desk)
    join(desk)  # and may be joined once more
    assert part(desk).joined_into_id is None


@settings(max_examples=8, deadline=None)
@drawn(told(), st.integers(0, 8))
@example([Step(5, Kind.OPENING, WRONG, 0, 1, 10), Step(8, Kind.TRANSFER, WRONG, 0, 3)], 1)
@example([Step(9, Kind.SUPPLY, RIGHT, 0, 2), Step(12, Kind.WASTE, WRONG, 0, 2), Step(4, Kind.OPENING, WRONG, 0, 1)], 3)
def test_whenever_two_lots_are_joined_the_books_are_those_of_one(
    db: Session, world: World, steps: list[Step], before: int
) -> None:
    """`before` facts are told of two lots, then they are joined, and the rest is told of the one."""
    outer = db.begin_nested()
    try:
        world.batches[WRONG].expiry = world.batches[RIGHT].expiry
        desk = Desk(db, world, world.now)
        inner = db.begin_nested()
        came(desk, lot=WRONG)
        accepted = [step for step in steps[:before] if could(desk, step)]
        books_before = books(db)
        try:
            join(desk, WRONG)
        except HistoryNegative:
            assert books(db) == books_before
            return
        accepted += [step for step in steps[before:] if could(desk, replace(step, lot=RIGHT))]
        check_books(db, desk.now)
        joined = end_of(db)
        inner.rollback()
        db.expire_all()
        came(desk, lot=RIGHT)
        for step in accepted:
            record(desk, step, RIGHT)
        assert end_of(db) == joined
    finally:
        outer.rollback()
        db.expire_all()


def test_a_dose_of_a_joined_lot_that_was_not_given_takes_its_inferred_opening_with_it(desk: Desk) -> None:
    came(desk)
    (booking,) = given(desk)
    join(desk)
    back = TakeBack(booking_id=booking.id, state=BookingState.NO_SHOW, reason="salah orang")
    take_back(desk.db, SYSTEM, back, now=desk.now)
    assert of(desk, RIGHT) == {(Account.PLACE, Status.USABLE): 10}
    assert desk.db.scalars(select(OpenVial)).all() == []
    check_books(desk.db, desk.now)
