"""What the promise counts is what the picker gives, whatever has happened: ledger, FEFO, opening, packing, desk and pages
against one shelf kept in the head; and the same house under many hands at once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.db.test_stock_concurrency import together
from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.shelf import STORES, Shelf
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState, SessionState
from tracker.quota.service.claims import give_back_and_fund
from tracker.quota.service.ending import cancel_session, close_session
from tracker.quota.service.pools import lock_pool, pool_facts
from tracker.shipments.models import PackedLine, Shipment
from tracker.shipments.rules.words import ShipmentState
from tracker.shipments.service.commands import CreateShipment, Wanted
from tracker.shipments.service.ordering import cancel_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.queries.availability import bears, need_by_day, read_steps
from tracker.stock.queries.stock import parcels_at
from tracker.stock.queries.use import bearing_vials
from tracker.stock.rules.availability import binding
from tracker.stock.rules.fefo import pick
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.availability import release, reserve
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.places import set_in_service

# AZ001 may be used through the eighth day ahead; MR001 carries a monitor.
BATCHES = ("az-10/AZ001", "az-10/AZ003", "mr-10/MR001")
BOX = "pkm-cipondoh-b1"
PLACES = ("pkm-cipondoh-k1", "pkm-cipondoh-k2", BOX)
DAYS = (0, 8, 9, 30)
MANY = 10_000

batches, places = st.sampled_from(BATCHES), st.sampled_from(PLACES)
some, products = st.integers(1, 5), st.sampled_from(["az-10", "mr-10"])
steps = st.one_of(
    st.tuples(st.just("supply"), places, batches, some, st.sampled_from([None, None, 1, 2, 3, 4])),
    st.tuples(st.just("transfer"), places, batches, some, st.sampled_from([None, None, 2, 3])),
    st.tuples(st.just("waste"), places, batches, some),
    st.tuples(st.just("stop"), places, batches, st.sampled_from(["held", "recalled"]), st.booleans()),
    st.tuples(st.just("count"), places, batches, st.integers(0, 6)),
    st.tuples(st.just("open"), places, batches, st.integers(1, 3)),
    st.tuples(st.just("service"), places, st.booleans()),
    st.tuples(st.just("pack"), products, some),
    st.tuples(st.just("unpack"), st.integers(0, 5)),
    st.tuples(st.just("dispatch"), st.integers(0, 5)),
    st.tuples(st.just("promise"), products, st.sampled_from(DAYS), some, st.booleans()),
    st.tuples(st.just("come"), st.booleans()),
    st.tuples(st.just("take_along"), st.booleans()),
)


class House:
    """Does each step in the house and on the shelf in the head; what one refuses the other must refuse, too."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world = db, world
        self.ledger, self.desk = Ledger(db, world), Desk(db, world, world.now)
        expiry = {batch: world.batches[batch].expiry for batch in BATCHES}
        self.shelf = Shelf(expiry=expiry, product=lambda batch: batch.split("/", maxsplit=1)[0])
        self.packed: list[UUID] = []
        self.session = self.desk.session(ahead=0, capacity=1_000)
        self.outreach: UUID | None = None
        self.more_out: list[UUID] = []  # further sessions that take the box along
        # Doses left, by the place the vial came from and whose it is: "home", "along" or "hand".
        self.left = Counter[tuple[str, str]]()

    @property
    def today(self) -> date:
        return self.ledger.today

    def place(self, code: str) -> Equipment:
        return self.world.equipment[code]

    def attempt(self, act: Callable[[], object]) -> str | None:
        """The code of the refusal; None when it was done."""
        attempt = self.db.begin_nested()
        try:
            act()
        except DomainError as error:
            attempt.rollback()
            return error.code
        attempt.commit()
        return None

    def post(self, kind: Kind, place: str, batch: str, vials: int, **more: Any) -> str | None:
        line = self.ledger.line(batch, vials, place=self.place(place), **more)
        return self.attempt(lambda: self.ledger.post(kind, line))

    # what happens

    def supply(self, place: str, batch: str, vials: int, stage: int | None) -> None:
        seen = stage if batch.startswith("mr") else None
        assert self.post(Kind.SUPPLY, place, batch, vials, vvm_stage=seen) is None
        self.shelf.move((place, batch), vials, "unusable" if seen in (3, 4) else "usable")

    def transfer(self, place: str, batch: str, vials: int, stage: int | None) -> None:
        seen = stage if batch.startswith("mr") else None
        to = PLACES[(PLACES.index(place) + 1) % len(PLACES)]
        refused = self.post(Kind.TRANSFER, place, batch, vials, to_place=self.place(to), vvm_stage=seen)
        assert (refused is None) == (self.shelf.at((place, batch)) >= vials), refused
        if refused is None:
            self.shelf.carry((place, batch), (to, batch), vials, "unusable" if seen == 3 else "usable")

    def waste(self, place: str, batch: str, vials: int) -> None:
        refused = self.post(Kind.WASTE, place, batch, vials, reason="broken")
        assert (refused is None) == (self.shelf.at((place, batch)) >= vials), refused
        if refused is None:
            self.shelf.move((place, batch), -vials)

    def stop(self, place: str, batch: str, status: str, back: bool) -> None:
        before, after = (status, "usable") if back else ("usable", status)
        change = StatusChange(
            id=uuid7(),
            facility_id=self.world.puskesmas.id,
            cause=uuid7(),
            lines=(
                StatusLine(
                    batch_id=self.world.batches[batch].id,
                    holder_id=self.place(place).id,
                    from_status=Status(before),
                    to_status=Status(after),
                ),
            ),
        )
        change_status(self.db, SYSTEM, change, now=self.world.now)
        self.shelf.change((place, batch), before, after)

    def count(self, place: str, batch: str, vials: int) -> None:
        lying = self.shelf.statuses((place, batch))
        refused = self.post(Kind.COUNT, place, batch, vials)
        assert refused == ("stock.count_needs_status" if len(lying) > 1 else None)
        if refused is None:
            status = lying[0] if lying else "usable"
            self.shelf.move((place, batch), vials - self.shelf.at((place, batch), status), status)

    def open(self, place: str, batch: str, vials: int) -> None:
        refused = self.post(Kind.OPENING, place, batch, vials)
        assert (refused is None) == (self.shelf.can_take((place, batch)) >= vials), refused
        if refused is None:
            self.shelf.move((place, batch), -vials)
            self.left[place, "hand"] += 10 * vials if batch.startswith("az") else 0

    def service(self, place: str, on: bool) -> None:
        set_in_service(self.db, SYSTEM, self.place(place).id, on, now=self.world.now)
        (self.shelf.off.discard if on else self.shelf.off.add)(place)

    def pack(self, product: str, vials: int) -> None:
        order = CreateShipment(
            id=uuid7(),
            from_facility="pkm-cipondoh",
            to_facility="pkm-tanah-tinggi",
            lines=(Wanted(product=product, vials=vials),),
        )
        made = create_shipment(self.db, SYSTEM, order, now=self.world.now).shipment
        could = self.shelf.useful(product, self.today)
        if self.attempt(lambda: pack_shipment(self.db, SYSTEM, made.id, (), now=self.world.now)) is not None:
            assert could == 0
            return
        taken = Counter(dict.fromkeys(self.shelf.packed, 0))
        for _, spot, n in self.lines(made.id):
            taken[spot] += n
        assert sum(taken.values()) == min(vials, could)
        for spot, n in taken.items():
            assert n <= self.shelf.can_take(spot)
            self.shelf.packed[spot] += n
        self.packed.append(made.id)

    def unpack(self, which: int) -> None:
        if self.packed:
            shipment = self.packed.pop(which % len(self.packed))
            lines = self.lines(shipment)
            cancel_shipment(self.db, SYSTEM, shipment, now=self.world.now)
            for spot, n in self.where(lines).items():
                self.shelf.packed[spot] -= n

    def dispatch(self, which: int) -> None:
        if not self.packed:
            return
        shipment = self.packed[which % len(self.packed)]
        lines = self.where(self.lines(shipment))
        refused = self.attempt(
            lambda: dispatch_shipment(self.db, SYSTEM, shipment, occurred_at=self.world.now, now=self.world.now)
        )
        assert (refused is None) == all(self.shelf.at(spot) >= n for spot, n in lines.items()), refused
        if refused is None:
            self.packed.remove(shipment)
            for spot, n in lines.items():
                self.shelf.packed[spot] -= n
                self.shelf.move(spot, -n)

    def pool(self, product: str, name: str) -> tuple[UUID, UUID]:
        holder = self.world.puskesmas.id if name == STORES else self.place(name).id
        return holder, self.world.presentations[product].id

    def promise(self, product: str, ahead: int, vials: int, along: bool) -> None:
        """Vials are promised for a day; of the product that is given here, to people.

        The quota notes what its bookings need, and nothing else: a promise behind which nobody stands is none to it.
        """
        name = BOX if along and BOX in self.shelf.apart else STORES
        if product == "az-10":
            self.promise_people(name, max(ahead, 1), vials)
            return
        place_id = None if name == STORES else self.place(name).id
        day = self.today + timedelta(days=ahead)
        pool = (self.world.puskesmas.id, self.world.presentations[product].id)
        could = self.shelf.can_promise(product, day, self.today, name)
        refused = self.attempt(lambda: reserve(self.db, *pool, {day: vials}, today=self.today, place_id=place_id))
        if could is not None:
            assert (refused is None) == (vials <= could), refused
        if refused is None:
            self.shelf.needs[name, product, day] += vials

    def promise_people(self, name: str, ahead: int, vials: int) -> None:
        """One person at each of as many sessions of a later day: none can share a vial, opened or to be opened."""
        day = self.today + timedelta(days=ahead)
        could = self.could_promise(day, name)
        planned: list[UUID] = []

        def plan_and_book() -> None:
            for _ in range(vials):
                planned.append(self.desk.session(ahead=ahead, capacity=1, place=None if name == STORES else name))
                self.desk.book(planned[-1])

        refused = self.attempt(plan_and_book)
        if could is not None:
            assert (refused is None) == (vials <= could), refused
        if refused is None:
            self.more_out += planned if name == BOX else []
            self.read_needs()

    def could_promise(self, day: date, name: str) -> int | None:
        """What the shelf could promise of the product that is given here, once the claims that wait have what is free."""
        here = self.world.puskesmas.id, self.world.presentations["az-10"].id
        pool = replace(
            pool_facts(self.db, *here, self.world.now), place_id=None if name == STORES else self.place(name).id
        )
        noted = self.shelf.needs
        attempt = self.db.begin_nested()
        lock_pool(self.db, pool)
        give_back_and_fund(self.db, pool, self.world.now, None)
        self.read_needs()
        could = self.shelf.can_promise("az-10", day, self.today, name)
        self.db.flush()
        attempt.rollback()
        self.shelf.needs = noted
        return could

    def read_needs(self) -> None:
        """What bookings and claims to second doses need is the quota's matter; here it is read."""
        for each in (STORES, BOX):
            noted = need_by_day(self.db, *self.pool("az-10", each))
            self.shelf.needs = Counter(
                {key: n for key, n in self.shelf.needs.items() if key[:2] != (each, "az-10")}
                | {(each, "az-10", day): n for day, n in noted.items()}
            )

    def take_along(self, out: bool) -> None:
        """A session is planned that takes the box along, or the one that did is over."""
        shelf = self.shelf
        if not out:
            if self.outreach is not None:
                for each in self.more_out:
                    cancel_session(self.db, SYSTEM, each, "hujan", now=self.world.now)
                self.more_out = []
                need = need_by_day(self.db, *self.pool("mr-10", BOX))
                mr = self.world.puskesmas.id, self.world.presentations["mr-10"].id
                release(self.db, *mr, need, today=self.today, place_id=self.place(BOX).id)
                close_session(self.db, SYSTEM, self.outreach, now=self.world.now)
                shelf.needs = Counter({key: n for key, n in shelf.needs.items() if key[0] != BOX})
                self.read_needs()
                assert not any(n for key, n in shelf.needs.items() if key[0] == BOX), "promised of a box that is home"
                shelf.apart.discard(BOX)
                self.outreach = None
            return
        if self.outreach is not None:
            return
        days = [self.today + timedelta(days=ahead) for ahead in range(40)]
        before = [shelf.lacking(product, days) for product in ("az-10", "mr-10")]
        shelf.apart.add(BOX)
        after = [shelf.lacking(product, days) for product in ("az-10", "mr-10")]
        promised = any(a > b for was, now in zip(before, after, strict=True) for b, a in zip(was, now, strict=True))
        planned: list[UUID] = []
        refused = self.attempt(lambda: planned.append(self.desk.session(ahead=0, capacity=1_000, place=BOX)))
        assert refused == ("stock.place_promised" if promised else None)
        if refused is not None:
            shelf.apart.discard(BOX)
            return
        self.outreach = planned[0]

    def sees(self, key: tuple[str, str], name: str) -> bool:
        """Whether doses of such a vial serve who comes to the stores' session, or to the box's."""
        place, whose = key
        if name == BOX:
            return place == BOX
        return whose == "home" or place not in self.shelf.apart

    def come(self, along: bool) -> None:
        """Somebody walks in, books and gets a dose: never one that is promised to others, never none that is there."""
        desk = self.desk
        name = BOX if along and self.outreach is not None else STORES
        session = self.session if name == STORES else self.outreach
        assert session is not None
        before = self.could_promise(self.today, name)
        open_doses = sum(n for key, n in self.left.items() if self.sees(key, name))
        rows = binding(read_steps(self.db, *self.pool("az-10", name)), self.today)
        booked: list[Any] = []
        refused = self.attempt(lambda: booked.append(desk.book(session)))
        if before is not None and rows and not any(row.short for row in rows):
            assert (refused is None) == (before > 0 or open_doses > 0), refused
        if refused is not None:
            return
        given: list[Booking] = []
        at_hand = self.shelf.useful("az-10", self.today, name)
        moved = lambda: given.append(desk.vaccinate(desk.move(booked[0], BookingState.CONFIRMED)))  # noqa: E731  # one act
        assert self.attempt(moved) is None
        vial = self.db.get_one(OpenVial, given[0].open_vial_id, populate_existing=True)
        code = next(code for code in PLACES if self.place(code).id == vial.place_id)
        whose = {None: "hand", self.session: "home"}.get(vial.session_id, "along")
        if vial.given == 1 and self.shelf_lost_one(code):
            assert (open_doses, at_hand > 0, self.sees((code, whose), name)) == (0, True, True)
            self.left[code, whose] += 10
        assert self.left[code, whose] > 0, "out of a vial that is not there"
        assert self.sees((code, whose), name), "out of a vial of others"
        self.left[code, whose] -= 1
        self.read_needs()

    # what is asked

    def shelf_lost_one(self, place: str) -> bool:
        """Whether the desk took a vial out of this place."""
        for batch in BATCHES:
            there = self.ledger.vials(batch, place=self.place(place))
            if there < self.shelf.at((place, batch)):
                assert there == self.shelf.at((place, batch)) - 1
                assert self.shelf.can_take((place, batch)) > 0, "taken from where nothing may be used"
                self.shelf.move((place, batch), -1)
                return True
        return False

    def where(self, lines: list[tuple[UUID, tuple[str, str], int]]) -> Counter[tuple[str, str]]:
        """Where the vials of a shipment lie by now: where they were packed, else wherever packed ones were carried."""
        found = Counter[tuple[str, str]]()
        for _, spot, n in lines:
            found[spot] = min(n, self.shelf.packed[spot])
        for _, spot, n in lines:
            missing = n - min(n, self.shelf.packed[spot])
            for other in sorted(self.shelf.packed, key=lambda one: str(self.place(one[0]).id)):
                if other[1] == spot[1] and other != spot:
                    taken = min(missing, self.shelf.packed[other] - found[other])
                    found[other] += max(0, taken)
                    missing -= max(0, taken)
            found[spot] += missing
        return found

    def lines(self, shipment: UUID) -> list[tuple[UUID, tuple[str, str], int]]:
        codes = {self.place(code).id: code for code in PLACES}
        names = {self.world.batches[batch].id: batch for batch in BATCHES}
        rows = self.db.scalars(select(PackedLine).where(PackedLine.shipment_id == shipment))
        return [(shipment, (codes[row.place_id], names[row.batch_id]), row.vials) for row in rows]

    def check(self) -> None:
        for product in ("az-10", "mr-10"):
            for name in {STORES, *self.shelf.apart}:
                self.check_pool(product, name)
            everywhere = sum(self.shelf.useful(product, self.today, name) for name in {STORES, *self.shelf.apart})
            assert self.on_pages(product) == everywhere, "on pages"

    def check_pool(self, product: str, name: str) -> None:
        pool = self.pool(product, name)
        rows = read_steps(self.db, *pool)
        here = (self.world.puskesmas.id, self.world.presentations[product].id)
        parcels = parcels_at(self.db, *here, place_id=None if name == STORES else self.place(name).id)
        for ahead in DAYS:
            day = self.today + timedelta(days=ahead)
            useful = self.shelf.useful(product, day, name)
            counted = [row.vials for row in rows if row.step <= day]
            assert (counted[-1] if counted else 0) == useful, f"promised of {name} from {day}"
            assert sum(line.vials for line in pick(parcels, MANY, day).lines) == useful, f"picked of {name} on {day}"
            could = self.shelf.can_promise(product, day, self.today, name)
            if could is not None:
                assert bears(self.db, *pool, day, self.today) == could

    def on_pages(self, product: str) -> int:
        ids = [self.world.batches[batch].id for batch in BATCHES if batch.startswith(product)]
        total = self.db.scalar(
            select(func.sum(bearing_vials()))
            .join(Equipment, Equipment.id == StockBalance.place_id)
            .where(StockBalance.account == Account.PLACE, StockBalance.batch_id.in_(ids))
        )
        return int(total or 0)


