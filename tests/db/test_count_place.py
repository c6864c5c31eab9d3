"""A place counted in one go, as a phone does: one sheet with whoever else counts there, and closed where nothing waits."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.count_sheets import AZ, PB, Counting, together
from tests.support.world import World
from tracker.access.principal import Principal
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.kit.ids import uuid7
from tracker.stock.count_models import CountSheet
from tracker.stock.errors import CountIncomplete, CountNeedsReason, CountUnsettled, OtherContent
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Kind, SheetState
from tracker.stock.service.commands import CancelSheet, CountPlace
from tracker.stock.service.counting import Counted, cancel_sheet, count_place


@pytest.fixture
def room(db: Session, world: World) -> Counting:
    return Counting(db, world)


def counted(
    room: Counting,
    who: Principal,
    minutes: float = 0,
    *,
    tally: UUID | None = None,
    why: str | None = None,
    place: str = "pkm-cipondoh-k1",
    **vials: int,
) -> Counted:
    lines = tuple(NamedLine(batch_id=Reference(lot), vials=count, reason=why) for lot, count in vials.items())
    command = CountPlace(
        id=tally or uuid7(),
        facility="pkm-cipondoh",
        place=place,
        counted_at=room.at(minutes),
        lines=lines,
    )
    return count_place(room.db, who, command, now=room.at(max(minutes, 0)))


def waits(found: Counted) -> type | None:
    return None if found.waits is None else type(found.waits)


def test_what_agrees_is_in_the_ledger_at_once_and_the_same_again_is_the_same(room: Counting) -> None:
    room.supply(AZ003=10, PB001=40)
    tally = uuid7()
    first = counted(room, room.siti, tally=tally, AZ003=10, PB001=40)
    assert (first.event_id, first.fresh, first.waits) == (tally, True, None)
    again = counted(room, room.siti, tally=tally, AZ003=10, PB001=40)
    assert (again.event_id, again.fresh, again.sheet_id) == (tally, False, first.sheet_id)
    with pytest.raises(OtherContent):
        counted(room, room.siti, tally=tally, AZ003=9, PB001=40)
    with pytest.raises(OtherContent):
        counted(room, room.siti, tally=tally, place="pkm-cipondoh-k2", AZ003=10, PB001=40)
    assert room.counts() == 1


def test_a_large_difference_changes_nothing_until_a_second_person_found_it_too(room: Counting) -> None:
    room.supply(AZ003=30)
    alone = counted(room, room.siti, why="pecah", AZ003=20)
    assert (alone.event_id, waits(alone), room.ledger.vials(AZ)) == (None, CountUnsettled, 30)
    assert waits(counted(room, room.siti, 5, why="pecah", AZ003=20)) is CountUnsettled, "one person twice is one person"
    second = counted(room, room.head, 10, AZ003=20)
    assert (second.sheet_id, waits(second), room.ledger.vials(AZ)) == (alone.sheet_id, None, 20)
    assert room.lines(room.db.get_one(CountSheet, alone.sheet_id))["AZ003"].reason == "pecah"
    check_books(room.db)


def test_a_difference_waits_for_its_reason_and_a_place_for_the_rest_of_it(room: Counting) -> None:
    room.supply(AZ003=10, PB001=40)
    part = counted(room, room.siti, AZ003=10)
    assert waits(part) is CountIncomplete
    silent = counted(room, room.siti, 5, PB001=39)
    assert (silent.sheet_id, waits(silent)) == (part.sheet_id, CountNeedsReason)
    told = counted(room, room.siti, 10, why="pecah, tidak tercatat", PB001=39)
    assert (told.sheet_id, waits(told)) == (part.sheet_id, None)
    assert (room.ledger.vials(AZ), room.ledger.vials(PB)) == (10, 39)


def test_what_was_given_up_is_answered_as_it_stands_and_counted_anew_on_another_sheet(room: Counting) -> None:
    room.supply(AZ003=30)
    tally = uuid7()
    alone = counted(room, room.siti, tally=tally, why="pecah", AZ003=20)
    cancel_sheet(room.db, room.head, CancelSheet(sheet_id=alone.sheet_id, reason="salah rak"), now=room.world.now)
    again = counted(room, room.siti, tally=tally, why="pecah", AZ003=20)
    assert (again.sheet_id, again.event_id, again.waits) == (alone.sheet_id, None, None)
    anew = counted(room, room.siti, 5, AZ003=30)
    assert anew.sheet_id != alone.sheet_id
    assert (waits(anew), room.ledger.vials(AZ)) == (None, 30)


def test_eight_who_count_one_place_at_once_leave_what_lies_there_and_nothing_open(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    with transaction(engine) as db:
        Counting(db, world).supply(AZ003=30, PB001=40)

    def comes(who: Principal) -> Counted:
        with transaction(engine) as db:
            return counted(Counting(db, world), who, why="pecah", AZ003=27, PB001=40)

    people = [world.who(Role.VACCINATOR), world.who(Role.MANAGER)] * 4
    ends = together([partial(comes, who) for who in people])
    assert [end for end in ends if not isinstance(end, Counted)] == []
    with transaction(engine) as db:
        room = Counting(db, world)
        assert (room.ledger.vials(AZ), room.ledger.vials(PB)) == (27, 40)
        still = select(func.count()).select_from(CountSheet).where(CountSheet.state == SheetState.OPEN)
        assert db.scalar(still) == 0
        assert room.counts() >= 1
        check_books(db)


def test_a_count_of_the_morning_that_comes_late_counts_nothing_of_the_noon_away(room: Counting) -> None:
    room.supply(AZ003=30)
    room.ledger.post(Kind.WASTE, room.ledger.line(AZ, 2, reason="broken"), at=room.at(-30))
    assert waits(counted(room, room.head, -10, AZ003=28)) is None
    late = counted(room, room.siti, -60, AZ003=30)
    assert (waits(late), room.ledger.vials(AZ)) == (None, 28)
    check_books(room.db)
