"""The loggers' flash memory: what a simulator process must still know after it was stopped.

One JSON file for the fleet, replaced whole (written beside, then renamed), so that a kill in mid-write leaves
the previous one.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators.physics.station import Sample
from simulators.sensors.device import Device
from simulators.sensors.payloads import Record

FORMAT = 1


class Flash:
    """A file of device states. A missing or unreadable file is an empty one: devices then begin anew."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._state: dict[str, dict[str, Any]] = {}
        if path is None or not path.exists():
            return
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        if isinstance(content, dict) and content.get("format") == FORMAT:
            self._state = content.get("devices", {})

    def began(self, code: str) -> datetime | None:
        """When this device was first switched on, if it ever was."""
        state = self._state.get(code)
        return datetime.fromisoformat(state["began"]) if state else None

    def restore(self, device: Device, now: datetime) -> None:
        """Put a device back to where it was; a device that is not known stays as it is."""
        state = self._state.get(device.code)
        if state is None:
            return
        for one in device.loggers:
            saved = state["loggers"].get(one.appliance.serial)
            if saved is None:
                continue
            enclosure = one.station.enclosure
            enclosure.compartment_c = saved["compartment_c"]
            enclosure.bank_j = saved["bank_j"]
            enclosure.compressor_on = saved["compressor_on"]
            one.station.now = datetime.fromisoformat(saved["now"])
            one.station.began = device.began
        records = [_record(item) for item in state["records"]]
        device.resume(datetime.fromisoformat(state["last_at"]), records, now)

    def save(self, devices: list[Device]) -> None:
        """Write the state of all devices; without a path nothing happens."""
        if self._path is None:
            return
        content = {"format": FORMAT, "devices": {device.code: _state(device) for device in devices}}
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(content, default=str))
        beside.replace(self._path)


def _state(device: Device) -> dict[str, object]:
    return {
        "began": device.began.isoformat(),
        "last_at": device.last_at.isoformat(),
        "loggers": {
            one.appliance.serial: {
                "now": one.station.now.isoformat(),
                "compartment_c": one.station.enclosure.compartment_c,
                "bank_j": one.station.enclosure.bank_j,
                "compressor_on": one.station.enclosure.compressor_on,
            }
            for one in device.loggers
        },
        "records": [_item(record) for record in device.memory.unsafe()],
    }


def _item(record: Record) -> dict[str, object]:
    sample = asdict(record.sample) | {"at": record.sample.at.isoformat()}
    return {"serial": record.serial, "claimed_at": record.claimed_at.isoformat(), "sample": sample}


def _record(item: dict[str, Any]) -> Record:
    sample = Sample(**(item["sample"] | {"at": datetime.fromisoformat(item["sample"]["at"])}))
    return Record(serial=item["serial"], claimed_at=datetime.fromisoformat(item["claimed_at"]), sample=sample)
