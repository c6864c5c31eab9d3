"""Recalls within their reach, nested, counted, and in force for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.models import LoginAccount
from tracker.access.principal import SYSTEM, Grant, Principal
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.shipments.models import Shipment
from tracker.shipments.service.commands import CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.models import OpenVial
from tracker.stock.queries.availability import pool_state
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.commands import ReverseEvent
from tracker.stock.service.reversing import reverse_event
from tracker.trace.errors import AlreadyRecalled, RecallNotFound, RecallUnfinished
from tracker.trace.models import Recall
from tracker.trace.progress import progress_of
from tracker.trace.recalls import StartRecall, close_recall, recall_by_id, start_recall, sweep_recalls, tell_found
from tracker.trace.withdrawing import withdraw_recall

BATCH = "az-10/AZ003"


class Scene:
    """The lot at the maker's, the city and a puskesmas."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world = db, world
        self.ledger = Ledger(db, world)
        self.now = world.now

    def supply(self, code: str, vials: int, ago: float = 48, *, batch: str = BATCH) -> UUID:
        equipment = self.world.equipment[code]
        facility = next(each for each in self.world.facilities.values() if each.id == equipment.facility_id)
        line = self.ledger.line(batch, vials, place=equipment)
        return self.ledger.post(Kind.SUPPLY, line, facility=facility, at=self.hours(ago)).event_id

    def hours(self, ago: float) -> datetime:
        return self.now - timedelta(hours=ago)

    def recall(self, by: Principal, ago: float = 10) -> Recall:
        command = StartRecall(id=uuid7(), batch=BATCH, reason="potensi turun")
        return start_recall(self.db, by, command, now=self.hours(ago))[0]

    def vials(self, code: str, status: Status) -> int:
        return self.ledger.vials(BATCH, place=self.world.equipment[code], status=status)

    def recalled(self, code: str) -> int:
        assert self.vials(code, Status.USABLE) == 0
        return self.vials(code, Status.RECALLED)

    def destroy(self, code: str, vials: int) -> UUID:
        equipment = self.world.equipment[code]
        facility = next(each for each in self.world.facilities.values() if each.id == equipment.facility_id)
        line = self.ledger.line(BATCH, vials, place=equipment, status=Status.RECALLED)
        return self.ledger.post(Kind.DESTRUCTION, line, facility=facility, at=self.hours(1)).event_id

    def send(self, vials: int) -> Shipment:
        staff = self.world.who(Role.WAREHOUSE)
        order = CreateShipment(
            id=uuid7(),
            from_facility="kota-tangerang",
            to_facility="pkm-cipondoh",
            lines=(Wanted(product="az-10", vials=vials),),
        )
        shipment = create_shipment(self.db, staff, order, now=self.hours(30)).shipment
        pack_shipment(self.db, staff, shipment.id, (), now=self.hours(30))
        return dispatch_shipment(self.db, staff, shipment.id, occurred_at=self.hours(30), now=self.hours(30))

    def receive(self, shipment: Shipment, vials: int, ago: float) -> None:
        receipt = ReceiveShipment(
            id=uuid7(),
            occurred_at=self.hours(ago),
            lines=(Received(batch=BATCH, place="pkm-cipondoh-k1", accepted=vials),),
        )
        receive_shipment(self.db, self.world.who(Role.MANAGER), shipment.id, receipt, now=self.now)


@pytest.fixture
def scene(db: Session, world: World) -> Scene:
    return Scene(db, world)


@pytest.fixture
def closed(scene: Scene) -> Scene:
    """A national recall of 12 vials, all destroyed, closed."""
    scene.supply("pkm-cipondoh-k1", 12)
    recall = scene.recall(scene.world.who(Role.NATIONAL))
    scene.destroy("pkm-cipondoh-k1", 12)
    close_recall(scene.db, scene.world.who(Role.NATIONAL), recall.id, reason="semua dimusnahkan", now=scene.now)
    return scene


@pytest.mark.parametrize("ago", [48, 11, 9, 0], ids=["long before", "just before", "after", "now"])
def test_a_lot_stays_recalled_after_its_recall_was_closed(closed: Scene, ago: float) -> None:
    event = closed.supply("pkm-neglasari-k1", 5, ago)
    assert closed.recalled("pkm-neglasari-k1") == 5
    rows = pool_state(
        closed.db,
        closed.world.facilities["pkm-neglasari"].id,
        closed.world.presentations["az-10"].id,
        closed.now.date(),
    )
    assert all(row.vials == 0 for row in rows)
    tell_found(closed.db, event, now=closed.now)
    assert closed.ledger.told("trace.recalled")[-1]["vials"] == 5
    check_books(closed.db)


