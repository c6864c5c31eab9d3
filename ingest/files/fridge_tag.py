"""Fridge-tag 2, 2 L and Ultra Low text exports (Berlinger).

`Conf` (settings, two alarm limits: 0 low, 1 high), `Hist` (one block a day, 1 = newest: minimum,
maximum, minutes beyond each limit), and, on models with a long memory, `Data` (each reading).
"""

from __future__ import annotations

from datetime import datetime, time

from ingest.files.logger_file import DeviceDay, DeviceLimit, LoggerFile, LoggerFileError, Side
from ingest.files.outline import Node, clock, day, degrees, instant, whole
from ingest.files.tables import is_signed, read_table

PREFIX = "Q-tag Fridge-tag"

_SIDES = {"0": Side.BELOW, "1": Side.ABOVE}


def read_fridge_tag(root: Node, model: str) -> LoggerFile:
    """From the outline of the file; `LoggerFileError` names the line that is wrong."""
    conf = root.need("Conf")
    serial = conf.need("Serial")
    if not serial.value:
        raise LoggerFileError("the serial number is empty", line=serial.line)
    unit = conf.child("Temp unit")
    fahrenheit = unit is not None and unit.value == "F"
    interval = conf.child("Logging Interval")
    history = root.need("Hist")
    table = read_table(root.child("Data"), fahrenheit=fahrenheit)
    days = [
        _day(block, fahrenheit=fahrenheit)
        for block in history.children
        if block.key.isdecimal() and block.child("Date") is not None
    ]
    return LoggerFile(
        make="Berlinger",
        model=model.removeprefix("Q-tag "),
        serial=serial.value,
        interval_s=_interval_s(interval) if interval else None,
        limits=_limits(conf, fahrenheit=fahrenheit),
        readings=table.readings,
        missing=table.missing,
        days=tuple(sorted(days, key=lambda one: one.day)),
        activated_at=_moment(history.child("TS Actv")),
        reported_at=_moment(history.child("TS Report Creation")),
        signed=is_signed(root),
    )


def _interval_s(node: Node) -> int:
    minutes = whole(node.value, node.line, "the logging interval")
    if not 1 <= minutes <= 1440:
        raise LoggerFileError(f"a logging interval of {minutes} minutes is not possible", line=node.line)
    return minutes * 60


def _limits(conf: Node, *, fahrenheit: bool) -> tuple[DeviceLimit, ...]:
    alarms = conf.child("Alarm")
    found = []
    for alarm in alarms.children if alarms else ():
        side, text = _SIDES.get(alarm.key), alarm.pair("T AL")
        value = degrees(text, alarm.line, fahrenheit=fahrenheit) if text is not None else None
        if side is not None and value is not None:
            minutes = whole(alarm.pair("t AL"), alarm.line, "the alarm's duration")
            found.append(DeviceLimit(side=side, value_c=value, minutes=minutes))
    return tuple(found)


def _day(block: Node, *, fahrenheit: bool) -> DeviceDay:
    when = block.need("Date")
    low, high = block.need("Min T"), block.need("Max T")
    return DeviceDay(
        day=day(when.value, when.line),
        min_c=degrees(low.pairs["Min T"], low.line, fahrenheit=fahrenheit),
        max_c=degrees(high.pairs["Max T"], high.line, fahrenheit=fahrenheit),
        minutes_below=_minutes(block, "0"),
        minutes_above=_minutes(block, "1"),
        alarm_below_at=_alarm(block, "0"),
        alarm_above_at=_alarm(block, "1"),
        minutes_unknown=_without_sensor(block),
    )


def _minutes(block: Node, index: str) -> int | None:
    alarms = block.child("Alarm")
    alarm = alarms.child(index) if alarms else None
    if alarm is None:
        return None
    return whole(alarm.pair("t Acc"), alarm.line, "the day's alarm time")


def _alarm(block: Node, index: str) -> time | None:
    alarms = block.child("Alarm")
    alarm = alarms.child(index) if alarms else None
    told = alarm.pair("TS A") if alarm else None
    return clock(told, alarm.line) if alarm and told and not told.startswith("-") else None


def _without_sensor(block: Node) -> int:
    outage = block.child("Int Sensor timeout")
    told = outage.pair("t AccST") if outage else None
    return whole(told, outage.line, "the time without a sensor") if outage and told else 0


def _moment(node: Node | None) -> datetime | None:
    return instant(node.value, node.line) if node and node.value and not node.value.startswith("-") else None
