"""Tables of this room. Readings lie in monthly partitions made on demand (UTC months)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.telemetry.rules.words import DeviceKind, DeviceStatus, Quantity, Role


class Device(Base):
    """A thing that measures or that passes on what others measured.

    `code` is its MQTT user name and the level of its topics, so the broker's access list proves the
    sender. A device behind a gateway (`gateway_id`) is known by its `serial` within that gateway.
    """

    __tablename__ = "device"
    __table_args__ = (
        # The code is a topic level and a user name: none of MQTT's own signs, nothing to escape.
        CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,64}$'", name="code_plain"),
        CheckConstraint("gateway_id IS NULL OR serial IS NOT NULL", name="gateway_serial"),
        Index("uq_device_gateway_id_serial", "gateway_id", "serial", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[DeviceKind] = mapped_column(StrEnumText(DeviceKind))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"), index=True)
    make: Mapped[str | None]
    model: Mapped[str | None]
    serial: Mapped[str | None]
    gateway_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    # PBKDF2-SHA512 in the broker's own notation: the broker's password file is written from here.
    password_hash: Mapped[str | None]
    status: Mapped[DeviceStatus] = mapped_column(StrEnumText(DeviceStatus), server_default=DeviceStatus.UNKNOWN.value)
    status_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Channel(Base):
    """One measured quantity of a device. A sensor on a page is a channel."""

    __tablename__ = "channel"
    __table_args__ = (UniqueConstraint("device_id", "name", "quantity"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    name: Mapped[str]
    quantity: Mapped[Quantity] = mapped_column(StrEnumText(Quantity))
    role: Mapped[Role] = mapped_column(StrEnumText(Role))
    created_at: Mapped[datetime]


class ChannelInterval(Base):
    """Nominal seconds between readings, in force from an instant until the next row.

    Every channel has one from `words.EARLIEST` on. Told by the device's standard or set by people,
    never learnt from readings: evaluation must not change with what happens to have arrived.
    """

    __tablename__ = "channel_interval"
    __table_args__ = (CheckConstraint("interval_s BETWEEN 1 AND 86400", name="interval_s_range"),)

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), primary_key=True)
    from_at: Mapped[datetime] = mapped_column(primary_key=True)
    interval_s: Mapped[int] = mapped_column(Integer)


class Assignment(Base):
    """What a channel watched in [from_at, to_at): a piece of equipment or a shipment."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("num_nonnulls(equipment_id, shipment_id) = 1", name="one_target"),
        CheckConstraint("to_at > from_at", name="order"),
        ExcludeConstraint(
            ("channel_id", "="),
            (func.tstzrange(text("from_at"), text("to_at")), "&&"),
            name="ex_assignment_channel_id_period",
            using="gist",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"), index=True)
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipment.id"), index=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]


class WatchCorrection(Base):
    """It was said for [from_at, to_at) that a channel watched the wrong equipment. Append-only.

    `assignment_id` is the assignment that was replaced; what hung on it (episodes) is void.
    """

    __tablename__ = "watch_correction"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), index=True)
    from_equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    to_equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    reason: Mapped[str]
    corrected_at: Mapped[datetime]
    corrected_by: Mapped[UUID | None]
    corrected_name: Mapped[str]


class Reading(Base):
    """One measured value.

    The value belongs to the key: the same again is a repeat and dropped, another value at the same
    instant is a conflict and both stay, whatever came first. `time_source` and `flags` hold the
    numbers of `words.TimeSource` and `words.Flag`.
    """

    __tablename__ = "reading"
    __table_args__ = {"postgresql_partition_by": "RANGE (measured_at)"}  # noqa: RUF012 - SQLAlchemy reads it once

    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measured_at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[float] = mapped_column(Double, primary_key=True)
    received_at: Mapped[datetime]
    time_source: Mapped[int] = mapped_column(SmallInteger)
    flags: Mapped[int] = mapped_column(SmallInteger)
    message_id: Mapped[str | None]


