"""The running story of the demo: what the feed says, as lines for people, with the seconds each step took.

Seconds are counted from the arrival of the reading that completed the alarm to the instant each
consequence was recorded, so they say how fast the house is, not how fast this page is read.
"""

from __future__ import annotations

from collections import Counter
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


@dataclass(slots=True, kw_only=True)
class _Chain:
    """One alarm with its consequences so far."""

    arrived_at: datetime
    alarm_id: str
    displaced: int = 0
    offered: int = 0

    def seconds(self, at: datetime) -> str:
        return f"+{max(0.0, (at - self.arrived_at).total_seconds()):.1f} s"


@dataclass(slots=True)
class _Batch:
    """What one look at the feed brings of the kinds that come in numbers."""

    displaced: Counter[str] = field(default_factory=Counter)
    offered: Counter[str] = field(default_factory=Counter)
    booked: Counter[str] = field(default_factory=Counter)
    last: dict[str, datetime] = field(default_factory=dict)


class Story:
    """Reads the feed from now on and tells what is worth a line."""

    def __init__(self, engine: Engine, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._chains: dict[str, _Chain] = {}
        self._at_facility: dict[str, _Chain] = {}
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
        many = _Batch()
        for event in events:
            self._position = event.position
            if self._counted(event, many):
                continue
            line = self._line(db, names, event)
            if line:
                lines.append(f"{_clock(event.recorded_at)}  {line}")
        return [*lines, *self._counts(names, many)]

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

    def _counted(self, event: FeedEvent, many: _Batch) -> bool:
        counters = {
            "quota.displaced": many.displaced,
            "quota.offered": many.offered,
            "quota.booked": many.booked,
        }
        counter = counters.get(event.kind)
        if counter is None:
            return False
        facility = str(event.data["facility_id"])
        counter[facility] += 1
        many.last[facility] = event.recorded_at
        return True

    def _counts(self, names: Names, many: _Batch) -> list[str]:
        lines = []
        for facility, count in many.booked.items():
            lines.append((many.last[facility], f"{names.unit(facility)}: {_bookings(count)} made"))
        for facility, count in many.displaced.items():
            chain = self._fresh_chain(facility, many.last[facility])
            total = ""
            if chain is not None:
                chain.displaced += count
                total = f", {chain.displaced} in all" if chain.displaced > count else ""
            lines.append(
                (
                    many.last[facility],
                    f"  → {_bookings(count)} moved out at {names.unit(facility)}{total}{_after(chain, many.last[facility])}",
                )
            )
        for facility, count in many.offered.items():
            lines.append((many.last[facility], f"  → {_bookings(count)} offered a place at {names.unit(facility)}"))
        return [f"{_clock(at)}  {line}" for at, line in lines]

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


def _clock(at: datetime) -> str:
    return f"{at.astimezone(_ZONE):%H:%M:%S}"


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _after(chain: _Chain | None, at: datetime) -> str:
    return f" ({chain.seconds(at)})" if chain is not None else ""


def _bookings(count: int) -> str:
    return f"{count} {'booking' if count == 1 else 'bookings'}"


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
    return f"{_RELATIONS.get(limit['operator'], limit['operator'])} {limit['value']:+g} °C"
