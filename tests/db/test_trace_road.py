"""Where a batch went, what a recall freezes, and what each caller may see of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.feed.models import FeedPending
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.shipments.models import Shipment
from tracker.shipments.service.commands import CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.queries.availability import pool_state
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import ReverseEvent
from tracker.stock.service.reversing import reverse_event
from tracker.trace.epcis import EventFilter, ledger_events
from tracker.trace.errors import AlreadyRecalled, OtherRecall, RecallNotFound, RecallUnfinished
from tracker.trace.progress import progress_of
from tracker.trace.queries import trace_of
from tracker.trace.recalls import StartRecall, close_recall, recall_by_id, start_recall, sweep_recalls
from tracker.trace.rules.epcis import object_event

BATCH = "az-10/AZ003"


class Road:
    """100 vials at the city, 30 to the puskesmas (20 received, 10 still on the road), two opened there."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world = db, world
        self.ledger = Ledger(db, world)
        self.batch = world.batches[BATCH]
        self.now = world.now

    def travel(self) -> Shipment:
        room = self.world.equipment["kota-tangerang-r1"]
        self.ledger.post(Kind.SUPPLY, self.ledger.line(BATCH, 100, place=room), facility=self.world.city)
        staff, manager = self.world.who(Role.WAREHOUSE), self.world.who(Role.MANAGER)
        order = CreateShipment(
            id=uuid7(),
            from_facility="kota-tangerang",
            to_facility="pkm-cipondoh",
            lines=(Wanted(product="az-10", vials=30),),
        )
        shipment = create_shipment(self.db, staff, order, now=self.now).shipment
        pack_shipment(self.db, staff, shipment.id, (), now=self.now)
        dispatch_shipment(self.db, staff, shipment.id, occurred_at=self.now, now=self.now)
        receipt = ReceiveShipment(
            id=uuid7(),
            occurred_at=self.now,
            lines=(Received(batch=BATCH, place="pkm-cipondoh-k1", accepted=20),),
        )
        receive_shipment(self.db, manager, shipment.id, receipt, now=self.now)
        self.ledger.post(Kind.OPENING, self.ledger.line(BATCH, 2))
        return shipment

    def recall(self, role: Role = Role.PROVINCE, **more: object) -> UUID:
        command = StartRecall(**({"id": uuid7(), "batch": BATCH, "reason": "potensi turun"} | more))  # type: ignore[arg-type]  # test data
        return start_recall(self.db, self.world.who(role), command, now=self.now)[0].id


@pytest.fixture
def road(db: Session, world: World) -> Road:
    return Road(db, world)


@pytest.fixture
def travelled(road: Road) -> Road:
    road.travel()
    return road


def test_the_forward_trace_accounts_for_every_vial(travelled: Road) -> None:
    found = trace_of(travelled.db, travelled.world.who(Role.NATIONAL), travelled.batch)
    assert not found.hidden
    names = found.names
    now = {(each.account, names.holder(each.account, each.holder_id)): each.total for each in found.now}
    shipment = next(iter(names.shipments.values()))
    assert now == {
        (Account.PLACE, "kota-tangerang-r1"): 70,
        (Account.TRANSIT, shipment): 10,
        (Account.PLACE, "pkm-cipondoh-k1"): 18,
        (Account.OPEN, None): 2,
    }
    assert [(names.facilities[r.source].code, names.facilities[r.target].code, r.vials) for r in found.roads] == [
        ("kota-tangerang", "pkm-cipondoh", 20)
    ]
    assert found.totals["supplier"] == 100 == sum(now.values())
    assert [move.kind for move in found.moves] == [Kind.SUPPLY, Kind.DISPATCH, Kind.RECEIPT, Kind.OPENING]


