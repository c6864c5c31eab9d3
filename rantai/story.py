"""The running story of the demo: what the feed says, as lines for people, with the seconds each step took.

What an alarm led to is told as its consequence because the events name their causes, however far apart they come.
Seconds are counted from the arrival of the reading that completed the alarm to the instant each consequence was
recorded, so they say how fast the house is, not how fast this page is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from rantai.story_names import Names
from tracker.coldchain.events import AdvisoryRaised, AlarmEnded, AlarmRaised, BrokenLimit, SensorSilent
from tracker.database.engine import transaction
from tracker.delivery.events import MessageSent
from tracker.events import KINDS
from tracker.feed.contract import Event, Undecodable, decode
from tracker.feed.models import FeedEvent
from tracker.feed.queries import last_position, origins, read_after
from tracker.kit.days import WESTERN
from tracker.passport.events import StockHeld
from tracker.quota.events import BookingDisplaced, BookingMade, PlaceOffered
from tracker.stock.events import StockMoved, StockShort
from tracker.stock.rules.words import Kind
from tracker.telemetry.models import Reading
from tracker.telemetry.rules.words import Quantity

# The demo plays in and around Tangerang; lines carry one time for everybody.
_ZONE = ZoneInfo(WESTERN)
# These come one by one in hundreds; they are gathered for so many seconds and told as a number.
_IN_NUMBERS: dict[type[Event], float] = {BookingMade: 20.0, BookingDisplaced: 3.0, PlaceOffered: 3.0, MessageSent: 3.0}


@dataclass(slots=True, kw_only=True)
class _Chain:
    """One alarm and how much it has displaced so far."""

    arrived_at: datetime
    displaced: int = 0

    def seconds(self, at: datetime) -> str:
        return f"+{max(0.0, (at - self.arrived_at).total_seconds()):.1f} s"


@dataclass(frozen=True, slots=True)
class _Heap:
    """What is told together: events of one kind, at one facility (bookings: anywhere), of one alarm."""

    news: type[Event]
    facility_id: UUID | None
    alarm: UUID | None


@dataclass(slots=True, kw_only=True)
class _Many:
    """A heap that is not yet told."""

    first_heard: float
    last_at: datetime
    subjects: set[str] = field(default_factory=set)
    facilities: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _News:
    """One event with its row and the alarm it goes back to."""

    row: FeedEvent
    event: Event
    alarm: UUID | None


class Story:
    """Reads the feed, from now on or from an instant, and tells what is worth a line."""

    def __init__(
        self, engine: Engine, tell: Callable[[str], None], *, since: datetime | None = None, patience: float = 1.0
    ) -> None:
        self._engine = engine
        self._tell = tell
        self._patience = patience
        self._chains: dict[UUID, _Chain] = {}
        self._many: dict[_Heap, _Many] = {}
        with transaction(engine) as db:
            self._position = last_position(db, until=since)

    def tell_news(self) -> None:
        """Tell what was numbered since the last call."""
        with transaction(self._engine) as db:
            rows = read_after(db, self._position)
            lines = self._lines(db, rows)
        for line in lines:
            self._tell(line)

    def _lines(self, db: Session, rows: Sequence[FeedEvent]) -> list[str]:
        names = Names(db)
        self._position = max((row.position for row in rows), default=self._position)
        alarms = origins(db, [row.id for row in rows], [AlarmRaised.KIND]) if rows else {}
        lines: list[str] = []
        for row in rows:
            with suppress(Undecodable):
                news = _News(row=row, event=KINDS.decode(row), alarm=alarms.get(row.id))
                self._follow(db, news)
                if type(news.event) in _IN_NUMBERS:
                    self._gather(news)
                elif line := self._line(names, news):
                    lines.append(f"{_clock(row.recorded_at)}  {line}")
        return [*lines, *self._gathered(names)]

    def _follow(self, db: Session, news: _News) -> None:
        """Know the alarm this goes back to, also one that was raised before the story began."""
        if news.alarm is None or news.alarm in self._chains:
            return
        row = db.scalars(select(FeedEvent).where(FeedEvent.id == news.alarm)).one()
        alarm = decode(row, AlarmRaised)
        arrived = db.scalar(
            select(Reading.received_at)
            .where(
                Reading.channel_id == alarm.channel_id,
                Reading.measured_at >= (alarm.alarmed_at or alarm.started_at),
            )
            .order_by(Reading.measured_at)
            .limit(1)
        )
        self._chains[row.id] = _Chain(arrived_at=arrived or row.recorded_at)

    def _line(self, names: Names, news: _News) -> str:
        event, at = news.event, news.row.recorded_at
        match event:
            case AlarmRaised():
                return (
                    f"ALARM {event.rule}: {_sensor(names, event.channel_id, event.equipment_id)} {_limit(event.limit)} "
                    f"since {_clock(event.started_at)}, limit met at {_clock(event.alarmed_at or event.started_at)}"
                    f"{self._after(news.alarm, at, ' after its reading arrived')}"
                )
            case StockHeld():
                count = len(event.batch_ids)
                return (
                    f"  → {count} {'batch' if count == 1 else 'batches'} held at {names.unit(event.facility_id)}: "
                    f"{event.vials} vials, {event.doses} doses withdrawn{self._after(news.alarm, at)}"
                )
            case StockShort():
                lack = f"lack {event.short_vials} vials{self._after(news.alarm, at)}"
                return f"  → promises at {names.unit(event.facility_id)} {lack}"
        return _aside(names, event)

    def _gather(self, news: _News) -> None:
        """Keep an event of a kind that comes in numbers; an offer is a booking too, and told as an offer only."""
        event, row = news.event, news.row
        if isinstance(event, MessageSent) and news.alarm is None:
            return
        booked = self._many.get(_Heap(BookingMade, None, None))
        if isinstance(event, PlaceOffered) and booked is not None:
            booked.subjects.discard(row.subject)
        alone = isinstance(event, BookingMade)
        heap = _Heap(type(event), None if alone else row.unit_id, None if alone else news.alarm)
        many = self._many.setdefault(heap, _Many(first_heard=time.monotonic(), last_at=row.recorded_at))
        many.last_at = row.recorded_at
        many.subjects.add(row.subject)
        if row.unit_id is not None:
            many.facilities.add(row.unit_id)

    def _gathered(self, names: Names) -> list[str]:
        """Lines of what has been gathered for long enough."""
        now = time.monotonic()
        ripe = [
            heap
            for heap, many in self._many.items()
            if now - many.first_heard >= _IN_NUMBERS[heap.news] * self._patience
        ]
        lines = []
        for heap in ripe:
            many = self._many.pop(heap)
            if many.subjects:
                lines.append(f"{_clock(many.last_at)}  {self._number(heap, many, names)}")
        return lines

    def _number(self, heap: _Heap, many: _Many, names: Names) -> str:
        count, places = len(many.subjects), len(many.facilities)
        where = f"{places} places" if places > 1 else names.unit(*many.facilities)
        after = self._after(heap.alarm, many.last_at)
        if heap.news is BookingMade:
            return f"{_bookings(count)} made at {where}"
        if heap.news is PlaceOffered:
            return f"  → {_people(count)} offered a place at {where} instead{after}"
        if heap.news is MessageSent:
            return f"  → {count} {'message' if count == 1 else 'messages'} about {where} sent{after}"
        total = ""
        if heap.alarm is not None:
            chain = self._chains[heap.alarm]
            chain.displaced += count
            total = f", {chain.displaced} in all" if chain.displaced > count else ""
        return f"  → {_bookings(count)} moved out at {where}{total}{after}"

    def _after(self, alarm: UUID | None, at: datetime, what: str = "") -> str:
        return f" ({self._chains[alarm].seconds(at)}{what})" if alarm is not None else ""


_MOVES = {Kind.SUPPLY: "supplied with", Kind.DISPATCH: "dispatched", Kind.RECEIPT: "received", Kind.OPENING: "opened"}


def _aside(names: Names, event: Event) -> str:
    """What is told beside the road from an alarm to its consequences."""
    match event:
        case AdvisoryRaised():
            sensor = _sensor(names, event.channel_id, event.equipment_id)
            return f"Warning: {sensor} {_limit(event.limit)} ({event.rule})"
        case AlarmEnded():
            return f"Over: {_sensor(names, event.channel_id, event.equipment_id)}"
        case SensorSilent():
            sensor = _sensor(names, event.channel_id, event.equipment_id)
            return f"Silent: {sensor}, nothing heard since {_clock(event.since)}"
        case StockMoved() if event.kind in _MOVES:
            return f"{names.unit(event.facility_id)}: {_MOVES[event.kind]} {names.batches(event.batch_ids)}"
    return ""


def _clock(at: datetime) -> str:
    return f"{at.astimezone(_ZONE):%H:%M:%S}"


def _bookings(count: int) -> str:
    return f"{count} {'booking' if count == 1 else 'bookings'}"


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"


def _sensor(names: Names, channel_id: int, equipment_id: UUID | None) -> str:
    sensor = f"sensor {names.channel(channel_id)}"
    return f"{sensor} in {names.equipment(equipment_id)}" if equipment_id else sensor


_RELATIONS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


def _limit(limit: BrokenLimit) -> str:
    if limit.quantity is not Quantity.TEMPERATURE:
        return "outside its limit"
    return f"{_RELATIONS[limit.operator.value]} {limit.value:{'+g' if limit.value else 'g'}} °C"
