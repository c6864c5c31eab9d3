"""Devices by reference and by what they prove."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to, visible_to
from tracker.access.rules import Permission
from tracker.network.queries import as_id
from tracker.telemetry.errors import UnknownDevice
from tracker.telemetry.models import Device
from tracker.telemetry.rules.credentials import matches


def device_by_ref(
    db: Session, principal: Principal, ref: str | UUID, permission: Permission = Permission.TELEMETRY_READ
) -> Device:
    """The device with this id or code in the caller's subtree; raises UnknownDevice, Forbidden."""
    device_id = as_id(ref)
    named = Device.id == device_id if device_id is not None else Device.code == str(ref)
    found = db.execute(
        select(Device, Unit.path)
        .join(Unit, Unit.id == Device.unit_id)
        .where(named, visible_to(principal, Unit.path, Permission.TELEMETRY_READ))
    ).one_or_none()
    if found is None:
        raise UnknownDevice(device=str(ref))
    principal.require(permission, found.path)
    device: Device = found[0]
    return device


def broker_credentials(db: Session) -> dict[str, str]:
    """User name → `$7$` hash of every device that may speak to the broker: its password file."""
    rows = db.execute(
        select(Device.code, Device.password_hash).where(Device.password_hash.is_not(None), Device.retired_at.is_(None))
    )
    return {row.code: row.password_hash for row in rows}


def device_by_credentials(db: Session, code: str, password: str) -> Device | None:
    """The device these credentials prove; None otherwise."""
    device = db.scalar(select(Device).where(Device.code == code, Device.retired_at.is_(None)))
    proven = matches(password, device.password_hash if device is not None else None)
    return device if proven else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMet:
    """What a program that takes readings in needs of a device."""

    id: UUID
    code: str
    serial: str | None
    last_seen_at: datetime | None


def devices_by_codes(db: Session, codes: Collection[str]) -> list[DeviceMet]:
    """Devices in use with these codes, whoever they belong to."""
    return _met(db, Device.code.in_(codes))


def devices_behind(db: Session, gateway_id: UUID) -> list[DeviceMet]:
    """Devices in use with a serial that send through this gateway."""
    return _met(db, and_(Device.gateway_id == gateway_id, Device.serial.is_not(None)))


def serials_spoken_for(db: Session, gateway_id: UUID, serials: Collection[str]) -> list[DeviceMet]:
    """Those of these serials that a gateway may name: its own and those behind it."""
    return _met(db, and_(or_(Device.gateway_id == gateway_id, Device.id == gateway_id), Device.serial.in_(serials)))


def serials_in_reach(db: Session, principal: Principal, serials: Collection[str]) -> list[DeviceMet]:
    """Those of these serials whose telemetry the caller may write."""
    reach = Device.unit_id.in_(units_visible_to(principal, Permission.TELEMETRY_WRITE))
    return _met(db, and_(reach, Device.serial.in_(serials)))


def _met(db: Session, which: ColumnElement[bool]) -> list[DeviceMet]:
    rows = db.execute(
        select(Device.id, Device.code, Device.serial, Device.last_seen_at).where(which, Device.retired_at.is_(None))
    )
    return [DeviceMet(id=row.id, code=row.code, serial=row.serial, last_seen_at=row.last_seen_at) for row in rows]


def device_by_code(db: Session, code: str) -> Device | None:
    """The device with this code, whoever it belongs to and retired or not."""
    return db.scalar(select(Device).where(Device.code == code))
