"""Whatever people do, in whatever order it arrives: the books hold.

The generators produce back-dated counts, expiries inside the horizon, repeats, reversals, holds, vials opened
in mid-session and promises, at one puskesmas with two fridges and a carrier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.books import books, check_books
from tests.support.card import reckoned_card, whole_card
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.stock.models import OpenVial
from tracker.stock.queries.availability import need_by_day, pool_state
from tracker.stock.queries.card import CardQuery
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.availability import release, reserve
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import (
    DiscardDoses,
    GiveDoses,
    OpenForSession,
    ReverseEvent,
    StatusChange,
    StatusLine,
)
from tracker.stock.service.opening import discard_doses, give_doses, open_for_session
from tracker.stock.service.reversing import reverse_event

# AZ001 expires eight days after the world's now: inside the days that are promised.
BATCHES = ("az-10/AZ001", "az-10/AZ002", "az-10/AZ003", "mr-10/MR001")
_REFUSALS = {
    "stock.history_negative",
    "stock.already_reversed",
    "stock.not_reversible",
    "stock.vial_in_use",
    "stock.vial_stopped",
    "stock.not_available",
    "stock.bad_need",
    "stock.too_many_doses",
    "stock.expired",
    "stock.counted_twice",
    "stock.count_needs_status",
    "stock.packed_vials",
    "stock.out_of_service",
}

batches = st.sampled_from(("az-10/AZ003", *BATCHES))
places = st.integers(0, 2)
ago = st.one_of(st.just(0.0), st.integers(0, 96).map(float), st.sampled_from([24.0, 48.0]))
steps = st.one_of(
    st.tuples(st.just("supply"), batches, places, st.integers(1, 12), ago, st.sampled_from([None, 1, 2, 3])),
    st.tuples(st.just("transfer"), batches, places, places, st.integers(1, 6), ago),
    st.tuples(st.just("waste"), batches, places, st.integers(1, 4), ago),
    st.tuples(st.just("count"), batches, places, st.integers(0, 14), ago),
    st.tuples(st.just("opening"), batches, places, st.integers(1, 2), ago),
    st.tuples(st.just("session"), batches, places, st.integers(0, 3)),
    st.tuples(st.just("dose"), st.integers(0, 9), st.integers(1, 10), st.booleans()),
    st.tuples(st.just("hold"), batches, places, st.booleans()),
    st.tuples(st.just("reverse"), st.integers(0, 30)),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
    st.tuples(st.just("reserve"), st.sampled_from(["az-10", "mr-10"]), st.integers(0, 14), st.integers(1, 6)),
    st.tuples(st.just("release"), st.sampled_from(["az-10", "mr-10"]), st.integers(0, 14), st.integers(1, 3)),
)


@dataclass
class Play:
    """Carries out drawn steps; refusals that the rules allow are part of the play."""

    ledger: Ledger
    done: list[Callable[[], object]] = field(default_factory=list)
    event_ids: list[Any] = field(default_factory=list)

    def place(self, index: int) -> Equipment:
        return (self.ledger.world.fridge, self.ledger.world.fridge2, self.ledger.world.cold_box)[index]

    def run(self, step: tuple[Any, ...]) -> None:
        self.ledger.world = type(self.ledger.world)(
            **{
                name: getattr(self.ledger.world, name)
                for name in ("facilities", "equipment", "presentations", "batches", "principals", "usernames")
            },
            now=self.ledger.now + timedelta(minutes=7),
        )
        try:
            with self.ledger.db.begin_nested():
                getattr(self, step[0])(*step[1:])
        except DomainError as error:
            assert error.code in _REFUSALS, error  # noqa: PT017 - any other refusal is a defect

    def _post(self, kind: Kind, hours_ago: float, *lines: Any) -> None:
        event_id, now = uuid7(), self.ledger.now
        at = now - timedelta(hours=hours_ago)

        def act() -> object:
            return self.ledger.post(kind, *lines, at=at, now=now, event_id=event_id)

        act()
        self.done.append(act)
        self.event_ids.append(event_id)

    def supply(self, batch: str, place: int, vials: int, hours_ago: float, stage: int | None) -> None:
        seen = stage if batch.startswith("mr") else None
        self._post(Kind.SUPPLY, hours_ago, self.ledger.line(batch, vials, place=self.place(place), vvm_stage=seen))

    def transfer(self, batch: str, place: int, to: int, vials: int, hours_ago: float) -> None:
        if place != to:
            line = self.ledger.line(batch, vials, place=self.place(place), to_place=self.place(to))
            self._post(Kind.TRANSFER, hours_ago, line)

    def waste(self, batch: str, place: int, vials: int, hours_ago: float) -> None:
        line = self.ledger.line(batch, vials, place=self.place(place), reason="heat")
        self._post(Kind.WASTE, hours_ago, line)

    def count(self, batch: str, place: int, vials: int, hours_ago: float) -> None:
        self._post(Kind.COUNT, hours_ago, self.ledger.line(batch, vials, place=self.place(place)))

    def opening(self, batch: str, place: int, vials: int, hours_ago: float) -> None:
        self._post(Kind.OPENING, hours_ago, self.ledger.line(batch, vials, place=self.place(place)))

    def session(self, batch: str, place: int, served: int) -> None:
        now = self.ledger.now
        facility, presentation = self.ledger.world.puskesmas.id, self.ledger.world.batches[batch].presentation_id
        need = min(served, need_by_day(self.ledger.db, facility, presentation).get(self.ledger.today, 0), 1)
        command = OpenForSession(
            id=uuid7(),
            facility_id=facility,
            session_id=uuid7(),
            batch_id=self.ledger.world.batches[batch].id,
            place_id=self.place(place).id,
            occurred_at=now,
            need={self.ledger.today: need} if need else {},
        )

        def act() -> object:
            return open_for_session(self.ledger.db, SYSTEM, command, now=now)

        act()
        self.done.append(act)
        self.event_ids.append(command.id)

    def dose(self, index: int, doses: int, discard: bool) -> None:
        vials = list(self.ledger.db.scalars(select(OpenVial).where(OpenVial.closed_at.is_(None)).order_by(OpenVial.id)))
        if not vials:
            return
        vial, now = vials[index % len(vials)], self.ledger.now
        if discard:
            command = DiscardDoses(open_vial_id=vial.id, occurred_at=now, reason=OpenWaste.TIME_LIMIT)
            discard_doses(self.ledger.db, SYSTEM, command, now=now)
        else:
            give_doses(self.ledger.db, SYSTEM, GiveDoses(open_vial_id=vial.id, occurred_at=now, doses=doses), now=now)

    def hold(self, batch: str, place: int, release_again: bool) -> None:
        sides = (Status.HELD, Status.USABLE) if release_again else (Status.USABLE, Status.HELD)
        facility, batch_id = self.ledger.world.puskesmas.id, self.ledger.world.batches[batch].id
        command = StatusChange(
            id=uuid7(),
            facility_id=facility,
            cause=uuid7(),
            lines=tuple(
                StatusLine(
                    batch_id=batch_id, holder_id=holder, from_status=sides[0], to_status=sides[1], account=account
                )
                for account, holder in ((Account.PLACE, self.place(place).id), (Account.OPEN, facility))
            ),
        )
        now = self.ledger.now
        if change_status(self.ledger.db, SYSTEM, command, now=now).vials:
            self.done.append(lambda: change_status(self.ledger.db, SYSTEM, command, now=now))

    def reverse(self, index: int) -> None:
        if not self.event_ids:
            return
        command, now = ReverseEvent(id=uuid7(), event_id=self.event_ids[index % len(self.event_ids)]), self.ledger.now
        reverse_event(self.ledger.db, SYSTEM, command, now=now)
        self.done.append(lambda: reverse_event(self.ledger.db, SYSTEM, command, now=now))

    def repeat(self, index: int) -> None:
        if self.done:
            before = books(self.ledger.db)
            self.done[index % len(self.done)]()
            assert books(self.ledger.db) == before

    def reserve(self, product: str, days: int, vials: int) -> None:
        facility, presentation = self.ledger.world.puskesmas.id, self.ledger.world.presentations[product].id
        day, today = self.ledger.today + timedelta(days=days), self.ledger.today
        reserve(self.ledger.db, facility, presentation, {day: vials}, today=today)
        bound = [row for row in pool_state(self.ledger.db, facility, presentation, today) if row.step <= day]
        assert all(row.short == 0 for row in bound), "a promise was made where promises are short"

    def release(self, product: str, days: int, vials: int) -> None:
        facility, presentation = self.ledger.world.puskesmas.id, self.ledger.world.presentations[product].id
        day = self.ledger.today + timedelta(days=days)
        release(self.ledger.db, facility, presentation, {day: vials}, today=self.ledger.today)


# Some stock, an opened vial, and promises that leave little over: from here most losses make promises short.
PRELUDE: tuple[tuple[Any, ...], ...] = (
    ("supply", "az-10/AZ001", 0, 4, 90.0, None),
    ("supply", "az-10/AZ003", 0, 6, 90.0, None),
    ("opening", "az-10/AZ003", 0, 1, 0.0),
    ("reserve", "az-10", 2, 3),
    ("reserve", "az-10", 10, 5),
)


def check_cards(ledger: Ledger) -> None:
    """Stock cards agree with the ledger reckoned from its beginning, however they are cut and paged."""
    batch, facility_id = ledger.world.batches["az-10/AZ003"], ledger.world.puskesmas.id
    day_ago = ledger.now - timedelta(hours=24)
    for asked in (
        CardQuery(facility_id=facility_id),
        CardQuery(facility_id=facility_id, batch_id=batch.id, until=day_ago),
        CardQuery(facility_id=facility_id, presentation_id=batch.presentation_id, since=day_ago),
        CardQuery(
            facility_id=facility_id,
            presentation_id=batch.presentation_id,
            known_at=ledger.world.now - timedelta(minutes=30),
        ),
    ):
        assert whole_card(ledger.db, asked) == reckoned_card(ledger.db, asked), asked


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=4, max_size=16))
def test_the_books_hold_whatever_happens(db: Session, world: World, drawn: list[tuple[Any, ...]]) -> None:
    outer = db.begin_nested()
    try:
        play = Play(Ledger(db, world))
        for step in (*PRELUDE, *drawn):
            play.run(step)
        check_books(db)
        check_cards(play.ledger)
        before = books(db)
        for act in play.done:
            act()
        assert books(db) == before, "a repeat changed something"
    finally:
        outer.rollback()
        db.expire_all()


@settings(max_examples=25, deadline=None)
@given(
    st.permutations(
        [
            ("waste", "az-10/AZ002", 0, 2, 70.0),
            ("waste", "az-10/AZ002", 0, 3, 40.0),
            ("supply", "az-10/AZ002", 0, 5, 60.0, None),
            ("count", "az-10/AZ002", 0, 9, 50.0),
            ("count", "az-10/AZ002", 0, 4, 20.0),
        ]
    )
)
def test_the_order_of_arrival_does_not_change_what_is_on_the_shelf(
    db: Session, world: World, drawn: list[tuple[Any, ...]]
) -> None:
    outer = db.begin_nested()
    try:
        play = Play(Ledger(db, world))
        play.run(("supply", "az-10/AZ002", 0, 20, 90.0, None))
        start = play.ledger.now
        for step in drawn:
            elapsed = (play.ledger.now - start).total_seconds() / 3600
            play.run((*step[:4], step[4] + elapsed + 7 / 60, *step[5:]))
        check_books(db)
        found = [play.ledger.vials_at("az-10/AZ002", start - timedelta(hours=h)) for h in (80, 65, 55, 45, 30, 10)]
        assert found == [20, 18, 23, 9, 6, 4]
        # 23 booked and 9 counted: 14 lost; 6 booked and 4 counted: 2 more.
        assert play.ledger.world_total(Account.LOST, "az-10/AZ002") == 16
        assert play.ledger.world_total(Account.FOUND, "az-10/AZ002") == 0
    finally:
        outer.rollback()
        db.expire_all()
