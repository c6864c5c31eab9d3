"""Who holds what of a recalled batch: one rule, seen in the progress and asked by the closing; who froze it; whose end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tests.db.test_trace_recalls import BATCH, Scene
from tests.support.books import check_books
from tests.support.world import World
from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Grant, Principal
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.shipments.models import Shipment
from tracker.shipments.service.commands import CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.models import OpenVial, StockEvent, StockStop
from tracker.stock.rules.words import Kind, OpenWaste, Status
from tracker.stock.service.commands import DiscardDoses, GiveDoses
from tracker.stock.service.opening import discard_doses, give_doses
from tracker.trace.errors import RecallNotFound, RecallUnfinished
from tracker.trace.models import Recall
from tracker.trace.progress import Progress, progress_of
from tracker.trace.recalls import StartRecall, close_recall, recall_by_id, start_recall, sweep_recalls


@pytest.fixture
def scene(db: Session, world: World) -> Scene:
    return Scene(db, world)


def send(scene: Scene, sender: str, receiver: str, vials: int, ago: float = 30) -> Shipment:
    order = CreateShipment(
        id=uuid7(), from_facility=sender, to_facility=receiver, lines=(Wanted(product="az-10", vials=vials),)
    )
    shipment = create_shipment(scene.db, SYSTEM, order, now=scene.hours(ago)).shipment
    pack_shipment(scene.db, SYSTEM, shipment.id, (), now=scene.hours(ago))
    return dispatch_shipment(scene.db, SYSTEM, shipment.id, occurred_at=scene.hours(ago), now=scene.hours(ago))


def receive(scene: Scene, shipment: Shipment, vials: int, place: str, *, returned: bool = False) -> None:
    receipt = ReceiveShipment(
        id=uuid7(),
        occurred_at=scene.hours(2),
        lines=(Received(batch=BATCH, place=place, accepted=vials),),
        returned=returned,
    )
    receive_shipment(scene.db, SYSTEM, shipment.id, receipt, now=scene.now)


def part(scene: Scene, who: Principal, recall: Recall, code: str) -> Progress | None:
    return {each.facility: each for each in progress_of(scene.db, who, recall)}.get(code)


def under(scene: Scene, *codes: str) -> Principal:
    """Somebody who oversees these facilities and no more, with the account of the city's."""
    paths = scene.db.scalars(select(Unit.path).where(Unit.id.in_([scene.world.facilities[c].id for c in codes])))
    return replace(scene.world.who(Role.CITY), grants=tuple(Grant(role=Role.CITY, path=str(path)) for path in paths))


def test_vials_on_the_road_into_a_recalling_city_are_counted_where_they_must_be_waited_for(scene: Scene) -> None:
    scene.supply("biofarma-r1", 40)
    shipment = send(scene, "biofarma", "kota-tangerang", 12)
    city = scene.world.who(Role.CITY)
    recall = scene.recall(city)
    with pytest.raises(RecallUnfinished) as refused:
        close_recall(scene.db, city, recall.id, reason="selesai", now=scene.now)
    assert refused.value.params["vials"] == 12
    parts = progress_of(scene.db, city, recall)
    assert [(each.facility, each.found, each.left, each.on_road) for each in parts] == [("kota-tangerang", 12, 12, 12)]
    receive(scene, shipment, 12, "kota-tangerang-r1")
    there = part(scene, city, recall, "kota-tangerang")
    assert there is not None
    assert (there.found, there.left, there.on_road, there.sent, there.unaccounted) == (12, 12, 0, 0, 0)
    scene.destroy("kota-tangerang-r1", 12)
    close_recall(scene.db, city, recall.id, reason="selesai", now=scene.now)
    assert scene.vials("biofarma-r1", Status.USABLE) == 28
    check_books(scene.db)


