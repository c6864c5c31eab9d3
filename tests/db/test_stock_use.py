"""One answer to "may this vial be used here": promises, picking, opening, packing and the desk give the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.quota.errors import NoVial
from tracker.quota.rules.words import BookingState
from tracker.quota.service.displacing import displace
from tracker.shipments.errors import NothingToPack
from tracker.shipments.models import Shipment
from tracker.shipments.service.commands import CreateShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import pack_shipment
from tracker.stock.errors import CountNeedsStatus, OutOfService
from tracker.stock.models import StockBalance
from tracker.stock.queries.availability import bears
from tracker.stock.queries.stock import parcels_at
from tracker.stock.queries.use import bearing_vials
from tracker.stock.rules.fefo import pick
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import ReverseEvent, StatusChange, StatusLine
from tracker.stock.service.places import set_in_service
from tracker.stock.service.reversing import reverse_event

LOT = "az-10/AZ003"
MR = "mr-10/MR001"


class House:
    """The puskesmas of the world: its shelves, its desk, its shipments."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world = db, world
        self.ledger, self.desk = Ledger(db, world), Desk(db, world, world.now)

    def service(self, on: bool, *, minutes: int = 0, place: Equipment | None = None) -> None:
        at = self.world.now + timedelta(minutes=minutes)
        set_in_service(self.db, SYSTEM, (place or self.world.fridge).id, on, now=at)

    def bears(self, product: str = "az-10", facility: Facility | None = None) -> int:
        presentation = self.world.presentations[product].id
        today = self.ledger.today
        return bears(self.db, (facility or self.world.puskesmas).id, presentation, today, today)

    def picked(self, product: str = "az-10") -> int:
        parcels = parcels_at(self.db, self.world.puskesmas.id, self.world.presentations[product].id)
        return sum(line.vials for line in pick(parcels, 10_000, self.ledger.today).lines)

    def in_sql(self, product: str = "az-10") -> int:
        batches = [batch.id for ref, batch in self.world.batches.items() if ref.startswith(product)]
        return int(
            self.db.scalar(
                select(func.coalesce(func.sum(bearing_vials()), 0))
                .join(Equipment, Equipment.id == StockBalance.place_id)
                .where(StockBalance.facility_id == self.world.puskesmas.id, StockBalance.batch_id.in_(batches))
            )
            or 0
        )

    def all_say(self, vials: int, product: str = "az-10") -> None:
        assert (self.bears(product), self.picked(product), self.in_sql(product)) == (vials, vials, vials)
        check_books(self.db)

    def packed(self, vials: int, *, product: str = "az-10") -> Shipment:
        order = CreateShipment(
            id=uuid7(),
            from_facility="pkm-cipondoh",
            to_facility="pkm-tanah-tinggi",
            lines=(Wanted(product=product, vials=vials),),
        )
        shipment = create_shipment(self.db, SYSTEM, order, now=self.world.now).shipment
        pack_shipment(self.db, SYSTEM, shipment.id, (), now=self.world.now)
        return shipment

    def hold(self, status: Status = Status.HELD, vials: int | None = None, *, minutes: int = 0) -> None:
        change = StatusChange(
            id=uuid7(),
            facility_id=self.world.puskesmas.id,
            cause=uuid7(),
            lines=(
                StatusLine(
                    batch_id=self.world.batches[LOT].id,
                    holder_id=self.world.fridge.id,
                    from_status=Status.USABLE,
                    to_status=status,
                    vials=vials,
                ),
            ),
        )
        change_status(self.db, SYSTEM, change, now=self.world.now + timedelta(minutes=minutes))

    def count(self, *lines: Line, hours_ago: float = 0) -> None:
        self.ledger.post(Kind.COUNT, *lines, at=self.world.now - timedelta(hours=hours_ago))

    def lying(self, batch: str = LOT) -> dict[str, int]:
        found = {status.value: self.ledger.vials(batch, status=status) for status in Status}
        return {status: vials for status, vials in found.items() if vials}


@pytest.fixture
def house(db: Session, world: World) -> House:
    return House(db, world)


# --- out of service -------------------------------------------------------------------------------------------------


def test_a_fridge_out_of_service_bears_nothing_at_once_and_again_when_it_is_back(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 3))
    session = house.desk.session(ahead=0)
    people = house.desk.booked(session, 11)
    house.service(False)
    assert (house.bears(), house.picked(), house.in_sql()) == (0, 0, 0)
    assert house.desk.short() == 2, "promises are short in the same transaction"
    check_books(house.db)
    assert len(house.ledger.told("stock.short")) == 1
    house.service(False)
    assert len(house.ledger.told("stock.short")) == 1, "the same again changes nothing"
    house.service(True)
    assert (house.bears(), house.picked(), house.in_sql(), house.desk.short()) == (1, 3, 3, 0)
    assert set(house.desk.states(people)) == {BookingState.CONFIRMED}
    check_books(house.db)