def test_a_puskesmas_sees_its_own_part_and_that_more_exists(travelled: Road) -> None:
    found = trace_of(travelled.db, travelled.world.who(Role.MANAGER), travelled.batch)
    assert found.hidden
    assert {move.kind for move in found.moves} == {Kind.RECEIPT, Kind.OPENING}
    # The shipment that is still coming is seen from both of its ends.
    assert {each.account for each in found.now} == {Account.PLACE, Account.TRANSIT, Account.OPEN}
    assert {found.names.holder(e.account, e.holder_id) for e in found.now if e.account is Account.PLACE} == {
        "pkm-cipondoh-k1"
    }


def test_the_backward_trace_leaves_out_what_never_led_there(travelled: Road) -> None:
    other = travelled.world.equipment["pkm-neglasari-k1"]
    neglasari = travelled.world.facilities["pkm-neglasari"]
    line = travelled.ledger.line(BATCH, 5, place=other)
    travelled.ledger.post(Kind.SUPPLY, line, facility=neglasari)
    national = travelled.world.who(Role.NATIONAL)
    back = trace_of(travelled.db, national, travelled.batch, back_from=travelled.world.puskesmas.id)
    assert {each.source.facility_id for each in back.moves} == {
        travelled.world.city.id,
        travelled.world.puskesmas.id,
    }
    assert back.moves[0].kind is Kind.SUPPLY


def test_a_recall_freezes_places_road_and_open_vials_and_the_promises(travelled: Road) -> None:
    recall_id = travelled.recall()
    found = trace_of(travelled.db, travelled.world.who(Role.NATIONAL), travelled.batch)
    assert {status for each in found.now for status in each.vials} == {Status.RECALLED}
    assert sum(each.total for each in found.now) == 100
    presentation = travelled.world.presentations["az-10"].id
    for facility in (travelled.world.city, travelled.world.puskesmas):
        rows = pool_state(travelled.db, facility.id, presentation, travelled.ledger.today)
        assert all(row.vials == 0 for row in rows)
    province = travelled.world.who(Role.PROVINCE)
    parts = progress_of(travelled.db, province, recall_by_id(travelled.db, province, recall_id))
    assert [(part.facility, part.found, part.left) for part in parts] == [
        ("kota-tangerang", 80, 80),
        ("pkm-cipondoh", 20, 20),
    ]
    told = travelled.db.scalars(select(FeedPending.unit_id).where(FeedPending.kind == "trace.recalled")).all()
    assert set(told) == {travelled.world.city.id, travelled.world.puskesmas.id}


def test_the_same_recall_again_is_the_same_and_another_one_is_refused(travelled: Road) -> None:
    recall_id = travelled.recall()
    assert travelled.recall(id=recall_id) == recall_id
    with pytest.raises(OtherRecall):
        travelled.recall(id=recall_id, reason="lain")
    with pytest.raises(AlreadyRecalled):
        travelled.recall()


def test_what_comes_to_light_later_is_frozen_too(travelled: Road) -> None:
    recall_id = travelled.recall()
    other = travelled.world.equipment["pkm-neglasari-k1"]
    late = travelled.ledger.line(BATCH, 7, place=other)
    travelled.ledger.post(
        Kind.SUPPLY,
        late,
        facility=travelled.world.facilities["pkm-neglasari"],
        at=travelled.now - timedelta(days=2),
    )
    assert travelled.ledger.vials(BATCH, place=other, status=Status.RECALLED) == 7, "at once, not when somebody looks"
    assert sweep_recalls(travelled.db, travelled.batch.id, now=travelled.now) == 0
    national = travelled.world.who(Role.NATIONAL)
    parts = progress_of(travelled.db, national, recall_by_id(travelled.db, national, recall_id))
    assert {part.facility: part.found for part in parts}["pkm-neglasari"] == 7


def test_a_batch_without_a_recall_is_left_alone(travelled: Road) -> None:
    assert sweep_recalls(travelled.db, travelled.batch.id, now=travelled.now) == 0


