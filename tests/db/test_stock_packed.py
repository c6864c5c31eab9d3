"""Vials that are packed for a shipment stay packed whatever happens to them: they bear no promise at home, and no others leave in their stead."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.db.test_stock_use import LOT, House
from tests.support.books import check_books
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.errors import Conflict
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.shipments.errors import StoppedSincePacked
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.commands import Box, CreateShipment, Pack, Wanted
from tracker.shipments.service.ordering import cancel_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.errors import HistoryNegative, PackedVials
from tracker.stock.models import StockBalance
from tracker.stock.queries.tracing import parcels_then
from tracker.stock.rules.words import Kind, Status


@pytest.fixture
def house(db: Session, world: World) -> House:
    return House(db, world)


def freed(house: House, vials: int, status: Status = Status.HELD, *, place: Equipment | None = None) -> None:
    line = house.ledger.line(LOT, vials, place=place, status=status, to_status=Status.USABLE)
    house.ledger.post(Kind.STATUS, line)


def sent(house: House, shipment: Shipment, *, minutes: int = 0) -> None:
    at = house.world.now + timedelta(minutes=minutes)
    with house.db.begin_nested():
        dispatch_shipment(house.db, SYSTEM, shipment.id, occurred_at=at, now=max(at, house.world.now))


def packed_here(house: House) -> dict[tuple[UUID, str], int]:
    rows = house.db.execute(
        select(StockBalance.holder_id, StockBalance.status, StockBalance.packed).where(StockBalance.packed > 0)
    )
    return {(row.holder_id, row.status.value): row.packed for row in rows}


def test_packed_vials_bear_nothing_at_home_until_they_are_unpacked(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5))
    shipment = house.packed(4)
    house.all_say(1)
    with pytest.raises(PackedVials):
        house.ledger.post(Kind.OPENING, house.ledger.line(LOT, 2))
    cancel_shipment(house.db, SYSTEM, shipment.id, now=house.world.now)
    house.all_say(5)


def test_packing_makes_promises_short_and_packing_less_gives_back(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5))
    people = house.desk.booked(house.desk.session(ahead=0), 20)
    shipment = house.packed(4)
    assert house.desk.short() == 1
    box = Box(lines=(Pack(batch=LOT, place=house.world.fridge.code, vials=2),))
    pack_shipment(house.db, SYSTEM, shipment.id, (box,), now=house.world.now)
    assert (house.desk.short(), house.picked()) == (0, 3)
    assert len(people) == 20
    check_books(house.db)


def test_the_same_packing_twice_and_a_dispatch_leave_no_vial_set_aside(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5))
    shipment = house.packed(4)
    pack_shipment(house.db, SYSTEM, shipment.id, (), now=house.world.now)
    house.all_say(1)
    dispatch_shipment(house.db, SYSTEM, shipment.id, occurred_at=house.world.now, now=house.world.now)
    house.all_say(1)
    balance = house.ledger.balance(LOT)
    assert balance is not None
    assert (balance.vials, balance.packed) == (1, 0)
    assert house.ledger.told("stock.short") == []


def test_a_hold_over_packed_vials_and_its_release_leave_them_packed(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5))
    house.packed(4)
    house.hold()
    house.all_say(0)
    back = house.ledger.line(LOT, 5, status=Status.HELD, to_status=Status.USABLE)
    house.ledger.post(Kind.STATUS, back)
    house.all_say(1)


def test_packed_vials_that_are_lost_are_not_counted_twice(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5))
    house.packed(4)
    house.ledger.post(Kind.WASTE, house.ledger.line(LOT, 3, reason="broken"))
    house.all_say(0)
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 3))
    house.all_say(1)


# --- stopped and freed ----------------------------------------------------------------------------------------------


def test_packed_vials_that_are_held_carried_and_released_elsewhere_are_not_promised_there(house: House) -> None:
    second = house.world.equipment["pkm-cipondoh-k2"]
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 6))
    shipment = house.packed(4)
    house.hold()
    house.ledger.post(Kind.TRANSFER, house.ledger.line(LOT, 5, to_place=second, status=Status.HELD))
    freed(house, 5, place=second)
    # Free ones go first: two went free, three are packed there, and one is with the held one that stayed.
    house.all_say(2)
    freed(house, 1)
    house.all_say(2)
    sent(house, shipment)
    house.all_say(2)
    assert packed_here(house) == {}


def test_of_vials_that_become_usable_again_the_packed_ones_come_first(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 6))
    house.packed(4)
    house.hold()
    for vials, bearing in ((3, 0), (2, 1), (1, 2)):
        freed(house, vials)
        house.all_say(bearing)


def test_what_comes_while_packed_vials_are_held_is_promised_and_does_not_leave_in_their_stead(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 4))
    shipment = house.packed(4)
    house.hold()
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5))
    house.all_say(5)
    with pytest.raises(StoppedSincePacked) as refused:
        sent(house, shipment)
    assert refused.value.params["shipment"] == shipment.code
    house.all_say(5)
    pack_shipment(house.db, SYSTEM, shipment.id, (), now=house.world.now)  # the same again, and of other vials
    house.all_say(1)
    sent(house, shipment)
    assert (house.lying(), packed_here(house)) == ({"usable": 1, "held": 4}, {})


def test_packing_the_same_again_puts_other_vials_in_the_place_of_lost_ones(house: House) -> None:
    second = house.world.equipment["pkm-cipondoh-k2"]
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 4))
    shipment = house.packed(4)
    house.ledger.post(Kind.WASTE, house.ledger.line(LOT, 3, reason="broken"))
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5, place=second))
    with pytest.raises(HistoryNegative):
        sent(house, shipment)
    pack_shipment(house.db, SYSTEM, shipment.id, (), now=house.world.now)
    house.all_say(2)
    sent(house, shipment)
    house.all_say(2)


def test_a_cancelled_shipment_leaves_no_vial_set_aside_whatever_became_of_them(house: House) -> None:
    second = house.world.equipment["pkm-cipondoh-k2"]
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 6))
    shipment = house.packed(6)
    house.hold(vials=3)
    house.ledger.post(Kind.TRANSFER, house.ledger.line(LOT, 2, to_place=second, status=Status.HELD))
    house.ledger.post(Kind.WASTE, house.ledger.line(LOT, 1, reason="broken"))
    house.all_say(0)
    cancel_shipment(house.db, SYSTEM, shipment.id, now=house.world.now)
    house.all_say(2)
    assert packed_here(house) == {}


def test_what_is_packed_for_a_return_is_not_promised_once_it_is_usable_again(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 6))
    house.hold(Status.RECALLED)
    order = CreateShipment(
        id=uuid7(),
        from_facility="pkm-cipondoh",
        to_facility="kota-tangerang",
        lines=(Wanted(product="az-10", vials=4),),
        kind=ShipmentKind.RETURN,
    )
    shipment = create_shipment(house.db, SYSTEM, order, now=house.world.now).shipment
    box = Box(lines=(Pack(batch=LOT, place=house.world.fridge.code, vials=4, status=Status.RECALLED),))
    pack_shipment(house.db, SYSTEM, shipment.id, (box,), now=house.world.now)
    freed(house, 6, Status.RECALLED)
    house.all_say(2)
    with pytest.raises(Conflict):
        sent(house, shipment)
    cancel_shipment(house.db, SYSTEM, shipment.id, now=house.world.now)
    house.all_say(6)


# --- told late ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counted", [False, True])
def test_a_dispatch_told_late_left_before_the_hold_and_leaves_nothing_packed(house: House, counted: bool) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5), at=house.world.now - timedelta(hours=2))
    shipment = house.packed(4)
    house.hold()
    if counted:
        house.count(house.ledger.line(LOT, 1, status=Status.HELD))
    sent(house, shipment, minutes=-30)
    assert (house.lying(), packed_here(house)) == ({"held": 1}, {})
    freed(house, 1)
    house.all_say(1)


def test_a_vial_opened_then_was_none_of_those_packed_then_and_held_since(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 5), at=house.world.now - timedelta(hours=2))
    house.packed(4)
    house.hold(minutes=10)
    then = parcels_then(house.db, house.world.puskesmas.id, house.world.presentations["az-10"].id, house.world.now)
    assert [(parcel.vials, parcel.packed) for parcel in then] == [(5, 4)]
