"""A box that was written off and turns up: its passport says of that time that nothing is known, and what harmed it is followed."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.db.test_passport_road import PENTA, above_8, passport, stay_at, watch
from tests.support.coldchain import at, new_channel, send
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.models import Episode
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.kit.ids import uuid7
from tracker.passport.presenting import passport_out
from tracker.passport.rules.stays import Stay
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import hold_for_episode
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import Difference, ShipmentKind
from tracker.shipments.service.commands import CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.rules.words import Account, Kind, Status

LOT = PENTA


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


def sent(ledger: Ledger, vials: int = 10) -> Shipment:
    """Supplied at minute 0 into the city's cold room, sent at 100."""
    room = ledger.world.equipment["kota-tangerang-r1"]
    ledger.post(Kind.SUPPLY, ledger.line(LOT, vials, place=room), facility=ledger.world.city, at=at(0))
    order = CreateShipment(
        id=uuid7(),
        from_facility="kota-tangerang",
        to_facility="pkm-cipondoh",
        lines=(Wanted(product="penta-5", vials=vials),),
        kind=ShipmentKind.DIRECT,
    )
    shipment = create_shipment(ledger.db, SYSTEM, order, now=at(100)).shipment
    pack_shipment(ledger.db, SYSTEM, shipment.id, (), now=at(100))
    return dispatch_shipment(ledger.db, SYSTEM, shipment.id, occurred_at=at(100), now=at(100))


def receive(ledger: Ledger, shipment: Shipment, minute: int, vials: int, *, final: bool = False) -> UUID:
    line = Received(batch=LOT, place=ledger.world.fridge.code, accepted=vials)
    if not vials:
        line = Received(batch=LOT, missing=10, reason=Difference.NOT_RECEIVED)
    receipt = ReceiveShipment(id=uuid7(), occurred_at=at(minute), lines=(line,), final=final)
    receive_shipment(ledger.db, SYSTEM, shipment.id, receipt, now=ledger.now)
    return receipt.id


def lost_stay(ledger: Ledger) -> Stay:
    (stay,) = [one for one in passport(ledger).stays if one.node.account is Account.LOST]
    return stay


def test_the_passport_of_a_box_that_turned_up_carries_its_road_and_says_what_nobody_knows(ledger: Ledger) -> None:
    watch(ledger, "kota-tangerang-r1", (20, 60))
    watch(ledger, ledger.world.fridge.code)
    shipment = sent(ledger)
    receive(ledger, shipment, 200, 6, final=True)
    receive(ledger, shipment, 800, 4)
    lost = lost_stay(ledger)
    assert (lost.from_at, lost.to_at, lost.vials) == (at(200), at(800), 4)
    assert above_8(lost.carried) == 40
    assert (lost.own.unmonitored_s, float(lost.own.row[0, 0])) == (600 * 60, 0.0)
    here = stay_at(passport(ledger), ledger.world.fridge.code)
    assert above_8(here.total) == 40
    # On the road, and as lost; the newest reading stands for ten minutes at most.
    assert 700 <= here.total.unmonitored_s / 60 <= 710
    shown = passport_out(ledger.db, SYSTEM, passport(ledger))
    assert [one.total.unmonitored_minutes for one in shown.stays if one.account is Account.LOST] == [700]


def test_what_was_lost_and_never_came_is_on_nobody_s_road(ledger: Ledger) -> None:
    watch(ledger, ledger.world.fridge.code)
    receive(ledger, sent(ledger), 200, 6, final=True)
    assert Account.LOST not in {one.node.account for one in passport(ledger).stays}


@pytest.mark.parametrize("found_late", [False, True], ids=["episode known as it turns up", "episode known later"])
def test_a_box_that_was_hot_before_it_was_lost_is_held_when_it_turns_up(ledger: Ledger, found_late: bool) -> None:
    room = "kota-tangerang-r1"
    channel_points = [(m, 12.0 if m < 900 else 5.0) for m in range(0, 1000, 10)]
    shipment = sent(ledger)
    receive(ledger, shipment, 200, 0)
    channel = new_channel(ledger.db, ledger.world, equipment=room)
    send(ledger.db, channel, channel_points, received=ledger.now)

    def evaluate() -> None:
        evaluate_waiting(ledger.db, now=ledger.now)
        for episode in ledger.db.scalars(select(Episode.id).where(Episode.rule == "HEAT")):
            hold_for_episode(ledger.db, SYSTEM, episode, now=ledger.now)

    if not found_late:
        evaluate()
    receipt = receive(ledger, shipment, 1200, 10)
    hold_entering(ledger.db, SYSTEM, receipt, now=ledger.now)
    if found_late:
        evaluate()
    assert ledger.vials(LOT) == 0
    assert ledger.vials(LOT, status=Status.HELD) == 10


def test_found_vials_say_that_nobody_knows_where_they_were(ledger: Ledger) -> None:
    watch(ledger, ledger.world.fridge.code)
    ledger.post(Kind.SUPPLY, ledger.line(LOT, 5), at=at(60))
    assert stay_at(passport(ledger), ledger.world.fridge.code).total.origin_unknown is False
    ledger.post(Kind.COUNT, ledger.line(LOT, 7), at=at(500))
    ledger.post(Kind.TRANSFER, ledger.line(LOT, 3, to_place=ledger.world.fridge2), at=at(600))
    found = passport(ledger)
    assert stay_at(found, ledger.world.fridge2.code).total.origin_unknown is True
    shown = passport_out(ledger.db, SYSTEM, found)
    assert all(one.origin_unknown for one in shown.stays)