# Without shrinking: a house takes a second, and what came of each step is in the assertion.
@settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(steps, min_size=4, max_size=16))
@example([("supply", PLACES[0], "mr-10/MR001", 1, 3), ("open", PLACES[0], "mr-10/MR001", 2)])
@example(
    [
        ("pack", "az-10", 4),
        ("come", False),
        ("service", PLACES[1], False),
        ("come", False),
        ("unpack", 0),
        ("come", False),
    ]
)
@example([("pack", "az-10", 4), ("transfer", PLACES[1], "az-10/AZ003", 3, None), ("come", False), ("dispatch", 0)])
@example([("supply", BOX, "az-10/AZ001", 1, None), ("take_along", True), ("come", True), *[("come", False)] * 3])
@example([("take_along", True), ("transfer", PLACES[1], "az-10/AZ003", 2, None), ("come", True), ("take_along", False)])
@example(
    [
        ("service", PLACES[0], False),
        ("stop", PLACES[1], "az-10/AZ001", "recalled", False),
        ("promise", "mr-10", 9, 5, True),
        ("take_along", False),
        ("pack", "mr-10", 3),
        ("take_along", False),
        ("promise", "az-10", 0, 3, False),
        ("promise", "mr-10", 9, 5, True),
        ("come", False),
    ]
)
@example([("promise", "az-10", 30, 3, False), ("promise", "az-10", 8, 2, False), ("come", False)])
@example(
    [
        ("supply", BOX, "az-10/AZ003", 2, None),
        ("take_along", True),
        ("promise", "az-10", 9, 2, True),
        ("come", True),
        ("take_along", False),
        ("come", False),
    ]
)
@example([("come", False), ("stop", PLACES[0], "az-10/AZ001", "held", False), ("come", False)])
@example(
    [
        ("stop", PLACES[0], "az-10/AZ001", "recalled", False),
        ("supply", PLACES[0], "az-10/AZ001", 2, None),
        *[("come", False)] * 2,
    ]
)
def test_what_is_promised_is_what_is_picked_whatever_happens(
    db: Session, world: World, drawn: list[tuple[Any, ...]]
) -> None:
    outer = db.begin_nested()
    try:
        house = House(db, world)
        house.supply(PLACES[0], "az-10/AZ001", 2, None)
        house.supply(PLACES[1], "az-10/AZ003", 3, None)
        house.supply(PLACES[0], "mr-10/MR001", 4, None)
        for step in drawn:
            getattr(house, step[0])(*step[1:])
            house.check()
        check_books(db)
    finally:
        outer.rollback()
        db.expire_all()


