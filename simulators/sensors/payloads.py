"""How devices say what they measured: Rantai's native JSON, and the WHO EMS delivery of a gateway."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from simulators.manifest import ChannelEntry
from simulators.physics.station import Sample

EMS_SCHEMA_VERSION = "0.8.1"
EMS_SUM_SECONDS = 900
"""DORV, SVA and CMPR are seconds per 15 minutes: a gateway that reports more often is scaled to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One sample of one logger, with the instant the logger claims it was taken at (its clock may be wrong)."""

    serial: str
    claimed_at: datetime
    sample: Sample


def native(records: Sequence[Record], channels: Iterable[ChannelEntry]) -> bytes:
    """The body of `rantai/v1/{device}/readings`."""
    readings: list[dict[str, object]] = []
    for record in records:
        for channel in channels:
            field = _native_field(channel.role, record.sample)
            if field:
                readings.append({"at": _rfc3339(record.claimed_at), "channel": channel.name, **field})
    body: dict[str, object] = {"readings": readings}
    if records:
        body["battery_pct"] = round(records[-1].sample.battery_pct)
    return json.dumps(body, separators=(",", ":")).encode()


def _native_field(role: str, sample: Sample) -> dict[str, object]:
    match role:
        case "storage" | "freezer":
            name, value = "temperature_c", sample.compartment_c
        case "ambient":
            name, value = "temperature_c", sample.ambient_c
        case "condenser":
            name, value = "temperature_c", round(sample.ambient_c + (14 if sample.compressor_s else 1), 1)
        case "door":
            name, value = "door_open_s", sample.door_open_s
        case "power":
            name, value = "power_s", sample.power_s
        case "humidity":
            name, value = "humidity_pct", sample.humidity_pct
        case _:
            return {}
    return {name: value}


def ems(
    gateway: str,
    country: str,
    records: Sequence[Record],
    *,
    place_kinds: dict[str, str],
    interval_s: int,
    sent_at: datetime,
) -> bytes:
    """The body of `rantai/v1/{gateway}/ems`: a WHO EMS delivery (E006/DS01.2 objects), one report a logger.

    `transferId` follows from the content, as a gateway keeps it when it sends the same file again.
    """
    by_serial: dict[str, list[Record]] = {}
    for record in records:
        by_serial.setdefault(record.serial, []).append(record)
    reports = [
        _ems_identity(gateway, country, serial)
        | {"records": [_ems_record(record, place_kinds.get(serial, "fridge"), interval_s) for record in own]}
        for serial, own in by_serial.items()
    ]
    digest = hashlib.sha256(json.dumps(reports, sort_keys=True).encode()).hexdigest()
    meta = {
        "schemaVersion": EMS_SCHEMA_VERSION,
        "transferType": "ems",
        "transferId": f"{gateway}-{digest[:20]}",
        "transferSrc": "rantai-simulators",
        "transferredAt": _rfc3339(sent_at),
    }
    return json.dumps({"meta": meta, "data": reports}, separators=(",", ":")).encode()


def _ems_identity(gateway: str, country: str, serial: str) -> dict[str, object]:
    return {
        "CID": country,
        "ADOP": "2024-01-15",
        "AMFR": "Rantai Simulators",
        "AMOD": "SIM-60",
        "APQS": "E003/000",
        "ASER": f"A-{serial}",
        "LDOP": "2024-01-15",
        "LMFR": "Rantai Simulators",
        "LMOD": "SIM-LOG",
        "LPQS": "E006/000",
        "LSER": serial,
        "LSV": "1.0",
        "EDOP": "2024-01-15",
        "EMFR": "Rantai Simulators",
        "EMOD": "SIM-GW",
        "EPQS": "E006/000",
        "ESER": gateway,
        "EMSV": "1.0",
    }


def _ems_record(record: Record, place_kind: str, interval_s: int) -> dict[str, object]:
    sample = record.sample
    scale = EMS_SUM_SECONDS / interval_s
    temperature = {"TVC": sample.compartment_c}
    if place_kind == "freezer":
        # A freezer's compartment is TFRZ; TVC stays as the coldest point that the schema insists on.
        temperature["TFRZ"] = sample.compartment_c
    return {
        "ABST": record.claimed_at.strftime("%Y%m%dT%H%M%SZ"),
        **temperature,
        "TAMB": sample.ambient_c,
        "DORV": _bounded(sample.door_open_s * scale),
        "SVA": _bounded(sample.power_s * scale),
        "CMPR": _bounded(sample.compressor_s * scale),
        "BEMD": round(sample.battery_pct * 3.65, 1),
        "BLOG": round(sample.battery_pct * 7.3, 1),
        "ALRM": None,
        "EERR": None,
        "LERR": None,
    }


def _bounded(seconds: float) -> int:
    return min(EMS_SUM_SECONDS, max(0, round(seconds)))


def _rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
