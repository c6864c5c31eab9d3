"""Simulated devices against a real broker: own credentials, order, resends, last wills, a clean end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulators.manifest import DeviceEntry
from simulators.sensors.flash import Flash
from simulators.sensors.fleet import Fleet
from simulators.sensors.link import BrokerAddress
from tests.support.services import Services
from tests.support.waiting import eventually


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Listener:
    """What arrives at the broker, as an ingester would see it."""

    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)
    client: mqtt.Client | None = None

    def listen(self, url: str) -> None:
        parts = urlsplit(url)
        # A lasting session, as the ingester has: what comes while it is away waits for it.
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
        client.username_pw_set(parts.username or "", parts.password or "")
        client.on_message = lambda _c, _u, m: self.messages.append((m.topic, bytes(m.payload), m.retain))
        client.on_connect = lambda c, *_: c.subscribe("rantai/v1/#", qos=1)
        client.reconnect_delay_set(1, 1)
        client.connect(parts.hostname or "", parts.port or 1883)
        client.loop_start()
        self.client = client

    def stop(self) -> None:
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()

    def readings(self, code: str) -> list[tuple[str, float]]:
        found = []
        for topic, payload, _ in self.messages:
            if topic == f"rantai/v1/{code}/readings":
                found += [(item["at"], item["temperature_c"]) for item in json.loads(payload)["readings"]]
        return found

    def status(self, code: str) -> list[str]:
        return [payload.decode() for topic, payload, _ in self.messages if topic == f"rantai/v1/{code}/status"]


@dataclass
class Stage:
    """A broker, a listener, and fleets started in threads."""

    services: Services
    listener: Listener
    told: list[tuple[str, str]] = field(default_factory=list)
    running: list[tuple[Fleet, threading.Thread]] = field(default_factory=list)

    def play(self, *entries: DeviceEntry, flash: Path | None = None) -> Fleet:
        parts = urlsplit(self.services.mqtt_url)
        fleet = Fleet(
            entries,
            BrokerAddress.parse(f"mqtt://{parts.hostname}:{parts.port}"),
            seed="s",
            clock=utc_now,
            flash=Flash(flash),
            told=lambda who, what: self.told.append((who, what)),
        )
        thread = threading.Thread(target=fleet.run)
        thread.start()
        self.running.append((fleet, thread))
        return fleet

    def end(self) -> None:
        for fleet, thread in self.running:
            if thread.is_alive():
                fleet.stop()
                thread.join(10)
        self.running.clear()


@pytest.fixture
def stage(own_services: Services) -> Iterator[Stage]:
    own_services.broker.set_users({}, readers=[])
    listener = Listener()
    listener.listen(own_services.mqtt_url)
    stage = Stage(own_services, listener)
    yield stage
    stage.end()
    listener.stop()


def entry(stage: Stage, code: str, *, password: str = "", **more: object) -> DeviceEntry:
    stage.services.broker.add_user(code, f"key-of-{code}")
    return DeviceEntry.model_validate({"code": code, "password": password or f"key-of-{code}", **more})


def in_order(instants: list[str]) -> bool:
    return instants == sorted(instants)


def test_a_late_logger_delivers_its_twelve_hours_in_order_and_then_goes_on_live(stage: Stage) -> None:
    stage.play(entry(stage, "LATE-1", interval_s=60, scenario="calm"))
    eventually(lambda: len(stage.listener.readings("LATE-1")) >= 720, timeout_s=30)
    instants = [at for at, _ in stage.listener.readings("LATE-1")]
    assert in_order(instants)
    assert len(set(instants)) == len(instants)
    first = datetime.fromisoformat(instants[0])
    assert 11.9 < (utc_now() - first).total_seconds() / 3600 <= 12.1


def test_live_readings_keep_coming_at_the_interval_and_the_device_says_it_is_there(stage: Stage) -> None:
    stage.play(entry(stage, "LIVE-1", interval_s=1, scenario="fresh"))
    eventually(lambda: len(stage.listener.readings("LIVE-1")) >= 3, timeout_s=15)
    assert stage.listener.status("LIVE-1") == ["online"]
    stage.end()
    eventually(lambda: stage.listener.status("LIVE-1") == ["online", "offline"], timeout_s=5)


def test_a_device_with_a_wrong_key_is_refused_told_and_does_not_disturb_the_others(stage: Stage) -> None:
    stage.play(entry(stage, "WRONG-1", password="not-its-key"), entry(stage, "RIGHT-1"))
    eventually(lambda: len(stage.listener.readings("RIGHT-1")) >= 144, timeout_s=20)
    assert stage.listener.readings("WRONG-1") == []
    assert any(who == "WRONG-1" and "refuses" in what for who, what in stage.told)


def test_after_the_broker_was_killed_every_reading_is_delivered_and_an_overlap_again(stage: Stage) -> None:
    stage.play(entry(stage, "KILL-1", interval_s=1, scenario="fresh"))
    eventually(lambda: len(stage.listener.readings("KILL-1")) >= 4, timeout_s=15)
    before = len(stage.listener.readings("KILL-1"))
    stage.services.broker.kill()
    stage.services.broker.start()
    eventually(lambda: len(stage.listener.readings("KILL-1")) >= before + 5, timeout_s=40)
    readings = stage.listener.readings("KILL-1")
    assert len(readings) > len(set(readings)), "what was confirmed just before the kill came again"
    assert len({at for at, _ in readings}) == len(set(readings)), "and it came again with the same values"
    instants = sorted({datetime.fromisoformat(at) for at, _ in readings})
    gaps = {(later - earlier).total_seconds() for earlier, later in pairwise(instants)}
    assert gaps == {1.0}, "no second is missing"


def test_a_restart_of_the_simulators_goes_on_where_they_stopped(stage: Stage, tmp_path: Path) -> None:
    device = entry(stage, "AGAIN-1", interval_s=1, scenario="fresh")
    flash = tmp_path / "flash.json"
    stage.play(device, flash=flash)
    eventually(lambda: len(stage.listener.readings("AGAIN-1")) >= 3, timeout_s=15)
    stage.end()
    count = len(stage.listener.readings("AGAIN-1"))
    stage.play(device, flash=flash)
    eventually(lambda: len(stage.listener.readings("AGAIN-1")) >= count + 4, timeout_s=15)
    readings = stage.listener.readings("AGAIN-1")
    assert len({at for at, _ in readings}) == len(set(readings)), "an instant has one value only"


def test_a_hundred_devices_share_one_process_and_end_at_once(stage: Stage) -> None:
    entries = [entry(stage, f"MANY-{n:03}") for n in range(100)]
    fleet = stage.play(*entries)
    eventually(lambda: all(link.is_open for link in fleet.links), timeout_s=40)
    began = monotonic()
    stage.end()
    assert monotonic() - began < 3
