"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class UnknownDevice(NotFound):
    """There is no such device in the caller's reach."""

    code = "telemetry.unknown_device"


class UnknownSensor(NotFound):
    """There is no such sensor in the caller's reach."""

    code = "telemetry.unknown_sensor"


class DeviceTaken(Conflict):
    """Another device has this code, or this serial behind the same gateway."""

    code = "telemetry.device_taken"


class BadDeviceCode(Refused):
    """A code is a topic level and a user name: letters, digits, `-`, `_`, at most 64."""

    code = "telemetry.bad_device_code"


class UnknownUnit(Refused):
    """There is no such facility or unit in the caller's reach."""

    code = "telemetry.unknown_unit"


class BadGateway(Refused):
    """The device named as gateway is none, or the device behind it has no serial."""

    code = "telemetry.bad_gateway"


class NoCredentials(Refused):
    """A device behind a gateway does not speak to the broker itself."""

    code = "telemetry.no_credentials"


class BadChannel(Refused):
    """The channel's name, or its role for this quantity, is not acceptable."""

    code = "telemetry.bad_channel"


class UnknownTarget(Refused):
    """There is no such equipment or shipment in the caller's reach."""

    code = "telemetry.unknown_target"


class OneTarget(Refused):
    """A channel watches one thing at a time: equipment or shipment, not both."""

    code = "telemetry.one_target"


class AssignmentOverlap(Conflict):
    """The channel watches something else from a later instant on."""

    code = "telemetry.assignment_overlap"


class BadPeriod(Refused):
    """The period is empty, reversed, or begins in the future or before 2015."""

    code = "telemetry.bad_period"


class MonthArchived(Conflict):
    """Readings of that time are archived: what hangs on them cannot be judged anew."""

    code = "telemetry.month_archived"


class NothingWatched(NotFound):
    """The channel watched nothing at that time."""

    code = "telemetry.nothing_watched"


class ReasonMissing(Refused):
    """A correction needs a reason."""

    code = "telemetry.reason_missing"


class DeviceRetired(Conflict):
    """The device is out of use; it must be taken back into use first."""

    code = "telemetry.device_retired"
