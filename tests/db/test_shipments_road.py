"""The road of a shipment against a real database: order, packing, dispatch, receipt, differences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.feed.models import FeedPending
from tracker.kit.errors import Conflict, Forbidden, NotFound, Refused
from tracker.kit.ids import uuid7
from tracker.shipments.errors import CancelledAlready
from tracker.shipments.models import Shipment, ShipmentBox
from tracker.shipments.presenting import shipment_detail
from tracker.shipments.queries.finding import sums_by_batch
from tracker.shipments.rules.sscc import is_sscc
from tracker.shipments.rules.words import Difference, ShipmentState
from tracker.shipments.service.commands import Box, CreateShipment, Pack, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import approve_shipment, cancel_shipment, create_shipment
from tracker.shipments.service.packing import Packed, dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import Arrived, receive_shipment
from tracker.stock.queries.availability import pool_state
from tracker.stock.queries.stock import vials_at
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine


class Road:
    """From the city's cold room to the puskesmas of the world."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world, self.ledger = db, world, Ledger(db, world)
        self.room, self.now = world.equipment["kota-tangerang-r1"], world.now

    def stock(self, batch: str, vials: int, **more: Any) -> None:
        self.ledger.post(Kind.SUPPLY, self.ledger.line(batch, vials, place=self.room, **more), facility=self.world.city)

    def create(self, product: str = "az-10", vials: int = 10, *, role: Role = Role.WAREHOUSE, **more: Any) -> Shipment:
        command = CreateShipment(
            **{
                "id": uuid7(),
                "from_facility": "kota-tangerang",
                "to_facility": "pkm-cipondoh",
                "lines": (Wanted(product=product, vials=vials),),
                **more,
            }
        )
        return create_shipment(self.db, self.world.who(role), command, now=self.now).shipment

    def pack(self, shipment: Shipment, *boxes: Box) -> Packed:
        return pack_shipment(self.db, self.world.who(Role.WAREHOUSE), shipment.id, boxes, now=self.now)

    def dispatch(self, shipment: Shipment, **more: Any) -> Shipment:
        values = {"occurred_at": self.now, "now": self.now, **more}
        return dispatch_shipment(self.db, self.world.who(Role.WAREHOUSE), shipment.id, **values)

    def sent(self, batch: str = "az-10/AZ003", vials: int = 10) -> Shipment:
        self.stock(batch, vials)
        shipment = self.create(batch.split("/", maxsplit=1)[0], vials)
        self.pack(shipment)
        return self.dispatch(shipment)

    def receive(
        self, shipment: Shipment, *lines: Received, receipt_id: UUID | None = None, final: bool = False
    ) -> Arrived:
        command = ReceiveShipment(id=receipt_id or uuid7(), occurred_at=self.now, lines=lines, final=final)
        return receive_shipment(self.db, self.world.who(Role.MANAGER), shipment.id, command, now=self.now)

    def arrived(self, batch: str = "az-10/AZ003", **more: Any) -> Received:
        return Received(**{"batch": batch, "place": "pkm-cipondoh-k1", **more})

    def on_road(self, shipment: Shipment, batch: str = "az-10/AZ003") -> dict[str, int]:
        return vials_at(self.db, shipment.id, self.world.batches[batch].id)

    def told(self, kind: str) -> list[tuple[UUID | None, dict[str, Any]]]:
        rows = self.db.execute(
            select(FeedPending.unit_id, FeedPending.data).where(FeedPending.kind == kind).order_by(FeedPending.id)
        )
        return [(row.unit_id, row.data) for row in rows]


@pytest.fixture
def road(db: Session, world: World) -> Road:
    return Road(db, world)


def test_a_direct_shipment_goes_from_place_to_road_to_place(road: Road) -> None:
    shipment = road.sent(vials=10)
    assert road.ledger.vials("az-10/AZ003", place=road.room) == 0
    assert (shipment.state, road.on_road(shipment)) == (ShipmentState.IN_TRANSIT, {"usable": 10})
    road.receive(shipment, road.arrived(accepted=10))
    assert (shipment.state, road.on_road(shipment)) == (ShipmentState.RECEIVED, {"usable": 0})
    assert road.ledger.vials("az-10/AZ003") == 10


def test_stock_on_the_road_cannot_be_promised_at_either_end(road: Road) -> None:
    road.sent(vials=10)
    presentation = road.world.presentations["az-10"].id
    for facility in (road.world.city, road.world.puskesmas):
        rows = pool_state(road.db, facility.id, presentation, road.ledger.today)
        assert [row.vials for row in rows] in ([], [0], [0, 0])


