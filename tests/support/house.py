"""A puskesmas in which anything may happen, and the shelf in the head beside it: what one refuses the other must refuse, too."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.boxes import BATCHES, BOX, PLACES, Boxes
from tests.support.quota import Desk
from tests.support.shelf import STORES
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.claims import give_back_and_fund
from tracker.quota.service.ending import cancel_session, close_session
from tracker.quota.service.pools import lock_pool, pool_facts
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

DAYS = (0, 8, 9, 30)
MANY = 10_000


class House(Boxes):
    """Does each step in the house and on the shelf in the head."""

    def __init__(self, db: Session, world: World) -> None:
        super().__init__(db, world)
        self.desk = Desk(db, world, world.now)
        self.session = self.desk.session(ahead=0, capacity=1_000)
        self.outreach: UUID | None = None
        self.more_out: list[UUID] = []  # further sessions that take the box along
        # Doses left, by the place the vial came from and whose it is: "home", "along" or "hand".
        self.left = Counter[tuple[str, str]]()

    # what happens

    def post(self, kind: Kind, place: str, batch: str, vials: int, **more: Any) -> str | None:
        line = self.ledger.line(batch, vials, place=self.place(place), **more)
        return self.attempt(lambda: self.ledger.post(kind, line))

    def supply(self, place: str, batch: str, vials: int, stage: int | None) -> None:
        seen = stage if batch.startswith("mr") else None
        assert self.post(Kind.SUPPLY, place, batch, vials, vvm_stage=seen) is None
        self.shelf.move((place, batch), vials, "unusable" if seen in (3, 4) else "usable")

    def transfer(self, place: str, batch: str, vials: int, stage: int | None, status: str = "usable") -> None:
        seen = stage if batch.startswith("mr") else None
        to = PLACES[(PLACES.index(place) + 1) % len(PLACES)]
        line = {"to_place": self.place(to), "vvm_stage": seen, "status": Status(status)}
        refused = self.post(Kind.TRANSFER, place, batch, vials, **line)
        assert (refused is None) == (self.shelf.at((place, batch), status) >= vials), refused
        if refused is None:
            then = "unusable" if seen == 3 and status in ("usable", "held") else status
            self.shelf.carry((place, batch, status), (to, batch, then), vials)

    def waste(self, place: str, batch: str, vials: int, status: str = "usable") -> None:
        refused = self.post(Kind.WASTE, place, batch, vials, reason="broken", status=Status(status))
        assert (refused is None) == (self.shelf.at((place, batch), status) >= vials), refused
        if refused is None:
            self.shelf.move((place, batch), -vials, status)

    def stop(self, place: str, batch: str, status: str, back: bool, vials: int | None = None) -> None:
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
                    vials=vials,
                ),
            ),
        )
        change_status(self.db, SYSTEM, change, now=self.world.now)
        self.shelf.change((place, batch), before, after, vials)

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

    def check(self) -> None:
        ids = [self.place(code).id for code in PLACES]
        rows = list(
            self.db.scalars(
                select(StockBalance).where(StockBalance.holder_id.in_(ids)).execution_options(populate_existing=True)
            )
        )
        lying = {self.row(each.holder_id, each.batch_id, each.status): each for each in rows}
        assert {row: each.vials for row, each in lying.items() if each.vials} == +self.shelf.vials
        assert {row: each.packed for row, each in lying.items() if each.packed} == +self.shelf.packed
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
