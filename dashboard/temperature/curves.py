"""One channel's readings over a stretch of time, bounded however long the stretch is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Nullable, and_, func, literal, or_, select, true, union
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed
from dashboard.temperature.places import SAFE_RANGE, assigned_at
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to
from tracker.access.rules import Permission
from tracker.coldchain.models import Episode
from tracker.coldchain.rules.instants import SECOND, from_micros, to_micros
from tracker.coldchain.rules.standing import intervals_of, series_of, standing_of
from tracker.kit.errors import NotFound
from tracker.network.models import Equipment, Facility
from tracker.network.queries import zone_there
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.models import Assignment, Channel, Device, Reading
from tracker.telemetry.queries.reach import readings_seen, watched_by
from tracker.telemetry.queries.readings import intervals_of as nominal_intervals
from tracker.telemetry.rules.words import Flag, Quantity, Role

# Rows above which the database merges readings itself: no page ever fetches a year of minutes.
MOST_ROWS = 5_000
BUCKETS = 1_500
MOST_DRAWN = 200
A_PAGE = 25
COLD_RULES = frozenset({"FRZE", "COLD"})


class SensorNotFound(NotFound):
    """There is no such sensor within the caller's reach."""

    code = "access.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """A temperature channel and where it measures now."""

    channel_id: int
    device: str
    make: str | None
    model: str | None
    status: str
    name: str
    role: str
    facility: str
    facility_code: str | None
    zone: str
    place: str | None
    low_c: float | None
    high_c: float | None
    seen: ColumnElement[bool] = field(default_factory=true)
    """Which of its readings the viewer sees."""
    episodes_seen: ColumnElement[bool] = field(default_factory=true)
    """Which of its episodes."""


def sensor_by_text(db: Session, principal: Principal, text: str, now: datetime) -> Sensor:
    """A temperature channel by its number, or the first watched one of the device with this code.

    Raises SensorNotFound, also for what lies outside the caller's subtree.
    """
    watched_first = Channel.role.in_((Role.STORAGE, Role.FREEZER)).desc()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else -1
    # Each by its own index: of both with an `or` every channel of the nation would be read.
    by_number = select(Channel.id).where(Channel.id == number)
    by_code = select(Channel.id).join(Device, Device.id == Channel.device_id).where(Device.code == text)
    query = (
        select(Channel, Device, Unit, Nullable(Facility), Nullable(Equipment), zone_there())
        .join(Device, Device.id == Channel.device_id)
        .outerjoin(Assignment, and_(Assignment.channel_id == Channel.id, assigned_at(now)))
        .outerjoin(Equipment, Equipment.id == Assignment.equipment_id)
        .join(Unit, Unit.id == func.coalesce(Equipment.facility_id, Device.unit_id))
        .outerjoin(Facility, Facility.id == Unit.id)
        .where(
            Channel.id.in_(union(by_number, by_code)),
            Channel.quantity == Quantity.TEMPERATURE,
            watched_by(principal),
        )
        .order_by((Channel.id == number).desc(), watched_first, Channel.name)
        .limit(1)
    )
    row = db.execute(query).one_or_none()
    if row is None:
        raise SensorNotFound
    channel, device, unit, facility, equipment, zone = row
    low, high = _range_of(equipment, channel.role)
    return Sensor(
        channel_id=channel.id,
        device=device.code,
        make=device.make,
        model=device.model,
        status=device.status.value,
        name=channel.name,
        role=channel.role.value,
        facility=unit.name,
        facility_code=facility.code if facility else None,
        zone=zone,
        place=equipment.name if equipment else None,
        low_c=low,
        high_c=high,
        seen=readings_seen(db, principal, channel.id),
        episodes_seen=Episode.unit_id.in_(units_visible_to(principal, Permission.TELEMETRY_READ)),
    )


def _range_of(equipment: Equipment | None, role: Role) -> tuple[float | None, float | None]:
    if equipment is None or role not in (Role.STORAGE, Role.FREEZER):
        return None, None
    kind = equipment.place_kind
    if role is Role.FREEZER and kind is PlaceKind.FRIDGE:
        kind = PlaceKind.FREEZER
    return SAFE_RANGE[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Frames for the chart, in naive local time of the place, and what the sentence says.

    readings: `at`, `low`, `value`, `high` °C. gaps: `start`, `end`. episodes: `id`, `rule`, `severity`, `side`, `start`,
    `end`, `alarmed`, `peak`, `minutes`, `open`; the newest `MOST_DRAWN` of the `breaches` there are.
    """

    readings: pd.DataFrame
    gaps: pd.DataFrame
    episodes: pd.DataFrame
    breaches: int
    rows: int
    merged: bool
    minimum_c: float | None
    maximum_c: float | None
    newest_at: datetime | None
    newest_c: float | None
    known_share: float
    clock_faults: int


