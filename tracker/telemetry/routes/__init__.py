"""HTTP of this room: devices, channels, sensors, dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from sqlalchemy import select

from tracker.access.queries import units_visible_to
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import BadCursor, Cursor, Limit, Page, decode_cursor, encode_cursor, page_of
from tracker.edge.values import Instant
from tracker.network.queries import facility_by_code_or_id
from tracker.telemetry import schemas
from tracker.telemetry.errors import UnknownSensor
from tracker.telemetry.models import Channel, DeadLetter, Device
from tracker.telemetry.presenting import (
    channel_out,
    curve_out,
    dead_letter_out,
    device_out,
    device_with_password,
    sensor_out,
)
from tracker.telemetry.queries.curves import RAW_MOST, Resolution, grouped_points, raw_points, settle
from tracker.telemetry.queries.deadletters import dead_letters_visible_to
from tracker.telemetry.queries.reach import readings_seen
from tracker.telemetry.queries.sensors import sensor_by_ref, sensors_of, sensors_visible_to
from tracker.telemetry.routes.periods import period_of
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device, renew_password

router = Router(prefix="/api/v1", tags=["telemetry"])

At = Annotated[str | None, Query(max_length=64, description="Facility whose devices these are: id or code.")]
Ref = Annotated[str, Path(max_length=150, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.post("/devices", status_code=201, operation_id="add_device")
def post_device(body: schemas.DeviceIn, db: Db, caller: Caller, now: Now) -> schemas.DeviceWithPassword:
    """Make a device known; answers its broker credentials, this once."""
    command = NewDevice(
        code=body.code,
        unit=body.facility,
        kind=body.kind,
        make=body.make,
        model=body.model,
        serial=body.serial,
        gateway=body.gateway,
    )
    return device_with_password(add_device(db, caller, command, now=now))


@router.post("/devices/{device}/credentials", status_code=201, operation_id="renew_device_password")
def post_credentials(device: Ref, *, db: Db, caller: Caller, now: Now) -> schemas.DeviceWithPassword:
    """Give the device a new password; answers it, this once, and again only to a repeat under the same key."""
    return device_with_password(renew_password(db, caller, device, now=now))


@router.post("/devices/{device}/channels", status_code=201, operation_id="use_channel")
def post_channel(device: Ref, body: schemas.ChannelIn, *, db: Db, caller: Caller, now: Now) -> schemas.ChannelOut:
    """Declare a channel, or say what it watches from an instant on."""
    command = ChannelUse(
        device=device,
        name=body.name,
        quantity=body.quantity,
        role=body.role,
        equipment=body.equipment,
        shipment=body.shipment,
        from_at=body.from_at,
        interval_s=body.interval_s,
    )
    channel = use_channel(db, caller, command, now=now)
    return channel_out(channel, db.scalars(select(Device.code).where(Device.id == channel.device_id)).one())


@router.get("/devices", operation_id="list_devices")
def get_devices(
    db: Db, caller: Caller, *, facility: At = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[schemas.DeviceOut]:
    """Devices within reach, by code."""
    caller.require(Permission.TELEMETRY_READ)
    query = select(Device).where(Device.unit_id.in_(units_visible_to(caller, Permission.TELEMETRY_READ)))
    if facility is not None:
        query = query.where(Device.unit_id == facility_by_code_or_id(db, caller, facility).id)
    return page_of(
        db,
        query,
        keys=[Device.code],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].code],
        present=lambda row: device_out(row[0]),
    )


@router.get("/sensors", operation_id="list_sensors")
def get_sensors(
    db: Db, caller: Caller, now: Now, *, facility: At = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[schemas.SensorOut]:
    """Channels within reach with newest reading, connection and silence."""
    caller.require(Permission.TELEMETRY_READ)
    query = sensors_of(db, caller, now=now)
    if facility is not None:
        query = query.where(Device.unit_id == facility_by_code_or_id(db, caller, facility).id)
    return page_of(
        db,
        query,
        keys=[Channel.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row.Channel.id],
        present=sensor_out,
    )


@router.get("/sensors/{sensor}", operation_id="read_sensor")
def get_sensor(sensor: Ref, db: Db, caller: Caller, now: Now) -> schemas.SensorOut:
    """One sensor, by number or code (`device.channel`), where it watches now."""
    channel = sensor_by_ref(db, caller, sensor)
    row = db.execute(sensors_visible_to(caller, now=now).where(Channel.id == channel.id)).one_or_none()
    if row is None:
        raise UnknownSensor(sensor=sensor)
    return sensor_out(row)


@router.get("/sensors/{sensor}/readings", operation_id="read_sensor_readings", response_model_by_alias=True)
def get_readings(
    sensor: Ref,
    *,
    db: Db,
    caller: Caller,
    now: Now,
    from_at: Annotated[Instant | None, Query(alias="from", description="Default: a day before `to`.")] = None,
    to_at: Annotated[Instant | None, Query(alias="to", description="Default: now.")] = None,
    resolution: Resolution = Resolution.AUTO,
    limit: Annotated[int, Query(ge=1, le=RAW_MOST, description="Single readings per page.")] = RAW_MOST,
    cursor: Cursor = None,
) -> schemas.CurveOut:
    """Readings in [from, to) of the caller's places and devices: single ones a page at a time, or by hour, or by day where hours are too many."""
    channel = sensor_by_ref(db, caller, sensor)
    seen = readings_seen(db, caller, channel.id)
    start, end = period_of(from_at, to_at, now)
    settled = Resolution.RAW if cursor else settle(db, channel.id, start, end, resolution)
    following = None
    if settled is Resolution.RAW:
        after = _after(cursor) if cursor else None
        points = raw_points(db, channel.id, start, end, seen=seen, limit=limit + 1, after=after)
        if len(points) > limit:
            points = points[:limit]
            following = encode_cursor([points[-1].at, points[-1].value])
    else:
        points = list(grouped_points(db, channel.id, start, end, settled, seen=seen))
    code = db.scalars(select(Device.code).where(Device.id == channel.device_id)).one()
    return curve_out(channel, code, points, resolution=settled, from_at=start, to_at=end, next_cursor=following)


@router.get("/dead-letters", operation_id="list_dead_letters")
def get_dead_letters(db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[schemas.DeadLetterOut]:
    """Messages that could not become readings, newest first; those of unknown senders for the nation only."""
    caller.require(Permission.TELEMETRY_READ)
    return page_of(
        db,
        dead_letters_visible_to(caller),
        keys=[DeadLetter.last_received_at, DeadLetter.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].last_received_at.isoformat(), row[0].id],
        present=lambda row: dead_letter_out(row[0]),
        descending=True,
    )


def _after(cursor: str) -> tuple[datetime, float]:
    at, value = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(at)
        key = float(value)
    except ValueError as error:
        raise BadCursor(field="cursor") from error
    if instant.tzinfo is None:
        raise BadCursor(field="cursor")
    return instant, key
