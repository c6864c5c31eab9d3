"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.values import Instant, Whole
from tracker.edge.words import Seen
from tracker.telemetry.queries.curves import Resolution
from tracker.telemetry.rules.words import DeviceKind, DeviceStatus, Quantity, Role

# PostgreSQL's text cannot hold NUL; no identity on a name plate has control characters anyway.
Plain = Annotated[str, Seen, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class DeviceIn(BaseModel):
    """A device to make known; `facility` is the unit (id or code) it belongs to."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    facility: Plain
    kind: DeviceKind = DeviceKind.NATIVE
    make: Plain | None = None
    model: Plain | None = None
    serial: Plain | None = None
    gateway: Plain | None = Field(None, description="Device (id or code) that passes on this one's EMS reports.")


class DeviceOut(BaseModel):
    """A device."""

    id: UUID
    code: str
    kind: DeviceKind
    make: str | None
    model: str | None
    serial: str | None
    gateway_id: UUID | None
    status: DeviceStatus
    last_seen_at: datetime | None
    retired_at: datetime | None


class DeviceWithPassword(DeviceOut):
    """A device with its broker credentials: this answer is the only time they are shown."""

    mqtt_username: str | None
    mqtt_password: str | None


class ChannelIn(BaseModel):
    """From `from` on (default now) this channel watches the equipment or shipment; neither ends the watch."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    quantity: Quantity = Quantity.TEMPERATURE
    role: Role | None = None
    equipment: Plain | None = None
    shipment: Plain | None = None
    from_at: Instant | None = Field(None, alias="from")
    interval_s: Whole | None = Field(None, ge=1, le=86_400)


class CorrectionIn(BaseModel):
    """The watch in force at `at` (default: the channel's last one) was of this equipment, and why that is known."""

    model_config = ConfigDict(extra="forbid")

    equipment: Plain
    reason: Annotated[str, Seen, StringConstraints(min_length=1, max_length=2000)]
    quantity: Quantity = Quantity.TEMPERATURE
    at: Instant | None = None


class MoveIn(BaseModel):
    """The unit (id or code) a device belongs to from now on."""

    model_config = ConfigDict(extra="forbid")

    facility: Plain


class ChannelOut(BaseModel):
    """A channel; `sensor` is its code among sensors."""

    id: int
    sensor: str
    name: str
    quantity: Quantity
    role: Role


class SensorOut(BaseModel):
    """A channel with its newest reading (in the quantity's unit) and what it watches now."""

    id: int
    code: str
    device: str
    facility: str
    quantity: Quantity
    role: Role
    equipment: str | None
    equipment_id: UUID | None
    shipment_id: UUID | None
    interval_s: int | None
    latest_at: datetime | None
    latest_value: float | None
    status: DeviceStatus
    silent: bool
    last_seen_at: datetime | None


class PointOut(BaseModel):
    """One reading, or the mean, least and greatest of one hour or day."""

    at: datetime
    value: float
    low: float
    high: float
    count: int
    clock_fault: bool


class CurveOut(BaseModel):
    """Readings of one sensor in [from, to); `next_cursor` only where single readings go on."""

    model_config = ConfigDict(populate_by_name=True)

    sensor: str
    quantity: Quantity
    resolution: Resolution
    from_at: datetime = Field(alias="from")
    to_at: datetime = Field(alias="to")
    items: list[PointOut]
    next_cursor: str | None = None


class DeadLetterOut(BaseModel):
    """A message that could not become readings; `payload` is its beginning, unreadable bytes escaped."""

    id: UUID
    topic: str
    reason: str
    detail: str
    payload: str
    size: int
    times: int
    first_received_at: datetime
    last_received_at: datetime


class DayOut(BaseModel):
    """What a logger without readings printed for one of its days; the part of the day it tells of is [from, to)."""

    model_config = ConfigDict(populate_by_name=True)

    day: date
    from_at: datetime = Field(alias="from")
    to_at: datetime = Field(alias="to")
    min_c: float
    max_c: float
    minutes_unknown: int
    below_c: float | None = Field(description="The logger's own low limit.")
    minutes_below: int | None
    below_alarm_at: datetime | None = Field(description="When its own alarm was first on that day.")
    above_c: float | None
    minutes_above: int | None
    above_alarm_at: datetime | None


class ToldAlarmOut(BaseModel):
    """A code the device itself gave as its alarm, from the first to the last time it said so without a pause."""

    code: str
    first_at: datetime
    last_at: datetime
    times: int


class ToldAlarmsOut(BaseModel):
    """A device's own alarms within [from, to), newest first; `next_cursor` is null on the last page."""

    model_config = ConfigDict(populate_by_name=True)

    sensor: str
    from_at: datetime = Field(alias="from")
    to_at: datetime = Field(alias="to")
    items: list[ToldAlarmOut]
    next_cursor: str | None = None