def test_the_end_of_a_recall_must_be_proved(road: Road) -> None:
    road.ledger.post(Kind.SUPPLY, road.ledger.line(BATCH, 12))
    recall_id = road.recall()
    province = road.world.who(Role.PROVINCE)
    with pytest.raises(RecallUnfinished):
        close_recall(road.db, province, recall_id, reason="semua dimusnahkan", now=road.now)
    road.ledger.post(Kind.DESTRUCTION, road.ledger.line(BATCH, 12, status=Status.RECALLED))
    part = progress_of(road.db, province, recall_by_id(road.db, province, recall_id))[0]
    assert (part.found, part.left, part.gone, part.unaccounted) == (12, 0, 12, 0)
    assert close_recall(road.db, province, recall_id, reason="semua dimusnahkan", now=road.now).closed_at == road.now
    assert (
        close_recall(
            road.db, province, recall_id, reason="semua dimusnahkan", now=road.now + timedelta(days=1)
        ).closed_at
        == road.now
    )


def test_recalls_are_for_those_who_may_and_seen_by_those_concerned(travelled: Road) -> None:
    with pytest.raises(Forbidden):
        travelled.recall(Role.MANAGER)
    recall_id = travelled.recall()
    see: Callable[[Role], object] = lambda role: recall_by_id(travelled.db, travelled.world.who(role), recall_id)  # noqa: E731 - short
    assert see(Role.MANAGER)
    manager = travelled.world.who(Role.MANAGER)
    parts = progress_of(travelled.db, manager, recall_by_id(travelled.db, manager, recall_id))
    assert [part.facility for part in parts] == ["pkm-cipondoh"]
    with pytest.raises(RecallNotFound):
        recall_by_id(travelled.db, manager, uuid7())


def test_ledger_events_are_paged_and_filtered_within_the_subtree(travelled: Road) -> None:
    national = travelled.world.who(Role.NATIONAL)
    everything, more = ledger_events(travelled.db, national, EventFilter(), after=0, limit=100)
    assert (len(everything), more) == (4, None)
    first, following = ledger_events(travelled.db, national, EventFilter(), after=0, limit=3)
    assert following is not None
    rest, _ = ledger_events(travelled.db, national, EventFilter(), after=following, limit=3)
    assert [event.id for event in [*first, *rest]] == [event.id for event in everything]
    own, _ = ledger_events(travelled.db, travelled.world.who(Role.MANAGER), EventFilter(), after=0, limit=100)
    assert {event.facility for event in own} == {"pkm-cipondoh"}
    later = EventFilter(event_from=travelled.now + timedelta(hours=1))
    assert ledger_events(travelled.db, national, later, after=0, limit=100) == ([], None)


def test_an_epcis_event_says_what_where_when_and_how_many(travelled: Road) -> None:
    events, _ = ledger_events(travelled.db, travelled.world.who(Role.NATIONAL), EventFilter(), after=0, limit=100)
    dispatch = object_event(events[1])
    gtin = travelled.world.presentations["az-10"].gtin
    assert (dispatch["bizStep"], dispatch["disposition"]) == ("shipping", "in_transit")
    assert dispatch["quantityList"] == [{"epcClass": f"https://id.gs1.org/01/{gtin}/10/AZ003", "quantity": 30}]
    assert dispatch["eventTimeZoneOffset"] == "+07:00"
    assert dispatch["bizTransactionList"][0]["type"] == "desadv"
    assert dispatch["readPoint"] == {"id": "urn:rantai:facility:kota-tangerang"}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.TRANSFER, {"vials": 8, "to_place": "pkm-cipondoh-b1"}),
        (Kind.COUNT, {"vials": 25}),
        (Kind.COUNT, {"vials": 40}),
        (Kind.STATUS, {"vials": 3, "to_status": Status.UNUSABLE}),
        (Kind.WASTE, {"vials": 2, "reason": "broken"}),
        (Kind.RETURN, {"vials": 4}),
    ],
    ids=lambda value: str(value.value) if isinstance(value, Kind) else "",
)
def test_a_reversal_says_of_every_kind_what_its_original_said(road: Road, kind: Kind, more: dict[str, Any]) -> None:
    road.ledger.post(Kind.SUPPLY, road.ledger.line("az-10/AZ003", 30), at=road.now - timedelta(hours=2))
    said = {**more, "to_place": road.world.equipment[more["to_place"]]} if "to_place" in more else more
    posted = road.ledger.post(kind, road.ledger.line("az-10/AZ003", **said), at=road.now - timedelta(hours=1))
    reverse = ReverseEvent(id=uuid7(), event_id=posted.event_id, reason="salah ketik")
    reverse_event(road.db, SYSTEM, reverse, now=road.now)
    found, _ = ledger_events(road.db, SYSTEM, EventFilter(), after=0, limit=100)
    original, reversal = (object_event(event) for event in found if posted.event_id in (event.id, event.reversed_as))
    declared = {name: value for name, value in reversal.items() if name not in ("errorDeclaration", "recordTime")}
    assert declared == {name: value for name, value in original.items() if name != "recordTime"}
    assert "errorDeclaration" in reversal
    # It is found by the time it speaks of, as its original is.
    window = EventFilter(event_from=road.now - timedelta(minutes=61), event_before=road.now - timedelta(minutes=59))
    assert len(ledger_events(road.db, SYSTEM, window, after=0, limit=100)[0]) == 2


