"""When an alarm nobody answers goes one level up."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum


class Level(IntEnum):
    """Who is being told."""

    FACILITY = 0
    CITY = 1
    PROVINCE = 2


WAITS = {Level.FACILITY: timedelta(hours=1), Level.CITY: timedelta(hours=4)}
"""How long each level has before the next is told. The last level keeps it."""

STALE = timedelta(hours=24)
"""An excursion that was over longer ago than this is history (an imported logger file): shown, held
against stock, but nobody is woken for it."""


def first_escalation(now: datetime, *, ended_at: datetime | None) -> datetime | None:
    """When an alarm raised now goes to the city if nobody acknowledges it; None: never."""
    if ended_at is not None and now - ended_at > STALE:
        return None
    return now + WAITS[Level.FACILITY]


def escalated(level: Level, now: datetime) -> tuple[Level, datetime | None]:
    """The next level, and when the one after that is due."""
    above = Level(min(level + 1, Level.PROVINCE))
    wait = WAITS.get(above)
    return above, now + wait if wait is not None else None
