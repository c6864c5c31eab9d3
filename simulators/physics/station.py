"""One piece of equipment in its room, advanced through time and measured at instants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.chance import uniform
from simulators.faults import Fault, condition_at
from simulators.physics.enclosure import Enclosure, EnclosureSpec, Surroundings
from simulators.physics.usage import DoorHabits
from simulators.physics.weather import Weather

STRIDE = timedelta(seconds=60)
"""Weather, doors and faults are looked at once a stride; the heat balance steps finer than that."""

SENSOR_NOISE_C = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a logger wrote at one instant. Sums (door, power, compressor) cover [at - interval, at]."""

    at: datetime
    compartment_c: float
    ambient_c: float
    door_open_s: float
    power_s: float
    compressor_s: float
    humidity_pct: float
    battery_pct: float


@dataclass(slots=True, kw_only=True)
class Station:
    """An enclosure with its weather, its visitors and its faults, known up to `now`."""

    seed: str
    enclosure: Enclosure
    weather: Weather
    habits: DoorHabits
    faults: tuple[Fault, ...]
    now: datetime
    began: datetime
    _door_s: float = field(default=0.0)
    _power_s: float = field(default=0.0)
    _compressor_s: float = field(default=0.0)

    @classmethod
    def switched_on(
        cls, *, seed: str, spec: EnclosureSpec, faults: tuple[Fault, ...], at: datetime, utc_offset_h: float = 7.0
    ) -> Station:
        """Equipment that was at rest at `at`, with weather and habits that belong to the seed."""
        return cls(
            seed=seed,
            enclosure=Enclosure.at_rest(spec),
            weather=Weather(seed=seed, utc_offset_h=utc_offset_h),
            habits=DoorHabits(seed=seed, utc_offset_h=utc_offset_h),
            faults=faults,
            now=at,
            began=at,
        )

    def sample(self, at: datetime, interval: timedelta | None = None) -> Sample:
        """Live until `at` and read the instruments; the sums start again from here, and cover `interval` at most."""
        if interval is not None and self.now < at - interval:
            # What was lived through before belongs to no reading.
            self.live_until(at - interval)
            self._begin_sums()
        self.live_until(at)
        noise = uniform(-SENSOR_NOISE_C, SENSOR_NOISE_C, "noise", self.seed, at.isoformat())
        taken = Sample(
            at=at,
            compartment_c=round(self.enclosure.compartment_c + noise, 1),
            ambient_c=round(self.weather.ambient_c(at), 1),
            door_open_s=round(self._door_s, 1),
            power_s=round(self._power_s, 1),
            compressor_s=round(self.enclosure.compressor_s - self._compressor_s, 1),
            humidity_pct=round(55 + uniform(-8, 8, "humidity", self.seed, at.isoformat()[:13]), 1),
            battery_pct=max(1.0, round(98 - (at - self.began) / timedelta(days=9), 0)),
        )
        self._begin_sums()
        return taken

    def _begin_sums(self) -> None:
        self._door_s = self._power_s = 0.0
        self._compressor_s = self.enclosure.compressor_s

    def live_until(self, at: datetime) -> None:
        """Let time pass up to `at`; an instant already lived through changes nothing."""
        while self.now < at:
            end = min(at, self.now + STRIDE)
            self._live(end)
            self.now = end

    def _live(self, end: datetime) -> None:
        seconds = (end - self.now).total_seconds()
        condition = condition_at(self.faults, self.now)
        opened_s = self.habits.open_seconds(self.now, end)
        share = max(opened_s / seconds, condition.door_ajar)
        self.enclosure.advance(
            seconds,
            Surroundings(
                ambient_c=self.weather.ambient_c(self.now),
                door_open=share,
                mains=condition.mains,
                compressor_health=condition.compressor_health,
                thermostat_stuck=condition.thermostat_stuck,
            ),
        )
        # A door that is ajar lets in less than an open one, but its contact says "open" all the time.
        self._door_s += seconds if condition.door_ajar else opened_s
        self._power_s += seconds if condition.mains else 0.0
