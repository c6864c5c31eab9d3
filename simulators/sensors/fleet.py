"""Many devices in one process: one loop over all sockets and all clocks, no thread each."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic

from simulators.manifest import DeviceEntry
from simulators.sensors.device import Device
from simulators.sensors.flash import Flash
from simulators.sensors.link import BrokerAddress, Link

PULSE_S = 0.25
"""Longest time between two looks at clocks, keep-alives and retries."""

SAVE_EVERY_S = 60.0
CONNECTS_PER_PULSE = 10


class Fleet:
    """All simulated devices. `run` works in the calling thread until `stop` is called from anywhere."""

    def __init__(
        self,
        entries: Iterable[DeviceEntry],
        broker: BrokerAddress,
        *,
        seed: str,
        clock: Callable[[], datetime],
        flash: Flash,
        told: Callable[[str, str], None],
    ) -> None:
        self._clock = clock
        self._flash = flash
        self._selector = selectors.DefaultSelector()
        self._wake_here, self._wake_there = socket.socketpair()
        self._wake_here.setblocking(False)
        self._wake_there.setblocking(False)
        self._selector.register(self._wake_here, selectors.EVENT_READ, None)
        self._stopping = False
        now = clock()
        self.links: list[Link] = []
        for entry in entries:
            device = Device(entry, seed=seed, began=flash.began(entry.code) or now, now=now)
            flash.restore(device, now)
            self.links.append(Link(device, broker, self._selector, clock=clock, told=told))

    @property
    def devices(self) -> list[Device]:
        """The devices, in the manifest's order."""
        return [link.device for link in self.links]

    def stop(self) -> None:
        """Ask the loop to end; safe in a signal handler and from other threads."""
        self._stopping = True
        try:
            self._wake_there.send(b"x")
        except BlockingIOError:
            pass  # A wake-up is waiting to be read already; one is enough.

    def run(self) -> None:
        """Measure, send and stay connected until stopped; then say goodbye and keep the state."""
        next_pulse = next_save = monotonic()
        try:
            while not self._stopping:
                if monotonic() >= next_pulse:
                    self._pulse()
                    next_pulse = monotonic() + PULSE_S
                if monotonic() >= next_save:
                    self._flash.save(self.devices)
                    next_save = monotonic() + SAVE_EVERY_S
                self._listen(max(0.0, next_pulse - monotonic()))
        finally:
            self._close()

    def _pulse(self) -> None:
        now = self._clock()
        connecting = 0
        for link in self.links:
            if self._stopping:
                return
            if now - link.device.last_at > timedelta(0):
                link.device.measure(now)
            if link.wants_to_connect(now):
                # Connecting waits for the broker's TCP answer: only some at a time, so the others go on.
                connecting += 1
                if connecting > CONNECTS_PER_PULSE:
                    continue
            link.work()

    def _listen(self, seconds: float) -> None:
        for key, events in self._selector.select(seconds):
            link = key.data
            if isinstance(link, Link):
                link.ready(bool(events & selectors.EVENT_READ), bool(events & selectors.EVENT_WRITE))
            else:
                self._wake_here.recv(64)

    def _close(self) -> None:
        self._flash.save(self.devices)
        for link in self.links:
            link.say_goodbye()
        self._selector.close()
        self._wake_here.close()
        self._wake_there.close()
