"""Named stories a device can live through, told relative to the instant it was first switched on here.

Equipment faults that began before the beginning are lived through in the device's own memory: a fridge whose
power failed 13 hours ago is found warm, with the warm hours in its logger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.faults import Fault, FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What befalls one device. `history` is how far back its memory reaches when it first connects."""

    name: str
    faults: tuple[Fault, ...] = ()
    history: timedelta = timedelta(hours=12)
    household: bool = False
    """The fridge has no ice lining: it follows a power cut within the hour instead of days later."""


def _at(began: datetime, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
    return began + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _late_heat(began: datetime) -> Scenario:
    # The fridge of the demo's story. Its power failed 13 h ago and took the router with it: the logger went on
    # writing. Air passes +8 °C within two hours, so more than 10 h of heat arrive at once when the network
    # returns, a good minute after the beginning. The current comes back a quarter of an hour later.
    return Scenario(
        name="late_heat",
        household=True,
        faults=(
            Fault(kind=FaultKind.POWER_CUT, start=_at(began, hours=-13), end=_at(began, minutes=15)),
            Fault(kind=FaultKind.NETWORK_OUTAGE, start=_at(began, hours=-13), end=_at(began, seconds=70)),
        ),
    )


def _late_freeze(began: datetime) -> Scenario:
    return Scenario(
        name="late_freeze",
        household=True,
        faults=(
            Fault(kind=FaultKind.THERMOSTAT_FREEZING, start=_at(began, hours=-5), end=_at(began, minutes=40)),
            Fault(kind=FaultKind.NETWORK_OUTAGE, start=_at(began, hours=-6), end=_at(began, minutes=4)),
        ),
    )


def _power_cut(began: datetime) -> Scenario:
    return Scenario(
        name="power_cut",
        faults=(Fault(kind=FaultKind.POWER_CUT, start=_at(began, minutes=4), end=_at(began, hours=7)),),
    )


def _door_ajar(began: datetime) -> Scenario:
    return Scenario(
        name="door_ajar",
        faults=(
            Fault(kind=FaultKind.DOOR_AJAR, start=_at(began, minutes=3), end=_at(began, minutes=25), strength=0.35),
        ),
    )


def _compressor_failing(began: datetime) -> Scenario:
    return Scenario(
        name="compressor_failing",
        household=True,
        faults=(Fault(kind=FaultKind.COMPRESSOR_FAILING, start=_at(began, hours=-3), strength=0.92),),
    )


def _freezing(began: datetime) -> Scenario:
    return Scenario(
        name="freezing",
        household=True,
        faults=(Fault(kind=FaultKind.THERMOSTAT_FREEZING, start=_at(began, minutes=-5), end=_at(began, hours=3)),),
    )


def _dead_battery(began: datetime) -> Scenario:
    return Scenario(name="dead_battery", faults=(Fault(kind=FaultKind.BATTERY_DEAD, start=_at(began, minutes=6)),))


def _clock_1970(began: datetime) -> Scenario:
    return Scenario(
        name="clock_1970",
        faults=(Fault(kind=FaultKind.CLOCK_1970, start=began, end=_at(began, minutes=20)),),
        history=timedelta(0),
    )


def _clock_2036(began: datetime) -> Scenario:
    return Scenario(
        name="clock_2036",
        faults=(Fault(kind=FaultKind.CLOCK_2036, start=began, end=_at(began, minutes=20)),),
        history=timedelta(0),
    )


def _flaky_network(began: datetime) -> Scenario:
    outages = tuple(
        Fault(kind=FaultKind.NETWORK_OUTAGE, start=_at(began, minutes=5 + 12 * n), end=_at(began, minutes=9 + 12 * n))
        for n in range(40)
    )
    return Scenario(name="flaky_network", faults=outages)


SCENARIOS: dict[str, Callable[[datetime], Scenario]] = {
    "calm": lambda _began: Scenario(name="calm"),
    "fresh": lambda _began: Scenario(name="fresh", history=timedelta(0)),
    "late_heat": _late_heat,
    "late_freeze": _late_freeze,
    "power_cut": _power_cut,
    "door_ajar": _door_ajar,
    "compressor_failing": _compressor_failing,
    "freezing": _freezing,
    "dead_battery": _dead_battery,
    "clock_1970": _clock_1970,
    "clock_2036": _clock_2036,
    "flaky_network": _flaky_network,
}


def scenario(name: str, began: datetime) -> Scenario:
    """The story of this name, begun at `began`. Raises KeyError with the known names."""
    try:
        return SCENARIOS[name](began)
    except KeyError:
        raise KeyError(f"unknown scenario {name!r}; known are {', '.join(sorted(SCENARIOS))}") from None