def test_an_order_waits_for_the_sender_who_may_approve_less(road: Road) -> None:
    road.stock("az-10/AZ003", 50)
    shipment = road.create(vials=20, role=Role.MANAGER)
    assert shipment.state is ShipmentState.REQUESTED
    with pytest.raises(Conflict):
        road.pack(shipment)
    with pytest.raises(Forbidden):
        approve_shipment(road.db, road.world.who(Role.MANAGER), shipment.id, now=road.now)
    approve_shipment(road.db, road.world.who(Role.WAREHOUSE), shipment.id, {0: 12}, now=road.now)
    road.pack(shipment)
    assert sum(each.sent for each in sums_by_batch(road.db, shipment.id).values()) == 12


def test_packing_picks_by_expiry_and_says_what_it_skipped(road: Road) -> None:
    for batch in ("az-10/AZ003", "az-10/AZ002", "az-10/AZ001"):
        road.stock(batch, 10)
    hold = StatusChange(
        id=uuid7(),
        facility_id=road.world.city.id,
        cause=uuid7(),
        lines=(
            StatusLine(
                batch_id=road.world.batches["az-10/AZ001"].id,
                holder_id=road.room.id,
                from_status=Status.USABLE,
                to_status=Status.HELD,
            ),
        ),
    )
    change_status(road.db, SYSTEM, hold, now=road.now)
    shipment = road.create(vials=25)
    packed = road.pack(shipment)
    lines = shipment_detail(road.db, SYSTEM, shipment.id, road.now).boxes[0].lines
    assert [(line.lot, line.vials) for line in lines] == [("AZ002", 10), ("AZ003", 10)]
    assert packed.missing == {0: 5}
    assert [(parcel.lot, why.value) for parcel, why in packed.skipped] == [("AZ001", "held")]


def test_held_stock_cannot_be_packed_by_name_either(road: Road) -> None:
    road.stock("az-10/AZ003", 10, status=Status.HELD)
    shipment = road.create(vials=5)
    with pytest.raises(Conflict) as caught:
        road.pack(shipment, Box(lines=(Pack(batch="AZ003", place="kota-tangerang-r1", vials=5),)))
    assert (caught.value.code, caught.value.params["line"]) == ("shipments.not_enough", 0)
    with pytest.raises(Conflict) as caught:
        road.pack(shipment)
    assert caught.value.code == "shipments.nothing_to_pack"


def test_what_is_put_on_hold_after_packing_does_not_leave(road: Road) -> None:
    road.stock("az-10/AZ003", 10)
    shipment = road.create(vials=10)
    road.pack(shipment)
    line = StatusLine(
        batch_id=road.world.batches["az-10/AZ003"].id,
        holder_id=road.room.id,
        from_status=Status.USABLE,
        to_status=Status.HELD,
    )
    change = StatusChange(id=uuid7(), facility_id=road.world.city.id, lines=(line,), cause=uuid7())
    change_status(road.db, SYSTEM, change, now=road.now)
    with pytest.raises(Conflict) as caught:
        road.dispatch(shipment)
    assert caught.value.code == "stock.history_negative"
    assert shipment.state is ShipmentState.PACKED


def test_two_shipments_never_count_on_the_same_vials(road: Road) -> None:
    road.stock("az-10/AZ003", 10)
    first, second = road.create(vials=8), road.create(vials=8)
    assert road.pack(first).missing == {}
    assert road.pack(second).missing == {0: 6}
    road.dispatch(first)
    road.dispatch(second)
    assert road.ledger.vials("az-10/AZ003", place=road.room) == 0


def test_every_box_has_an_sscc_of_its_own(road: Road) -> None:
    road.stock("az-10/AZ003", 10)
    shipment = road.create(vials=10)
    road.pack(shipment, Box(seal="S-1"), Box(lines=(Pack(batch="AZ003", place="kota-tangerang-r1", vials=3),)))
    boxes = road.db.scalars(select(ShipmentBox).where(ShipmentBox.shipment_id == shipment.id)).all()
    assert len({box.sscc for box in boxes}) == 2
    assert all(is_sscc(box.sscc) for box in boxes)
    other = road.create(vials=1)
    road.stock("az-10/AZ003", 1)
    with pytest.raises(Conflict) as caught:
        road.pack(other, Box(sscc=boxes[0].sscc))
    assert caught.value.code == "shipments.sscc_taken"
    with pytest.raises(Refused) as refused:
        road.pack(other, Box(sscc="123456789012345678"))
    assert refused.value.code == "shipments.bad_sscc"


