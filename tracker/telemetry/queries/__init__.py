"""Reads of this room."""

from __future__ import annotations

from tracker.telemetry.queries.devices import broker_credentials, device_by_credentials, device_by_ref
from tracker.telemetry.queries.readings import (
    channel_refs,
    conflicts_between,
    interval_at,
    intervals_of,
    newest_at,
    readings_between,
    take_marks,
)
from tracker.telemetry.queries.sensors import sensor_by_ref, sensors_visible_to

__all__ = [
    "broker_credentials",
    "channel_refs",
    "conflicts_between",
    "device_by_credentials",
    "device_by_ref",
    "interval_at",
    "intervals_of",
    "newest_at",
    "readings_between",
    "sensor_by_ref",
    "sensors_visible_to",
    "take_marks",
]
