"""The days a logger printed, placed in the zone of its fridge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ingest.files.errors import BadLoggerFile
from ingest.files.logger_file import DeviceDay, DeviceLimit, LoggerFile, Side
from tracker.kit.clock import AHEAD
from tracker.kit.days import local_day
from tracker.telemetry.rules.words import EARLIEST
from tracker.telemetry.service.told import LoggerDay


def days_told(file: LoggerFile, zone: ZoneInfo, now: datetime) -> list[LoggerDay]:
    """Days with figures, oldest first; the first begins with the logger's activation, the newest ends with the report.

    Raises BadLoggerFile where the logger's clock cannot be right: a day of figures has no receipt to be placed by.
    """
    below = next((limit for limit in file.limits if limit.side is Side.BELOW), None)
    above = next((limit for limit in file.limits if limit.side is Side.ABOVE), None)
    found: dict[date, LoggerDay] = {}
    for one in file.days:
        told = _day(file, one, below, above, zone, now)
        if told is None:
            continue
        if one.day in found:
            raise BadLoggerFile(detail=f"it tells of {one.day} twice")
        found[one.day] = told
    return [found[one] for one in sorted(found)]


def _day(
    file: LoggerFile,
    one: DeviceDay,
    below: DeviceLimit | None,
    above: DeviceLimit | None,
    zone: ZoneInfo,
    now: datetime,
) -> LoggerDay | None:
    if one.min_c is None or one.max_c is None:
        return None
    if one.min_c > one.max_c:
        raise BadLoggerFile(detail=f"the lowest of {one.day} is above its highest")

    def at(clock: time) -> datetime:
        return datetime.combine(one.day, clock, zone).astimezone(UTC)

    start, end = at(time.min), datetime.combine(one.day + timedelta(days=1), time.min, zone).astimezone(UTC)
    if file.activated_at is not None and file.activated_at.date() == one.day:
        start = at(file.activated_at.time())
    if file.reported_at is not None and file.reported_at.date() == one.day:
        end = at(file.reported_at.time())
    if not EARLIEST <= start <= now + AHEAD:
        raise BadLoggerFile(
            detail=f"its clock is wrong: it tells of {one.day}, and today is {local_day(now, zone.key)}"
        )
    # A clock some hours ahead, or an export without its time: what it tells of was over when we got it.
    end = min(end, now)
    if end <= start:
        return None
    return LoggerDay(
        day=one.day,
        from_at=start,
        to_at=end,
        min_c=one.min_c,
        max_c=one.max_c,
        minutes_unknown=one.minutes_unknown,
        below_c=below.value_c if below else None,
        below_minutes=below.minutes if below else None,
        minutes_below=one.minutes_below,
        below_alarm_at=at(one.alarm_below_at) if one.alarm_below_at is not None else None,
        above_c=above.value_c if above else None,
        above_minutes=above.minutes if above else None,
        minutes_above=one.minutes_above,
        above_alarm_at=at(one.alarm_above_at) if one.alarm_above_at is not None else None,
    )
