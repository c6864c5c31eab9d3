"""What a logger's export says, whatever its make. Naive local times, as in the file. No database here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum


class LoggerFileError(Exception):
    """The file cannot be read as a logger's export; the message says why, `line` (from 1) where."""

    def __init__(self, message: str, *, line: int) -> None:
        self.message = message
        self.line = line
        super().__init__(f"line {line}: {message}")


class Side(StrEnum):
    """Which side of a limit violates."""

    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLimit:
    """A limit the device was configured with. Both sides are strict in its own minutes (2.0 and 8.0 are fine)."""

    side: Side
    value_c: float
    minutes: int
    cumulative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDay:
    """What the device itself printed for one local day."""

    day: date
    min_c: float | None
    max_c: float | None
    minutes_below: int | None
    minutes_above: int | None
    alarm_below_at: time | None = None
    """When on that day its alarm was first on; midnight: it went on from the day before. None: not on."""
    alarm_above_at: time | None = None
    minutes_unknown: int = 0
    """Minutes without a sensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerFile:
    """A whole export."""

    make: str
    model: str
    serial: str
    interval_s: int | None
    """As configured; None: the file does not tell (it then has no readings of its own)."""
    limits: tuple[DeviceLimit, ...]
    readings: tuple[tuple[datetime, float], ...]
    """In the file's order."""
    missing: int
    """Rows the device could not measure (`--.-`)."""
    days: tuple[DeviceDay, ...] = ()
    """Ascending."""
    activated_at: datetime | None = None
    reported_at: datetime | None = None
    """The first day begins and the newest ends there."""
    mkt_energy_kj: float | None = None
    device_mkt_c: float | None = None
    """As printed; the device truncates to 0.1."""
    signed: bool = False
    """The file ends with a signature block. It is not verified: the makers' keys are not published."""
