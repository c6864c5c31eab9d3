"""Channels: found or made when first heard of, and put to equipment or shipments for a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.feed.service import append
from tracker.kit.clock import AHEAD
from tracker.telemetry.errors import BadChannel, BadPeriod, DeviceRetired
from tracker.telemetry.events import ChannelAssigned
from tracker.telemetry.models import Channel, ChannelInterval, Device
from tracker.telemetry.queries.devices import device_by_ref
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import DEFAULT_ROLES, EARLIEST, Quantity, Role
from tracker.telemetry.service.assigning import lock_device, put_to, targets_of
from tracker.telemetry.service.commands import ChannelUse
from tracker.telemetry.service.writer import mark

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
# Ten minutes until a person or the device's standard says otherwise.
DEFAULT_INTERVAL_S = 600
# A broken or hostile device must not make rows without end by inventing names.
MOST_CHANNELS = 64
# A statement takes 65,535 parameters; a row has five.
_CHUNK = 5_000

_TEMPERATURE_ROLES = frozenset({Role.STORAGE, Role.FREEZER, Role.AMBIENT, Role.CONDENSER, Role.OTHER})
ChannelKey = tuple[UUID, str, Quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHint:
    """What the payload's dialect knows of a channel nobody has declared yet."""

    role: Role
    interval_s: int = DEFAULT_INTERVAL_S


def known_channels(db: Session, device_ids: Iterable[UUID]) -> dict[ChannelKey, ChannelRef]:
    """All channels of these devices."""
    rows = db.execute(
        select(Channel.device_id, Channel.name, Channel.quantity, Channel.id, Channel.role).where(
            Channel.device_id.in_(list(device_ids))
        )
    )
    return {(row.device_id, row.name, row.quantity): ChannelRef(row.id, row.quantity, row.role) for row in rows}


def make_channels(
    db: Session, wanted: Mapping[ChannelKey, ChannelHint], *, now: datetime
) -> dict[ChannelKey, ChannelRef]:
    """Make the channels of `wanted` that do not exist, unassigned; those beyond a device's most are left out.

    Two programs may make the same one at once: the first wins, both get it.
    """
    devices = sorted({device_id for device_id, _, _ in wanted})
    rows = db.execute(
        select(Channel.device_id, func.count()).where(Channel.device_id.in_(devices)).group_by(Channel.device_id)
    )
    counts = {device_id: count for device_id, count in rows}  # noqa: C416 - rows are not tuples to the type checker
    new: list[dict[str, object]] = []
    for device_id, name, quantity in sorted(wanted):
        if counts.get(device_id, 0) < MOST_CHANNELS:
            counts[device_id] = counts.get(device_id, 0) + 1
            role = wanted[device_id, name, quantity].role
            row = {"device_id": device_id, "name": name, "quantity": quantity, "role": role, "created_at": now}
            new.append(row)
    for start in range(0, len(new), _CHUNK):
        _insert_channels(db, new[start : start + _CHUNK], wanted)
    known = known_channels(db, devices)
    return {key: known[key] for key in wanted if key in known}


def _insert_channels(db: Session, rows: list[dict[str, object]], wanted: Mapping[ChannelKey, ChannelHint]) -> None:
    made = db.execute(
        upsert(Channel)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(Channel.id, Channel.device_id, Channel.name, Channel.quantity)
    ).all()
    intervals = [
        {
            "channel_id": row.id,
            "from_at": EARLIEST,
            "interval_s": wanted[row.device_id, row.name, row.quantity].interval_s,
        }
        for row in made
    ]
    if intervals:
        db.execute(insert(ChannelInterval), intervals)


def use_channel(db: Session, principal: Principal, command: ChannelUse, *, now: datetime) -> Channel:
    """Declare a channel and say what it watches; past instants are evaluated again.

    The assignment in force at `from_at` (default: now) ends there. Raises UnknownDevice, BadChannel,
    OneTarget, UnknownTarget, BadPeriod, DeviceRetired, AssignmentOverlap when a later assignment exists, Forbidden.
    """
    device = device_by_ref(db, principal, command.device, Permission.DEVICE_WRITE)
    from_at = command.from_at or now
    if not EARLIEST <= from_at <= now + AHEAD:
        raise BadPeriod(field="from")
    lock_device(db, device.id)
    db.refresh(device)
    if device.retired_at is not None:
        raise DeviceRetired(device=device.code)
    channel, before = _declared(db, device, command, now=now)
    if command.interval_s is not None:
        _set_interval(db, channel.id, EARLIEST if before is None else from_at, command.interval_s)
    equipment_id, shipment_id = targets_of(db, principal, command)
    put_to(db, channel.id, equipment_id, shipment_id, from_at=from_at)
    # A new role or interval changes how past readings are judged, from wherever they begin.
    mark(db, channel.id, from_at if before in {None, channel.role} else EARLIEST)
    append(
        db,
        ChannelAssigned(device_code=device.code, channel_name=channel.name, role=channel.role),
        unit_id=device.unit_id,
        subject=str(channel.id),
        occurred_at=from_at,
        now=now,
    )
    return channel


def _declared(db: Session, device: Device, command: ChannelUse, *, now: datetime) -> tuple[Channel, Role | None]:
    """The channel with the role asked for, and the role it had; None when it was made now."""
    role = command.role or DEFAULT_ROLES[command.quantity]
    if NAME.fullmatch(command.name) is None:
        raise BadChannel(field="name")
    allowed = _TEMPERATURE_ROLES if command.quantity is Quantity.TEMPERATURE else {DEFAULT_ROLES[command.quantity]}
    if role not in allowed | {Role.OTHER}:
        raise BadChannel(field="role", quantity=command.quantity.value)
    key = (device.id, command.name, command.quantity)
    known = known_channels(db, [device.id]).get(key)
    if known is None:
        made = make_channels(db, {key: ChannelHint(role=role)}, now=now)
        if key not in made:
            raise BadChannel(field="name", most=MOST_CHANNELS)
        return db.get_one(Channel, made[key].id), None
    channel = db.get_one(Channel, known.id)
    if command.role is not None and command.role is not known.role:
        db.execute(update(Channel).where(Channel.id == known.id).values(role=role))
        db.refresh(channel)
    return channel, known.role


def _set_interval(db: Session, channel_id: int, from_at: datetime, interval_s: int) -> None:
    statement = upsert(ChannelInterval).values(channel_id=channel_id, from_at=from_at, interval_s=interval_s)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[ChannelInterval.channel_id, ChannelInterval.from_at],
            set_={"interval_s": statement.excluded.interval_s},
        )
    )