def test_every_difference_is_booked_and_told_to_the_sender(road: Road) -> None:
    shipment = road.sent(vials=20)
    road.receive(
        shipment,
        road.arrived(accepted=12),
        road.arrived(rejected=3, reason=Difference.BROKEN),
        road.arrived(rejected=2, reason=Difference.WRONG_PRODUCT),
        Received(batch="az-10/AZ003", missing=3, reason=Difference.STOLEN),
        road.arrived("az-10/AZ002", surplus=4, reason=Difference.WRONG_LOT),
    )
    assert road.ledger.vials("az-10/AZ003") == 12
    assert road.ledger.vials("az-10/AZ003", status=Status.UNUSABLE) == 3
    assert road.ledger.vials("az-10/AZ003", status=Status.HELD) == 2
    assert road.ledger.vials("az-10/AZ002") == 4
    assert road.ledger.world_total(Account.LOST, "az-10/AZ003") == 3
    assert road.ledger.world_total(Account.FOUND, "az-10/AZ002") == -4
    assert shipment.state is ShipmentState.RECEIVED
    told = {unit for unit, _ in road.told("shipments.difference")}
    assert told == {road.world.city.id, road.world.puskesmas.id}
    for role in (Role.WAREHOUSE, Role.MANAGER):
        rows = {d.lot: d for d in shipment_detail(road.db, road.world.who(role), shipment.id, road.now).differences}
        assert (rows["AZ003"].sent, rows["AZ003"].accepted, rows["AZ003"].rejected, rows["AZ003"].missing) == (
            20,
            12,
            5,
            3,
        )
        assert (rows["AZ002"].sent, rows["AZ002"].surplus, rows["AZ002"].differs) == (0, 4, True)


def test_a_shipment_comes_in_parts_and_the_last_part_names_what_is_missing(road: Road) -> None:
    shipment = road.sent(vials=20)
    road.receive(shipment, road.arrived(accepted=8))
    assert (shipment.state, road.on_road(shipment)) == (ShipmentState.PARTLY_RECEIVED, {"usable": 12})
    road.receive(shipment, road.arrived(accepted=10), final=True)
    assert (shipment.state, road.on_road(shipment)) == (ShipmentState.RECEIVED, {"usable": 0})
    assert road.ledger.world_total(Account.LOST, "az-10/AZ003") == 2


def test_the_same_receipt_again_changes_nothing_and_another_under_its_id_is_a_conflict(road: Road) -> None:
    shipment, receipt_id = road.sent(vials=20), uuid7()
    assert road.receive(shipment, road.arrived(accepted=8), receipt_id=receipt_id).fresh
    assert not road.receive(shipment, road.arrived(accepted=8), receipt_id=receipt_id).fresh
    assert road.ledger.vials("az-10/AZ003") == 8
    with pytest.raises(Conflict) as caught:
        road.receive(shipment, road.arrived(accepted=9), receipt_id=receipt_id)
    assert caught.value.code == "shipments.other_content"


def test_more_than_is_on_the_road_must_be_called_surplus(road: Road) -> None:
    shipment = road.sent(vials=20)
    with pytest.raises(Refused) as caught:
        road.receive(shipment, road.arrived(accepted=5), road.arrived(accepted=16))
    assert (caught.value.code, caught.value.params["line"], caught.value.params["on_road"]) == (
        "shipments.more_than_sent",
        1,
        15,
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({}, "shipments.empty_line"),
        ({"missing": 1}, "shipments.missing_reason"),
        ({"accepted": 1, "place": None}, "shipments.missing_place"),
        ({"accepted": -1}, "stock.bad_vials"),
        ({"accepted": 1, "vvm_stage": 2}, "stock.no_vvm"),
        ({"accepted": 1, "place": "pkm-tanah-tinggi-k1"}, "stock.unknown_place"),
    ],
)
def test_a_receipts_refusal_names_its_line(road: Road, line: dict[str, Any], code: str) -> None:
    shipment = road.sent(vials=20)
    with pytest.raises(Refused) as caught:
        road.receive(shipment, road.arrived(accepted=1), road.arrived(**line))
    assert (caught.value.code, caught.value.params["line"]) == (code, 1)


def test_a_spent_monitor_at_receipt_makes_what_was_accepted_unusable(road: Road) -> None:
    shipment = road.sent("mr-10/MR001", 6)
    road.receive(shipment, road.arrived("mr-10/MR001", accepted=4, vvm_stage=2))
    road.receive(shipment, road.arrived("mr-10/MR001", accepted=2, vvm_stage=3))
    assert road.ledger.vials("mr-10/MR001") == 4
    assert road.ledger.vials("mr-10/MR001", status=Status.UNUSABLE) == 2


