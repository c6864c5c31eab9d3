"""The words of this room: kinds of devices, measured quantities, roles, who told the time."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum, IntFlag, StrEnum

# No vaccine logger of this programme measured before; earlier instants are clocks that lost their
# battery and count from 1970 or 2000 (domain.md §5).
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)


class DeviceKind(StrEnum):
    """How a thing that measures is connected."""

    NATIVE = "native"
    GATEWAY = "gateway"
    LOGGER = "logger"


class DeviceStatus(StrEnum):
    """What the broker last said of the device's connection (its last will included)."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


class Quantity(StrEnum):
    """What is measured, with its unit."""

    TEMPERATURE = "temperature"  # °C
    HUMIDITY = "humidity"  # % relative
    DOOR_OPEN = "door_open"  # seconds open within [at - interval, at]
    POWER = "power"  # seconds with usable power within [at - interval, at]
    COMPRESSOR = "compressor"  # seconds run within [at - interval, at]
    VOLTAGE = "voltage"  # V
    CURRENT = "current"  # A
    BATTERY = "battery"  # % left
    BATTERY_DAYS = "battery_days"  # days left (WHO EMS objects BEMD and BLOG)
    LATITUDE = "latitude"  # degrees north
    LONGITUDE = "longitude"  # degrees east


class Role(StrEnum):
    """Where a channel measures; limits and passports read storage and freezer only."""

    STORAGE = "storage"
    FREEZER = "freezer"
    AMBIENT = "ambient"
    CONDENSER = "condenser"
    DOOR = "door"
    POWER = "power"
    HUMIDITY = "humidity"
    BATTERY = "battery"
    POSITION = "position"
    OTHER = "other"


class TimeSource(IntEnum):
    """Whose clock gave `measured_at`."""

    DEVICE = 0
    GATEWAY = 1
    NETWORK = 2
    RECEIVER = 3


class Flag(IntFlag):
    """Quality marks of one reading."""

    NONE = 0
    # The device's clock was wrong: `measured_at` was derived from the first receipt.
    CLOCK_FAULT = 1


DEFAULT_ROLES: dict[Quantity, Role] = {
    Quantity.TEMPERATURE: Role.STORAGE,
    Quantity.HUMIDITY: Role.HUMIDITY,
    Quantity.DOOR_OPEN: Role.DOOR,
    Quantity.POWER: Role.POWER,
    Quantity.COMPRESSOR: Role.OTHER,
    Quantity.VOLTAGE: Role.OTHER,
    Quantity.CURRENT: Role.OTHER,
    Quantity.BATTERY: Role.BATTERY,
    Quantity.BATTERY_DAYS: Role.BATTERY,
    Quantity.LATITUDE: Role.POSITION,
    Quantity.LONGITUDE: Role.POSITION,
}

SILENT_AFTER = 3
"""Silence begins when this many nominal intervals have passed without a reading (domain.md §5)."""
