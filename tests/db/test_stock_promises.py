"""Promises when stock changes, and tracing what lay where: against a real database."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.kit.errors import Conflict, Refused
from tracker.kit.ids import uuid7
from tracker.stock.queries.availability import bears, pool_state, read_steps
from tracker.stock.queries.following import Start, struck_now
from tracker.stock.queries.stock import confidence_of
from tracker.stock.queries.tracing import lots_present, movements_of
from tracker.stock.rules.availability import FIRST
from tracker.stock.rules.tracing import Holder
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.availability import release, reserve


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


class Pool:
    """AstraZeneca at the puskesmas; days count from the world's today. AZ001 is usable through day 8."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.today = ledger, ledger.today
        self.facility, self.presentation = ledger.world.puskesmas.id, ledger.world.presentations["az-10"].id

    def promise(self, day: int, vials: int) -> None:
        deltas = {self.today + timedelta(days=day): vials}
        reserve(self.ledger.db, self.facility, self.presentation, deltas, today=self.today)

    def give_back(self, day: int, vials: int) -> None:
        deltas = {self.today + timedelta(days=day): vials}
        release(self.ledger.db, self.facility, self.presentation, deltas, today=self.today)

    def bears(self, day: int) -> int:
        on = self.today + timedelta(days=day)
        return bears(self.ledger.db, self.facility, self.presentation, on, self.today)

    def shorts(self) -> list[int]:
        return [row.short for row in pool_state(self.ledger.db, self.facility, self.presentation, self.today)]


@pytest.fixture
def pool(ledger: Ledger) -> Pool:
    return Pool(ledger)


def test_a_vial_that_expires_first_backs_no_later_day(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ001", 5), ledger.line("az-10/AZ003", 3))
    assert [pool.bears(day) for day in (0, 8, 9)] == [8, 8, 3]
    pool.promise(9, 3)
    with pytest.raises(Conflict) as caught:
        pool.promise(9, 1)
    assert (caught.value.code, caught.value.params["vials"]) == ("stock.not_available", 0)
    pool.promise(2, 5)
    assert [pool.bears(day) for day in (0, 8, 9)] == [0, 0, 0]
    check_books(ledger.db)


def test_a_loss_is_always_recorded_and_makes_promises_short_at_once(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6))
    pool.promise(3, 2)
    pool.promise(9, 4)
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ003", 3, reason="freeze"))
    assert max(pool.shorts()) == 3
    told = ledger.told("stock.short")[-1]
    assert told["facility_id"] == str(pool.facility)
    assert told["presentation_id"] == str(pool.presentation)
    assert told["days"] == [(pool.today + timedelta(days=day)).isoformat() for day in (3, 9)]
    with pytest.raises(Conflict):
        pool.promise(5, 1)
    check_books(ledger.db)


def test_a_shortage_ends_by_release_or_when_vials_rise(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6))
    pool.promise(3, 6)
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ003", 4, reason="freeze"))
    assert max(pool.shorts()) == 4
    pool.give_back(3, 1)
    assert max(pool.shorts()) == 3
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 3))
    assert max(pool.shorts()) == 0
    check_books(ledger.db)


def test_a_hold_withdraws_vials_from_promises_in_its_own_transaction(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6))
    pool.promise(3, 2)
    ledger.post(Kind.STATUS, ledger.line("az-10/AZ003", 5, to_status=Status.HELD))
    assert (pool.bears(3), max(pool.shorts())) == (0, 1)


def test_moving_vials_between_fridges_of_a_facility_changes_no_promise(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6))
    pool.promise(3, 6)
    ledger.post(Kind.TRANSFER, ledger.line("az-10/AZ003", 6, to_place=ledger.world.cold_box))
    assert (pool.bears(3), max(pool.shorts())) == (0, 0)


def test_needs_cannot_fall_below_zero_nor_lie_in_the_past(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6))
    pool.promise(3, 2)
    for act, ahead, vials in ((pool.give_back, 3, 3), (pool.promise, -1, 1)):
        with pytest.raises(Refused) as caught:
            act(ahead, vials)
        assert caught.value.code == "stock.bad_need"
    assert pool.bears(3) == 4


