"""Sensors as people see them: a channel with its device, its newest reading, what it watches now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, and_, any_, func, literal, or_, select, true
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import few_units, visible_to
from tracker.access.rules import Permission
from tracker.database.types import any_of
from tracker.network.models import Equipment
from tracker.telemetry.errors import UnknownSensor
from tracker.telemetry.models import Assignment, Channel, ChannelInterval, Device, Reading
from tracker.telemetry.queries.reach import watched_by
from tracker.telemetry.rules.words import SILENT_AFTER, Quantity


def sensors_visible_to(principal: Principal, *, now: datetime) -> Select[Any]:
    """Rows named: channel, device_code, device_status, last_seen_at, unit_code, equipment_id,
    equipment_code, shipment_id, interval_s, latest_at, latest_value, silent. Not ordered.

    A channel stands where it watches now, whosever its device is; of devices out of use there are none.
    """
    latest = (
        select(Reading.measured_at, Reading.value)
        .where(
            Reading.channel_id == Channel.id,
            # What a device measured before it came to somebody else's place is not shown there.
            or_(
                Equipment.facility_id.is_(None),
                Equipment.facility_id == Device.unit_id,
                Reading.measured_at >= Assignment.from_at,
            ),
        )
        .order_by(Reading.measured_at.desc(), Reading.value.desc())
        .limit(1)
        .lateral("latest")
    )
    interval = (
        select(ChannelInterval.interval_s)
        .where(ChannelInterval.channel_id == Channel.id, ChannelInterval.from_at <= now)
        .order_by(ChannelInterval.from_at.desc())
        .limit(1)
        .lateral("interval")
    )
    in_force = and_(
        Assignment.channel_id == Channel.id,
        Assignment.from_at <= now,
        Assignment.to_at.is_(None) | (Assignment.to_at > now),
    )
    age_s = func.extract("epoch", now - latest.c.measured_at)
    return (
        select(
            Channel,
            Device.code.label("device_code"),
            Device.status.label("device_status"),
            Device.last_seen_at,
            Unit.code.label("unit_code"),
            Assignment.equipment_id,
            Equipment.code.label("equipment_code"),
            Assignment.shipment_id,
            interval.c.interval_s,
            latest.c.measured_at.label("latest_at"),
            latest.c.value.label("latest_value"),
            func.coalesce(age_s > SILENT_AFTER * interval.c.interval_s, True).label("silent"),
        )
        .join(Device, Device.id == Channel.device_id)
        .outerjoin(Assignment, in_force)
        .outerjoin(Equipment, Equipment.id == Assignment.equipment_id)
        .join(Unit, Unit.id == func.coalesce(Equipment.facility_id, Device.unit_id))
        .outerjoin(interval, true())
        .outerjoin(latest, true())
        .where(visible_to(principal, Unit.path, Permission.TELEMETRY_READ), Device.retired_at.is_(None))
    )


def sensors_of(db: Session, principal: Principal, *, now: datetime) -> Select[Any]:
    """The same for listings: who sees few units finds their channels by where devices belong and what watches there."""
    query = sensors_visible_to(principal, now=now)
    few = few_units(db, principal, Permission.TELEMETRY_READ)
    if few is None:
        return query
    own = select(Channel.id).join(Device, Device.id == Channel.device_id).where(any_of(Device.unit_id, few))
    here = (
        select(Assignment.channel_id)
        .join(Equipment, Equipment.id == Assignment.equipment_id)
        .where(any_of(Equipment.facility_id, few))
    )
    return query.where(Channel.id == any_(literal(db.scalars(own.union(here)).all(), ARRAY(BigInteger))))


def sensor_by_ref(db: Session, principal: Principal, ref: str) -> Channel:
    """The channel with this number, or this code `device.channel[.quantity]`; raises UnknownSensor.

    Without a quantity the code means the temperature channel.
    """
    channel = db.scalar(
        select(Channel).join(Device, Device.id == Channel.device_id).where(_named(ref), watched_by(principal))
    )
    if channel is None:
        raise UnknownSensor(sensor=ref)
    return channel


def sensor_code(device_code: str, name: str, quantity: Quantity) -> str:
    """`device.channel` for temperatures, `device.channel.quantity` for all else."""
    code = f"{device_code}.{name}"
    return code if quantity is Quantity.TEMPERATURE else f"{code}.{quantity.value}"


def _named(ref: str) -> ColumnElement[bool]:
    # 18 digits always fit into a bigint.
    if ref.isascii() and ref.isdecimal() and len(ref) <= 18:
        return Channel.id == int(ref)
    device, _, rest = ref.partition(".")
    name, _, quantity = rest.partition(".")
    if quantity and quantity not in set(Quantity):
        raise UnknownSensor(sensor=ref)
    return and_(
        Device.code == device,
        Channel.name == name,
        Channel.quantity == (Quantity(quantity) if quantity else Quantity.TEMPERATURE),
    )


def channel_named(db: Session, device_id: UUID, name: str, quantity: Quantity) -> Channel | None:
    """The channel of a device with this name and quantity."""
    return db.scalar(
        select(Channel).where(Channel.device_id == device_id, Channel.name == name, Channel.quantity == quantity)
    )