def curve_of(db: Session, sensor: Sensor, from_at: datetime, to_at: datetime) -> Curve:
    """Everything about one channel within [from_at, to_at); what still goes on is drawn up to `to_at`."""
    inside = (
        Reading.channel_id == sensor.channel_id,
        Reading.measured_at >= from_at,
        Reading.measured_at < to_at,
        sensor.seen,
    )
    faulty = Reading.flags.op("&")(int(Flag.CLOCK_FAULT)) != 0
    rows, minimum, maximum, newest, faults = db.execute(
        select(
            func.count(),
            func.min(Reading.value),
            func.max(Reading.value),
            Nullable(func.max(Reading.measured_at)),
            func.count().filter(faulty),
        ).where(*inside)
    ).one()
    merged = rows > MOST_ROWS
    width = (to_at - from_at) / BUCKETS
    at = func.date_bin(width, Reading.measured_at, literal(from_at)) if merged else Reading.measured_at
    grouped = (
        select(at.label("at"), func.min(Reading.value), func.avg(Reading.value), func.max(Reading.value))
        .where(*inside)
        .group_by(at)
        .order_by(at)
    )
    frame = pd.DataFrame(db.execute(grouped).all(), columns=["at", "low", "value", "high"])
    gaps, known = _gaps(db, sensor, frame, from_at, to_at, width if merged else None)
    drawn, breaches = _drawn(db, sensor, from_at, to_at)
    newest_c = (
        db.scalar(select(Reading.value).where(*inside, Reading.measured_at == newest).limit(1)) if newest else None
    )
    return Curve(
        readings=frame.assign(at=_local(frame["at"], sensor.zone)),
        gaps=_localised(gaps, sensor.zone, "start", "end"),
        episodes=drawn,
        breaches=breaches,
        rows=rows,
        merged=merged,
        minimum_c=minimum,
        maximum_c=maximum,
        newest_at=newest,
        newest_c=newest_c,
        known_share=known,
        clock_faults=faults,
    )


def _gaps(
    db: Session, sensor: Sensor, frame: pd.DataFrame, from_at: datetime, until: datetime, width: timedelta | None
) -> tuple[list[tuple[datetime, datetime]], float]:
    """Stretches nobody knows about, by the same rule as episodes, and the known share of the whole stretch.

    Of merged readings only gaps longer than a bucket can be seen.
    """
    whole = max((until - from_at).total_seconds(), 1.0)
    if frame.empty:
        return [(from_at, until)], 0.0
    rows = nominal_intervals(db, [sensor.channel_id]).get(sensor.channel_id, [])
    least = int(width.total_seconds()) if width is not None else 0
    nominal = intervals_of([(to_micros(since), max(seconds, least) * SECOND) for since, seconds in rows])
    series = series_of([to_micros(at) for at in frame["at"]], frame["value"].to_list())
    instants = series.at
    standing = standing_of(instants, nominal, max(to_micros(until), int(instants[-1])))
    gaps: list[tuple[datetime, datetime]] = []
    known = 0.0
    before = from_at
    for index in range(len(instants)):
        start, end = from_micros(standing.start[index]), from_micros(standing.end[index])
        # The first reading may be preceded by time known from an earlier one: half a nominal interval is no gap.
        if start - before > timedelta(microseconds=int(nominal.one(int(instants[index])))):
            gaps.append((before, start))
        known += (end - start).total_seconds()
        before = end
    if until - before > timedelta(microseconds=int(nominal.one(int(instants[-1])))):
        gaps.append((before, until))
    return gaps, min(1.0, known / whole)


def breaches_of(db: Session, sensor: Sensor, from_at: datetime, to_at: datetime, *, after: str = "") -> Listed[Any]:
    """A page of the stretch's breaches, newest first, as rows of `Curve.episodes`; raises BadCursor."""
    found = listed(
        db,
        [select(Episode).where(*_breached(sensor, from_at, to_at))],
        keys=[Episode.started_at, Episode.id],
        key_of=lambda row: [row[0].started_at.isoformat(), row[0].id],
        most=A_PAGE,
        after=after,
        descending=True,
    )
    frame = _frame(sensor, [row[0] for row in found.rows], from_at, to_at)
    return Listed(rows=frame.to_dict("records"), onward=found.onward, begun=found.begun)


def _drawn(db: Session, sensor: Sensor, from_at: datetime, to_at: datetime) -> tuple[pd.DataFrame, int]:
    """The newest breaches, for the picture, in the order they began; and how many there are."""
    rows = db.execute(
        select(Episode, func.count().over())
        .where(*_breached(sensor, from_at, to_at))
        .order_by(Episode.started_at.desc(), Episode.rule.desc())
        .limit(MOST_DRAWN)
    ).all()
    return _frame(sensor, [row[0] for row in reversed(rows)], from_at, to_at), rows[0][1] if rows else 0


def _breached(sensor: Sensor, from_at: datetime, to_at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Episode.channel_id == sensor.channel_id,
        Episode.void_at.is_(None),
        Episode.merged_into.is_(None),
        sensor.episodes_seen,
        Episode.started_at < to_at,
        or_(Episode.ended_at.is_(None), Episode.ended_at > from_at),
    )


def _frame(sensor: Sensor, episodes: Sequence[Episode], from_at: datetime, to_at: datetime) -> pd.DataFrame:
    rows = [
        (
            episode.id,
            episode.rule,
            episode.severity.value,
            "cold" if episode.rule in COLD_RULES else "hot",
            max(episode.started_at, from_at),
            min(episode.ended_at or to_at, to_at),
            # Not the instant: pandas makes NaT of a missing one, and NaT counts as true.
            episode.alarmed_at is not None,
            episode.peak,
            episode.exposed_s / 60,
            episode.ended_at is None,
        )
        for episode in episodes
    ]
    columns = ["id", "rule", "severity", "side", "start", "end", "alarmed", "peak", "minutes", "open"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(start=_local(frame["start"], sensor.zone), end=_local(frame["end"], sensor.zone))


def _localised(rows: list[tuple[datetime, datetime]], zone: str, *columns: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.assign(**{column: _local(frame[column], zone) for column in columns})


def _local(instants: pd.Series, zone: str) -> pd.Series:
    """Aware instants as naive local times: the chart's axis knows no zones."""
    return pd.to_datetime(instants, utc=True).dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)
