"""The wrong lot was written, and one of the two is held or recalled: vials stay stopped for what they went through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.relabel import (
    OPEN,
    PLACE,
    RIGHT,
    WRONG,
    correct,
    given,
    hold,
    hours,
    recall,
    right,
    supply,
    vials,
    wrong,
)
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.stock.rules.words import Kind, Status
from tracker.trace.progress import progress_of


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


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
