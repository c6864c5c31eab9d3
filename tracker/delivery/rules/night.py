"""When nobody is woken by a message that can wait. Pure: the night is that of a place, by its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """From which full hour to which a place sleeps; the same hour twice is no night at all."""

    begins: int = 20
    ends: int = 7

    def over_at(self, now: datetime, zone: str) -> datetime | None:
        """When the night that it is there ends; None by day."""
        there = now.astimezone(ZoneInfo(zone))
        if not self._holds(there.hour):
            return None
        morning = datetime.combine(there.date(), time(self.ends), tzinfo=there.tzinfo)
        return morning if morning > there else morning + timedelta(days=1)

    def _holds(self, hour: int) -> bool:
        if self.begins <= self.ends:
            return self.begins <= hour < self.ends
        return hour >= self.begins or hour < self.ends
