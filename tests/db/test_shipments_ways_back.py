"""Late boxes, trucks that turn round, slow clocks, and ids that nobody may take: the ways back of a shipment."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.db.test_shipments_road import Road
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Conflict, Forbidden, Refused
from tracker.kit.ids import uuid7
from tracker.shipments.errors import BadState, BuiltUpon
from tracker.shipments.models import Shipment, ShipmentReceipt
from tracker.shipments.presenting import shipment_detail
from tracker.shipments.queries.finding import sums_by_batch
from tracker.shipments.rules.words import Difference, OtherLot, ShipmentKind, ShipmentState
from tracker.shipments.service.commands import (
    Box,
    CreateShipment,
    Pack,
    Received,
    ReceiveShipment,
    TakeReceiptBack,
    Wanted,
)
from tracker.shipments.service.ordering import approve_shipment, cancel_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import Arrived, receive_shipment
from tracker.shipments.service.undoing import take_approval_back, take_receipt_back, unpack_shipment
from tracker.stock.errors import AlreadyReversed, PackedVials
from tracker.stock.models import StockEntry
from tracker.stock.rules.lines import Line, NamedLine, Reference
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import PostEvent, RecordEvent, ReverseEvent, StatusChange, StatusLine
from tracker.stock.service.posting import post_event
from tracker.stock.service.recording import record_event
from tracker.stock.service.reversing import reverse_event

BATCH = "az-10/AZ003"


@pytest.fixture
def road(db: Session, world: World) -> Road:
    return Road(db, world)


def outer(road: Road, account: Account) -> int:
    """Vials that went into an account of the outer world, less what came out of it."""
    found = road.db.scalar(select(func.coalesce(func.sum(StockEntry.vials), 0)).where(StockEntry.account == account))
    return int(found or 0)


def turn_round(
    road: Road, shipment: Shipment, *lines: Received, final: bool = False, who: Role = Role.WAREHOUSE
) -> Arrived:
    command = ReceiveShipment(id=uuid7(), occurred_at=road.now, lines=lines, final=final, returned=True)
    return receive_shipment(road.db, road.world.who(who), shipment.id, command, now=road.now)


def closed_with_two_missing(road: Road) -> Shipment:
    shipment = road.sent(vials=10)
    road.receive(shipment, road.arrived(accepted=8), final=True)
    assert (shipment.state, outer(road, Account.LOST)) == (ShipmentState.RECEIVED, 2)
    return shipment


def test_a_box_written_off_as_missing_can_be_received_when_it_turns_up(road: Road) -> None:
    shipment = closed_with_two_missing(road)
    road.receive(shipment, road.arrived(accepted=2))
    assert road.ledger.vials(BATCH) == 10
    assert outer(road, Account.LOST) == 0
    [sums] = sums_by_batch(road.db, shipment.id).values()
    assert (sums.accepted, sums.missing, sums.recovered, sums.on_road, sums.differs) == (10, 0, 2, 0, False)
    detail = shipment_detail(road.db, SYSTEM, shipment.id, road.now)
    told = [(line.missing, line.recovered) for receipt in detail.receipts for line in receipt.lines]
    assert sorted(told) == [(0, 0), (0, 2), (2, 0)]  # both versions stay to be read


def test_no_more_turns_up_than_was_written_off(road: Road) -> None:
    shipment = closed_with_two_missing(road)
    with pytest.raises(Refused) as refused:
        road.receive(shipment, road.arrived(accepted=3))
    assert (refused.value.code, refused.value.params["on_road"], refused.value.params["lost"]) == (
        "shipments.more_than_sent",
        0,
        2,
    )
    road.receive(shipment, road.arrived(accepted=1))
    road.receive(shipment, road.arrived(rejected=1, reason=Difference.DAMAGED))
    with pytest.raises(Conflict):
        road.receive(shipment, road.arrived(accepted=1))
    assert (outer(road, Account.LOST), road.ledger.vials(BATCH)) == (0, 9)


def test_a_late_part_takes_from_the_road_before_it_takes_from_what_was_written_off(road: Road) -> None:
    shipment = road.sent(vials=10)
    road.receive(shipment, Received(batch=BATCH, missing=3, reason=Difference.NOT_RECEIVED))
    road.receive(shipment, road.arrived(accepted=9))
    [sums] = sums_by_batch(road.db, shipment.id).values()
    assert (sums.accepted, sums.missing, sums.recovered, sums.on_road) == (9, 1, 2, 0)
    assert shipment.state is ShipmentState.RECEIVED


def test_a_late_receipt_told_twice_is_one(road: Road) -> None:
    shipment = closed_with_two_missing(road)
    late = uuid7()
    for _ in range(2):
        arrived = road.receive(shipment, road.arrived(accepted=2), receipt_id=late)
    assert (arrived.fresh, road.ledger.vials(BATCH)) == (False, 10)


def test_what_turns_up_twice_at_once_is_received_once(road: Road) -> None:
    shipment = closed_with_two_missing(road)
    with pytest.raises(Refused):
        road.receive(shipment, road.arrived(accepted=2), road.arrived(accepted=1))
    assert road.ledger.vials(BATCH) == 8


def test_a_truck_that_turns_round_brings_its_vials_back_to_the_sender(road: Road) -> None:
    shipment = road.sent(vials=10)
    turn_round(road, shipment, Received(batch=BATCH, place=road.room.code, accepted=10))
    assert (shipment.state, road.on_road(shipment)) == (ShipmentState.RETURNED, {"usable": 0})
    assert (road.ledger.vials(BATCH, place=road.room), road.ledger.vials(BATCH)) == (10, 0)
    [sums] = sums_by_batch(road.db, shipment.id).values()
    assert (sums.returned, sums.accepted, sums.on_road) == (10, 0, 0)
    assert {unit for unit, _ in road.told("shipments.returned")} == {road.world.city.id, road.world.puskesmas.id}


def test_a_truck_may_turn_round_with_what_the_receiver_did_not_take(road: Road) -> None:
    shipment = road.sent(vials=10)
    road.receive(shipment, road.arrived(accepted=6))
    turn_round(
        road, shipment, Received(batch=BATCH, place=road.room.code, accepted=3, rejected=1, reason=Difference.BROKEN)
    )
    assert shipment.state is ShipmentState.RECEIVED
    assert (road.ledger.vials(BATCH), road.ledger.vials(BATCH, place=road.room)) == (6, 3)


def test_only_the_sender_takes_a_shipment_back_and_only_the_receiver_receives_it(road: Road) -> None:
    shipment = road.sent(vials=10)
    with pytest.raises(Forbidden):
        turn_round(road, shipment, Received(batch=BATCH, place=road.room.code, accepted=10), who=Role.MANAGER)
    assert road.on_road(shipment) == {"usable": 10}


def test_a_phone_whose_clock_is_slow_receives_at_the_departure_and_the_receipt_says_so(road: Road) -> None:
    shipment = road.sent(vials=10)
    early = road.now - timedelta(minutes=3)
    command = ReceiveShipment(id=uuid7(), occurred_at=early, lines=(road.arrived(accepted=10),))
    for _ in range(2):
        receive_shipment(road.db, road.world.who(Role.MANAGER), shipment.id, command, now=road.now)
    receipt = road.db.get_one(ShipmentReceipt, command.id)
    assert (receipt.occurred_at, receipt.said_at) == (shipment.dispatched_at, early)
    assert road.ledger.vials(BATCH) == 10


def test_a_receipt_told_long_before_the_departure_names_the_departure(road: Road) -> None:
    shipment = road.sent(vials=10)
    command = ReceiveShipment(id=uuid7(), occurred_at=road.now - timedelta(hours=2), lines=(road.arrived(accepted=10),))
    with pytest.raises(Refused) as refused:
        receive_shipment(road.db, road.world.who(Role.MANAGER), shipment.id, command, now=road.now)
    assert refused.value.code == "shipments.before_sent"
    assert shipment.dispatched_at is not None
    assert refused.value.params["sent_at"] == shipment.dispatched_at.astimezone(ZoneInfo("Asia/Jakarta")).isoformat()


def test_shipments_whose_ids_end_alike_have_codes_of_their_own(road: Road) -> None:
    first = uuid7()
    twin = UUID(int=first.int ^ (1 << 60))
    codes = {road.create("az-10", 1, id=each).code for each in (first, twin)}
    assert len(codes) == 2
    assert road.create("az-10", 1, id=twin).code in codes  # a repeat is still a repeat


def test_no_id_that_a_receiver_can_reckon_blocks_a_dispatch(road: Road) -> None:
    road.stock(BATCH, 10)
    shipment = road.create("az-10", 10)
    road.pack(shipment)
    for name in ("dispatch", "rejected"):
        taken = PostEvent(
            id=uuid5(shipment.id, name),
            kind=Kind.SUPPLY,
            facility_id=road.world.puskesmas.id,
            occurred_at=road.now,
            lines=(
                Line(
                    batch_id=road.world.batches[BATCH].id, vials=1, place_id=road.world.equipment["pkm-cipondoh-k1"].id
                ),
            ),
        )
        post_event(road.db, road.world.who(Role.MANAGER), taken, now=road.now)
    road.dispatch(shipment)
    assert shipment.state is ShipmentState.IN_TRANSIT


def test_no_id_that_a_sender_can_reckon_blocks_a_receipt(road: Road) -> None:
    shipment = road.sent(vials=10)
    receipt = uuid7()
    blocked = PostEvent(
        id=uuid5(receipt, "rejected"),
        kind=Kind.SUPPLY,
        facility_id=road.world.city.id,
        occurred_at=road.now,
        lines=(Line(batch_id=road.world.batches[BATCH].id, vials=1, place_id=road.room.id),),
    )
    post_event(road.db, road.world.who(Role.WAREHOUSE), blocked, now=road.now)
    road.receive(shipment, road.arrived(accepted=9, rejected=1, reason=Difference.VVM), receipt_id=receipt)
    assert shipment.state is ShipmentState.RECEIVED


def to_the_city(road: Road, kind: ShipmentKind | None = ShipmentKind.RETURN) -> Shipment:
    command = CreateShipment(
        id=uuid7(),
        from_facility="pkm-cipondoh",
        to_facility="kota-tangerang",
        lines=(Wanted(product="az-10", vials=10),),
        kind=kind,
    )
    return create_shipment(road.db, road.world.who(Role.MANAGER), command, now=road.now).shipment


def send_back(road: Road, shipment: Shipment, status: Status, vials: int) -> None:
    line = Pack(vials=vials, place="pkm-cipondoh-k1", batch=BATCH, status=status)
    manager = road.world.who(Role.MANAGER)
    pack_shipment(road.db, manager, shipment.id, (Box(lines=(line,)),), now=road.now)
    dispatch_shipment(road.db, manager, shipment.id, occurred_at=road.now, now=road.now)


def stopped_here(road: Road, status: Status, vials: int) -> None:
    road.ledger.post(Kind.SUPPLY, road.ledger.line(BATCH, vials), at=road.now - timedelta(hours=1))
    road.ledger.post(Kind.STATUS, road.ledger.line(BATCH, vials, to_status=status))


@pytest.mark.parametrize("status", [Status.RECALLED, Status.UNUSABLE, Status.HELD])
def test_vials_that_may_not_be_used_travel_up_as_a_return_and_stay_what_they_are(road: Road, status: Status) -> None:
    stopped_here(road, status, 6)
    shipment = to_the_city(road)
    send_back(road, shipment, status, 4)
    assert road.on_road(shipment) == {status.value: 4}
    command = ReceiveShipment(
        id=uuid7(), occurred_at=road.now, lines=(Received(batch=BATCH, place=road.room.code, accepted=4),)
    )
    receive_shipment(road.db, road.world.who(Role.WAREHOUSE), shipment.id, command, now=road.now)
    assert road.ledger.vials(BATCH, place=road.room, status=status) == 4
    assert road.ledger.vials(BATCH, status=status) == 2


def test_what_was_rejected_and_came_back_is_freed_where_it_came(road: Road) -> None:
    stopped_here(road, Status.HELD, 6)
    shipment = to_the_city(road)
    send_back(road, shipment, Status.HELD, 4)
    here = (Received(batch=BATCH, place=road.room.code, accepted=4),)
    command = ReceiveShipment(id=uuid7(), occurred_at=road.now, lines=here)
    receive_shipment(road.db, road.world.who(Role.WAREHOUSE), shipment.id, command, now=road.now)
    line = NamedLine(
        batch_id=Reference(BATCH),
        vials=4,
        place_id=Reference(road.room.code),
        status=Status.HELD,
        to_status=Status.USABLE,
        reason="only the carton was torn",
    )
    free = RecordEvent(id=uuid7(), kind=Kind.STATUS, facility=road.world.city.code, occurred_at=road.now, lines=(line,))
    record_event(road.db, road.world.who(Role.CITY), free, now=road.now)
    assert road.ledger.vials(BATCH, place=road.room) == 4


def test_vials_that_may_not_be_used_travel_no_other_way(road: Road) -> None:
    stopped_here(road, Status.RECALLED, 6)
    with pytest.raises(Refused) as refused:
        send_back(road, to_the_city(road, kind=None), Status.RECALLED, 4)
    assert refused.value.code == "shipments.only_returned"
    with pytest.raises(Refused) as refused:
        road.create("az-10", 10, kind=ShipmentKind.RETURN)  # from the city down
    assert refused.value.code == "shipments.only_returned"


def test_another_reason_is_said_in_words_of_what_goes_back_too(road: Road) -> None:
    stopped_here(road, Status.UNUSABLE, 6)
    shipment = to_the_city(road)
    line = Pack(vials=4, place="pkm-cipondoh-k1", batch=BATCH, status=Status.UNUSABLE, reason=OtherLot.OTHER)
    with pytest.raises(Refused) as refused:
        pack_shipment(road.db, road.world.who(Role.MANAGER), shipment.id, (Box(lines=(line,)),), now=road.now)
    assert (refused.value.code, refused.value.params["line"]) == ("shipments.reason_unsaid", 0)
    assert shipment.state is ShipmentState.APPROVED


def test_what_a_hold_keeps_waits_for_its_decision_and_is_not_sent_back(road: Road) -> None:
    road.ledger.post(Kind.SUPPLY, road.ledger.line(BATCH, 6), at=road.now - timedelta(hours=1))
    line = StatusLine(
        batch_id=road.world.batches[BATCH].id,
        holder_id=road.world.fridge.id,
        from_status=Status.USABLE,
        to_status=Status.HELD,
    )
    hold = StatusChange(id=uuid7(), facility_id=road.world.puskesmas.id, cause=uuid7(), lines=(line,))
    change_status(road.db, SYSTEM, hold, now=road.now)
    with pytest.raises(Conflict) as refused:
        send_back(road, to_the_city(road), Status.HELD, 1)
    assert refused.value.code == "shipments.not_enough"


def test_packed_twice_for_two_returns_the_same_vials_are_refused(road: Road) -> None:
    stopped_here(road, Status.RECALLED, 6)
    first, second = to_the_city(road), to_the_city(road)
    line = Pack(vials=4, place="pkm-cipondoh-k1", batch=BATCH, status=Status.RECALLED)
    manager = road.world.who(Role.MANAGER)
    pack_shipment(road.db, manager, first.id, (Box(lines=(line,)),), now=road.now)
    with pytest.raises(Conflict):
        pack_shipment(road.db, manager, second.id, (Box(lines=(line,)),), now=road.now)
    cancel_shipment(road.db, manager, first.id, now=road.now)
    pack_shipment(road.db, manager, second.id, (Box(lines=(line,)),), now=road.now)


def take_back(road: Road, shipment: Shipment, number: UUID | None = None, *, receipt: int = -1) -> Arrived:
    rows = select(ShipmentReceipt.id).where(ShipmentReceipt.shipment_id == shipment.id)
    ids = road.db.scalars(rows.order_by(ShipmentReceipt.recorded_at, ShipmentReceipt.id)).all()
    command = TakeReceiptBack(id=number or uuid7(), receipt=ids[receipt], reason="salah kiriman")
    return take_receipt_back(road.db, road.world.who(Role.MANAGER), shipment.id, command, now=road.now)


def test_a_receipt_that_did_not_happen_puts_its_vials_on_the_road_again(road: Road) -> None:
    shipment = road.sent(vials=10)
    road.receive(shipment, road.arrived(accepted=5, rejected=3, reason=Difference.DAMAGED), final=True)
    assert (road.ledger.vials(BATCH), outer(road, Account.LOST)) == (5, 2)
    number = uuid7()
    assert take_back(road, shipment, number).fresh
    assert not take_back(road, shipment, number).fresh
    with pytest.raises(AlreadyReversed):
        take_back(road, shipment)
    assert (shipment.state, shipment.received_at) == (ShipmentState.IN_TRANSIT, None)
    assert (road.ledger.vials(BATCH), outer(road, Account.LOST)) == (0, 0)
    assert road.ledger.vials(BATCH, status=Status.HELD) == 0
    [sums] = sums_by_batch(road.db, shipment.id).values()
    assert (sums.on_road, sums.differs) == (10, False)
    [told] = shipment_detail(road.db, SYSTEM, shipment.id, road.now).receipts
    assert told.taken_back
    road.receive(shipment, road.arrived(accepted=10), final=True)
    assert (shipment.state, road.ledger.vials(BATCH)) == (ShipmentState.RECEIVED, 10)
    # Told late, the same again is still the first.
    assert not take_back(road, shipment, number, receipt=0).fresh


def test_only_the_last_receipt_is_taken_back(road: Road) -> None:
    shipment = road.sent(vials=10)
    for vials in (4, 6):
        road.receive(shipment, road.arrived(accepted=vials))
    with pytest.raises(BuiltUpon):
        take_back(road, shipment, receipt=0)
    take_back(road, shipment)
    assert (shipment.state, road.ledger.vials(BATCH)) == (ShipmentState.PARTLY_RECEIVED, 4)
    take_back(road, shipment, receipt=0)
    assert (shipment.state, road.ledger.vials(BATCH)) == (ShipmentState.IN_TRANSIT, 0)


def test_a_receipt_stands_once_somebody_worked_with_its_vials(road: Road) -> None:
    shipment = road.sent(vials=10)
    road.receive(shipment, road.arrived(accepted=10), final=True)
    used = uuid7()
    road.ledger.post(Kind.WASTE, road.ledger.line(BATCH, 1, reason="broken"), event_id=used)
    with pytest.raises(BuiltUpon):
        take_back(road, shipment)
    assert road.ledger.vials(BATCH) == 9
    reverse_event(road.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=used, reason="salah"), now=road.now)
    assert take_back(road, shipment).fresh


def test_a_receipt_stands_while_its_vials_are_packed_for_another_shipment(road: Road) -> None:
    shipment = road.sent(vials=10)
    road.receive(shipment, road.arrived(accepted=10), final=True)
    back = to_the_city(road)
    line = Pack(vials=4, place="pkm-cipondoh-k1", batch=BATCH, status=Status.USABLE)
    manager = road.world.who(Role.MANAGER)
    pack_shipment(road.db, manager, back.id, (Box(lines=(line,)),), now=road.now)
    with pytest.raises(PackedVials) as refused:
        take_back(road, shipment)
    assert refused.value.params["vials"] == 6
    unpack_shipment(road.db, manager, back.id, "salah kotak", now=road.now)
    assert take_back(road, shipment).fresh
    assert road.ledger.vials(BATCH) == 0


def test_who_may_not_receive_there_takes_nothing_back(road: Road) -> None:
    shipment = road.sent(vials=10)
    road.receive(shipment, road.arrived(accepted=10), final=True)
    receipt = road.db.scalar(select(ShipmentReceipt.id).where(ShipmentReceipt.shipment_id == shipment.id))
    assert receipt is not None
    command = TakeReceiptBack(id=uuid7(), receipt=receipt, reason="salah")
    with pytest.raises(Forbidden):
        take_receipt_back(road.db, road.world.who(Role.VACCINATOR), shipment.id, command, now=road.now)


def test_boxes_are_emptied_again_before_they_leave(road: Road) -> None:
    road.stock(BATCH, 10)
    shipment = road.create(vials=10)
    road.pack(shipment)
    for _ in range(2):
        unpack_shipment(road.db, SYSTEM, shipment.id, "salah kotak", now=road.now)
        assert shipment.state is ShipmentState.APPROVED
    assert shipment_detail(road.db, SYSTEM, shipment.id, road.now).boxes == []
    pack_shipment(road.db, SYSTEM, shipment.id, (), now=road.now)
    dispatch_shipment(road.db, SYSTEM, shipment.id, occurred_at=road.now, now=road.now)
    with pytest.raises(BadState):
        unpack_shipment(road.db, SYSTEM, shipment.id, "terlambat", now=road.now)


def test_an_approval_that_was_a_slip_is_taken_back_until_something_is_packed(road: Road) -> None:
    clerk = road.world.who(Role.WAREHOUSE)
    order = road.create("az-10", 10, role=Role.MANAGER)

    def back(vials: int, who: Role = Role.WAREHOUSE) -> None:
        take_approval_back(road.db, road.world.who(who), order.id, "salah ketuk", vials={0: vials}, now=road.now)

    approve_shipment(road.db, clerk, order.id, {0: 6}, now=road.now)
    with pytest.raises(Forbidden):
        back(6, Role.MANAGER)
    back(10)
    assert order.state is ShipmentState.APPROVED, "other numbers are approved by now"
    back(6)
    back(6)
    assert (order.state, order.approved_by) == (ShipmentState.REQUESTED, None)
    assert [data["reason"] for _, data in road.told("shipments.approval_taken_back")] == ["salah ketuk"] * 2, (
        "both ends"
    )
    road.stock(BATCH, 10)
    approve_shipment(road.db, clerk, order.id, None, now=road.now)
    road.pack(order)
    with pytest.raises(BadState):
        back(10)
    own = road.create("az-10", 5)
    with pytest.raises(BadState):
        take_approval_back(road.db, clerk, own.id, "salah", vials={0: 5}, now=road.now)
