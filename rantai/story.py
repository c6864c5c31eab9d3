"""The running story of the demo: what the feed says, as lines for people, with the seconds each step took.

Seconds are counted from the arrival of the reading that completed the alarm to the instant each
consequence was recorded, so they say how fast the house is, not how fast this page is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from rantai.story_names import Names
from tracker.database.engine import transaction
from tracker.feed.models import FeedEvent
from tracker.feed.queries import last_position, read_after
from tracker.telemetry.models import Reading

# The demo plays in and around Tangerang; lines carry one time for everybody.
_ZONE = ZoneInfo("Asia/Jakarta")
# Consequences of an alarm at a facility are told as such for this long.
_FRESH = timedelta(minutes=10)
_BOOKED = "quota.booked"
# These come one by one in hundreds; they are gathered for so many seconds and told as a number.
_IN_NUMBERS = {_BOOKED: 20.0, "quota.displaced": 3.0, "quota.offered": 3.0}


@dataclass(slots=True, kw_only=True)
class _Chain:
    """One alarm with its consequences so far."""

    arrived_at: datetime
    alarm_id: str
    displaced: int = 0

    def seconds(self, at: datetime) -> str:
        return f"+{max(0.0, (at - self.arrived_at).total_seconds()):.1f} s"


@dataclass(slots=True, kw_only=True)
class _Many:
    """Events of a kind that comes in numbers, at one facility (bookings: anywhere), not yet told."""

    first_heard: float
    last_at: datetime
    subjects: set[str] = field(default_factory=set)
    facilities: set[str] = field(default_factory=set)


class Story:
    """Reads the feed from now on and tells what is worth a line."""

    def __init__(self, engine: Engine, tell: Callable[[str], None], *, patience: float = 1.0) -> None:
        self._engine = engine
        self._tell = tell
        self._patience = patience
        self._chains: dict[str, _Chain] = {}
        self._at_facility: dict[str, _Chain] = {}
        self._many: dict[tuple[str, str], _Many] = {}
        self._tellers: dict[str, Callable[[Session, Names, FeedEvent], str]] = {
            "coldchain.advisory_raised": _advisory,
            "coldchain.alarm_raised": self._alarm,
            "coldchain.alarm_ended": _ended,
            "coldchain.silent": _silent,
            "passport.held": self._held,
            "stock.short": self._short,
            "stock.moved": _moved,
        }
        with transaction(engine) as db:
            self._position = last_position(db)

    def tell_news(self) -> None:
        """Tell what was numbered since the last call."""
        with transaction(self._engine) as db:
            events = read_after(db, self._position)
            lines = self._lines(db, events)
        for line in lines:
            self._tell(line)

    def _lines(self, db: Session, events: Sequence[FeedEvent]) -> list[str]:
        names = Names(db)
        lines: list[str] = []
        self._position = max((event.position for event in events), default=self._position)
        for event in sorted(events, key=_telling_order):
            if event.kind in _IN_NUMBERS:
                self._gather(event)
                continue
            line = self._line(db, names, event)
            if line:
                lines.append(f"{_clock(event.recorded_at)}  {line}")
        return [*lines, *self._gathered(names)]

    def _line(self, db: Session, names: Names, event: FeedEvent) -> str:
        teller = self._tellers.get(event.kind)
        return teller(db, names, event) if teller else ""

    def _alarm(self, db: Session, names: Names, event: FeedEvent) -> str:
        data = event.data
        alarmed_at = _when(data["alarmed_at"] or data["started_at"])
        arrived = db.scalar(
            select(Reading.received_at)
            .where(Reading.channel_id == data["channel_id"], Reading.measured_at >= alarmed_at)
            .order_by(Reading.measured_at)
            .limit(1)
        )
        chain = _Chain(arrived_at=arrived or event.recorded_at, alarm_id=str(data["alarm_id"]))
        self._chains[chain.alarm_id] = chain
        return (
            f"ALARM {data['rule']}: {_sensor(names, data)} {_limit(data)} since {_clock(_when(data['started_at']))}, "
            f"limit met at {_clock(alarmed_at)} ({chain.seconds(event.recorded_at)} after its reading arrived)"
        )

    def _held(self, _db: Session, names: Names, event: FeedEvent) -> str:
        data = event.data
        chain = self._chains.get(str(data["alarm_id"]))
        facility = str(data["facility_id"])
        if chain is not None:
            self._at_facility[facility] = chain
        count = len(data["batches"])
        return (
            f"  → {count} {'batch' if count == 1 else 'batches'} held at {names.unit(facility)}: {data['vials']} vials, "
            f"{data['doses']} doses withdrawn{_after(chain, event.recorded_at)}"
        )

    def _short(self, _db: Session, names: Names, event: FeedEvent) -> str:
        facility = str(event.data["facility_id"])
        chain = self._fresh_chain(facility, event.recorded_at)
        return (
            f"  → promises at {names.unit(facility)} lack {event.data['short']} vials{_after(chain, event.recorded_at)}"
        )

    def _gather(self, event: FeedEvent) -> None:
        """Keep an event of a kind that comes in numbers; an offer is a booking too, and told as an offer only."""
        facility = str(event.data["facility_id"])
        booked = self._many.get((_BOOKED, ""))
        if event.kind == "quota.offered" and booked is not None:
            booked.subjects.discard(event.subject)
        key = event.kind, "" if event.kind == _BOOKED else facility
        many = self._many.setdefault(key, _Many(first_heard=time.monotonic(), last_at=event.recorded_at))
        many.last_at = event.recorded_at
        many.subjects.add(event.subject)
        many.facilities.add(facility)

    def _gathered(self, names: Names) -> list[str]:
        """Lines of what has been gathered for long enough."""
        now = time.monotonic()
        ripe = [
            key for key, many in self._many.items() if now - many.first_heard >= _IN_NUMBERS[key[0]] * self._patience
        ]
        lines = []
        for kind, facility in ripe:
            many = self._many.pop((kind, facility))
            if many.subjects:
                lines.append(f"{_clock(many.last_at)}  {self._number(kind, facility, many, names)}")
        return lines

    def _number(self, kind: str, facility: str, many: _Many, names: Names) -> str:
        count = len(many.subjects)
        if kind == _BOOKED:
            places = len(many.facilities)
            where = f"{places} places" if places > 1 else names.unit(*many.facilities)
            return f"{_bookings(count)} made at {where}"
        chain = self._fresh_chain(facility, many.last_at)
        if kind == "quota.offered":
            return f"  → {_people(count)} offered a place at {names.unit(facility)} instead"
        total = ""
        if chain is not None:
            chain.displaced += count
            total = f", {chain.displaced} in all" if chain.displaced > count else ""
        return f"  → {_bookings(count)} moved out at {names.unit(facility)}{total}{_after(chain, many.last_at)}"

    def _fresh_chain(self, facility: str, at: datetime) -> _Chain | None:
        chain = self._at_facility.get(facility)
        return chain if chain is not None and at - chain.arrived_at < _FRESH else None


_MOVES = {"supply": "supplied with", "dispatch": "dispatched", "receipt": "received", "opening": "opened"}


def _advisory(_db: Session, names: Names, event: FeedEvent) -> str:
    return f"Warning: {_sensor(names, event.data)} {_limit(event.data)} ({event.data['rule']})"


def _ended(_db: Session, names: Names, event: FeedEvent) -> str:
    return f"Over: {_sensor(names, event.data)}"


def _silent(_db: Session, names: Names, event: FeedEvent) -> str:
    return f"Silent: {_sensor(names, event.data)}, nothing heard since {_clock(_when(event.data['since']))}"


def _moved(_db: Session, names: Names, event: FeedEvent) -> str:
    move = _MOVES.get(event.data["kind"])
    return f"{names.unit(event.data['facility'])}: {move} {names.batches(event.data['batches'])}" if move else ""


def _telling_order(event: FeedEvent) -> tuple[datetime, bool, int]:
    """What lacks because of a hold is recorded in the hold's transaction, before it; it is told after it."""
    return event.recorded_at, event.kind == "stock.short", event.position


def _clock(at: datetime) -> str:
    return f"{at.astimezone(_ZONE):%H:%M:%S}"


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _after(chain: _Chain | None, at: datetime) -> str:
    return f" ({chain.seconds(at)})" if chain is not None else ""


def _bookings(count: int) -> str:
    return f"{count} {'booking' if count == 1 else 'bookings'}"


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"


def _sensor(names: Names, data: dict[str, Any]) -> str:
    channel = data.get("channel_id")
    sensor = f"sensor {names.channel(int(channel))}" if channel is not None else "a sensor"
    equipment = data.get("equipment_id")
    return f"{sensor} in {names.equipment(UUID(equipment))}" if equipment else sensor


_RELATIONS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


def _limit(data: dict[str, Any]) -> str:
    limit = data.get("limit") or {}
    if limit.get("quantity") != "temperature":
        return "outside its limit"
    return (
        f"{_RELATIONS.get(limit['operator'], limit['operator'])} {limit['value']:{'+g' if limit['value'] else 'g'}} °C"
    )
