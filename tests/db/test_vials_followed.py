"""Vials are followed by index from where they were: as if the whole ledger of the batch had been read, and no further."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.stock.queries.following import Start, came_through, struck_now
from tracker.stock.rules.harmed import Known, Stopping, harmed
from tracker.stock.rules.lines import Line
from tracker.stock.rules.tracing import Holder, TracedEntry
from tracker.stock.rules.words import Account, Kind, ReceiptOutcome, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import ReverseEvent, StatusChange, StatusLine
from tracker.stock.service.reversing import reverse_event

BATCH = "penta-5/PB001"
# The ledger of the batch as it was read before: all of it, once for each question.
_WHOLE = text(
    """
    SELECT e.occurred_at, e.ordinal, e.number, e.event_id, e.account, e.vials, e.status, v.kind,
           CASE e.account WHEN 'lost' THEN coalesce(v.shipment_id, e.holder_id) ELSE e.holder_id END AS holder_id
    FROM stock_entry e JOIN stock_event v ON v.id = e.event_id
    WHERE e.batch_id = :batch AND e.account IN ('place', 'transit', 'open', 'lost')
    """
)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done at `hour` and told `late` hours after; numbers choose among places, roads and what was done before."""

    what: str
    hour: float
    one: int
    other: int
    vials: int
    late: float


DEEDS = (
    "supply",
    "transfer",
    "dispatch",
    "arrival",
    "missing",
    "recovered",
    "count",
    "opening",
    "waste",
    "back",
    "hold",
)
drawn_deeds = st.lists(
    st.builds(
        Deed,
        st.sampled_from(DEEDS),
        st.integers(1, 20).map(float),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(1, 4),
        st.sampled_from([0, 0, 0, 2.5, 6.5]),
    ),
    min_size=6,
    max_size=14,
)


