"""What came without a word: told by its receiver, confirmed or disputed by its sender; the books meanwhile and after."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.db.test_shipments_road import Road
from tests.support.books import check_books
from tests.support.world import World
from tracker.access.principal import SYSTEM, Grant, Principal
from tracker.access.rules import Role
from tracker.catalog.correcting import BatchChange
from tracker.catalog.history import Correction
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.kit.errors import Conflict, DomainError, Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.network.queries import path_of
from tracker.shipments.models import PackedLine, Shipment, ShipmentReceipt, ToldLine
from tracker.shipments.presenting import shipment_detail
from tracker.shipments.rules.words import ShipmentKind, ShipmentState
from tracker.shipments.service.commands import (
    Box,
    Came,
    ConfirmDelivery,
    CreateShipment,
    Pack,
    TellDelivery,
    Wanted,
)
from tracker.shipments.service.confirming import confirm_delivery
from tracker.shipments.service.ordering import Made, cancel_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment
from tracker.shipments.service.unannounced import dispute_delivery, tell_delivery
from tracker.stock.models import StockBalance, StockEvent
from tracker.stock.queries.availability import pool_state
from tracker.stock.rules.words import MOST_VIALS, Account, Kind, Status
from tracker.stock.service.places import correct_batch
from tracker.trace.recalls import StartRecall, start_recall

LOT = "az-10/AZ003"
K1 = "pkm-cipondoh-k1"
CITY_ROOM = "kota-tangerang-r1"
EARLIER = timedelta(hours=3)


class Unannounced(Road):
    """Boxes from the city at the puskesmas, of which nobody had said a word."""

    def supplied(self, batch: str, vials: int, *, at: datetime | None = None, place: str = CITY_ROOM) -> None:
        line = self.ledger.line(batch, vials, place=self.world.equipment[place])
        self.ledger.post(Kind.SUPPLY, line, facility=self.world.city, at=at)

    def command(self, *lines: Came, **more: Any) -> TellDelivery:
        said: dict[str, Any] = {
            "id": uuid7(),
            "from_facility": "kota-tangerang",
            "to_facility": "pkm-cipondoh",
            "arrived_at": self.now,
            "lines": lines or (self.came(10),),
        }
        return TellDelivery(**{**said, **more})

    def came(self, vials: int = 10, batch: str = LOT, **more: Any) -> Came:
        return Came(**{"vials": vials, "batch": batch, "place": K1, **more})

    def tell(self, *lines: Came, role: Role = Role.MANAGER, **more: Any) -> Shipment:
        return self.told_as(self.command(*lines, **more), role).shipment

    def told_as(self, command: TellDelivery, role: Role = Role.MANAGER) -> Made:
        return tell_delivery(self.db, self.world.who(role), command, now=self.now)

    def confirm(self, shipment: Shipment, *lines: Pack, role: Role = Role.WAREHOUSE, **more: Any) -> Shipment:
        command = ConfirmDelivery(lines=lines, **more)
        return confirm_delivery(self.db, self.world.who(role), shipment.id, command, now=self.now)

    def dispute(self, shipment: Shipment, role: Role = Role.WAREHOUSE, reason: str = "bukan dari kami") -> Shipment:
        return dispute_delivery(self.db, self.world.who(role), shipment.id, reason, now=self.now)

    def lies(self, batch: str = LOT) -> tuple[int, int]:
        """Vials of a batch at the city and at the puskesmas."""
        return self.ledger.vials(batch, place=self.room), self.ledger.vials(batch)

    def counted(self, vials: int, at: datetime) -> None:
        self.ledger.post(Kind.COUNT, self.ledger.line(LOT, vials), at=at)


@pytest.fixture
def road(db: Session, world: World) -> Unannounced:
    return Unannounced(db, world)


def refused(code: str, act: Callable[[], object]) -> dict[str, Any]:
    """What the refusal says; the test fails when it is another one, or none."""
    with pytest.raises(DomainError) as told:
        act()
    assert told.value.code == code
    return told.value.params


def test_what_is_told_is_in_nobodys_books_until_a_person_there_confirms(road: Unannounced) -> None:
    road.supplied(LOT, 15)
    shipment = road.tell()
    assert (shipment.kind, shipment.state) == (ShipmentKind.UNANNOUNCED, ShipmentState.UNCONFIRMED)
    assert road.lies() == (15, 0)
    road.confirm(shipment)
    assert shipment.state is ShipmentState.RECEIVED
    assert road.lies() == (5, 10)
    assert road.on_road(shipment) == {"usable": 0}
    [sums] = shipment_detail(road.db, road.world.who(Role.MANAGER), shipment.id, road.now).differences
    assert (sums.sent, sums.accepted, sums.on_road, sums.differs) == (10, 10, 0, False)


def test_its_doses_are_promised_once_at_the_sender_and_then_at_the_receiver(road: Unannounced) -> None:
    road.supplied(LOT, 10)
    presentation = road.world.presentations["az-10"].id

    def promised() -> list[int]:
        ends = (road.world.city.id, road.world.puskesmas.id)
        found = [pool_state(road.db, facility, presentation, road.ledger.today) for facility in ends]
        return [rows[0].vials if rows else 0 for rows in found]

    shipment = road.tell()
    assert promised() == [10, 0]
    road.confirm(shipment)
    assert promised() == [0, 10]


def test_both_ends_keep_who_said_what_and_when_it_was(road: Unannounced) -> None:
    road.supplied(LOT, 10, at=road.now - timedelta(days=1))
    came, left = road.now - EARLIER, road.now - 2 * EARLIER
    shipment = road.tell(arrived_at=came)
    road.confirm(shipment, left_at=left)
    assert (shipment.created_by, shipment.approved_by) == (
        road.world.who(Role.MANAGER).name,
        road.world.who(Role.WAREHOUSE).name,
    )
    assert (shipment.dispatched_at, shipment.received_at) == (left, came)
    [receipt] = road.db.scalars(select(ShipmentReceipt).where(ShipmentReceipt.shipment_id == shipment.id))
    assert (receipt.recorded_by, receipt.occurred_at) == (shipment.created_by, came)
    events = road.db.execute(
        select(StockEvent.kind, StockEvent.occurred_at).where(StockEvent.shipment_id == shipment.id)
    )
    assert {row.kind: row.occurred_at for row in events} == {Kind.DISPATCH: left, Kind.RECEIPT: came}
    kinds = ("shipments.told", "shipments.dispatched", "shipments.received")
    for kind in kinds:
        assert [unit for unit, _ in road.told(kind)] == [road.world.city.id, road.world.puskesmas.id], kind


def test_told_twice_is_one_and_other_words_under_the_id_are_refused(road: Unannounced) -> None:
    command = road.command()
    first, again = (road.told_as(command) for _ in range(2))
    assert (first.fresh, again.fresh, again.shipment.id) == (True, False, first.shipment.id)
    assert road.db.scalar(select(func.count()).select_from(ToldLine)) == 1
    refused("shipments.other_content", lambda: road.told_as(replace(command, lines=(road.came(11),))))


def test_confirmed_twice_leaves_once(road: Unannounced) -> None:
    road.supplied(LOT, 30)
    shipment = road.tell()
    named = Pack(vials=10, place=CITY_ROOM, batch=LOT)
    for _ in range(2):
        road.confirm(shipment, named)
    assert road.lies() == (20, 10)
    said = refused("shipments.bad_state", lambda: road.confirm(shipment, named, left_at=road.now - EARLIER))
    assert said["state"] == "received"
    refused("shipments.bad_state", lambda: road.dispute(shipment))


def test_what_the_sender_lacks_is_said_with_how_much_there_was_and_nothing_moves(road: Unannounced) -> None:
    road.supplied(LOT, 6)
    shipment = road.tell()
    for lines in ((), (Pack(vials=10, place=CITY_ROOM, batch=LOT),)):
        said = refused("shipments.sender_lacks", partial(road.confirm, shipment, *lines))
        assert (said["lot"], said["vials"]) == ("AZ003", 6)
    assert (shipment.state, road.lies()) == (ShipmentState.UNCONFIRMED, (6, 0))


def test_what_came_to_the_sender_after_it_had_left_was_not_sent(road: Unannounced) -> None:
    shipment = road.tell(arrived_at=road.now - EARLIER)
    road.supplied(LOT, 10)
    assert refused("shipments.sender_lacks", lambda: road.confirm(shipment))["vials"] == 0


def test_what_went_elsewhere_since_is_said_with_the_moment(road: Unannounced) -> None:
    road.supplied(LOT, 10, at=road.now - 2 * EARLIER)
    shipment = road.tell(arrived_at=road.now - EARLIER)
    line = road.ledger.line(LOT, 8, place=road.room, reason="broken")
    road.ledger.post(Kind.WASTE, line, facility=road.world.city)
    said = refused("shipments.gone_since", lambda: road.confirm(shipment))
    assert datetime.fromisoformat(said["at"]) == road.now
    assert (shipment.state, road.lies()) == (ShipmentState.UNCONFIRMED, (2, 0))


def test_a_confirmation_is_of_what_was_told_neither_less_nor_more_nor_other(road: Unannounced) -> None:
    road.supplied(LOT, 30)
    road.supplied("az-10/AZ002", 30)
    shipment = road.tell()
    for vials in (9, 11):
        named = Pack(vials=vials, place=CITY_ROOM, batch=LOT)
        said = refused("shipments.not_as_told", partial(road.confirm, shipment, named))
        assert (said["lot"], said["wanted"], said["vials"]) == ("AZ003", 10, vials)
    other = Pack(vials=10, place=CITY_ROOM, batch="az-10/AZ002")
    refused("shipments.not_as_told", lambda: road.confirm(shipment, other))
    refused("shipments.only_returned", lambda: road.confirm(shipment, replace(other, status=Status.HELD)))
    assert shipment.state is ShipmentState.UNCONFIRMED


def test_a_lot_that_nobody_knows_did_not_leave_with_it(road: Unannounced) -> None:
    road.supplied(LOT, 10)
    shipment = road.tell()
    lines = [Pack(vials=vials, place=CITY_ROOM, batch=batch) for vials, batch in ((10, LOT), (1, str(uuid7())))]
    said = refused("stock.unknown_batch", lambda: road.confirm(shipment, *lines))
    assert (said["line"], said["batch"]) == (1, lines[1].batch)
    assert road.lies() == (10, 0)


def test_it_left_no_later_than_it_arrived(road: Unannounced) -> None:
    road.supplied(LOT, 10)
    shipment = road.tell(arrived_at=road.now - EARLIER)
    refused("shipments.left_after_arrival", lambda: road.confirm(shipment, left_at=road.now))


def test_a_lot_of_several_places_leaves_from_as_many(road: Unannounced) -> None:
    road.supplied(LOT, 5, place="kota-tangerang-f1")
    road.supplied(LOT, 7)
    road.confirm(shipment := road.tell())
    packed = select(PackedLine.vials).where(PackedLine.shipment_id == shipment.id).order_by(PackedLine.seq)
    assert road.db.scalars(packed).all() == [7, 3]
    assert road.lies() == (0, 10)


def test_what_is_packed_for_another_is_not_proposed_while_free_vials_lay_there_too(road: Unannounced) -> None:
    road.supplied(LOT, 12, place="kota-tangerang-f1")
    road.supplied(LOT, 10)
    other = road.create(vials=12)
    road.pack(other, Box(lines=(Pack(vials=12, place="kota-tangerang-f1", batch=LOT),)))
    road.confirm(road.tell())
    assert road.lies() == (0, 10)
    dispatch_shipment(road.db, road.world.who(Role.WAREHOUSE), other.id, occurred_at=road.now, now=road.now)
    assert other.state is ShipmentState.IN_TRANSIT


def test_places_where_it_is_gone_by_now_are_not_proposed_while_others_have_it(road: Unannounced) -> None:
    road.supplied(LOT, 12, place="kota-tangerang-f1", at=road.now - 2 * EARLIER)
    road.supplied(LOT, 10, at=road.now - 2 * EARLIER)
    shipment = road.tell(arrived_at=road.now - EARLIER)
    line = road.ledger.line(LOT, 11, place=road.world.equipment["kota-tangerang-f1"], reason="broken")
    road.ledger.post(Kind.WASTE, line, facility=road.world.city)
    road.confirm(shipment)
    assert road.lies() == (0, 10)


def test_a_disputed_delivery_moves_nothing_and_may_still_be_confirmed_or_taken_back(road: Unannounced) -> None:
    road.supplied(LOT, 30)
    shipment, other = road.tell(), road.tell()
    for each in (shipment, other):
        for _ in range(2):
            road.dispute(each)
        assert (each.state, road.lies()) == (ShipmentState.DISPUTED, (30, 0))
    assert len(road.told("shipments.disputed")) == 4
    refused("shipments.bad_state", lambda: road.dispute(shipment, reason="lain"))
    road.confirm(shipment)
    assert (shipment.state, road.lies()) == (ShipmentState.RECEIVED, (20, 10))
    told = shipment_detail(road.db, road.world.who(Role.MANAGER), shipment.id, road.now).told
    assert told is not None
    assert (told.dispute_reason, told.disputed_by) == ("bukan dari kami", road.world.who(Role.WAREHOUSE).name)
    cancel_shipment(road.db, road.world.who(Role.MANAGER), other.id, now=road.now)
    assert other.state is ShipmentState.CANCELLED
    refused("shipments.bad_state", lambda: road.confirm(other))
    assert road.lies() == (20, 10)


def test_each_end_does_its_own_step_and_nobody_else(road: Unannounced) -> None:
    road.supplied(LOT, 30)
    for role in (Role.AUDITOR, Role.VACCINATOR):
        with pytest.raises((Forbidden, NotFound)):
            road.tell(role=role)
    shipment = road.tell()
    for act in (road.confirm, road.dispute):
        for role in (Role.MANAGER, Role.AUDITOR, Role.VACCINATOR):
            with pytest.raises((Forbidden, NotFound)):
                act(shipment, role=role)
    assert (shipment.state, road.lies()) == (ShipmentState.UNCONFIRMED, (30, 0))


def test_who_only_sends_does_not_take_back_what_the_receiver_told(road: Unannounced, world: World) -> None:
    shipment = road.tell(from_facility="pkm-tanah-tinggi")
    path = path_of(road.db, world.facilities["pkm-tanah-tinggi"].id)
    neighbour = Principal(account_id=None, name="Tetangga", grants=(Grant(role=Role.MANAGER, path=path),))
    with pytest.raises(Forbidden):
        cancel_shipment(road.db, neighbour, shipment.id, now=road.now)
    with pytest.raises(NotFound):
        tell_delivery(road.db, neighbour, road.command(), now=road.now)
    dispute_delivery(road.db, neighbour, shipment.id, "bukan dari kami", now=road.now)
    assert shipment.state is ShipmentState.DISPUTED


def test_what_cannot_be_is_refused_with_its_line(road: Unannounced) -> None:
    old = NewBatch(presentation="az-10", lot="OLD1", expiry=road.ledger.today - timedelta(days=1))
    add_batch(road.db, SYSTEM, old, now=road.now)
    cases: list[tuple[str, dict[str, Any], Came]] = [
        ("stock.unknown_batch", {"line": 0, "batch": "NONE"}, road.came(batch="NONE")),
        ("stock.unknown_batch", {"line": 0}, road.came(batch="none/AZ003")),
        ("stock.unknown_place", {"line": 0, "place": CITY_ROOM}, road.came(place=CITY_ROOM)),
        ("stock.unknown_place", {"line": 0}, road.came(place=str(road.room.id))),
        ("stock.bad_vials", {"line": 0, "field": "vials"}, road.came(0)),
        ("stock.bad_vials", {"line": 0, "field": "vials"}, road.came(MOST_VIALS + 1)),
        ("shipments.missing_place", {"line": 0, "field": "place"}, road.came(place="")),
        ("shipments.arrived_expired", {"line": 0, "lot": "OLD1"}, road.came(batch="az-10/OLD1")),
        ("shipments.other_expiry", {"line": 0, "field": "expiry"}, road.came(expiry=date(2030, 1, 1))),
    ]
    for code, about, line in cases:
        said = refused(code, partial(road.tell, line))
        assert about.items() <= said.items(), (code, said)
    assert refused("network.facility_not_found", lambda: road.tell(from_facility="nowhere"))["field"] == "from"
    assert refused("shipments.no_route", lambda: road.tell(from_facility="pkm-cipondoh"))["field"] == "from"
    said = refused("stock.too_far_ahead", lambda: road.tell(arrived_at=road.now + timedelta(hours=1)))
    assert said["field"] == "arrived_at"
    assert road.db.scalar(select(func.count()).select_from(Shipment)) == 0


def test_an_expiry_that_was_put_right_since_is_judged_by_what_was_said_when_it_came(road: Unannounced) -> None:
    lot, label = "az-10/SHORT", road.ledger.today + timedelta(days=30)
    batch = add_batch(road.db, SYSTEM, NewBatch(presentation="az-10", lot="SHORT", expiry=label), now=road.now)
    road.world.batches[lot] = batch
    road.supplied(lot, 10, at=road.now - 2 * EARLIER)
    why = Correction(reason="salah ketik dari dus")
    right = BatchChange(expiry=road.ledger.today - timedelta(days=1), why=why)
    correct_batch(road.db, SYSTEM, batch.id, right, now=road.now - timedelta(hours=1))
    said = refused("shipments.arrived_expired", lambda: road.tell(road.came(batch=lot)))
    assert said["lot"] == "SHORT"
    refused("shipments.other_expiry", lambda: road.tell(road.came(batch=lot, expiry=label + timedelta(days=1))))
    for read in (label, right.expiry):
        shipment = road.tell(road.came(5, lot, expiry=read), arrived_at=road.now - EARLIER)
        assert road.confirm(shipment).state is ShipmentState.RECEIVED
    assert road.lies(lot) == (0, 10)


def test_a_count_of_before_the_confirmation_keeps_what_it_found(road: Unannounced) -> None:
    road.supplied(LOT, 10, at=road.now - 2 * EARLIER)
    shipment = road.tell(arrived_at=road.now - EARLIER)
    road.counted(9, at=road.now - timedelta(hours=1))
    assert road.lies() == (10, 9)
    road.confirm(shipment)
    assert road.lies() == (0, 9)


def test_a_recall_of_before_the_confirmation_stops_the_vials_where_they_are(road: Unannounced) -> None:
    road.supplied(LOT, 10, at=road.now - 2 * EARLIER)
    shipment = road.tell(arrived_at=road.now - EARLIER)
    recall = StartRecall(id=uuid7(), batch=LOT, reason="partikel asing", recall_class=1)
    start_recall(road.db, SYSTEM, recall, now=road.now)
    road.confirm(shipment)
    lies = select(StockBalance.facility_id, StockBalance.status, StockBalance.vials).where(
        StockBalance.batch_id == road.world.batches[LOT].id,
        StockBalance.account != Account.OPEN,
        StockBalance.vials > 0,
    )
    assert [tuple(row) for row in road.db.execute(lies)] == [(road.world.puskesmas.id, Status.RECALLED, 10)]


# --- with real connections ---------------------------------------------------------------------------------------


def together(*acts: Callable[[], object]) -> list[object]:
    """What each act gave, done at the same moment: its result, or the refusal."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait(10)
        try:
            return act()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def committed(engine: Engine, world: World, *, vials: int = 40) -> None:
    with transaction(engine) as db:
        Unannounced(db, world).supplied(LOT, vials)


