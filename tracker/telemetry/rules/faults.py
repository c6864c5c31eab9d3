"""What a sensor may send that is no measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tracker.telemetry.rules.words import Quantity, Role

# A DS18B20 shows its power-on register, exactly 85.0, when it was read before its first conversion.
POWER_ON_C = 85.0
# A condenser may really pass through 85.0 °C; nothing that keeps vaccine can.
_HOT_ROLES = frozenset({Role.CONDENSER, Role.OTHER})
# "No sensor" of common integrated probes (-32767 hundredths), and 0x8000 read as a signed number in
# whole, tenth, hundredth and 1/256 degrees. All lie beyond the bounds anyway; they are named so that
# the fault says what it was.
NO_SENSOR = frozenset({-327.67, -327.68, 327.67, -32768.0, -3276.8, -128.0, -127.0})

_BOUNDS: dict[Quantity, tuple[float, float]] = {
    Quantity.TEMPERATURE: (-100.0, 100.0),
    Quantity.HUMIDITY: (0.0, 100.0),
    Quantity.DOOR_OPEN: (0.0, 86_400.0),
    Quantity.POWER: (0.0, 86_400.0),
    Quantity.COMPRESSOR: (0.0, 86_400.0),
    Quantity.VOLTAGE: (0.0, 1_000.0),
    Quantity.CURRENT: (0.0, 100.0),
    Quantity.BATTERY: (0.0, 100.0),
    Quantity.BATTERY_DAYS: (0.0, 10_000.0),
    Quantity.LATITUDE: (-90.0, 90.0),
    Quantity.LONGITUDE: (-180.0, 180.0),
}


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel as the writer needs it: number, and what it can believe of it.

    `low` and `high` are the quantity's bounds; `power_on` is a value that means "not measured yet",
    NaN where there is none (it equals nothing).
    """

    id: int
    quantity: Quantity
    role: Role
    low: float = field(init=False)
    high: float = field(init=False)
    power_on: float = field(init=False)

    def __post_init__(self) -> None:
        """Looked up once, for the writer tests every value against them."""
        low, high = _BOUNDS[self.quantity]
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        has_power_on = self.quantity is Quantity.TEMPERATURE and self.role not in _HOT_ROLES
        object.__setattr__(self, "power_on", POWER_ON_C if has_power_on else float("nan"))


def fault_of(channel: ChannelRef, value: float) -> str | None:
    """Why `value` is no measurement of this channel; None when it is one."""
    if math.isnan(value):
        return "not_a_number"
    if channel.quantity is Quantity.TEMPERATURE and value in NO_SENSOR:
        return "no_sensor"
    if not channel.low <= value <= channel.high:
        return "out_of_range"
    if value == channel.power_on:
        return "power_on"
    return None
