"""Devices by reference and by what they prove."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
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
    if device is None or not matches(password, device.password_hash):
        return None
    return device