def tell_of(engine: Engine, world: World, **more: Any) -> UUID:
    with transaction(engine) as db:
        return Unannounced(db, world).tell(**more).id


def vials_in(engine: Engine, world: World) -> tuple[int, int]:
    with transaction(engine) as db:
        check_books(db)
        return Unannounced(db, world).lies()


def test_two_confirm_at_once_and_it_leaves_once(engine: Engine, committed_world: World) -> None:
    committed(engine, committed_world)
    for turn in range(1, 4):
        shipment = tell_of(engine, committed_world)

        def confirm(left_at: datetime | None, shipment: UUID = shipment) -> object:
            with transaction(engine) as db:
                who = committed_world.who(Role.WAREHOUSE)
                told = ConfirmDelivery(left_at=left_at)
                return confirm_delivery(db, who, shipment, told, now=committed_world.now).state

        found = together(lambda: confirm(None), lambda: confirm(committed_world.now))
        assert sorted(isinstance(one, Conflict) for one in found) == [False, True], found
        assert vials_in(engine, committed_world) == (40 - 10 * turn, 10 * turn)


def test_confirmed_and_disputed_at_once_it_is_one_of_the_two(engine: Engine, committed_world: World) -> None:
    committed(engine, committed_world)
    who, now = committed_world.who(Role.WAREHOUSE), committed_world.now
    moved = 0
    for _ in range(3):
        shipment = tell_of(engine, committed_world)

        def confirm(shipment: UUID = shipment) -> ShipmentState:
            with transaction(engine) as db:
                return confirm_delivery(db, who, shipment, ConfirmDelivery(), now=now).state

        def dispute(shipment: UUID = shipment) -> ShipmentState:
            with transaction(engine) as db:
                return dispute_delivery(db, who, shipment, "bukan kami", now=now).state

        together(confirm, dispute)
        with transaction(engine) as db:
            # Disputed first, it may be confirmed after; confirmed first, it is not disputed any more.
            assert db.get_one(Shipment, shipment).state is ShipmentState.RECEIVED
        moved += 10
        assert vials_in(engine, committed_world) == (40 - moved, moved)


