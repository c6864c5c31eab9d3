"""Alarms and episodes, as the caller may see them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to, visible_to
from tracker.access.rules import Permission
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.rules.limits import Severity
from tracker.network.models import Equipment
from tracker.telemetry.models import Device


def alarms_visible_to(principal: Principal, *, ongoing: bool | None = None, closed: bool | None = None) -> Select[Any]:
    """Rows named: Alarm, unit_code, unit_name, equipment_code, equipment_name, device_code. Not ordered.

    Alarms that went on in another are left out. `ongoing`: its readings still violate; `closed`: a
    person closed it.
    """
    query = cast(
        "Select[Any]",  # rows are read by name; SQLAlchemy would spell out six types
        select(
            Alarm,
            Unit.code.label("unit_code"),
            Unit.name.label("unit_name"),
            Equipment.code.label("equipment_code"),
            Equipment.name.label("equipment_name"),
            Device.code.label("device_code"),
        )
        .join(Unit, Unit.id == Alarm.unit_id)
        .join(Device, Device.id == Alarm.device_id)
        .outerjoin(Equipment, Equipment.id == Alarm.equipment_id)
        .where(visible_to(principal, Unit.path, Permission.ALARM_READ), Alarm.merged_into.is_(None)),
    )
    if ongoing is not None:
        query = query.where(Alarm.ended_at.is_(None) if ongoing else Alarm.ended_at.is_not(None))
    if closed is not None:
        query = query.where(Alarm.closed_at.is_not(None) if closed else Alarm.closed_at.is_(None))
    return query


def rings() -> ColumnElement[bool]:
    """Whether an Alarm is no advisory and its readings still violate the limit."""
    return and_(
        Alarm.severity == Severity.ALARM,
        Alarm.ended_at.is_(None),
        Alarm.closed_at.is_(None),
        Alarm.withdrawn_at.is_(None),
        Alarm.merged_into.is_(None),
    )


def rules_ringing(db: Session, principal: Principal, units: Collection[UUID]) -> dict[UUID, list[str]]:
    """By unit of these, within the caller's subtree, the rules of alarms, not advisories, whose readings still violate the limit."""
    query = (
        select(Alarm.unit_id, Alarm.rule)
        .join(Unit, Unit.id == Alarm.unit_id)
        .where(
            visible_to(principal, Unit.path, Permission.ALARM_READ),
            Alarm.unit_id.in_(units),
            rings(),
        )
        .distinct()
        .order_by(Alarm.unit_id, Alarm.rule)
    )
    found: dict[UUID, list[str]] = {}
    for unit, rule in db.execute(query):
        found.setdefault(unit, []).append(rule)
    return found


def episodes_of_channel(principal: Principal, channel_id: int) -> Select[Episode]:
    """Living episodes of a channel at the caller's places, not ordered."""
    return select(Episode).where(
        Episode.channel_id == channel_id,
        Episode.void_at.is_(None),
        Episode.merged_into.is_(None),
        Episode.unit_id.in_(units_visible_to(principal, Permission.TELEMETRY_READ)),
    )
