"""Fridges with their live temperature, and sensors that have fallen silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, lateral, or_, select, true
from sqlalchemy.orm import Session

from dashboard.alarms.queries import OPEN_ALARM, URGENCY
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.coldchain.models import Alarm, ChannelEvaluation, ChannelHour
from tracker.coldchain.rules.limits import WATCHED_ROLES
from tracker.network.models import Equipment, Facility
from tracker.network.queries import zone_there
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.models import Assignment, Channel, DayFigures, Device, Reading
from tracker.telemetry.rules.words import Quantity

WATCHED = WATCHED_ROLES[Quantity.TEMPERATURE]
# Where stock is safe, °C. Limits add times to these (domain: HEAT above 8 for 10 h); the band on a
# chart shows what the storage class asks for.
SAFE_RANGE: dict[PlaceKind, tuple[float, float]] = {
    PlaceKind.FRIDGE: (2.0, 8.0),
    PlaceKind.FREEZER: (-25.0, -15.0),
    PlaceKind.TRANSPORT1: (2.0, 8.0),
    PlaceKind.TRANSPORT2: (-25.0, 8.0),
}


# How a place looks, what needs a hand first.
TONES = ("out", "low", "ok", "unreported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One watched channel and its newest value."""

    channel_id: int
    device: str
    name: str
    role: str
    value_c: float | None
    measured_at: datetime | None
    received_at: datetime | None
    silent: bool
    hours: tuple[tuple[float, float] | None, ...]
    """Lowest and highest °C of each of the last 24 hours, oldest first; None where nothing is known."""
    day: tuple[date, float, float] | None = None
    """The newest day a logger without readings told of: lowest and highest °C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A piece of equipment as its tile shows it."""

    id: UUID
    code: str
    name: str
    kind: str
    low_c: float
    high_c: float
    in_service: bool
    probes: tuple[Probe, ...]
    alarms: tuple[str, ...]
    """Rules of alarms that are open here and not yet over, the worst first."""

    @property
    def tone(self) -> str:
        """How the tile looks: out (alarm), low (outside or silent), ok, or nothing known."""
        if self.alarms:
            return "out"
        known = [probe for probe in self.probes if probe.value_c is not None]
        if not known:
            return "unreported"
        outside = any(not self.low_c <= probe.value_c <= self.high_c for probe in known if probe.value_c is not None)
        return "low" if outside or any(probe.silent for probe in known) else "ok"


def places_of(db: Session, facility: Facility, now: datetime) -> list[Place]:
    """The equipment of a facility with its probes, what rings first. The caller has checked that it may be seen."""
    equipment = list(
        db.scalars(
            select(Equipment).where(Equipment.facility_id == facility.id).order_by(Equipment.kind, Equipment.name)
        )
    )
    ids = [item.id for item in equipment]
    probes = _probes(db, ids, now)
    alarms: dict[UUID, list[str]] = {}
    ringing = (
        select(Alarm.equipment_id, Alarm.rule)
        .order_by(URGENCY.desc(), Alarm.rule)
        .where(Alarm.equipment_id.in_(ids), OPEN_ALARM, Alarm.ended_at.is_(None))
    )
    for equipment_id, rule in db.execute(ringing):
        if equipment_id is not None:
            alarms.setdefault(equipment_id, []).append(rule)
    found = [
        Place(
            id=item.id,
            code=item.code,
            name=item.name,
            kind=item.kind.value,
            low_c=SAFE_RANGE[item.place_kind][0],
            high_c=SAFE_RANGE[item.place_kind][1],
            in_service=item.in_service,
            probes=tuple(probes.get(item.id, ())),
            alarms=tuple(alarms.get(item.id, ())),
        )
        for item in equipment
    ]
    return sorted(found, key=lambda place: TONES.index(place.tone))


