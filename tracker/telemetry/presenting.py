"""Wire shapes from rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tracker.edge.paging import Page
from tracker.telemetry.models import Channel, DayFigures, DeadLetter, Device
from tracker.telemetry.queries.curves import Point, Resolution
from tracker.telemetry.queries.sensors import sensor_code
from tracker.telemetry.queries.told import ToldRun
from tracker.telemetry.schemas import (
    ChannelOut,
    CurveOut,
    DayOut,
    DeadLetterOut,
    DeviceOut,
    DeviceWithPassword,
    PointOut,
    SensorOut,
    ToldAlarmOut,
    ToldAlarmsOut,
)
from tracker.telemetry.service.devices import AddedDevice

_SHOWN_BYTES = 1_000


def device_out(device: Device) -> DeviceOut:
    """A device, without anything secret."""
    return DeviceOut(
        id=device.id,
        code=device.code,
        kind=device.kind,
        make=device.make,
        model=device.model,
        serial=device.serial,
        gateway_id=device.gateway_id,
        status=device.status,
        last_seen_at=device.last_seen_at,
        retired_at=device.retired_at,
    )


def device_with_password(added: AddedDevice) -> DeviceWithPassword:
    """A device with the broker credentials told this once."""
    return DeviceWithPassword(
        **device_out(added.device).model_dump(),
        mqtt_username=added.device.code if added.password else None,
        mqtt_password=added.password,
    )


def channel_out(channel: Channel, device_code: str) -> ChannelOut:
    """A channel under the code people know it by."""
    return ChannelOut(
        id=channel.id,
        sensor=sensor_code(device_code, channel.name, channel.quantity),
        name=channel.name,
        quantity=channel.quantity,
        role=channel.role,
    )


def curve_out(
    channel: Channel,
    device_code: str,
    points: Iterable[Point],
    *,
    resolution: Resolution,
    from_at: datetime,
    to_at: datetime,
    next_cursor: str | None,
) -> CurveOut:
    """Points of one channel in [from_at, to_at)."""
    return CurveOut(
        sensor=sensor_code(device_code, channel.name, channel.quantity),
        quantity=channel.quantity,
        resolution=resolution,
        from_at=from_at,
        to_at=to_at,
        items=[_point(point) for point in points],
        next_cursor=next_cursor,
    )


def sensor_out(row: Any) -> SensorOut:
    """A row of `sensors_visible_to`."""
    channel: Channel = row.Channel
    return SensorOut(
        id=channel.id,
        code=sensor_code(row.device_code, channel.name, channel.quantity),
        device=row.device_code,
        facility=row.unit_code,
        quantity=channel.quantity,
        role=channel.role,
        equipment=row.equipment_code,
        equipment_id=row.equipment_id,
        shipment_id=row.shipment_id,
        interval_s=row.interval_s,
        latest_at=row.latest_at,
        latest_value=row.latest_value,
        status=row.device_status,
        silent=row.silent,
        last_seen_at=row.last_seen_at,
    )


def _point(point: Point) -> PointOut:
    return PointOut(
        at=point.at,
        value=point.value,
        low=point.low,
        high=point.high,
        count=point.count,
        clock_fault=point.clock_fault,
    )


def day_out(day: DayFigures) -> DayOut:
    """One day of a logger."""
    return DayOut(
        day=day.day,
        from_at=day.from_at,
        to_at=day.to_at,
        min_c=day.min_c,
        max_c=day.max_c,
        minutes_unknown=day.minutes_unknown,
        below_c=day.below_c,
        minutes_below=day.minutes_below,
        below_alarm_at=day.below_alarm_at,
        above_c=day.above_c,
        minutes_above=day.minutes_above,
        above_alarm_at=day.above_alarm_at,
    )


def told_alarms_out(
    channel: Channel, device_code: str, page: Page[ToldRun], *, from_at: datetime, to_at: datetime
) -> ToldAlarmsOut:
    """Stretches of a device's own alarms within [from_at, to_at)."""
    return ToldAlarmsOut(
        sensor=sensor_code(device_code, channel.name, channel.quantity),
        from_at=from_at,
        to_at=to_at,
        items=[
            ToldAlarmOut(code=run.code, first_at=run.first_at, last_at=run.last_at, times=run.times)
            for run in page.items
        ],
        next_cursor=page.next_cursor,
    )


def dead_letter_out(letter: DeadLetter) -> DeadLetterOut:
    """A dead letter with the first thousand bytes of what it said."""
    return DeadLetterOut(
        id=letter.id,
        topic=letter.topic,
        reason=letter.reason,
        detail=letter.detail,
        payload=letter.payload[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"),
        size=letter.size,
        times=letter.times,
        first_received_at=letter.first_received_at,
        last_received_at=letter.last_received_at,
    )