def test_one_delivery_told_by_two_taps_at_once_is_one(engine: Engine, committed_world: World) -> None:
    with transaction(engine) as db:
        command = Unannounced(db, committed_world).command()

    def tell() -> UUID:
        with transaction(engine) as db:
            return Unannounced(db, committed_world).told_as(command).shipment.id

    assert together(tell, tell) == [command.id] * 2
    with transaction(engine) as db:
        assert db.scalar(select(func.count()).select_from(Shipment)) == 1


def test_one_order_sent_by_two_taps_at_once_is_one(engine: Engine, committed_world: World) -> None:
    lines = (Wanted(product="az-10", vials=5),)
    command = CreateShipment(id=uuid7(), from_facility="kota-tangerang", to_facility="pkm-cipondoh", lines=lines)

    def order() -> UUID:
        with transaction(engine) as db:
            who = committed_world.who(Role.MANAGER)
            return create_shipment(db, who, command, now=committed_world.now).shipment.id

    assert together(order, order) == [command.id] * 2


def test_deliveries_that_cross_are_confirmed_at_once_without_a_deadlock(engine: Engine, committed_world: World) -> None:
    with transaction(engine) as db:
        road = Unannounced(db, committed_world)
        road.supplied(LOT, 30)
        road.ledger.post(Kind.SUPPLY, road.ledger.line(LOT, 30))
    down = [tell_of(engine, committed_world) for _ in range(2)]
    with transaction(engine) as db:
        road = Unannounced(db, committed_world)
        back = {"from_facility": "pkm-cipondoh", "to_facility": "kota-tangerang"}
        line = road.came(place=CITY_ROOM)
        up = [road.tell(line, role=Role.WAREHOUSE, **back).id for _ in range(2)]

    def confirm(shipment: UUID, role: Role) -> object:
        with transaction(engine) as db:
            who, told = committed_world.who(role), ConfirmDelivery()
            return confirm_delivery(db, who, shipment, told, now=committed_world.now).state

    acts = [partial(confirm, one, Role.WAREHOUSE) for one in down] + [partial(confirm, one, Role.MANAGER) for one in up]
    assert together(*acts) == [ShipmentState.RECEIVED] * 4
    assert vials_in(engine, committed_world) == (30, 30)
