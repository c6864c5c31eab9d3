"""When people are reminded of a session, and of a next dose. Pure: hours and days are those of the place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tracker.delivery.rules.night import Night
from tracker.kit.days import local_day

TEMPLATE = "quota_reminder"


class DoseWord(StrEnum):
    """What is said of a next dose, in this order, by the name of its message."""

    GIVEN = "dose_next"  # the dose before was given: when this one is due
    DUE = "dose_due"  # soon, and no place is booked
    AWAITED = "dose_awaited"  # it was, and no place was booked


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """Of a session from which full hour of the day before, of a dose how many days before and after it is due; not at night."""

    from_hour: int = 16
    days_before_dose: int = 3
    days_after_dose: int = 7
    night: Night = field(default_factory=Night)


def days_to_remind(now: datetime, zone: str, reminding: Reminding) -> tuple[date, ...]:
    """Tomorrow's from the hour on; by day also today's, for whom nobody was there to remind the evening before."""
    if reminding.night.over_at(now, zone) is not None:
        return ()
    today = local_day(now, zone)
    tomorrow = today + timedelta(days=1)
    return (today, tomorrow) if begins(tomorrow, zone, reminding) <= now else (today,)


def begins(day: date, zone: str, reminding: Reminding) -> datetime:
    """From when people are reminded of a session of that day; whoever chose it later has just been told."""
    return datetime.combine(day - timedelta(days=1), time(reminding.from_hour), tzinfo=ZoneInfo(zone))


def is_worth_saying(word: DoseWord, due: date, today: date) -> bool:
    """Whether the word is still true of a dose that was due on that day."""
    return word is not DoseWord.DUE or today <= due


def following(word: DoseWord, due: date, said_on: date | None, reminding: Reminding) -> tuple[DoseWord, date] | None:
    """What is said after this word, and on which day; nothing that would have been due by the day on which this was said."""
    days = {
        DoseWord.DUE: due - timedelta(days=reminding.days_before_dose),
        DoseWord.AWAITED: due + timedelta(days=reminding.days_after_dose),
    }
    order = list(DoseWord)
    later = ((each, days[each]) for each in order[order.index(word) + 1 :])
    return next(((each, day) for each, day in later if said_on is None or day > said_on), None)
