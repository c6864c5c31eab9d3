"""People at the door: when it is opened, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from simulators.chance import dice

OPENS_AT = 7.5
CLOSES_AT = 14.5
"""Working hours of a puskesmas store, local time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorHabits:
    """How often a door is opened on a working day, and for how many seconds at most."""

    seed: str
    visits_per_day: int = 14
    longest_s: int = 50
    utc_offset_h: float = 7.0

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Seconds the door stood open within [start, end), both aware."""
        total = 0.0
        offset = timedelta(hours=self.utc_offset_h)
        day = (start + offset).date()
        while day <= (end + offset).date():
            for begin_s, length_s in _visits(self.seed, day, self.visits_per_day, self.longest_s):
                begin = datetime.combine(day, time(), start.tzinfo) - offset + timedelta(seconds=begin_s)
                overlap = min(end, begin + timedelta(seconds=length_s)) - max(start, begin)
                total += max(0.0, overlap.total_seconds())
            day += timedelta(days=1)
        return total


@lru_cache(maxsize=1024)
def _visits(seed: str, day: date, count: int, longest_s: int) -> tuple[tuple[float, float], ...]:
    """(second of the local day, seconds open) of each visit; visits never overlap."""
    if day.weekday() == 6:
        return ()
    draw = dice("door", seed, day)
    slot_s = (CLOSES_AT - OPENS_AT) * 3600 / max(1, count)
    visits = []
    for index in range(count):
        begin = OPENS_AT * 3600 + index * slot_s + draw.uniform(0, slot_s - longest_s)
        visits.append((begin, draw.uniform(8, longest_s)))
    return tuple(visits)