def test_what_was_held_on_the_road_arrives_held(road: Road) -> None:
    shipment = road.sent(vials=10)
    line = StatusLine(
        batch_id=road.world.batches["az-10/AZ003"].id,
        holder_id=shipment.id,
        from_status=Status.USABLE,
        to_status=Status.HELD,
        account=Account.TRANSIT,
    )
    change = StatusChange(id=uuid7(), facility_id=road.world.city.id, lines=(line,), cause=uuid7())
    assert change_status(road.db, SYSTEM, change, now=road.now).vials == 10
    road.receive(shipment, road.arrived(accepted=10))
    assert road.ledger.vials("az-10/AZ003") == 0
    assert road.ledger.vials("az-10/AZ003", status=Status.HELD) == 10


def test_repeats_of_every_step_change_nothing(road: Road) -> None:
    road.stock("az-10/AZ003", 10)
    shipment_id = uuid7()
    first = road.create(id=shipment_id)
    assert road.create(id=shipment_id) is first
    road.pack(first)
    boxes = [box.sscc for box in shipment_detail(road.db, SYSTEM, first.id, road.now).boxes]
    road.pack(first)
    assert [box.sscc for box in shipment_detail(road.db, SYSTEM, first.id, road.now).boxes] == boxes
    road.dispatch(first)
    road.dispatch(first, occurred_at=road.now - timedelta(minutes=1))
    assert road.on_road(first) == {"usable": 10}
    with pytest.raises(Conflict) as caught:
        road.create(id=shipment_id, vials=11)
    assert caught.value.code == "shipments.other_content"


def test_neighbours_of_one_city_help_each_other(road: Road) -> None:
    sideways = road.create(from_facility="pkm-cipondoh", to_facility="pkm-tanah-tinggi", role=Role.CITY)
    assert sideways.sideways


def test_an_end_outside_the_callers_subtree_is_not_found(road: Road) -> None:
    shipment = road.create(to_facility="pkm-tanah-tinggi")
    with pytest.raises(NotFound):
        shipment_detail(road.db, road.world.who(Role.MANAGER), shipment.id, road.now)
    with pytest.raises(NotFound):
        road.create(from_facility="kota-tangerang", to_facility="pkm-tanah-tinggi", role=Role.MANAGER)


def test_a_shipment_that_should_have_arrived_is_late(road: Road) -> None:
    road.stock("az-10/AZ003", 10)
    shipment = road.create(vials=10)
    road.pack(shipment)
    road.dispatch(shipment, expected_at=road.now + timedelta(hours=2))
    assert not shipment_detail(road.db, SYSTEM, shipment.id, road.now).late
    assert shipment_detail(road.db, SYSTEM, shipment.id, road.now + timedelta(hours=3)).late


def test_what_has_left_cannot_be_cancelled_and_what_is_cancelled_cannot_leave(road: Road) -> None:
    with pytest.raises(Conflict):
        cancel_shipment(road.db, road.world.who(Role.WAREHOUSE), road.sent().id, now=road.now)
    other = road.create()
    cancel_shipment(road.db, road.world.who(Role.MANAGER), other.id, "ordered twice", now=road.now)
    cancel_shipment(road.db, road.world.who(Role.WAREHOUSE), other.id, "ordered twice", now=road.now)
    with pytest.raises(CancelledAlready) as told:
        cancel_shipment(road.db, road.world.who(Role.WAREHOUSE), other.id, "lost", now=road.now)
    assert (told.value.params["name"], told.value.params["because"]) == (
        road.world.who(Role.MANAGER).name,
        "ordered twice",
    )
    assert [data["reason"] for _, data in road.told("shipments.cancelled")] == ["ordered twice"] * 2, "told both ends"
    with pytest.raises(Conflict):
        road.pack(other)


def test_no_line_stands_out_of_its_turn_without_a_reason(road: Road) -> None:
    road.stock("az-10/AZ003", 10)
    shipment = road.create()
    road.pack(shipment)
    for said in ("instead_of_id = batch_id", "reason = 'other'"):
        attempt = road.db.begin_nested()
        with pytest.raises(IntegrityError):
            road.db.execute(text(f"UPDATE packed_line SET {said} WHERE shipment_id = :id"), {"id": shipment.id})
        attempt.rollback()
