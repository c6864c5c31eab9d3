"""Q-tag CLm text exports: a logger that travels with a shipment.

`Conf` has up to five alarms by type (1 cold and 2 hot consecutive, 3 cold and 4 hot cumulative, 0 off),
`Res` the result (minimum, maximum, mean kinetic temperature, alarms), `Data` each reading.
"""

from __future__ import annotations

import math

from ingest.files.logger_file import DeviceLimit, LoggerFile, LoggerFileError, Side
from ingest.files.outline import Node, degrees, whole
from ingest.files.tables import is_signed, read_table

PREFIX = "Q-tag CL"

_TYPES = {
    1: (Side.BELOW, False),
    2: (Side.ABOVE, False),
    3: (Side.BELOW, True),
    4: (Side.ABOVE, True),
}


def read_q_tag(root: Node, model: str) -> LoggerFile:
    """From the outline of the file; `LoggerFileError` names the line that is wrong."""
    conf = root.need("Conf")
    serial = conf.need("Serial")
    if not serial.value:
        raise LoggerFileError("the serial number is empty", line=serial.line)
    unit = conf.child("Temp unit")
    fahrenheit = unit is not None and unit.value == "F"
    interval = conf.need("Logging Interval")
    minutes = whole(interval.value, interval.line, "the logging interval")
    if not 1 <= minutes <= 1440:
        raise LoggerFileError(f"a logging interval of {minutes} minutes is not possible", line=interval.line)
    result = root.need("Res")
    table = read_table(root.child("Data"), fahrenheit=fahrenheit)
    mkt = result.child("MKT")
    return LoggerFile(
        make="Berlinger",
        model=model,
        serial=serial.value,
        interval_s=minutes * 60,
        limits=_limits(conf, fahrenheit=fahrenheit),
        readings=table.readings,
        missing=table.missing,
        mkt_energy_kj=_energy(conf.child("MKT Energy")),
        device_mkt_c=degrees(mkt.value, mkt.line, fahrenheit=fahrenheit) if mkt else None,
        signed=is_signed(root),
    )


def _energy(node: Node | None) -> float | None:
    if node is None or not node.value:
        return None
    try:
        energy = float(node.value)
    except ValueError:
        energy = math.nan
    if not 1 <= energy <= 1000:
        raise LoggerFileError(f"an MKT energy of “{node.value[:20]}” kJ/mol is not possible", line=node.line)
    return energy


def _limits(conf: Node, *, fahrenheit: bool) -> tuple[DeviceLimit, ...]:
    alarms = conf.child("Alarm")
    found = []
    for alarm in alarms.children if alarms else ():
        kind = whole(alarm.pair("Type"), alarm.line, "the alarm's type")
        if kind == 0:
            continue
        if kind not in _TYPES:
            raise LoggerFileError(f"alarm type {kind} is not known", line=alarm.line)
        side, cumulative = _TYPES[kind]
        value = degrees(alarm.pair("T AL") or "", alarm.line, fahrenheit=fahrenheit)
        if value is None:
            raise LoggerFileError("the alarm has no temperature", line=alarm.line)
        minutes = whole(alarm.pair("t AL"), alarm.line, "the alarm's duration")
        found.append(DeviceLimit(side=side, value_c=value, minutes=minutes, cumulative=cumulative))
    return tuple(found)