def test_whatever_brings_vials_of_a_recalled_lot_brings_recalled_ones(closed: Scene) -> None:
    ledger, world = closed.ledger, closed.world
    ledger.post(Kind.COUNT, ledger.line(BATCH, 3, place=world.fridge2), at=closed.hours(2))
    assert closed.recalled("pkm-cipondoh-k2") == 3
    destroyed = closed.destroy("pkm-cipondoh-k2", 3)
    reverse_event(closed.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=destroyed), now=closed.now)
    assert closed.recalled("pkm-cipondoh-k2") == 3
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 4), at=closed.hours(5))
    assert ledger.vials("az-10/AZ002") == 4, "another lot is another matter"
    check_books(closed.db)


def test_a_receipt_of_before_the_recall_told_after_it_brings_recalled_vials(scene: Scene) -> None:
    scene.supply("kota-tangerang-r1", 10)
    shipment = scene.send(10)
    scene.recall(scene.world.who(Role.NATIONAL))
    scene.receive(shipment, 10, ago=20)
    assert scene.recalled("pkm-cipondoh-k1") == 10
    check_books(scene.db)


@pytest.mark.parametrize("kind", [Kind.TRANSFER, Kind.OPENING, Kind.WASTE])
def test_what_happened_before_a_recall_is_recorded_after_it(scene: Scene, kind: Kind) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.recall(scene.world.who(Role.NATIONAL))
    reason = "broken" if kind is Kind.WASTE else None
    to_place = scene.world.fridge2 if kind is Kind.TRANSFER else None
    scene.ledger.post(kind, scene.ledger.line(BATCH, 2, to_place=to_place, reason=reason), at=scene.hours(20))
    assert scene.recalled("pkm-cipondoh-k1") == 8
    if kind is Kind.TRANSFER:
        assert scene.recalled("pkm-cipondoh-k2") == 2
    if kind is Kind.OPENING:
        assert {vial.status for vial in scene.db.query(OpenVial)} == {Status.RECALLED}
    assert sweep_recalls(scene.db, scene.world.batches[BATCH].id, now=scene.now) == 0
    check_books(scene.db)