def test_steps_that_have_passed_are_forgotten_and_promises_stay_right(ledger: Ledger, pool: Pool) -> None:
    batches = ("az-10/AZ001", "az-10/AZ002", "az-10/AZ003")
    ledger.post(Kind.SUPPLY, *(ledger.line(batch, 5) for batch in batches))
    ends = sorted(ledger.world.batches[batch].expiry + timedelta(days=1) for batch in batches)

    def steps() -> list[date]:
        return [s.step for s in read_steps(ledger.db, pool.facility, pool.presentation)]

    assert steps() == [FIRST, *ends]
    last = ends[1] + timedelta(days=1)
    later = ledger.now + timedelta(days=(last - ledger.today).days)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 1), at=later, now=later)
    assert steps() == [FIRST, *ends[1:]]
    # What expired long ago is thrown away: its step does not come back.
    for batch in batches[:2]:
        ledger.post(Kind.WASTE, ledger.line(batch, 5, reason="expired"), at=later, now=later)
    assert steps() == [FIRST, *ends[1:]]
    assert bears(ledger.db, pool.facility, pool.presentation, last, last) == 6
    check_books(ledger.db)


def test_a_pool_that_never_had_stock_bears_nothing(pool: Pool) -> None:
    with pytest.raises(Conflict):
        pool.promise(1, 1)
    assert (pool.bears(1), pool.shorts()) == (0, [])


def test_the_database_refuses_a_promise_that_nothing_backs(ledger: Ledger, pool: Pool) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6))
    pool.promise(3, 6)
    with pytest.raises(IntegrityError, match="promise_is_backed"), ledger.db.begin_nested():
        ledger.db.execute(text("UPDATE availability SET needed = needed + 1"))


def test_what_lay_in_a_fridge_is_found_with_what_has_left_since(ledger: Ledger) -> None:
    now, world = ledger.now, ledger.world
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 6), at=now - timedelta(hours=20))
    move = ledger.line("az-10/AZ003", 6, to_place=world.fridge2)
    ledger.post(Kind.TRANSFER, move, at=now - timedelta(hours=10))
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 2), at=now - timedelta(hours=2))
    found = lots_present(ledger.db, world.fridge.id, now - timedelta(hours=15), now - timedelta(hours=12))
    assert [(stay.batch_id, stay.vials, stay.last_at) for stay in found] == [
        (world.batches["az-10/AZ003"].id, 6, now - timedelta(hours=10))
    ]
    assert lots_present(ledger.db, world.fridge.id, now - timedelta(hours=9), now - timedelta(hours=3)) == []


def test_what_was_exposed_is_followed_to_fridge_road_and_opened_vials(ledger: Ledger) -> None:
    now, world, shipment = ledger.now, ledger.world, uuid7()
    batch = world.batches["az-10/AZ003"].id
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 10), at=now - timedelta(hours=20))
    ledger.post(Kind.TRANSFER, ledger.line("az-10/AZ003", 4, to_place=world.fridge2), at=now - timedelta(hours=10))
    ledger.post(Kind.OPENING, ledger.line("az-10/AZ003", 1, place=world.fridge2), at=now - timedelta(hours=9))
    ledger.post(Kind.DISPATCH, ledger.line("az-10/AZ003", 6), at=now - timedelta(hours=8), shipment_id=shipment)
    start, span = Holder(Account.PLACE, world.fridge.id), (now - timedelta(hours=15), now - timedelta(hours=12))
    (found,) = struck_now(ledger.db, [Start(holder=start, batch_ids=[batch], from_at=span[0], to_at=span[1])])
    assert {(each.at.account.value, each.at.holder_id, each.at.total) for each in found} == {
        ("place", world.fridge2.id, 3),
        ("open", world.puskesmas.id, 1),
        ("transit", shipment, 6),
    }
    assert [m.kind.value for m in movements_of(ledger.db, batch)][::2] == [
        "supply",
        "transfer",
        "opening",
        "dispatch",
    ]


def test_never_reported_is_not_zero(ledger: Ledger) -> None:
    ledger.post(Kind.COUNT, ledger.line("az-10/AZ003", 0))
    known = confidence_of(ledger.db, [ledger.world.puskesmas.id, ledger.world.neighbour.id])
    here, there = known[ledger.world.puskesmas.id], known[ledger.world.neighbour.id]
    assert (here.figures, here.counted_at, here.touched_by) == (1, ledger.now, "system")
    assert (there.figures, there.touched_at, there.counted_at) == (0, None, None)
