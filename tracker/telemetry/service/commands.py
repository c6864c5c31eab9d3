"""Commands of this room: what its use cases are asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.telemetry.rules.words import DeviceKind, Quantity, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device at a unit; with `gateway` it stands behind that one and is known by its serial there."""

    code: str
    unit: str | UUID
    kind: DeviceKind = DeviceKind.NATIVE
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    gateway: str | UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUse:
    """From `from_at` on, channel `name` of `device` watches `equipment` or `shipment`.

    Neither: the channel is declared, or its watch ends at `from_at`. `interval_s` is the nominal time
    between readings from then on; None leaves it.
    """

    device: str | UUID
    name: str
    quantity: Quantity = Quantity.TEMPERATURE
    role: Role | None = None
    equipment: str | UUID | None = None
    shipment: str | UUID | None = None
    from_at: datetime | None = None
    interval_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectWatch:
    """What channel `name` measured in the watch in force at `at` (None: its last one) was measured in `equipment`."""

    device: str | UUID
    name: str
    equipment: str | UUID
    reason: str
    quantity: Quantity = Quantity.TEMPERATURE
    at: datetime | None = None