def test_events_of_a_time_come_once_each_however_late_they_were_told(road: Road) -> None:
    """Asked of all there are, by pages of two, for every pair of bounds; some are told late, one is taken back late."""
    began, recorded = road.now, dict[UUID, tuple[int, int]]()
    for hour, ago in enumerate((0, 0, 3, 0, 1, 0, 5, 0)):
        now = began + timedelta(hours=hour)
        supply = road.ledger.line(BATCH, 5)
        posted = road.ledger.post(Kind.SUPPLY, supply, at=now - timedelta(hours=ago), now=now)
        recorded[posted.event_id] = (hour - ago, hour)
    back = ReverseEvent(id=uuid7(), event_id=next(iter(recorded)), reason="salah ketik")
    reverse_event(road.db, SYSTEM, back, now=began + timedelta(hours=8))
    recorded[back.id] = (0, 8)

    def told(wanted: EventFilter) -> list[UUID]:
        found, after = ledger_events(road.db, SYSTEM, wanted, after=0, limit=2)
        while after is not None:
            more, after = ledger_events(road.db, SYSTEM, wanted, after=after, limit=2)
            found += more
        return [event.id for event in found]

    for first, last in combinations((-9, 0, 2, 3, 5, 8, 99), 2):
        bounds = began + timedelta(hours=first), began + timedelta(hours=last)
        of_time = sorted(one for one, (happened, _) in recorded.items() if first <= happened < last)
        assert sorted(told(EventFilter(event_from=bounds[0], event_before=bounds[1]))) == of_time, (first, last)
        since = sorted(one for one, (happened, _) in recorded.items() if happened >= first)
        assert sorted(told(EventFilter(event_from=bounds[0]))) == since, first
        written = [one for one, (_, hour) in recorded.items() if first <= hour < last]
        assert told(EventFilter(record_from=bounds[0], record_before=bounds[1])) == written, (first, last)
        late = sorted(one for one, (happened, hour) in recorded.items() if happened < first and hour >= last)
        assert sorted(told(EventFilter(event_before=bounds[0], record_from=bounds[1]))) == late, (first, last)


def test_a_reversal_is_the_first_event_again_declared_an_error(road: Road) -> None:
    posted = road.ledger.post(Kind.SUPPLY, road.ledger.line(BATCH, 5))
    reverse = ReverseEvent(id=uuid7(), event_id=posted.event_id, reason="salah ketik")
    reverse_event(road.db, road.world.who(Role.MANAGER), reverse, now=road.now)
    events, _ = ledger_events(road.db, road.world.who(Role.MANAGER), EventFilter(), after=0, limit=10)
    first, again = (object_event(event) for event in events)
    assert again["eventID"] == first["eventID"]
    assert again["bizStep"] == "commissioning"
    assert again["errorDeclaration"]["reason"] == "did_not_occur"
    assert "errorDeclaration" not in first