class Story:
    """Deeds at two facilities, with a fridge more each, and the roads between them."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world, self.ledger = db, world, Ledger(db, world)
        self.places: list[tuple[Facility, Equipment]] = [
            (world.puskesmas, world.fridge),
            (world.puskesmas, world.fridge2),
            (world.city, world.equipment["kota-tangerang-r1"]),
            (world.neighbour, next(e for e in world.equipment.values() if e.facility_id == world.neighbour.id)),
        ]
        self.roads = [uuid4() for _ in range(3)]
        self.told: list[UUID] = []

    def at(self, hour: float) -> datetime:
        return self.world.now - timedelta(hours=40 - hour)

    def play(self, deeds: list[Deed]) -> None:
        for index, (facility, place) in enumerate(self.places):
            self.post(Kind.SUPPLY, facility, self.ledger.line(BATCH, 5, place=place), index / 10, 0)
        for deed in sorted(deeds, key=lambda each: each.hour + each.late):
            outer = self.db.begin_nested()
            try:
                self.do(deed)
            except DomainError:
                outer.rollback()
            else:
                outer.commit()

    def do(self, deed: Deed) -> None:
        facility, place = self.places[deed.one]
        road = self.roads[deed.other % 3]
        line = self.ledger.line(BATCH, deed.vials, place=place)
        match deed.what:
            case "supply" | "opening":
                self.post(Kind(deed.what), facility, line, deed.hour, deed.late)
            case "count":
                self.post(Kind.COUNT, facility, line, deed.hour, deed.late)
            case "waste":
                broken = self.ledger.line(BATCH, deed.vials, place=place, reason="broken")
                self.post(Kind.WASTE, facility, broken, deed.hour, deed.late)
            case "transfer":
                there = self.places[1 - deed.one % 2][1]
                moved = self.ledger.line(BATCH, deed.vials, place=self.places[deed.one % 2][1], to_place=there)
                self.post(Kind.TRANSFER, self.world.puskesmas, moved, deed.hour, deed.late)
            case "dispatch":
                self.post(Kind.DISPATCH, facility, line, deed.hour, deed.late, road)
            case "arrival" | "missing" | "recovered":
                outcome = ReceiptOutcome.ACCEPTED if deed.what == "arrival" else ReceiptOutcome(deed.what)
                came = self.ledger.line(BATCH, deed.vials, place=place, outcome=outcome)
                self.post(Kind.RECEIPT, facility, came, deed.hour, deed.late, road)
            case "back":
                if self.told:
                    back = ReverseEvent(id=uuid7(), event_id=self.told[deed.vials % len(self.told)], reason="keliru")
                    reverse_event(self.db, SYSTEM, back, now=self.at(deed.hour + deed.late))
            case "hold":
                batch_id = self.world.batches[BATCH].id
                held = StatusLine(
                    batch_id=batch_id,
                    holder_id=place.id,
                    from_status=Status.USABLE,
                    to_status=Status.HELD,
                    vials=deed.vials,
                )
                change = StatusChange(id=uuid7(), facility_id=facility.id, lines=(held,), cause=uuid4(), reason="uji")
                change_status(self.db, SYSTEM, change, now=self.at(deed.hour + deed.late))

    def post(
        self, kind: Kind, facility: Facility, line: Line, hour: float, late: float, road: UUID | None = None
    ) -> None:
        at, now = self.at(hour), self.at(hour + late)
        posted = self.ledger.post(kind, line, at=at, now=now, facility=facility, shipment_id=road)
        self.told.append(posted.event_id)

    def holders(self) -> list[Holder]:
        return [
            *(Holder(Account.PLACE, place.id) for _, place in self.places),
            *(Holder(Account.TRANSIT, road) for road in self.roads),
        ]

    def whole(self) -> list[TracedEntry]:
        rows = self.db.execute(_WHOLE, {"batch": self.world.batches[BATCH].id})
        return [
            TracedEntry(
                (row.occurred_at, row.ordinal, row.number),
                row.event_id,
                Holder(Account(row.account), row.holder_id),
                row.vials,
                Status(row.status),
                Kind(row.kind),
            )
            for row in rows
        ]


@settings(max_examples=25, deadline=None)
@given(drawn_deeds, st.integers(0, 20), st.integers(1, 12), st.booleans(), st.booleans())
def test_what_is_followed_by_index_is_what_the_whole_ledger_says(
    db: Session, world: World, deeds: list[Deed], begins: int, lasts: int, goes_on: bool, acted: bool
) -> None:
    outer = db.begin_nested()
    try:
        story = Story(db, world)
        story.play(deeds)
        batch_id = world.batches[BATCH].id
        from_at = story.at(begins)
        to_at = None if goes_on else story.at(begins + lasts)
        since = story.at(begins + lasts / 2) if acted else None
        whole = story.whole()
        counted = _counted(db, batch_id) if acted else {}
        opened = _opened(db, batch_id) if acted else {}
        for start in story.holders():
            known = Known(since=since, counted=counted, opened=opened)
            expected = harmed(whole, start, from_at, to_at, known)
            asked = Start(holder=start, batch_ids=[batch_id], from_at=from_at, to_at=to_at, since=since)
            (found,) = struck_now(db, [asked])
            here = {Holder(one.at.account, one.at.holder_id): one.stoppings for one in found}
            assert here.keys() == {one for one in expected.holders if one.account is not Account.LOST}
            stoppings: dict[Holder, tuple[Stopping, ...]] = dict.fromkeys(here, ())
            for stopping in expected.stoppings:
                if stopping.holder in stoppings:
                    stoppings[stopping.holder] += (stopping,)
            assert here == stoppings
    finally:
        outer.rollback()
        db.expire_all()


@settings(max_examples=25, deadline=None)
@given(drawn_deeds)
def test_whatever_an_event_may_have_harmed_lies_on_the_way_of_its_vials(
    db: Session, world: World, deeds: list[Deed]
) -> None:
    """Forth and back are the same way: a place from which an event's accounts are reached is one its vials came through."""
    outer = db.begin_nested()
    try:
        story = Story(db, world)
        story.play(deeds)
        entries = story.whole()
        ways = _ways(entries)
        through = came_through("t.event_id = :event_id")
        for event_id in {entry.event_id for entry in entries}:
            rows = db.execute(text(f"{through} SELECT account, holder_id FROM through"), {"event_id": event_id})
            found = {Holder(Account(row.account), row.holder_id) for row in rows}
            touched = {entry.holder for entry in entries if entry.event_id == event_id}
            assert found == {start for start, reached in ways.items() if reached & touched}
    finally:
        outer.rollback()
        db.expire_all()


def _ways(entries: list[TracedEntry]) -> dict[Holder, set[Holder]]:
    """By account, where what left it may have come to, itself included; by all entries of the batch."""
    steps: dict[tuple[datetime, int], list[TracedEntry]] = {}
    for entry in entries:
        steps.setdefault(entry.at[:2], []).append(entry)
    edges: dict[Holder, set[Holder]] = {entry.holder: {entry.holder} for entry in entries}
    for step in steps.values():
        gained = {entry.holder for entry in step if entry.vials > 0}
        for entry in step:
            if entry.vials < 0:
                edges[entry.holder] |= gained
    ways = {}
    for start in edges:
        reached, new = {start}, {start}
        while new:
            new = {there for one in new for there in edges[one]} - reached
            reached |= new
        ways[start] = reached
    return ways


def _counted(db: Session, batch_id: UUID) -> dict[Holder, datetime]:
    query = text("SELECT holder_id, max(occurred_at) AS at FROM stock_count WHERE batch_id = :batch GROUP BY holder_id")
    return {Holder(Account.PLACE, row.holder_id): row.at for row in db.execute(query, {"batch": batch_id})}


def _opened(db: Session, batch_id: UUID) -> dict[Holder, list[datetime]]:
    query = text(
        "SELECT facility_id, opened_at FROM open_vial WHERE batch_id = :batch AND status = 'usable' AND closed_at IS NULL"
    )
    found: dict[Holder, list[datetime]] = {}
    for row in db.execute(query, {"batch": batch_id}):
        found.setdefault(Holder(Account.OPEN, row.facility_id), []).append(row.opened_at)
    return found