# --- many hands -----------------------------------------------------------------------------------------------------


def one_hand(engine: Engine, world: World, seed: int) -> None:
    """Draws steps and does each in a transaction of its own; a refusal is an answer."""
    dice = random.Random(seed)
    mine: list[UUID] = []
    for _ in range(14):
        with transaction(engine) as db:
            ledger = Ledger(db, world)
            attempt = db.begin_nested()
            try:
                _one_step(db, world, ledger, dice, mine)
                attempt.commit()
            except DomainError:
                attempt.rollback()


def _one_step(db: Session, world: World, ledger: Ledger, dice: random.Random, mine: list[UUID]) -> None:
    batch, code = dice.choice(BATCHES), dice.choice(PLACES)
    place, other = world.equipment[code], world.equipment[PLACES[(PLACES.index(code) + 1) % len(PLACES)]]
    pool = (world.puskesmas.id, world.batches[batch].presentation_id)
    stage = dice.choice([None, 2, 3]) if batch.startswith("mr") else None
    acts: list[Callable[[], object]] = [
        lambda: ledger.post(Kind.SUPPLY, ledger.line(batch, dice.randint(1, 5), place=place, vvm_stage=stage)),
        lambda: ledger.post(Kind.TRANSFER, ledger.line(batch, 1, place=place, to_place=other)),
        lambda: ledger.post(Kind.WASTE, ledger.line(batch, 1, place=place, reason="broken")),
        lambda: ledger.post(Kind.OPENING, ledger.line(batch, 1, place=place)),
        lambda: set_in_service(db, SYSTEM, place.id, dice.random() < 0.5, now=world.now),
        lambda: set_in_service(db, SYSTEM, place.id, dice.random() < 0.5, now=world.now),
        lambda: reserve(db, *pool, {ledger.today: 1}, today=ledger.today),
        lambda: release(db, *pool, {ledger.today: 1}, today=ledger.today),
        lambda: Desk(db, world, world.now).session(ahead=0, place=BOX),
        lambda: [close_session(db, SYSTEM, one, now=world.now) for one in _outreaches(db)[:1]],
    ]
    if mine and dice.random() < 0.3:
        shipment = mine.pop()
        if dice.random() < 0.5:
            cancel_shipment(db, SYSTEM, shipment, now=world.now)
        else:
            dispatch_shipment(db, SYSTEM, shipment, occurred_at=world.now, now=world.now)
    elif dice.random() < 0.2:
        product = batch.split("/", maxsplit=1)[0]
        order = CreateShipment(
            id=uuid7(),
            from_facility="pkm-cipondoh",
            to_facility="pkm-tanah-tinggi",
            lines=(Wanted(product=product, vials=2),),
        )
        made = create_shipment(db, SYSTEM, order, now=world.now).shipment
        pack_shipment(db, SYSTEM, made.id, (), now=world.now)
        mine.append(made.id)
    else:
        dice.choice(acts)()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_promised_is_what_is_picked_under_many_hands(engine: Engine, committed_world: World, seed: int) -> None:
    world = committed_world
    together([partial(one_hand, engine, world, seed * 100 + hand) for hand in range(6)])
    with transaction(engine) as db:
        check_books(db)
        today = Ledger(db, world).today
        box = world.equipment[BOX].id
        along = [box] if _outreaches(db) else []
        for product in (world.presentations["az-10"].id, world.presentations["mr-10"].id):
            for place_id in [None, *along]:
                rows = binding(read_steps(db, place_id or world.puskesmas.id, product), today)
                parcels = parcels_at(db, world.puskesmas.id, product, place_id=place_id)
                picked = sum(line.vials for line in pick(parcels, MANY, today).lines)
                assert (rows[0].vials if rows else 0) == picked
        packed = db.scalar(select(func.sum(PackedLine.vials)).where(PackedLine.shipment_id.in_(_packed(db)))) or 0
        assert packed == (db.scalar(select(func.sum(StockBalance.packed))) or 0)


def _outreaches(db: Session) -> list[UUID]:
    out = VaccinationSession.place_id.is_not(None), VaccinationSession.state != SessionState.CLOSED
    return list(db.scalars(select(VaccinationSession.id).where(*out).order_by(func.random())))


def _packed(db: Session) -> list[UUID]:
    return list(db.scalars(select(Shipment.id).where(Shipment.state == ShipmentState.PACKED)))


def test_a_fridge_that_goes_out_while_its_first_vials_come_in_bears_none_of_them(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    for _ in range(5):

        def supply() -> None:
            with transaction(engine) as db:
                ledger = Ledger(db, world)
                ledger.post(Kind.SUPPLY, *(ledger.line(batch, 2) for batch in BATCHES))

        def turn(on: bool) -> None:
            with transaction(engine) as db:
                set_in_service(db, SYSTEM, world.fridge.id, on, now=world.now)

        together([supply, partial(turn, False), supply, partial(turn, True), supply])
        with transaction(engine) as db:
            check_books(db)