def test_displacement_follows_a_fridge_that_goes_out_of_service(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 1))
    people = house.desk.booked(house.desk.session(ahead=0), 2)
    house.service(False)
    displace(house.db, house.world.puskesmas.id, house.world.presentations["az-10"].id, now=house.world.now)
    assert set(house.desk.states(people)) == {BookingState.DISPLACED}
    assert house.desk.short() == 0


def test_nothing_in_a_fridge_out_of_service_is_opened_packed_or_given(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 3))
    booking = house.desk.move(house.desk.confirmed(house.desk.session(ahead=0)), BookingState.ARRIVED)
    house.service(False)
    with pytest.raises(OutOfService):
        house.ledger.post(Kind.OPENING, house.ledger.line(LOT))
    with pytest.raises(NothingToPack):
        house.packed(1)
    with pytest.raises(NoVial):
        house.desk.vaccinate(booking)
    assert house.ledger.vials(LOT) == 3


def test_a_vial_opened_before_the_fridge_went_out_of_service_is_a_fact(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 3), at=house.world.now - timedelta(hours=9))
    house.service(False)
    house.ledger.post(Kind.OPENING, house.ledger.line(LOT), at=house.world.now - timedelta(hours=1))
    assert (house.ledger.vials(LOT), house.ledger.open_vials(LOT)) == (2, 1)
    house.all_say(0)


def test_vials_moved_out_of_a_broken_fridge_bear_again_and_what_comes_into_it_does_not(house: House) -> None:
    world, ledger = house.world, house.ledger
    ledger.post(Kind.SUPPLY, ledger.line(LOT, 3))
    house.service(False)
    ledger.post(Kind.TRANSFER, ledger.line(LOT, 2, to_place=world.fridge2))
    house.all_say(2)
    ledger.post(Kind.TRANSFER, ledger.line(LOT, 1, place=world.fridge2, to_place=world.fridge))
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 7))
    house.all_say(1)
    house.service(True)
    house.all_say(10)


def test_a_pool_first_stocked_in_a_fridge_out_of_service_bears_when_it_is_back(house: House) -> None:
    house.service(False)
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 4))
    house.all_say(0)
    house.service(True)
    house.all_say(4)


# --- monitors -------------------------------------------------------------------------------------------------------


def test_what_arrives_spent_taints_nothing_that_lay_there(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(MR, 4))
    house.ledger.post(Kind.SUPPLY, house.ledger.line(MR, 1, vvm_stage=3))
    assert house.lying(MR) == {"usable": 4, "unusable": 1}
    usable, spent = house.ledger.balance(MR), house.ledger.balance(MR, status=Status.UNUSABLE)
    assert usable is not None
    assert spent is not None
    assert (usable.vvm_stage, spent.vvm_stage) == (None, 3)
    house.all_say(4, "mr-10")


@pytest.mark.parametrize("order", [(None, 3), (3, None), (2, 4), (4, 2)])
def test_a_mixed_receipt_is_split_by_what_was_read(house: House, order: tuple[int | None, int | None]) -> None:
    lines = [house.ledger.line(MR, 3 if stage in (None, 2) else 1, vvm_stage=stage) for stage in order]
    house.ledger.post(Kind.SUPPLY, *lines)
    usable = house.ledger.balance(MR)
    assert usable is not None
    assert usable.vvm_stage == (2 if 2 in order else None)
    assert house.lying(MR) == {"usable": 3, "unusable": 1}
    house.all_say(3, "mr-10")


def test_a_part_moved_and_read_as_spent_leaves_the_rest_and_the_new_shelf_as_they_were(house: House) -> None:
    world, ledger = house.world, house.ledger
    ledger.post(Kind.SUPPLY, ledger.line(MR, 5), ledger.line(MR, 2, place=world.fridge2))
    ledger.post(Kind.TRANSFER, ledger.line(MR, 1, to_place=world.fridge2, vvm_stage=3))
    assert house.lying(MR) == {"usable": 4}
    assert ledger.vials(MR, place=world.fridge2) == 2
    assert ledger.vials(MR, place=world.fridge2, status=Status.UNUSABLE) == 1
    house.all_say(6, "mr-10")


def test_an_arrival_wrongly_read_as_spent_is_taken_back_without_a_trace(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(MR, 4))
    posted = house.ledger.post(Kind.SUPPLY, house.ledger.line(MR, 1, vvm_stage=4))
    reverse_event(house.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=posted.event_id), now=house.world.now)
    assert house.lying(MR) == {"usable": 4}
    house.all_say(4, "mr-10")