def test_a_truck_into_a_recalling_city_that_turns_round_is_no_longer_its_matter(scene: Scene) -> None:
    scene.supply("biofarma-r1", 40)
    shipment = send(scene, "biofarma", "kota-tangerang", 12)
    city = scene.world.who(Role.CITY)
    recall = scene.recall(city)
    receive(scene, shipment, 12, "biofarma-r1", returned=True)
    there = part(scene, city, recall, "kota-tangerang")
    assert there is not None
    assert (there.found, there.left, there.sent, there.unaccounted) == (12, 0, 12, 0)
    assert close_recall(scene.db, city, recall.id, reason="kembali ke pengirim", now=scene.now).closed_at is not None
    assert scene.vials("biofarma-r1", Status.RECALLED) == 12, "they come back as they travelled"


def test_vials_on_the_road_out_of_a_recalling_place_are_its_own_until_they_arrive(scene: Scene) -> None:
    scene.supply("kota-tangerang-r1", 20)
    shipment = send(scene, "kota-tangerang", "pkm-cipondoh", 12)
    warehouse = under(scene, "kota-tangerang")
    sender_only = replace(warehouse, grants=tuple(replace(g, path=g.path) for g in warehouse.grants))
    recall = scene.recall(sender_only)
    there = part(scene, sender_only, recall, "kota-tangerang")
    assert there is not None
    assert (there.left, there.on_road) == (20, 12)
    with pytest.raises(RecallUnfinished):
        close_recall(scene.db, sender_only, recall.id, reason="selesai", now=scene.now)
    receive(scene, shipment, 12, "pkm-cipondoh-k1")
    assert scene.recalled("pkm-cipondoh-k1") == 12


