"""Counting a place together: nothing is doubled, nobody's vial is counted away, and large differences take two people."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.count_sheets import AZ, PB, Counting, found, together
from tests.support.world import World
from tracker.access.principal import SYSTEM, Principal
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.stock.count_models import CountSheet
from tracker.stock.errors import (
    BadVials,
    CountedTwice,
    CountIncomplete,
    CountNeedsReason,
    CountNeedsStatus,
    CountUnsettled,
    OtherContent,
    OwnCount,
    SheetClosed,
    SheetNotFound,
    TooFarAhead,
    UnknownBatch,
    UnknownPlace,
)
from tracker.stock.models import StockEvent
from tracker.stock.queries.counting import lines_of
from tracker.stock.rules.counting import Verdict
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Kind, SheetState, Status
from tracker.stock.service.commands import CancelSheet, OpenSheet, PostSheet, RecordTally
from tracker.stock.service.counting import cancel_sheet, open_sheet, post_sheet, record_tally


@pytest.fixture
def room(db: Session, world: World) -> Counting:
    return Counting(db, world)


def test_what_agrees_is_posted_as_a_count_at_the_instant_of_the_look(room: Counting) -> None:
    room.supply(AZ003=10, PB001=40)
    sheet = room.open()
    tally = room.tally(sheet, room.siti, AZ003=10, PB001=39)
    assert room.post(sheet, room.siti)
    event = room.db.get_one(StockEvent, tally)
    assert (event.kind, event.occurred_at) == (Kind.COUNT, room.world.now)
    assert (room.ledger.vials(AZ), room.ledger.vials(PB)) == (10, 39)
    lines = room.lines(sheet)
    assert (lines["PB001"].difference, lines["PB001"].reason) == (-1, "hilang dari rak")
    assert (lines["AZ003"].difference, lines["AZ003"].reason) == (0, None)
    assert not room.post(sheet, room.head), "who comes second finds who was first"
    assert (sheet.state, sheet.closed_by, room.counts()) == (SheetState.POSTED, room.siti.name, 1)
    check_books(room.db)


def test_a_vial_opened_while_others_count_is_not_counted_away(room: Counting) -> None:
    room.supply(AZ003=10, PB001=40)
    sheet = room.open()
    room.tally(sheet, room.siti, 0, AZ003=10)
    room.ledger.post(Kind.OPENING, room.ledger.line(AZ, 1), at=room.at(5), now=room.at(5))
    room.tally(sheet, room.head, 10, PB001=40)
    room.post(sheet, room.siti)
    assert room.ledger.vials(AZ) == 9
    assert {line.difference for line in room.lines(sheet).values()} == {0}
    check_books(room.db)


def test_two_who_counted_around_an_opening_agree(room: Counting) -> None:
    room.supply(AZ003=30)
    sheet = room.open()
    room.tally(sheet, room.siti, 0, AZ003=20)
    room.ledger.post(Kind.OPENING, room.ledger.line(AZ, 1), at=room.at(5), now=room.at(5))
    assert room.lines(sheet)["AZ003"].verdict is Verdict.SECOND
    room.tally(sheet, room.head, 10, AZ003=19)
    assert room.lines(sheet)["AZ003"].verdict is Verdict.AGREED
    room.post(sheet, room.siti)
    assert room.ledger.vials(AZ) == 19


def test_a_large_difference_waits_for_a_second_person_or_an_approval(room: Counting) -> None:
    room.supply(AZ003=30)
    sheet = room.open()
    room.tally(sheet, room.siti, AZ003=20)
    for who in (room.siti, room.head):
        with pytest.raises(CountUnsettled):
            room.post(sheet, who)
    with pytest.raises(Forbidden):
        room.post(sheet, room.siti, approve=True)
    assert room.counts() == 0
    assert room.post(sheet, room.head, approve=True)
    assert (sheet.approved, room.ledger.vials(AZ)) == (True, 20)


def test_nobody_approves_what_they_counted(room: Counting) -> None:
    room.supply(AZ003=30)
    sheet = room.open()
    room.tally(sheet, room.head, AZ003=20)
    with pytest.raises(OwnCount):
        room.post(sheet, room.head, approve=True)
    assert room.post(sheet, room.city, approve=True)


def test_two_who_differ_wait_for_a_third(room: Counting) -> None:
    room.supply(AZ003=10)
    sheet = room.open()
    room.tally(sheet, room.siti, 0, AZ003=10)
    room.tally(sheet, room.head, 1, AZ003=9)
    with pytest.raises(CountUnsettled):
        room.post(sheet, room.siti)
    room.tally(sheet, room.city, 2, AZ003=9)
    assert room.post(sheet, room.siti)
    assert room.ledger.vials(AZ) == 9


def test_all_that_the_books_have_there_is_counted_and_each_difference_has_a_reason(room: Counting) -> None:
    room.supply(AZ003=10, PB001=40)
    sheet = room.open()
    with pytest.raises(CountIncomplete):
        room.post(sheet, room.siti)
    room.tally(sheet, room.siti, AZ003=9)
    with pytest.raises(CountIncomplete) as told:
        room.post(sheet, room.siti)
    assert told.value.params["lots"] == "PB001"
    room.tally(sheet, room.siti, PB001=40)
    with pytest.raises(CountNeedsReason) as silent:
        room.post(sheet, room.siti, why=" ")
    assert silent.value.params["lots"] == "AZ003"
    # What the books do not have, and lies there, is found.
    room.tally(sheet, room.siti, AZ002=2)
    assert room.post(sheet, room.siti)
    assert room.ledger.vials("az-10/AZ002") == 2


def test_a_shelf_of_several_statuses_is_counted_by_status(room: Counting) -> None:
    room.supply(AZ003=10)
    spoiled = room.ledger.line(AZ, 4, to_status=Status.UNUSABLE)
    room.ledger.post(Kind.STATUS, spoiled, at=room.at(-60))
    sheet = room.open()
    assert {line.status for line in lines_of(room.db, sheet)} == {Status.USABLE, Status.UNUSABLE}
    with pytest.raises(CountNeedsStatus):
        room.tally(sheet, room.siti, AZ003=10)
    parts = tuple(
        NamedLine(batch_id=Reference("AZ003"), vials=vials, status=status, status_said=True)
        for status, vials in ((Status.USABLE, 6), (Status.UNUSABLE, 3))
    )
    tally = RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=room.world.now, lines=parts)
    record_tally(room.db, room.siti, tally, now=room.world.now)
    reasons = {line.key: "pecah" for line in lines_of(room.db, sheet)}
    post_sheet(room.db, room.siti, PostSheet(sheet_id=sheet.id, reasons=reasons), now=room.world.now)
    assert (room.ledger.vials(AZ), room.ledger.vials(AZ, status=Status.UNUSABLE)) == (6, 3)


def test_two_who_count_a_status_each_may_find_more_of_one(room: Counting) -> None:
    room.supply(AZ003=10)
    spoiled = room.ledger.line(AZ, 4, to_status=Status.UNUSABLE)
    room.ledger.post(Kind.STATUS, spoiled, at=room.at(-60))
    sheet = room.open()
    for who, status, vials in ((room.siti, Status.USABLE, 8), (room.head, Status.UNUSABLE, 4)):
        line = NamedLine(batch_id=Reference("AZ003"), vials=vials, status=status, status_said=True)
        tally = RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=room.world.now, lines=(line,))
        record_tally(room.db, who, tally, now=room.world.now)
    reasons = {line.key: "di belakang rak" for line in lines_of(room.db, sheet)}
    post_sheet(room.db, room.siti, PostSheet(sheet_id=sheet.id, reasons=reasons), now=room.world.now)
    assert (room.ledger.vials(AZ), room.ledger.vials(AZ, status=Status.UNUSABLE)) == (8, 4)


def test_a_tally_said_again_is_one_and_said_otherwise_is_refused(room: Counting) -> None:
    room.supply(AZ003=10)
    sheet = room.open()
    first = RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=room.world.now, lines=found(AZ003=10))
    later = RecordTally(id=first.id, sheet_id=sheet.id, counted_at=room.at(1), lines=found(AZ003=10))
    other = RecordTally(id=first.id, sheet_id=sheet.id, counted_at=room.at(1), lines=found(AZ003=9))
    assert record_tally(room.db, room.siti, first, now=room.world.now)[1]
    assert not record_tally(room.db, room.siti, later, now=room.at(1))[1]
    with pytest.raises(OtherContent):
        record_tally(room.db, room.siti, other, now=room.at(1))
    assert len(room.lines(sheet)["AZ003"].told) == 1


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        (found(AZ003=-1), BadVials),
        (found(AZ003=99_999_999), BadVials),
        (found(AZ003=1) * 2, CountedTwice),
        (found(NIX=1), UnknownBatch),
    ],
)
def test_what_cannot_be_is_refused(room: Counting, lines: tuple[NamedLine, ...], refusal: type[DomainError]) -> None:
    sheet = room.open()
    command = RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=room.world.now, lines=lines)
    with pytest.raises(refusal):
        record_tally(room.db, room.siti, command, now=room.world.now)


def test_a_count_from_tomorrow_is_refused_by_the_field_that_says_it(room: Counting) -> None:
    sheet = room.open()
    command = RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=room.at(24 * 60), lines=found(AZ003=1))
    with pytest.raises(TooFarAhead) as told:
        record_tally(room.db, room.siti, command, now=room.world.now)
    assert told.value.params["field"] == "counted_at"


def test_a_sheet_is_given_up_with_a_reason_and_takes_nothing_more(room: Counting) -> None:
    room.supply(AZ003=10)
    sheet = room.open()
    room.tally(sheet, room.siti, AZ003=3)
    for _ in range(2):
        cancel_sheet(room.db, room.siti, CancelSheet(sheet_id=sheet.id, reason="salah lemari"), now=room.at(1))
    with pytest.raises(SheetClosed) as told:
        room.tally(sheet, room.head, AZ003=3)
    assert told.value.params["by"] == room.siti.name
    with pytest.raises(SheetClosed):
        room.post(sheet, room.head)
    assert (room.counts(), room.ledger.vials(AZ)) == (0, 10)
    assert room.open().id != sheet.id, "the place can be counted again"


def test_counting_is_for_who_writes_there(room: Counting, world: World) -> None:
    sheet = room.open()
    auditor = world.who(Role.AUDITOR)
    with pytest.raises(Forbidden):
        room.open(auditor)
    with pytest.raises(Forbidden):
        room.tally(sheet, auditor, AZ003=1)
    elsewhere = OpenSheet(id=uuid7(), facility="pkm-tanah-tinggi", place="pkm-tanah-tinggi-k1")
    with pytest.raises(NotFound):
        open_sheet(room.db, room.siti, elsewhere, now=world.now)
    theirs = open_sheet(room.db, room.city, elsewhere, now=world.now)[0]
    with pytest.raises(SheetNotFound):
        room.tally(theirs, room.siti, AZ003=1)
    with pytest.raises(UnknownPlace):
        open_sheet(
            room.db,
            room.siti,
            OpenSheet(id=uuid7(), facility="pkm-cipondoh", place="pkm-tanah-tinggi-k1"),
            now=world.now,
        )


def test_two_who_count_the_same_fridge_at_once_share_a_sheet_and_post_it_once(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    with transaction(engine) as db:
        Counting(db, world).supply(AZ003=10, PB001=40)
    people = [world.who(Role.VACCINATOR), world.who(Role.MANAGER), world.who(Role.CITY)] * 2

    def begun(who: Principal) -> UUID:
        with transaction(engine) as db:
            return Counting(db, world).open(who).id

    sheets = together([partial(begun, who) for who in people])
    assert len(set(sheets)) == 1, sheets
    sheet_id = sheets[0]
    assert isinstance(sheet_id, UUID)

    def counted(who: Principal) -> UUID:
        with transaction(engine) as db:
            return Counting(db, world).tally(db.get_one(CountSheet, sheet_id), who, AZ003=9, PB001=40)

    assert len(set(map(str, together([partial(counted, who) for who in people])))) == 6

    def posted(who: Principal) -> bool:
        with transaction(engine) as db:
            return Counting(db, world).post(db.get_one(CountSheet, sheet_id), who)

    said = together([partial(posted, who) for who in people])
    assert sorted(map(str, said)) == ["False"] * 5 + ["True"]
    with transaction(engine) as db:
        room = Counting(db, world)
        assert room.counts() == 1, "one tally stands, and it is one event"
        assert (room.ledger.vials(AZ), room.ledger.vials(PB)) == (9, 40)
        check_books(db)


def test_a_tally_that_comes_as_the_sheet_is_posted_is_kept_or_told(engine: Engine, committed_world: World) -> None:
    world = committed_world
    with transaction(engine) as db:
        room = Counting(db, world)
        room.supply(AZ003=10)
        sheet_id = room.open().id
        room.tally(room.open(), room.siti, AZ003=10)

    def counted() -> UUID:
        with transaction(engine) as db:
            return Counting(db, world).tally(db.get_one(CountSheet, sheet_id), world.who(Role.MANAGER), AZ003=10)

    def posted() -> bool:
        with transaction(engine) as db:
            return Counting(db, world).post(db.get_one(CountSheet, sheet_id), world.who(Role.VACCINATOR))

    tally, post = together([counted, posted])
    assert post is True
    assert isinstance(tally, UUID | SheetClosed)
    with transaction(engine) as db:
        assert Counting(db, world).counts() == 1
        check_books(db)


def test_a_sheet_asked_for_blind_under_the_id_of_one_that_is_not_is_a_difference(db: Session, world: World) -> None:
    seen = OpenSheet(id=uuid7(), facility="pkm-cipondoh", place="pkm-cipondoh-k1", blind=False)
    open_sheet(db, SYSTEM, seen, now=world.now)
    with pytest.raises(OtherContent):
        open_sheet(db, SYSTEM, replace(seen, blind=True), now=world.now)
