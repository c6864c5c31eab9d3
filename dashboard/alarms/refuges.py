"""Where vials can go from a place that fails: other places of the same kind at the facility that are well now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, func, lateral, or_, select, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, aliased

from dashboard.alarms.queries import OPEN_ALARM, AlarmRow
from tracker.coldchain.models import Alarm
from tracker.network.models import Equipment
from tracker.telemetry.models import Assignment, Channel, Reading
from tracker.telemetry.rules.words import Quantity, Role

# A reading older than this says nothing about now.
FRESH = timedelta(hours=1)
MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuge:
    """A place with its newest temperature, °C."""

    id: UUID
    name: str
    value_c: float


def refuges_of(db: Session, alarms: Sequence[AlarmRow], now: datetime) -> dict[UUID, list[Refuge]]:
    """By alarm the safe places at the same facility, at most three, in the order of their names.

    Safe is: of the same kind of storage, in service, without an open alarm, read within the last hour.
    """
    ids = {alarm.equipment_id for alarm in alarms if alarm.moving and alarm.equipment_id is not None}
    failing = aliased(Equipment)
    newest = lateral(
        select(Reading.value)
        .join(Channel, Channel.id == Reading.channel_id)
        .join(Assignment, Assignment.channel_id == Channel.id)
        .where(
            Assignment.equipment_id == Equipment.id,
            Assignment.from_at <= now,
            or_(Assignment.to_at.is_(None), Assignment.to_at > now),
            Channel.quantity == Quantity.TEMPERATURE,
            Channel.role.in_((Role.STORAGE, Role.FREEZER)),
            Reading.measured_at > now - FRESH,
        )
        .order_by(Reading.measured_at.desc())
        .limit(1)
    ).alias("newest")
    rings = select(Alarm.id).where(Alarm.equipment_id == Equipment.id, OPEN_ALARM).exists()
    query = (
        select(failing.id, Equipment.id, Equipment.name, newest.c.value)
        .join(
            failing,
            (failing.facility_id == Equipment.facility_id)
            & (failing.place_kind == Equipment.place_kind)
            & (failing.id != Equipment.id),
        )
        .join(newest, true())
        .where(failing.id.in_(ids), Equipment.in_service, ~rings)
        .order_by(failing.id, Equipment.name)
    )
    by_place: dict[UUID, list[Refuge]] = {}
    for failing_id, place_id, name, value in db.execute(query):
        by_place.setdefault(failing_id, []).append(Refuge(id=place_id, name=name, value_c=value))
    return {
        alarm.id: by_place[alarm.equipment_id][:MOST]
        for alarm in alarms
        if alarm.equipment_id is not None and alarm.equipment_id in by_place
    }


def newest_of(db: Session, channel_ids: Sequence[int], now: datetime) -> dict[int, tuple[datetime, float]]:
    """By channel its newest reading of the last day: when, and °C."""
    channel = func.unnest(array(list(channel_ids), type_=BigInteger)).column_valued("channel")
    newest = lateral(
        select(Reading.measured_at, Reading.value)
        .where(Reading.channel_id == channel, Reading.measured_at > now - timedelta(days=1))
        .order_by(Reading.measured_at.desc())
        .limit(1)
    ).alias("newest")
    query = select(channel, newest.c.measured_at, newest.c.value).join(newest, true())
    return {row[0]: (row[1], row[2]) for row in db.execute(query)}


def names_of(db: Session, ids: Sequence[UUID]) -> list[str]:
    """Names of places by id; unknown ones are left out."""
    return list(db.scalars(select(Equipment.name).where(Equipment.id.in_(list(ids))).order_by(Equipment.name)))
