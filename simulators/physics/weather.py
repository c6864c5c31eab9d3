"""Air round the equipment: a tropical day, the same one whenever it is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.chance import uniform

HOTTEST_HOUR = 14.0
"""Local hour at which a store room in the lowlands of Java is warmest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The air of one room. Temperatures in °C, `utc_offset_h` of the place (WIB 7, WITA 8, WIT 9)."""

    seed: str
    mean_c: float = 28.5
    swing_c: float = 3.0
    utc_offset_h: float = 7.0

    def ambient_c(self, at: datetime) -> float:
        """Room temperature at an instant: the day's wave round a mean that drifts from day to day."""
        local = at + timedelta(hours=self.utc_offset_h)
        hour = local.hour + local.minute / 60 + local.second / 3600
        wave = math.cos((hour - HOTTEST_HOUR) / 24 * 2 * math.pi)
        # The day's own offset is blended over midnight: a jump there would look like a fault.
        today = uniform(-1.2, 1.2, "weather", self.seed, local.date())
        tomorrow = uniform(-1.2, 1.2, "weather", self.seed, local.date() + timedelta(days=1))
        return self.mean_c + self.swing_c * wave + today + (tomorrow - today) * hour / 24
