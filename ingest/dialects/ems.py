"""WHO/UNICEF cold-chain delivery payloads (`cce-interop` 0.8, objects of PQS E006/DS01): EMS and RTMD.

`{"meta": {…}, "data": [report, …]}`; a report is one appliance, its `records` are the time series.
Records are read leniently, object by object: a supplier's slip in one member must not cost the
temperatures of a day. Unknown members (suppliers' own, `z…`) are ignored.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from ingest.dialects.shapes import (
    ChannelDefaults,
    Decoded,
    Dialect,
    Entry,
    Group,
    Problem,
    Reject,
    Twice,
    instant,
    no_object,
    number,
    parse_json,
)
from tracker.telemetry.rules.faults import NO_SENSOR
from tracker.telemetry.rules.words import Quantity, Role

# Object → quantity, role, least and greatest value (schema 0.8.1).
OBJECTS: dict[str, tuple[Quantity, Role, float, float]] = {
    "TVC": (Quantity.TEMPERATURE, Role.STORAGE, -55, 60),
    "TFRZ": (Quantity.TEMPERATURE, Role.FREEZER, -99.9, 60),
    "TAMB": (Quantity.TEMPERATURE, Role.AMBIENT, -55, 60),
    "TCON": (Quantity.TEMPERATURE, Role.CONDENSER, -55, 150),
    "TCON2": (Quantity.TEMPERATURE, Role.CONDENSER, -55, 150),
    "HAMB": (Quantity.HUMIDITY, Role.OTHER, 0, 100),
    "HCOM": (Quantity.HUMIDITY, Role.HUMIDITY, 0, 100),
    "DORV": (Quantity.DOOR_OPEN, Role.DOOR, 0, 900),
    "DORF": (Quantity.DOOR_OPEN, Role.DOOR, 0, 900),
    "SVA": (Quantity.POWER, Role.POWER, 0, 900),
    "CMPR": (Quantity.COMPRESSOR, Role.OTHER, 0, 900),
    "CMPR2": (Quantity.COMPRESSOR, Role.OTHER, 0, 900),
    "BLOG": (Quantity.BATTERY_DAYS, Role.BATTERY, 0, 9999),
    "BEMD": (Quantity.BATTERY_DAYS, Role.BATTERY, 0, 9999.9),
    "DCSV": (Quantity.VOLTAGE, Role.OTHER, 0, 999.9),
    "DCCD": (Quantity.CURRENT, Role.OTHER, 0, 99.9),
    "LAT": (Quantity.LATITUDE, Role.POSITION, -90, 90),
    "LNG": (Quantity.LONGITUDE, Role.POSITION, -180, 180),
}
_WANTED: dict[str, tuple[str, float, float]] = {
    name: (quantity.value, low, high) for name, (quantity, _, low, high) in OBJECTS.items()
}
# The records' period by the standard: sums (door, power, compressor) are per 15 minutes.
INTERVAL_S = 900
# Who measured, surest first: the logger, else the monitoring device, else the supplier's id of the appliance.
SERIALS = ("LSER", "ESER", "AMID")
_ABST = re.compile(r"2\d{7}[Tt][0-2]\d{5}(\.\d+)?[Zz]", re.ASCII)
# Schemas up to this one told the compressor's run in minutes, those after it in seconds.
_MINUTES_UNTIL = (0, 7, 2)
_VERSION = re.compile(r"(0)\.([0-8])(?:\.(\d{1,3}))?", re.ASCII)
_COMPRESSORS = frozenset({"CMPR", "CMPR2"})
# What suppliers write where there is no fault.
_NO_FAULT = frozenset({"", "-", "0", "n/a", "nil", "no error", "no fault", "none", "null", "ok"})
# Solar fridges tell volts and amperes of their panel, averaged over the record, instead of seconds with power.
_PANEL = ("DCSV", "DCCD")
PANEL_POWER = "DC"
"""Our channel of a solar fridge's power: the whole record where its panel gave current, else nothing."""
_MOST_SERIAL = 200
# The standard's codes have up to seven signs; an acknowledged one adds ACK.
_MOST_CODE, _MOST_CODES = 16, 16
_NOT_PLAIN = re.compile(r"[^!-~]+")


def decode(payload: bytes) -> Decoded:
    """One group a report; raises Reject when the envelope cannot be read."""
    body = parse_json(payload)
    if type(body) is not dict:
        raise Reject(*no_object(body, "not_an_object", "the body is not a JSON object"))
    data = body.get("data")
    if type(data) is not list or not data:
        raise Reject("no_data", "`data` is not a list of reports", "/data")
    decoded = Decoded(groups=[], message_id=_transfer_id(body.get("meta")))
    version = _version(body.get("meta"), decoded.problems)
    for index, report in enumerate(data):
        _read_report(report, f"/data/{index}", decoded, version)
    if not decoded.groups and not decoded.problems:
        raise Reject("no_readings", "the message holds no reading")
    return decoded


def _transfer_id(meta: object) -> str | None:
    transfer = meta.get("transferId") if type(meta) is dict else None
    return transfer[:_MOST_SERIAL] if type(transfer) is str else None