def test_a_wider_recall_takes_a_narrower_one_over(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("biofarma-r1", 20)
    province, nation = scene.world.who(Role.PROVINCE), scene.world.who(Role.NATIONAL)
    first = scene.recall(province, ago=10)
    assert scene.vials("biofarma-r1", Status.USABLE) == 20, "a province's recall ends at its border"
    second = scene.recall(nation, ago=9)
    assert scene.recalled("biofarma-r1") == 20
    assert (first.closed_at, first.taken_over_by) == (scene.hours(9), second.id)
    assert sum(part.found for part in progress_of(scene.db, nation, second)) == 30
    for late in (province, nation, scene.world.who(Role.CITY)):
        with pytest.raises(AlreadyRecalled):
            scene.recall(late, ago=1)


def test_a_recall_of_a_city_ends_at_its_border(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("biofarma-r1", 20)
    puskesmas_city = scene.recall(scene.world.who(Role.CITY))
    assert scene.recalled("pkm-cipondoh-k1") == 10
    assert scene.vials("biofarma-r1", Status.USABLE) == 20
    assert puskesmas_city.closed_at is None
    scene.supply("biofarma-r1", 1, ago=1)
    assert sweep_recalls(scene.db, scene.world.batches[BATCH].id, now=scene.now) == 0
    assert scene.vials("biofarma-r1", Status.USABLE) == 21


def test_a_recall_reaches_as_far_as_it_did_when_its_starter_has_left(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    province = scene.world.who(Role.PROVINCE)
    scene.recall(province)
    scene.db.get_one(LoginAccount, province.account_id).active = False
    scene.db.flush()
    scene.supply("biofarma-r1", 20, ago=1)
    scene.supply("pkm-neglasari-k1", 3, ago=1)
    sweep_recalls(scene.db, scene.world.batches[BATCH].id, now=scene.now)
    assert scene.vials("biofarma-r1", Status.USABLE) == 20
    assert scene.recalled("pkm-neglasari-k1") == 3


def test_a_provincial_recall_is_counted_and_closed_within_the_province(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("biofarma-r1", 500)
    province = scene.world.who(Role.PROVINCE)
    recall = scene.recall(province)
    with pytest.raises(RecallUnfinished) as refused:
        close_recall(scene.db, province, recall.id, reason="semua dimusnahkan", now=scene.now)
    assert refused.value.params["vials"] == 10
    scene.destroy("pkm-cipondoh-k1", 10)
    with pytest.raises(Forbidden):
        close_recall(scene.db, scene.world.who(Role.CITY), recall.id, reason="semua dimusnahkan", now=scene.now)
    assert close_recall(scene.db, province, recall.id, reason="semua dimusnahkan", now=scene.now).closed_at == scene.now


def test_all_vials_of_a_recall_destroyed_at_other_places_are_accounted_for(scene: Scene) -> None:
    scene.supply("kota-tangerang-r1", 100)
    scene.supply("pkm-neglasari-k1", 5)
    shipment = scene.send(30)
    recall = scene.recall(scene.world.who(Role.NATIONAL))
    nation = scene.world.who(Role.NATIONAL)

    def part(code: str) -> tuple[int, int, int, int, int]:
        found = {each.facility: each for each in progress_of(scene.db, nation, recall)}[code]
        return found.found, found.left, found.gone, found.sent, found.unaccounted

    assert part("kota-tangerang") == (100, 100, 0, 0, 0), "what is on the road is its sender's"
    scene.receive(shipment, 30, ago=2)
    assert part("kota-tangerang") == (100, 70, 0, 30, 0)
    assert part("pkm-cipondoh") == (0, 30, 0, -30, 0)
    for code, vials in (("kota-tangerang-r1", 70), ("pkm-cipondoh-k1", 30), ("pkm-neglasari-k1", 5)):
        scene.destroy(code, vials)
    assert sum(each.unaccounted for each in progress_of(scene.db, nation, recall)) == 0
    assert sum(each.gone for each in progress_of(scene.db, nation, recall)) == 105
    close_recall(scene.db, nation, recall.id, reason="semua dimusnahkan", now=scene.now)


def test_a_recall_is_not_found_by_those_it_does_not_concern(scene: Scene) -> None:
    scene.supply("biofarma-r1", 5)
    recall = scene.recall(scene.world.who(Role.NATIONAL))
    see: Callable[[Role], Recall] = lambda role: recall_by_id(scene.db, scene.world.who(role), recall.id)  # noqa: E731 - short
    for role in (Role.MANAGER, Role.CITY, Role.PROVINCE):
        with pytest.raises(RecallNotFound):
            see(role)
    assert see(Role.NATIONAL).id == recall.id
    scene.supply("pkm-cipondoh-k1", 1)
    assert see(Role.MANAGER).id == recall.id


def test_somebody_with_two_roles_recalls_within_both(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("pkm-neglasari-k1", 10)
    paths = {grant.path for grant in scene.world.who(Role.CITY).grants}
    both = Principal(
        account_id=scene.world.who(Role.CITY).account_id,
        name="Dua Tugas",
        grants=tuple(
            Grant(role=Role.CITY, path=f"{path}.{code}") for path in paths for code in ("pkm_cipondoh", "pkm_neglasari")
        ),
    )
    scene.recall(both)
    assert scene.recalled("pkm-cipondoh-k1") == scene.recalled("pkm-neglasari-k1") == 10


def test_a_recall_of_more_places_than_one_part_has_goes_on_until_all_are_stopped_and_back_in_the_same_way(
    scene: Scene,
) -> None:
    fridges = ("pkm-cipondoh-k1", "pkm-neglasari-k1", "kota-tangerang-r1")
    for code in fridges:
        scene.supply(code, 4)
    nation, batch_id = scene.world.who(Role.NATIONAL), scene.world.batches[BATCH].id

    def waiting() -> list[int]:
        """Vials at each place that are not yet what the recall, or its withdrawal, makes of them."""
        return sorted(
            one.left if recall.withdrawn_at else one.unfrozen for one in progress_of(scene.db, nation, recall)
        )

    def rounds(ago: float) -> list[list[int]]:
        seen, before = [waiting()], -1
        while (asked := len(scene.ledger.told("trace.recall_goes_on"))) != before:
            before = asked
            sweep_recalls(scene.db, batch_id, now=scene.hours(ago), most=1)
            seen.append(waiting())
        return seen

    said = StartRecall(id=uuid7(), batch=BATCH, reason="potensi turun")
    recall, _ = start_recall(scene.db, nation, said, now=scene.hours(10), most=1)
    assert rounds(9) == [[0, 4, 4], [0, 0, 4], [0, 0, 0]]
    assert [scene.recalled(code) for code in fridges] == [4, 4, 4]
    assert [one["vials"] for one in scene.ledger.told("trace.recalled")] == [4, 4, 4]
    withdraw_recall(scene.db, nation, recall.id, reason="keliru", now=scene.hours(5), most=1)
    (last,) = (one for one in progress_of(scene.db, nation, recall) if one.given_back)
    assert (last.left, last.given_back, last.unaccounted) == (0, 4, 0)
    assert {one.unaccounted for one in progress_of(scene.db, nation, recall)} == {0}, "what waits is known"
    assert rounds(4) == [[0, 4, 4], [0, 0, 4], [0, 0, 0]]
    assert [scene.vials(code, Status.USABLE) for code in fridges] == [4, 4, 4]
    check_books(scene.db)