def _probes(db: Session, equipment_ids: Sequence[UUID], now: datetime) -> dict[UUID, list[Probe]]:
    newest = lateral(
        select(Reading.measured_at, Reading.value, Reading.received_at)
        .where(Reading.channel_id == Channel.id, Reading.measured_at >= now - timedelta(days=30))
        .order_by(Reading.measured_at.desc(), Reading.value.desc())
        .limit(1)
    ).alias("newest")
    printed = lateral(
        select(DayFigures.day, DayFigures.min_c, DayFigures.max_c)
        .where(DayFigures.channel_id == Channel.id, DayFigures.to_at > Assignment.from_at)
        .order_by(DayFigures.day.desc())
        .limit(1)
    ).alias("printed")
    query = (
        select(
            Assignment.equipment_id,
            printed.c.day,
            printed.c.min_c,
            printed.c.max_c,
            Channel.id,
            Channel.name,
            Channel.role,
            Device.code,
            newest.c.measured_at,
            newest.c.value,
            newest.c.received_at,
            func.coalesce(ChannelEvaluation.silent, False).label("silent"),
        )
        .join(Channel, Channel.id == Assignment.channel_id)
        .join(Device, Device.id == Channel.device_id)
        .outerjoin(newest, true())
        .outerjoin(printed, true())
        .outerjoin(ChannelEvaluation, ChannelEvaluation.channel_id == Channel.id)
        .where(
            Assignment.equipment_id.in_(equipment_ids),
            assigned_at(now),
            Channel.quantity == Quantity.TEMPERATURE,
            Channel.role.in_(WATCHED),
        )
        .order_by(Device.code, Channel.name)
    )
    rows = db.execute(query).all()
    hours = _last_day(db, [row.id for row in rows], now)
    found: dict[UUID, list[Probe]] = {}
    for row in rows:
        probe = Probe(
            channel_id=row.id,
            device=row.code,
            name=row.name,
            role=row.role.value,
            value_c=row.value,
            measured_at=row.measured_at,
            received_at=row.received_at,
            silent=row.silent,
            hours=hours.get(row.id, (None,) * 24),
            day=None if row.day is None else (row.day, row.min_c, row.max_c),
        )
        found.setdefault(row.equipment_id, []).append(probe)
    return found


def assigned_at(at: datetime) -> ColumnElement[bool]:
    """Assignments in force at an instant."""
    return and_(Assignment.from_at <= at, or_(Assignment.to_at.is_(None), Assignment.to_at > at))


def _last_day(
    db: Session, channel_ids: Sequence[int], now: datetime
) -> dict[int, tuple[tuple[float, float] | None, ...]]:
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    found: dict[int, list[tuple[float, float] | None]] = {}
    rows = db.execute(
        select(ChannelHour.channel_id, ChannelHour.hour, ChannelHour.min_c, ChannelHour.max_c).where(
            ChannelHour.channel_id.in_(channel_ids), ChannelHour.hour >= first, ChannelHour.known_s > 0
        )
    )
    for row in rows:
        slot = int((row.hour - first) / timedelta(hours=1))
        hours = found.setdefault(row.channel_id, [None] * 24)
        if 0 <= slot < 24:
            hours[slot] = (row.min_c, row.max_c)
    return {channel_id: tuple(hours) for channel_id, hours in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentSensor:
    """A device whose watched channel has told nothing for longer than it should."""

    channel_id: int
    device: str
    place: str | None
    facility: str
    facility_code: str
    zone: str
    newest_at: datetime | None


def silent_sensors(db: Session, principal: Principal, now: datetime, limit: int = 12) -> tuple[int, list[SilentSensor]]:
    """How many watched channels are silent, and the ones silent longest."""
    query = (
        select(
            Channel.id,
            Device.code,
            Equipment.name,
            Unit.name,
            Unit.code,
            zone_there(),
            ChannelEvaluation.newest_at,
            func.count().over(),
        )
        .join(Channel, Channel.id == ChannelEvaluation.channel_id)
        .join(Device, Device.id == Channel.device_id)
        .join(Assignment, and_(Assignment.channel_id == Channel.id, assigned_at(now)))
        .outerjoin(Equipment, Equipment.id == Assignment.equipment_id)
        .join(Unit, Unit.id == func.coalesce(Equipment.facility_id, Device.unit_id))
        .outerjoin(Facility, Facility.id == Unit.id)
        .where(
            ChannelEvaluation.silent,
            Channel.role.in_(WATCHED),
            Device.retired_at.is_(None),
            visible_to(principal, Unit.path, Permission.TELEMETRY_READ),
        )
    )
    rows = db.execute(query.order_by(ChannelEvaluation.newest_at.nulls_first(), Device.code).limit(limit)).all()
    return rows[0][7] if rows else 0, [
        SilentSensor(
            channel_id=row[0],
            device=row[1],
            place=row[2],
            facility=row[3],
            facility_code=row[4],
            zone=row[5],
            newest_at=row[6],
        )
        for row in rows
    ]
