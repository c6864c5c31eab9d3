"""What devices and their channels say on the feed; readings are too many for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.feed.contract import Event, formerly
from tracker.telemetry.rules.words import DeviceKind, DeviceStatus, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfDevice(Event):
    """The subject of the event is the device's id."""

    TOLD_AT: ClassVar[str] = "the unit the device belongs to"

    device_code: Annotated[str, formerly("code")]
    kind: DeviceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAdded(_OfDevice):
    """A sensor, logger or gateway is known now."""

    KIND: ClassVar[str] = "telemetry.device_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCredentialsRenewed(_OfDevice):
    """A device got a new password; the old one ends."""

    KIND: ClassVar[str] = "telemetry.device_credentials_renewed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCredentialsRevoked(_OfDevice):
    """A device's password ended; it is let in nowhere until it gets a new one."""

    KIND: ClassVar[str] = "telemetry.device_credentials_revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMoved(_OfDevice):
    """A device belongs to another unit now; told there."""

    KIND: ClassVar[str] = "telemetry.device_moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRetired(_OfDevice):
    """A device is out of use: its password and its watches ended."""

    KIND: ClassVar[str] = "telemetry.device_retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReinstated(_OfDevice):
    """A device that was out of use is in use again; it watches nothing yet."""

    KIND: ClassVar[str] = "telemetry.device_reinstated"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchCorrected(Event):
    """What a channel measured was measured elsewhere than was said; the subject is the channel's number."""

    KIND: ClassVar[str] = "telemetry.watch_corrected"
    TOLD_AT: ClassVar[str] = "the facility whose equipment it really watched"

    device_code: str
    channel_name: str
    from_equipment_id: UUID | None
    to_equipment_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatusChanged(Event):
    """A device connected, went, or was lost, as the broker says; the subject is the device's id."""

    KIND: ClassVar[str] = "telemetry.device_status"
    TOLD_AT: ClassVar[str] = _OfDevice.TOLD_AT

    device_code: Annotated[str, formerly("device")]
    status: DeviceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAssigned(Event):
    """It was said what a channel watches, or that it watches nothing; the subject is the channel's number."""

    KIND: ClassVar[str] = "telemetry.channel_assigned"
    TOLD_AT: ClassVar[str] = _OfDevice.TOLD_AT

    device_code: Annotated[str, formerly("device")]
    channel_name: Annotated[str, formerly("channel")]
    role: Role
