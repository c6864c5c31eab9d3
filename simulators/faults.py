"""What can go wrong with a fridge and with the logger in it, each as a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

COMPRESSOR_DECAY = timedelta(hours=6)
"""A failing compressor loses its strength over this time, not at once."""


class FaultKind(StrEnum):
    """Faults of the equipment (first group) and of the device that watches it (second group)."""

    POWER_CUT = "power_cut"
    DOOR_AJAR = "door_ajar"
    COMPRESSOR_FAILING = "compressor_failing"
    THERMOSTAT_FREEZING = "thermostat_freezing"

    NETWORK_OUTAGE = "network_outage"
    BATTERY_DEAD = "battery_dead"
    CLOCK_1970 = "clock_1970"
    CLOCK_2036 = "clock_2036"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault from `start` until `end` (None: for good). `strength` is 0 to 1."""

    kind: FaultKind
    start: datetime
    end: datetime | None = None
    strength: float = 1.0

    def acts_at(self, at: datetime) -> bool:
        """Whether the fault acts at this instant: from its start on, no longer at its end."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The sum of the faults that act on equipment at one instant."""

    mains: bool = True
    door_ajar: float = 0.0
    compressor_health: float = 1.0
    thermostat_stuck: bool = False


def condition_at(faults: Iterable[Fault], at: datetime) -> Condition:
    """What state the equipment is in at an instant, all acting faults taken together."""
    mains, ajar, health, stuck = True, 0.0, 1.0, False
    for fault in faults:
        if not fault.acts_at(at):
            continue
        if fault.kind is FaultKind.POWER_CUT:
            mains = False
        elif fault.kind is FaultKind.DOOR_AJAR:
            ajar = max(ajar, fault.strength)
        elif fault.kind is FaultKind.COMPRESSOR_FAILING:
            progress = min(1.0, (at - fault.start) / COMPRESSOR_DECAY)
            health = min(health, 1.0 - fault.strength * progress)
        elif fault.kind is FaultKind.THERMOSTAT_FREEZING:
            stuck = True
    return Condition(mains=mains, door_ajar=ajar, compressor_health=health, thermostat_stuck=stuck)


def acting(faults: Iterable[Fault], kind: FaultKind, at: datetime) -> Fault | None:
    """The fault of this kind that acts at the instant, or None."""
    return next((fault for fault in faults if fault.kind is kind and fault.acts_at(at)), None)