class ArchivedMonth(Base):
    """A month whose partition of `reading` was taken out and lies in the schema `archive` under its name.

    What was summed up of it (hours, episodes, days) stays; nothing is judged by it any more.
    """

    __tablename__ = "archived_month"
    __table_args__ = (CheckConstraint("extract(day FROM month) = 1", name="first_day"),)

    month: Mapped[date] = mapped_column(primary_key=True)
    archived_at: Mapped[datetime]


class DayFigures(Base):
    """What a logger that keeps no readings printed for one of its days: extremes, minutes beyond its own limits.

    [from_at, to_at) is the part of the day it tells of; a later export tells of more, and never of less. `…_alarm_at`:
    when its own alarm was first on that day; its start is midnight where the alarm went on from the day before.
    """

    __tablename__ = "day_figures"
    __table_args__ = (
        CheckConstraint("to_at > from_at", name="order"),
        CheckConstraint("max_c >= min_c", name="extremes"),
        CheckConstraint("least(minutes_below, minutes_above, minutes_unknown) >= 0", name="minutes"),
    )

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    min_c: Mapped[float] = mapped_column(Double)
    max_c: Mapped[float] = mapped_column(Double)
    minutes_unknown: Mapped[int] = mapped_column(Integer)
    below_c: Mapped[float | None] = mapped_column(Double)
    below_minutes: Mapped[int | None] = mapped_column(Integer)
    minutes_below: Mapped[int | None] = mapped_column(Integer)
    below_alarm_at: Mapped[datetime | None]
    above_c: Mapped[float | None] = mapped_column(Double)
    above_minutes: Mapped[int | None] = mapped_column(Integer)
    minutes_above: Mapped[int | None] = mapped_column(Integer)
    above_alarm_at: Mapped[datetime | None]
    received_at: Mapped[datetime]


class ToldAlarm(Base):
    """A code that a device itself gave as its alarm (`ALRM` of WHO EMS) at one instant. Shown, never judged by.

    `at` is what the device claimed, or the receipt where that cannot be.
    """

    __tablename__ = "told_alarm"
    __table_args__ = (
        CheckConstraint("code ~ '^[!-~]{1,16}$'", name="code_plain"),
        Index("ix_told_alarm_device_id_at", "device_id", "at"),
    )

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    received_at: Mapped[datetime]


class SensorFault(Base):
    """What a sensor sent that is no measurement: power-on values, "no sensor" codes, gaps in words.

    Kept away from `reading`, so that no mean, limit or passport can ever take one for a temperature.
    """

    __tablename__ = "sensor_fault"

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), primary_key=True)
    measured_at: Mapped[datetime] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    raw: Mapped[str]
    received_at: Mapped[datetime]


class ClockFault(Base):
    """Where a reading of a wrong clock was placed at its first receipt; repeats find their place here."""

    __tablename__ = "clock_fault"

    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    claimed_at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[float] = mapped_column(Double, primary_key=True)
    placed_at: Mapped[datetime]
    received_at: Mapped[datetime]


class ReadingMark(Base):
    """Says that a channel got new readings, the earliest at `earliest_at`. Written once, deleted once used.

    Take marks with `queries.take_marks` (DELETE … RETURNING): a cursor over `id` would lose rows,
    because numbers drawn inside transactions become visible out of order.
    """

    __tablename__ = "reading_mark"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    channel_id: Mapped[int]
    earliest_at: Mapped[datetime]


class DeadLetter(Base):
    """A message that could not become readings, with the reason; the same again only counts up."""

    __tablename__ = "dead_letter"
    __table_args__ = (Index(None, "last_received_at"), Index(None, "device_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # SHA-256 of topic, reason and payload.
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    topic: Mapped[str]
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    reason: Mapped[str]
    detail: Mapped[str]
    # The first 64 KiB; `size` is the whole.
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(Integer)
    times: Mapped[int] = mapped_column(Integer, server_default="1")
    first_received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]