def test_held_vials_are_not_tainted_by_a_spent_one_that_joins_them(house: House) -> None:
    ledger = house.ledger
    ledger.post(Kind.SUPPLY, ledger.line(MR, 4))
    ledger.post(Kind.STATUS, ledger.line(MR, 4, to_status=Status.HELD))
    ledger.post(Kind.SUPPLY, ledger.line(MR, 1, status=Status.HELD, vvm_stage=3))
    assert house.lying(MR) == {"held": 4, "unusable": 1}
    ledger.post(Kind.STATUS, ledger.line(MR, 4, status=Status.HELD, to_status=Status.USABLE))
    house.all_say(4, "mr-10")


def test_a_count_that_reads_a_spent_monitor_says_it_of_all_it_counted(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(MR, 4))
    house.count(house.ledger.line(MR, 3, vvm_stage=3))
    assert house.lying(MR) == {"unusable": 3}
    house.all_say(0, "mr-10")


# --- counts ---------------------------------------------------------------------------------------------------------


def test_a_count_without_status_where_all_is_held_is_of_the_held(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 10))
    house.hold()
    house.count(house.ledger.line(LOT, 10))
    assert house.lying() == {"held": 10}
    house.count(house.ledger.line(LOT, 8))
    assert house.lying() == {"held": 8}
    house.hold()
    assert house.lying() == {"held": 8}
    house.all_say(0)


def test_a_count_without_status_where_several_lie_asks_for_the_status(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 10))
    house.hold(vials=4)
    with pytest.raises(CountNeedsStatus) as refused:
        house.count(house.ledger.line(LOT, 10))
    assert refused.value.params["statuses"] == ["usable", "held"]
    assert house.lying() == {"usable": 6, "held": 4}
    house.count(house.ledger.line(LOT, 5, status_said=True), house.ledger.line(LOT, 4, status=Status.HELD))
    assert house.lying() == {"usable": 5, "held": 4}
    house.count(house.ledger.line(LOT, 3), house.ledger.line(LOT, 4, status=Status.HELD))
    assert house.lying() == {"usable": 3, "held": 4}


def test_more_of_one_status_than_the_books_have_is_not_counted_beside_vials_that_nobody_counted(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 10))
    house.hold()
    with pytest.raises(CountNeedsStatus) as refused:
        house.count(house.ledger.line(LOT, 10, status_said=True))
    assert refused.value.params["statuses"] == ["held"]
    assert house.lying() == {"held": 10}
    house.count(house.ledger.line(LOT, 3, status_said=True), house.ledger.line(LOT, 8, status=Status.HELD))
    assert house.lying() == {"usable": 3, "held": 8}
    house.count(house.ledger.line(LOT, 2, status_said=True))
    assert house.lying() == {"usable": 2, "held": 8}
    with pytest.raises(CountNeedsStatus):
        house.count(house.ledger.line(LOT, 9, status=Status.HELD))
    check_books(house.db)


def test_a_count_typed_after_a_hold_is_of_the_status_of_its_own_time(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 10), at=house.world.now - timedelta(hours=9))
    house.hold()
    house.count(house.ledger.line(LOT, 10), hours_ago=2)
    assert house.lying() == {"held": 10}
    check_books(house.db)


def test_an_empty_shelf_counted_without_status_is_empty(house: House) -> None:
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 10))
    house.hold()
    house.count(house.ledger.line(LOT, 0))
    assert house.lying() == {}
    house.count(house.ledger.line(LOT, 2))
    assert house.lying() == {"usable": 2}
    house.all_say(2)


def test_the_same_count_again_is_the_first_whatever_lies_there_now(house: House) -> None:
    event = uuid7()
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 10))
    house.ledger.post(Kind.COUNT, house.ledger.line(LOT, 9), event_id=event)
    house.hold(vials=3)
    assert not house.ledger.post(Kind.COUNT, house.ledger.line(LOT, 9), event_id=event).fresh
    assert house.lying() == {"usable": 6, "held": 3}


def test_who_may_not_write_stock_there_takes_no_fridge_out_of_service(house: House) -> None:
    with pytest.raises(Forbidden):
        set_in_service(house.db, house.world.who(Role.AUDITOR), house.world.fridge.id, False, now=house.world.now)


def test_of_a_count_and_a_supply_at_one_instant_the_one_recorded_later_came_later(house: House) -> None:
    at = house.world.now - timedelta(hours=2)
    house.ledger.post(Kind.COUNT, house.ledger.line(LOT, 4), at=at)
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 3), at=at)
    assert house.lying() == {"usable": 7}
    house.ledger.post(Kind.COUNT, house.ledger.line(LOT, 4), at=at)
    assert house.lying() == {"usable": 4}
    house.all_say(4)