def test_what_blocks_the_closing_is_what_the_progress_shows(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    place = scene.world.equipment["pkm-cipondoh-k1"]
    line = scene.ledger.line(BATCH, 3, place=place, to_status=Status.UNUSABLE)
    scene.ledger.post(Kind.STATUS, line, facility=scene.world.puskesmas, at=scene.hours(20))
    city = scene.world.who(Role.CITY)
    recall = scene.recall(city)
    scene.destroy("pkm-cipondoh-k1", 7)
    there = part(scene, city, recall, "pkm-cipondoh")
    assert there is not None
    assert (there.found, there.left, there.unusable, there.gone, there.unaccounted) == (7, 3, 3, 7, 0)
    with pytest.raises(RecallUnfinished) as refused:
        close_recall(scene.db, city, recall.id, reason="selesai", now=scene.now)
    assert refused.value.params["vials"] == sum(each.left for each in progress_of(scene.db, city, recall)) == 3


def test_who_started_a_recall_stands_in_the_record_of_what_it_froze(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("biofarma-r1", 10)
    city = scene.world.who(Role.CITY)
    recall = scene.recall(city)
    send(scene, "biofarma", "kota-tangerang", 4, ago=1)
    assert sweep_recalls(scene.db, scene.world.batches[BATCH].id, now=scene.now) == 4
    acts = scene.db.scalars(select(StockEvent).where(StockEvent.cause == recall.id)).all()
    assert {(each.recorded_by, each.account_id) for each in acts} == {(city.name, city.account_id)}
    assert len(acts) == 2


def test_recalls_side_by_side_each_count_what_is_theirs(scene: Scene) -> None:
    """What both reach is counted in each: neither ends before it is gone, and the two are never added up."""
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("pkm-neglasari-k1", 6)
    scene.supply("pkm-tanah-tinggi-k1", 4)
    left, right = under(scene, "pkm-cipondoh", "pkm-neglasari"), under(scene, "pkm-neglasari", "pkm-tanah-tinggi")
    first, second = scene.recall(left, ago=10), scene.recall(right, ago=9)
    assert first.closed_at is second.closed_at is None
    count: Callable[[Principal, Recall], int] = lambda who, recall: sum(  # noqa: E731 - short
        each.found for each in progress_of(scene.db, who, recall)
    )
    assert (count(left, first), count(right, second)) == (16, 10)
    scene.destroy("pkm-cipondoh-k1", 10)
    scene.destroy("pkm-tanah-tinggi-k1", 4)
    for who, recall in ((left, first), (right, second)):
        with pytest.raises(RecallUnfinished) as refused:
            close_recall(scene.db, who, recall.id, reason="selesai", now=scene.now)
        assert refused.value.params["vials"] == 6
    check_books(scene.db)


def test_closing_one_recall_frees_nothing_that_the_other_keeps(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    scene.supply("pkm-neglasari-k1", 6)
    left, right = under(scene, "pkm-cipondoh"), under(scene, "pkm-cipondoh", "pkm-neglasari")
    first = scene.recall(left, ago=10)
    second = scene.recall(right, ago=9)
    assert first.taken_over_by == second.id
    scene.destroy("pkm-cipondoh-k1", 10)
    close_recall(scene.db, left, first.id, reason="selesai", now=scene.now)
    assert scene.recalled("pkm-neglasari-k1") == 6
    back = scene.ledger.line(
        BATCH, 2, place=scene.world.equipment["pkm-neglasari-k1"], status=Status.RECALLED, to_status=Status.USABLE
    )
    assert back.status is Status.RECALLED
    scene.supply("pkm-cipondoh-k1", 1, ago=1)
    assert scene.recalled("pkm-cipondoh-k1") == 1, "its own order stands, too"
    assert second.closed_at is None


def test_a_recall_that_reaches_nothing_is_the_nation_s_to_close(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 10)
    city, nation = scene.world.who(Role.CITY), scene.world.who(Role.NATIONAL)
    recall = scene.recall(city)
    scene.db.execute(delete(StockStop).where(StockStop.cause == recall.id))
    for role in (Role.MANAGER, Role.PROVINCE):
        with pytest.raises((Forbidden, RecallNotFound)):
            close_recall(scene.db, scene.world.who(role), recall.id, reason="selesai", now=scene.now)
    with pytest.raises(Forbidden):
        close_recall(scene.db, city, recall.id, reason="selesai", now=scene.now)
    assert progress_of(scene.db, nation, recall) == []
    assert recall_by_id(scene.db, nation, recall.id).id == recall.id
    assert close_recall(scene.db, nation, recall.id, reason="tidak berlaku", now=scene.now).closed_at == scene.now


def test_a_closing_says_who_and_why(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 3)
    city = scene.world.who(Role.CITY)
    recall = scene.recall(city)
    scene.destroy("pkm-cipondoh-k1", 3)
    closed = close_recall(scene.db, city, recall.id, reason="semua dimusnahkan", now=scene.now)
    assert (closed.closed_by, closed.close_reason) == (city.name, "semua dimusnahkan")


def test_a_recall_said_again_is_the_same_whatever_its_words_mean_by_now(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 3)
    command = StartRecall(id=uuid7(), batch="AZ003", reason="potensi turun", recall_class=2)
    made, fresh = start_recall(scene.db, scene.world.who(Role.CITY), command, now=scene.hours(3))
    scene.world.batches[BATCH].lot = "AZ003-X"
    scene.db.flush()
    again, twice = start_recall(scene.db, scene.world.who(Role.CITY), command, now=scene.hours(2))
    assert (fresh, twice, again.id) == (True, False, made.id)


def test_an_opened_vial_whose_rest_is_thrown_away_is_accounted_for(scene: Scene) -> None:
    scene.supply("pkm-cipondoh-k1", 2)
    scene.ledger.post(Kind.OPENING, scene.ledger.line(BATCH, 1), at=scene.hours(11), now=scene.hours(11))
    vial = scene.db.scalars(select(OpenVial.id)).one()
    given = GiveDoses(open_vial_id=vial, occurred_at=scene.hours(10.5), doses=3)
    give_doses(scene.db, SYSTEM, given, now=scene.hours(10.5))
    city = scene.world.who(Role.CITY)
    recall = scene.recall(city)
    thrown = DiscardDoses(open_vial_id=vial, occurred_at=scene.hours(9), reason=OpenWaste.OTHER)
    discard_doses(scene.db, SYSTEM, thrown, now=scene.hours(9))
    scene.destroy("pkm-cipondoh-k1", 1)
    there = part(scene, city, recall, "pkm-cipondoh")
    assert there is not None
    assert (there.found, there.left, there.gone, there.destroyed, there.unaccounted) == (2, 0, 2, 1, 0)
    check_books(scene.db)
