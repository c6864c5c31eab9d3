"""Devices: making them known, and the credentials by which the broker and the API know them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import unit_by_ref
from tracker.access.rules import Permission
from tracker.feed.contract import Event
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.telemetry import events
from tracker.telemetry.errors import BadDeviceCode, BadGateway, DeviceRetired, DeviceTaken, NoCredentials, UnknownUnit
from tracker.telemetry.events import (
    DeviceAdded,
    DeviceCredentialsRenewed,
    DeviceCredentialsRevoked,
    DeviceMoved,
    DeviceReinstated,
)
from tracker.telemetry.models import Device
from tracker.telemetry.queries.devices import device_by_ref
from tracker.telemetry.rules.credentials import hash_password, new_password
from tracker.telemetry.rules.words import DeviceKind
from tracker.telemetry.service.assigning import end_watches, lock_device
from tracker.telemetry.service.commands import NewDevice

_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedDevice:
    """The device, and its password: told now and never again. None where it needs none."""

    device: Device
    password: str | None


def add_device(db: Session, principal: Principal, command: NewDevice, *, now: datetime) -> AddedDevice:
    """Make a device known and give it credentials for the broker (user name = code).

    Devices behind a gateway and loggers whose files people upload get none. Raises BadDeviceCode,
    UnknownUnit, BadGateway, DeviceTaken, Forbidden.
    """
    if _CODE.fullmatch(command.code) is None:
        raise BadDeviceCode(field="code")
    unit = _unit(db, principal, command.unit)
    gateway = _gateway(db, principal, command)
    password = new_password() if _speaks(command.kind, gateway.id if gateway else None) else None
    device = Device(
        id=uuid7(),
        code=command.code,
        kind=command.kind,
        unit_id=unit.id,
        make=command.make,
        model=command.model,
        serial=command.serial,
        gateway_id=gateway.id if gateway else None,
        password_hash=hash_password(password) if password else None,
        created_at=now,
    )
    try:
        with db.begin_nested():
            db.add(device)
    except IntegrityError as error:
        raise DeviceTaken(field="code") from error
    _tell(db, DeviceAdded(device_code=device.code, kind=device.kind), device, now)
    return AddedDevice(device=device, password=password)


def renew_password(db: Session, principal: Principal, ref: str | UUID, *, now: datetime) -> AddedDevice:
    """Give a device a new password; the old one ends with the broker's next reading of its users.

    Also one whose password was revoked. Raises UnknownDevice, NoCredentials, DeviceRetired, Forbidden.
    """
    device = device_by_ref(db, principal, ref, Permission.DEVICE_WRITE)
    if not _speaks(device.kind, device.gateway_id):
        raise NoCredentials(device=device.code)
    if device.retired_at is not None:
        raise DeviceRetired(device=device.code)
    password = new_password()
    device.password_hash = hash_password(password)
    db.flush()
    _tell(db, DeviceCredentialsRenewed(device_code=device.code, kind=device.kind), device, now)
    return AddedDevice(device=device, password=password)


def revoke_password(db: Session, principal: Principal, ref: str | UUID, *, now: datetime) -> Device:
    """End a device's password: the broker throws it out with its next reading of its users. Twice is harmless.

    Raises UnknownDevice, Forbidden.
    """
    device = device_by_ref(db, principal, ref, Permission.DEVICE_WRITE)
    if device.password_hash is not None:
        device.password_hash = None
        db.flush()
        _tell(db, DeviceCredentialsRevoked(device_code=device.code, kind=device.kind), device, now)
    return device


def move_device(db: Session, principal: Principal, ref: str | UUID, unit: str | UUID, *, now: datetime) -> Device:
    """Give a device to another unit. What it watches does not change: places, not devices, own what was measured.

    Raises UnknownDevice, UnknownUnit, Forbidden at either.
    """
    device = device_by_ref(db, principal, ref, Permission.DEVICE_WRITE)
    wanted = _unit(db, principal, unit)
    if device.unit_id != wanted.id:
        device.unit_id = wanted.id
        db.flush()
        _tell(db, DeviceMoved(device_code=device.code, kind=device.kind), device, now)
    return device


def retire_device(db: Session, principal: Principal, ref: str | UUID, *, now: datetime) -> Device:
    """Take a device out of use: its password and its watches end now; what it measured stays. Twice is harmless.

    Raises UnknownDevice, Forbidden.
    """
    device = device_by_ref(db, principal, ref, Permission.DEVICE_WRITE)
    lock_device(db, device.id)
    if device.retired_at is None:
        device.retired_at = now
        device.password_hash = None
        db.flush()
        end_watches(db, device.id, now)
        _tell(db, events.DeviceRetired(device_code=device.code, kind=device.kind), device, now)
    return device


def reinstate_device(db: Session, principal: Principal, ref: str | UUID, *, now: datetime) -> Device:
    """Take a retired device back into use; it watches nothing and has no password yet. Twice is harmless.

    Raises UnknownDevice, Forbidden.
    """
    device = device_by_ref(db, principal, ref, Permission.DEVICE_WRITE)
    if device.retired_at is not None:
        device.retired_at = None
        db.flush()
        _tell(db, DeviceReinstated(device_code=device.code, kind=device.kind), device, now)
    return device


def _speaks(kind: DeviceKind, gateway_id: UUID | None) -> bool:
    """Whether such a device logs in to the broker itself."""
    return gateway_id is None and kind is not DeviceKind.LOGGER


def _unit(db: Session, principal: Principal, ref: str | UUID) -> Unit:
    unit = unit_by_ref(db, ref)
    if unit is None or not principal.sees(unit.path):
        raise UnknownUnit(field="facility")
    principal.require(Permission.DEVICE_WRITE, unit.path)
    return unit


def _gateway(db: Session, principal: Principal, command: NewDevice) -> Device | None:
    if command.gateway is None:
        return None
    if not command.serial:
        raise BadGateway(field="serial")
    gateway = device_by_ref(db, principal, command.gateway, Permission.DEVICE_WRITE)
    if gateway.kind is not DeviceKind.GATEWAY:
        raise BadGateway(field="gateway")
    return gateway


def _tell(db: Session, event: Event, device: Device, now: datetime) -> None:
    append(db, event, unit_id=device.unit_id, subject=device.id, occurred_at=now, now=now)
