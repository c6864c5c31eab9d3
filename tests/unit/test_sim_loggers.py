"""Simulated loggers: what they write, in which order they send it, what they remember over a restart."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.manifest import ApplianceEntry, ChannelEntry, DeviceEntry, World, read_world, spec_for
from simulators.physics.specs import FREEZER, HOUSEHOLD_FRIDGE, ICE_LINED_FRIDGE, TRUCK
from simulators.sensors.device import Device
from simulators.sensors.flash import Flash
from simulators.sensors.link import BrokerAddress
from simulators.sensors.memory import OVERLAP, Memory
from simulators.sensors.payloads import Record

BEGAN = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


def device(scenario: str = "calm", **more: object) -> Device:
    entry = DeviceEntry.model_validate({"code": "TAG-1", "password": "p", "scenario": scenario, **more})
    return Device(entry, seed="s", began=BEGAN, now=BEGAN)


def drain(one: Device, now: datetime) -> list[Record]:
    one.measure(now)
    return one.memory.take(100_000)


def written(count: int) -> list[Record]:
    return drain(device(interval_s=60), BEGAN)[:count]


def test_a_logger_brings_its_last_twelve_hours_and_then_goes_on_live() -> None:
    one = device("late_heat", interval_s=300)
    backlog = drain(one, BEGAN)
    assert len(backlog) == 144
    live = drain(one, BEGAN + timedelta(hours=1))
    assert len(live) == 12
    instants = [record.sample.at for record in backlog + live]
    assert instants == [instants[0] + timedelta(seconds=300 * n) for n in range(156)]
    assert BEGAN - timedelta(hours=12) <= instants[0]
    assert backlog[-1].sample.at <= BEGAN < live[0].sample.at
    assert all(record.claimed_at == record.sample.at for record in backlog)


def test_measuring_twice_at_the_same_instant_writes_nothing_twice() -> None:
    one = device()
    assert one.measure(BEGAN) == 144
    assert one.measure(BEGAN) == 0


def test_measuring_in_small_steps_gives_the_same_records_as_in_one() -> None:
    end = BEGAN + timedelta(hours=2)
    at_once = device("freezing")
    stepwise = device("freezing")
    for minute in range(0, 121, 7):
        stepwise.measure(BEGAN + timedelta(minutes=minute))
    assert drain(stepwise, end) == drain(at_once, end)


def test_devices_measure_each_at_their_own_second() -> None:
    seconds = {
        Device(DeviceEntry(code=f"T{n}", password="p"), seed="s", began=BEGAN, now=BEGAN).next_at.timestamp() % 300
        for n in range(40)
    }
    assert len(seconds) > 30


def test_the_first_reading_covers_its_interval_and_not_the_hours_in_which_the_fridge_settled() -> None:
    evening = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
    for seed in ("a", "b", "c"):
        one = Device(DeviceEntry(code="TAG-1", password="p"), seed=seed, began=evening, now=evening)
        one.measure(evening)
        first = one.memory.take(1)[0].sample
        assert first.power_s == 300
        assert first.door_open_s <= 60, "the door is not open for long"
        assert first.compressor_s <= 300


def test_a_dead_battery_writes_nothing_more_and_leaves_the_network() -> None:
    one = device("dead_battery", interval_s=60)
    drain(one, BEGAN)
    assert one.is_reachable(BEGAN)
    last = drain(one, BEGAN + timedelta(hours=3))
    assert max(record.sample.at for record in last) < BEGAN + timedelta(minutes=6)
    assert not one.is_reachable(BEGAN + timedelta(minutes=6))


@pytest.mark.parametrize(("scenario", "year"), [("clock_1970", 1970), ("clock_2036", 2036)])
def test_a_wrong_clock_lies_about_when_and_is_set_right_later(scenario: str, year: int) -> None:
    one = device(scenario, interval_s=60)
    wrong = drain(one, BEGAN + timedelta(minutes=10))
    assert {record.claimed_at.year for record in wrong} == {year}
    assert {record.sample.at.year for record in wrong} == {2026}
    right = drain(one, BEGAN + timedelta(minutes=40))
    assert right[-1].claimed_at == right[-1].sample.at


def test_a_network_outage_hides_the_device_but_not_its_measurements() -> None:
    one = device("late_heat")
    assert not one.is_reachable(BEGAN + timedelta(seconds=69))
    assert one.is_reachable(BEGAN + timedelta(seconds=70))
    assert one.measure(BEGAN) == 144


def test_memory_sends_the_oldest_first_and_puts_back_in_order() -> None:
    records = written(10)
    memory = Memory(records)
    first = memory.take(4)
    assert first == records[:4]
    memory.put_back(first)
    assert memory.take(10) == records


def test_after_a_reconnect_the_unconfirmed_and_the_last_confirmed_come_first_and_in_order() -> None:
    records = written(10)
    memory = Memory(records)
    for message, count in ((1, 2), (2, 2), (3, 2)):
        memory.sent(message, memory.take(count))
    memory.confirmed(1, BEGAN)
    memory.confirmed(2, BEGAN + OVERLAP + timedelta(seconds=1))
    memory.reconnected()
    assert memory.take(100) == records[2:], "message 1 is safe, 2 was confirmed a moment ago, 3 never"


def test_a_confirmation_of_an_earlier_connection_changes_nothing() -> None:
    records = written(4)
    memory = Memory(records)
    memory.sent(1, memory.take(2))
    memory.reconnected()
    memory.confirmed(1, BEGAN)
    assert memory.unsafe() == records


def test_a_restart_forgets_no_unsafe_record_and_fills_in_what_it_missed(tmp_path: Path) -> None:
    before = device("freezing", interval_s=60)
    before.measure(BEGAN)
    before.memory.sent(1, before.memory.take(700))
    before.memory.confirmed(1, BEGAN)
    unsafe = before.memory.unsafe()
    Flash(tmp_path / "flash.json").save([before])

    later = BEGAN + timedelta(minutes=30)
    flash = Flash(tmp_path / "flash.json")
    assert flash.began("TAG-1") == BEGAN
    assert flash.began("TAG-2") is None
    after = Device(before.entry, seed="s", began=BEGAN, now=later)
    flash.restore(after, later)
    after.measure(later)
    records = after.memory.take(10_000)
    assert records[: len(unsafe)] == unsafe
    instants = [record.sample.at for record in records]
    assert instants == [instants[0] + timedelta(seconds=60 * n) for n in range(len(instants))]
    assert later - instants[-1] < timedelta(seconds=60)

    straight_on = device("freezing", interval_s=60)
    assert drain(straight_on, later) == records, "a restart in between leaves no trace in the readings"


def test_a_long_rest_is_filled_in_only_as_far_as_the_memory_reaches(tmp_path: Path) -> None:
    before = device()
    drain(before, BEGAN)
    Flash(tmp_path / "f.json").save([before])
    much_later = BEGAN + timedelta(days=9)
    after = Device(before.entry, seed="s", began=BEGAN, now=much_later)
    Flash(tmp_path / "f.json").restore(after, much_later)
    assert after.measure(much_later) == 144


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"format": 99, "devices": {"TAG-1": {}}}'])
def test_an_unreadable_flash_begins_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "flash.json"
    path.write_text(content)
    assert Flash(path).began("TAG-1") is None


def test_native_payload_has_one_reading_a_channel_and_the_quantity_of_its_role() -> None:
    channels = [
        {"name": "t1", "role": "storage"},
        {"name": "amb", "role": "ambient"},
        {"name": "door", "role": "door"},
        {"name": "pwr", "role": "power"},
        {"name": "rh", "role": "humidity"},
    ]
    one = device("door_ajar", channels=channels, interval_s=60)
    record = drain(one, BEGAN + timedelta(minutes=10))[-1]
    assert one.topic == "rantai/v1/TAG-1/readings"
    body = json.loads(one.encode([record], BEGAN))
    at = record.sample.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert body["readings"] == [
        {"at": at, "channel": "t1", "temperature_c": record.sample.compartment_c},
        {"at": at, "channel": "amb", "temperature_c": record.sample.ambient_c},
        {"at": at, "channel": "door", "door_open_s": 60.0},
        {"at": at, "channel": "pwr", "power_s": 60.0},
        {"at": at, "channel": "rh", "humidity_pct": record.sample.humidity_pct},
    ]
    assert 0 < body["battery_pct"] <= 100


def gateway() -> Device:
    return device(
        kind="ems",
        interval_s=300,
        appliances=[
            {"serial": "S1", "equipment": "KLK-1", "place_kind": "fridge", "scenario": "door_ajar"},
            {"serial": "S2", "equipment": "KLK-2", "place_kind": "freezer"},
        ],
    )


def test_a_gateway_reports_each_logger_on_its_own_with_compact_utc_times() -> None:
    one = gateway()
    records = drain(one, BEGAN + timedelta(minutes=20))
    assert one.topic == "rantai/v1/TAG-1/ems"
    body = json.loads(one.encode(records[-6:], BEGAN))
    assert [report["LSER"] for report in body["data"]] == ["S1", "S2"]
    assert {report["ESER"] for report in body["data"]} == {"TAG-1"}
    first = body["data"][0]["records"][0]
    assert first["ABST"] == records[-6].sample.at.strftime("%Y%m%dT%H%M%SZ")
    assert body["data"][0]["records"][-1]["DORV"] == 900, "an open door is 900 s per quarter of an hour"
    assert body["data"][1]["records"][0]["TFRZ"] < -15


def test_the_same_file_sent_again_keeps_its_transfer_id() -> None:
    one = gateway()
    records = drain(one, BEGAN)
    first, again = (json.loads(one.encode(records[:4], at)) for at in (BEGAN, BEGAN + timedelta(minutes=5)))
    other = json.loads(one.encode(records[4:8], BEGAN))
    assert first["meta"]["transferId"] == again["meta"]["transferId"] != other["meta"]["transferId"]


def test_equipment_kinds_choose_their_enclosure() -> None:
    def spec(kind: str, place_kind: str, household: bool = False) -> object:
        return spec_for(
            ApplianceEntry(serial="s", equipment="e", equipment_kind=kind, place_kind=place_kind), household=household
        )

    assert spec("fridge", "fridge") is ICE_LINED_FRIDGE
    assert spec("fridge", "fridge", household=True) is HOUSEHOLD_FRIDGE
    assert spec("", "freezer", household=True) is FREEZER
    assert spec("truck", "transport1") is TRUCK
    assert spec("spaceship", "transport2") is TRUCK


def test_the_manifest_is_read_with_unknown_fields_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps({"devices": [{"code": "A", "password": "b", "novelty": 1}], "more": {}}))
    world = read_world(path)
    assert world == World(devices=(DeviceEntry(code="A", password="b"),))
    assert world.devices[0].channels == (ChannelEntry(name="t1", role="storage"),)
    path.write_text(json.dumps({"devices": [{"code": "A"}]}))
    with pytest.raises(ValueError, match="password"):
        read_world(path)


def test_broker_addresses_are_read_or_refused_with_a_sentence() -> None:
    assert BrokerAddress.parse("mqtt://localhost") == BrokerAddress(host="localhost", port=1883, tls=False)
    assert BrokerAddress.parse("mqtts://b.example:9000/x") == BrokerAddress(host="b.example", port=9000, tls=True)
    with pytest.raises(ValueError, match="expected mqtt://"):
        BrokerAddress.parse("localhost:1883")
