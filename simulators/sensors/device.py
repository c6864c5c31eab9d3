"""One device: its stations, its clock, its memory. It knows no socket; time and sending come from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulators.chance import uniform
from simulators.faults import Fault, FaultKind, acting
from simulators.manifest import ApplianceEntry, DeviceEntry, spec_for
from simulators.physics.station import Station
from simulators.scenarios import Scenario, scenario
from simulators.sensors import payloads
from simulators.sensors.memory import Memory
from simulators.sensors.payloads import Record

SETTLING = timedelta(hours=3)
"""Lived through before the first record, so that a station is in its rhythm, not in its starting state."""

RECORDS_PER_MESSAGE = 150
"""Twelve hours at one record in five minutes go in one message: what is newest is known at once."""
COUNTRY = "IDN"


@dataclass(slots=True, kw_only=True)
class Logger:
    """One logger behind a device: the appliance it watches, and what befalls it."""

    appliance: ApplianceEntry
    scenario: Scenario
    station: Station

    def claims(self, at: datetime) -> datetime:
        """The instant its clock shows when it is really `at`."""
        faults = self.scenario.faults
        reset = acting(faults, FaultKind.CLOCK_1970, at)
        if reset:
            return datetime(1970, 1, 1, tzinfo=UTC) + (at - reset.start)
        if acting(faults, FaultKind.CLOCK_2036, at):
            return at.replace(year=2036)
        return at


class Device:
    """A simulated MQTT client before the network: measure on time, keep, hand out messages in order."""

    def __init__(self, entry: DeviceEntry, *, seed: str, began: datetime, now: datetime) -> None:
        self.entry = entry
        self.began = began
        self._seed = seed
        self.loggers = [self._logger(appliance, began) for appliance in entry.loggers()]
        history = max(one.scenario.history for one in self.loggers)
        self.memory = Memory()
        self.next_at = self._tick_at_or_after(now - history)
        for one in self.loggers:
            one.station.now = one.station.began = self.next_at - history - SETTLING

    def _logger(self, appliance: ApplianceEntry, began: datetime) -> Logger:
        story = scenario(appliance.scenario, began)
        station = Station.switched_on(
            seed=f"{self._seed}/{appliance.serial}",
            spec=spec_for(appliance, household=story.household),
            faults=story.faults,
            at=began,
        )
        return Logger(appliance=appliance, scenario=story, station=station)

    @property
    def last_at(self) -> datetime:
        """The newest tick that has been measured (or slept through)."""
        return self.next_at - timedelta(seconds=self.entry.interval_s)

    @property
    def code(self) -> str:
        """MQTT username and client id."""
        return self.entry.code

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Faults of the client itself: those of its first logger (a gateway has one radio)."""
        return self.loggers[0].scenario.faults

    def _tick_at_or_after(self, at: datetime) -> datetime:
        # Every device measures at its own second of the interval: a fleet that reports in step is a
        # load no real fleet makes. The phase belongs to the code, so a restart keeps the rhythm.
        interval = self.entry.interval_s
        phase = int(uniform(0, interval, "phase", self._seed, self.entry.code))
        ticks = -(-(int(at.timestamp()) - phase) // interval)
        return datetime.fromtimestamp(ticks * interval + phase, UTC)

    def resume(self, last_at: datetime, records: list[Record], now: datetime) -> None:
        """Go on after a restart: what was not safely sent, and what was measured meanwhile (as far as memory reaches)."""
        history = max(one.scenario.history for one in self.loggers)
        self.memory = Memory(records)
        self.next_at = self._tick_at_or_after(max(last_at + timedelta(seconds=1), now - history))
        for one in self.loggers:
            one.station.now = max(one.station.now, self.next_at - timedelta(seconds=self.entry.interval_s))

    def measure(self, now: datetime) -> int:
        """Write every record that is due by `now`; answers how many ticks that were."""
        ticks = 0
        while self.next_at <= now:
            at = self.next_at
            self.next_at = at + timedelta(seconds=self.entry.interval_s)
            if acting(self.faults, FaultKind.BATTERY_DEAD, at):
                continue
            ticks += 1
            for one in self.loggers:
                sample = one.station.sample(at, timedelta(seconds=self.entry.interval_s))
                self.memory.write([Record(serial=one.appliance.serial, claimed_at=one.claims(at), sample=sample)])
        return ticks

    def is_reachable(self, now: datetime) -> bool:
        """Whether the device can be on the network at all."""
        faults = self.faults
        return not (acting(faults, FaultKind.BATTERY_DEAD, now) or acting(faults, FaultKind.NETWORK_OUTAGE, now))

    @property
    def topic(self) -> str:
        """Where its readings go."""
        return f"rantai/v1/{self.code}/{'ems' if self.entry.kind == 'ems' else 'readings'}"

    @property
    def status_topic(self) -> str:
        """Where it says whether it is there (retained; also its last will)."""
        return f"rantai/v1/{self.code}/status"

    def encode(self, records: list[Record], now: datetime) -> bytes:
        """The message body for these records, in the dialect the device speaks."""
        if self.entry.kind == "ems":
            kinds = {one.appliance.serial: one.appliance.place_kind for one in self.loggers}
            return payloads.ems(
                self.code, COUNTRY, records, place_kinds=kinds, interval_s=self.entry.interval_s, sent_at=now
            )
        return payloads.native(records, self.entry.channels)