def _version(meta: object, problems: list[Problem]) -> tuple[int, int, int] | None:
    """The schema's version; None where it is not told, or, with a problem, not one we know."""
    if type(meta) is Twice:
        problems.append(Problem("/meta", *no_object(meta, "bad_meta", "`meta` is not an object")))
    told = meta.get("schemaVersion") if type(meta) is dict else None
    if told is None:
        return None
    found = _VERSION.fullmatch(told) if type(told) is str else None
    if found is None:
        problems.append(
            Problem("/meta/schemaVersion", "unknown_version", "not a version of the schema we know (0.x, up to 0.8)")
        )
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)


def _read_report(report: Any, where: str, decoded: Decoded, version: tuple[int, int, int] | None) -> None:
    if type(report) is not dict:
        decoded.problems.append(Problem(where, *no_object(report, "bad_report", "a report is not an object")))
        return
    serials = tuple(
        dict.fromkeys(
            text for name in SERIALS if type(text := report.get(name)) is str and 0 < len(text) <= _MOST_SERIAL
        )
    )
    if not serials:
        decoded.problems.append(Problem(where, "no_serial", "none of LSER, ESER, AMID names the device"))
        return
    records = report.get("records")
    if type(records) is not list:
        decoded.problems.append(Problem(f"{where}/records", "bad_records", "`records` is not a list"))
        return
    group = Group(entries=[], serials=serials, where=where)
    for index, record in enumerate(records):
        _read_record(
            record, (where, index), group, decoded.problems, minutes=version is not None and version <= _MINUTES_UNTIL
        )
    if group.entries or group.alarms:
        decoded.groups.append(group)


def _read_record(record: Any, place: tuple[str, int], group: Group, problems: list[Problem], *, minutes: bool) -> None:
    """The objects of one instant. RTMD suppliers send TVC and TAMB of one instant as two records: each
    object is its own channel, so they meet by their instant without further ado.
    """
    if type(record) is not dict:
        why = no_object(record, "bad_record", "a record is not an object")
        problems.append(Problem(f"{place[0]}/records/{place[1]}", *why))
        return
    at = _absolute(record.get("ABST"))
    if at is None:
        problems.append(Problem(f"{place[0]}/records/{place[1]}/ABST", "bad_time", "not YYYYMMDDThhmmssZ"))
        return
    entries = group.entries
    group.alarms += [(code, at) for code in _alarms(record.get("ALRM"))]
    # Null without an error code is an object the appliance has not; with one, a sensor that failed.
    failed = _is_fault(record.get("LERR")) or _is_fault(record.get("EERR"))
    begin = len(entries)
    for name, raw in record.items():
        wanted = _WANTED.get(name)
        if wanted is None or (raw is None and not failed):
            continue
        quantity, low, high = wanted
        value = raw if type(raw) is float else number(raw)
        if minutes and name in _COMPRESSORS and value is not None:
            value *= 60
        # "No sensor" codes are faults the writer keeps by name, not slips of the supplier.
        if value is None or (not low <= value <= high and not (math.isnan(value) or value in NO_SENSOR)):
            problems.append(
                Problem(f"{place[0]}/records/{place[1]}/{name}", "bad_value", f"not a number from {low} to {high}")
            )
        else:
            entries.append((name, quantity, at, value))
    if all(name in record for name in _PANEL):
        _add_panel_power(entries, begin, at)


def _add_panel_power(entries: list[Entry], begin: int, at: datetime) -> None:
    """The power that a solar panel gave in the record whose entries begin there, where both its figures can be read."""
    panel = {name: value for name, _, _, value in entries[begin:] if name in _PANEL}
    if len(panel) == len(_PANEL) and not any(math.isnan(value) for value in panel.values()):
        seconds = float(INTERVAL_S) if all(value > 0 for value in panel.values()) else 0.0
        entries.append((PANEL_POWER, Quantity.POWER.value, at, seconds))


def _is_fault(code: object) -> bool:
    return code.strip().lower() not in _NO_FAULT if type(code) is str else bool(code)


def _alarms(told: object) -> list[str]:
    """Codes of `ALRM`, separated by spaces ("HEAT DOOR"); suppliers have their own, so any short word is one."""
    if type(told) is not str or told.strip().lower() in _NO_FAULT:
        return []
    words = (_NOT_PLAIN.sub("", word)[:_MOST_CODE] for word in told.split())
    return list(dict.fromkeys(word for word in words if word))[:_MOST_CODES]


def _absolute(text: object) -> datetime | None:
    if type(text) is not str or _ABST.fullmatch(text) is None:
        return None
    return instant(text)


def roles() -> dict[tuple[str, str], Role]:
    """Role by (object, quantity)."""
    known = {(name, quantity.value): role for name, (quantity, role, _, _) in OBJECTS.items()}
    return {**known, (PANEL_POWER, Quantity.POWER.value): Role.POWER}


EMS = Dialect(name="ems", decode=decode, defaults=ChannelDefaults(roles=roles(), interval_s=INTERVAL_S))
