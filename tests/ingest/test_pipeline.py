"""The pipeline between a real broker and a real database: what it takes, refuses, repeats and survives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, select, text

from ingest.dialects.shapes import MOST_BYTES
from ingest.mqtt.link import BrokerAddress, Link
from ingest.mqtt.pipeline import Pipeline, caused_by_content
from ingest.mqtt.topics import Routes
from rantai.local.mosquitto import PACKET_LIMIT_BYTES
from tests.ingest.trial import admit, make_devices
from tests.support.clearing import clear_broker, end_session
from tests.support.ems import ems_body, ems_record
from tests.support.hostile import HOSTILE_BODIES
from tests.support.services import Services
from tests.support.waiting import eventually
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.database.heartbeat import Heartbeat
from tracker.kit.clock import utc_now
from tracker.settings import IngestSettings
from tracker.telemetry.models import Channel, DeadLetter, Device, Reading, SensorFault
from tracker.telemetry.rules.words import DeviceKind, DeviceStatus, Role
from tracker.telemetry.service.commands import NewDevice
from tracker.telemetry.service.devices import add_device

AT = datetime(2026, 1, 31, 7, 5, tzinfo=UTC)


class Sender:
    """A device's own connection."""

    def __init__(self, services: Services, code: str, password: str) -> None:
        address = BrokerAddress.of(services.mqtt_url)
        self.code = code
        self.password = password
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=f"{code}-{uuid4().hex[:6]}")
        self.client.username_pw_set(code, password)
        connected = threading.Event()
        self.client.on_connect = lambda *_: connected.set()
        self.client.connect(address.host, address.port)
        self.client.loop_start()
        assert connected.wait(10)

    def send(self, body: bytes | str | object, leaf: str = "readings", *, retain: bool = False) -> None:
        """Publish and wait for the broker's word."""
        payload = body if isinstance(body, bytes | str) else json.dumps(body)
        info = self.client.publish(f"rantai/v1/{self.code}/{leaf}", payload, qos=1, retain=retain)
        info.wait_for_publish(10)
        assert info.is_published()

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def running(services: Services, engine: Engine, client_id: str) -> Iterator[Pipeline]:
    """A pipeline in this process, stopped at the end."""
    routes = Routes()
    link = Link(BrokerAddress.of(services.mqtt_url), client_id=client_id, filters=routes.filters)
    pipeline = Pipeline(engine, link, routes, IngestSettings(batch_ms=20))
    worker = threading.Thread(target=pipeline.run)
    link.start()
    worker.start()
    try:
        assert link.listening.wait(10)
        yield pipeline
    finally:
        pipeline.stop()
        worker.join(20)
        link.stop()
        assert not worker.is_alive()


@pytest.fixture
def senders(services: Services, engine: Engine) -> Iterator[dict[str, Sender]]:
    """A fridge's sensor and a gateway with one logger behind it."""
    passwords = make_devices(engine, ["dev-1"]) | make_devices(engine, ["gate"], kind=DeviceKind.GATEWAY)
    with transaction(engine) as db:
        logger = NewDevice(code="log-1", unit="PKM", kind=DeviceKind.LOGGER, serial="LOG-1", gateway="gate")
        add_device(db, SYSTEM, logger, now=utc_now())
    clear_broker(services)
    admit(services, engine)
    found = {code: Sender(services, code, password) for code, password in passwords.items()}
    yield found
    for sender in found.values():
        sender.close()


@pytest.fixture
def client_id(services: Services) -> Iterator[str]:
    """A session of its own, wiped at the end."""
    yield f"test-{uuid4().hex}"
    end_session(services)


@pytest.fixture
def pipeline(services: Services, engine: Engine, senders: dict[str, Sender], client_id: str) -> Iterator[Pipeline]:
    """Running on the fresh database."""
    del senders
    with running(services, engine, client_id) as pipeline:
        yield pipeline


def reading(minute: int = 0, value: object = 4.2, **more: object) -> dict[str, object]:
    """A native body of one reading."""
    at = (AT + timedelta(minutes=minute)).isoformat()
    return {"readings": [{"at": at, "channel": "t1", "temperature_c": value, **more}]}


def settled(pipeline: Pipeline, messages: int) -> None:
    """Until so many messages have been acknowledged."""
    eventually(lambda: pipeline.counts.acknowledged >= messages, what=f"{messages} acknowledged")


def values(engine: Engine) -> list[float]:
    """Stored values in order of their instants."""
    with transaction(engine) as db:
        return list(db.scalars(select(Reading.value).order_by(Reading.measured_at, Reading.value)))


def letters(engine: Engine) -> dict[str, int]:
    """Dead letters: how many of each reason."""
    with transaction(engine) as db:
        rows = db.execute(text("SELECT reason, count(*) FROM dead_letter GROUP BY reason"))
        return {row[0]: row[1] for row in rows}


def test_what_an_earlier_ingester_and_device_left_at_the_broker_is_cleared(
    services: Services, engine: Engine, senders: dict[str, Sender], client_id: str
) -> None:
    """Of the tests themselves: what one leaves behind made others fail, in some orders only."""
    filters = Routes().filters
    link = Link(BrokerAddress.of(services.mqtt_url), client_id=client_id, filters=filters)
    link.start()
    assert link.listening.wait(10)
    link.stop()
    senders["dev-1"].send("offline", "status", retain=True)
    clear_broker(services)
    admit(services, engine)
    link = Link(BrokerAddress.of(services.mqtt_url), client_id=client_id, filters=filters)
    link.start()
    try:
        assert link.listening.wait(10)
        senders["gate"].send(b"now")
        heard = eventually(lambda: link.take(10, 10_000, wait_s=0.5, gather_s=0.2))
        assert [message.payload for message in heard] == [b"now"]
    finally:
        link.stop()


def test_readings_repeats_and_conflicts_are_stored_as_the_writer_says(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    for body in (reading(), reading(), reading(value=9.9), reading(1, 85.0), reading(2, -327.67), reading(3, 5.0)):
        senders["dev-1"].send(body)
    settled(pipeline, 6)
    assert values(engine) == [4.2, 9.9, 5.0]
    with transaction(engine) as db:
        assert set(db.scalars(select(SensorFault.reason))) == {"power_on", "no_sensor"}
        assert db.scalars(select(Device.last_seen_at).where(Device.code == "dev-1")).one() is not None


def test_an_unknown_channel_is_stored_unassigned_and_shown(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    senders["dev-1"].send(reading(humidity_pct=50))
    settled(pipeline, 1)
    with transaction(engine) as db:
        channels = {(c.name, c.quantity.value): c.role for c in db.scalars(select(Channel))}
    assert channels == {("t1", "temperature"): Role.STORAGE, ("t1", "humidity"): Role.HUMIDITY}


def test_no_hostile_body_stops_the_program_and_each_is_buried_with_its_reason(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    sent = 0
    for leaf in ("readings", "ems"):
        for body in HOSTILE_BODIES.values():
            senders["gate"].send(body, leaf)
            sent += 1
    senders["gate"].send(b"x" * (MOST_BYTES + 1))
    senders["dev-1"].send(reading())
    settled(pipeline, sent + 2)
    assert values(engine).count(4.2) == 1
    reasons = letters(engine)
    assert {"malformed", "empty", "oversized", "bad_channel", "not_an_object", "no_data"} <= set(reasons)
    assert "refused" not in reasons
    with transaction(engine) as db:
        largest = db.scalar(text("SELECT max(octet_length(payload)) FROM dead_letter"))
        assert largest == 65_536
    senders["dev-1"].send(reading(1, 4.3))
    settled(pipeline, sent + 3)
    assert 4.3 in values(engine)


def test_what_is_too_large_is_set_aside_or_not_acknowledged(
    services: Services, engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    """Trap: the broker's `message_size_limit` acknowledges what it drops."""
    for size in (MOST_BYTES + 1, 1_400_000, PACKET_LIMIT_BYTES - 100):
        senders["dev-1"].send(b" " * size)
    settled(pipeline, 3)
    assert letters(engine) == {"oversized": 3}
    with transaction(engine) as db:
        assert sorted(db.scalars(select(DeadLetter.size))) == [MOST_BYTES + 1, 1_400_000, PACKET_LIMIT_BYTES - 100]
    for size in (PACKET_LIMIT_BYTES, 10_000_000):
        for qos in (1, 2):
            info = senders["dev-1"].client.publish("rantai/v1/dev-1/readings", b" " * size, qos=qos)
            eventually(lambda: not senders["dev-1"].client.is_connected(), what="the broker hangs up")
            assert not info.is_published()
            senders["dev-1"].close()
            senders["dev-1"] = Sender(services, "dev-1", senders["dev-1"].password)
    senders["dev-1"].send(reading())
    settled(pipeline, 4)
    assert values(engine) == [4.2]


def test_a_name_invented_again_and_again_makes_no_rows_without_end(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    body = {"readings": [{"at": AT.isoformat(), "channel": f"c{n}", "temperature_c": 4} for n in range(200)]}
    senders["dev-1"].send(body)
    settled(pipeline, 1)
    with transaction(engine) as db:
        assert len(db.scalars(select(Channel.id)).all()) == 64
    assert letters(engine) == {"bad_channel": 1}


def test_a_retained_message_is_never_a_reading_and_a_retained_status_is_the_status(
    services: Services, engine: Engine, senders: dict[str, Sender], client_id: str
) -> None:
    senders["dev-1"].send(reading(), retain=True)
    senders["dev-1"].send("online", "status", retain=True)
    with running(services, engine, client_id) as pipeline:
        settled(pipeline, 2)
        assert pipeline.counts.retained == 1
    assert values(engine) == []
    with transaction(engine) as db:
        assert db.scalars(select(Device.status).where(Device.code == "dev-1")).one() is DeviceStatus.ONLINE
    for leaf in ("readings", "status"):
        senders["dev-1"].send("", leaf, retain=True)


def test_a_gateway_speaks_for_the_serials_bound_to_it_and_no_others(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    records = [ems_record("20260131T070000Z", TVC=3.5)]
    body = ems_body(records)
    body["data"].append(ems_body(records, logger="STRANGE", monitor="STRANGE-2")["data"][0])
    senders["gate"].send(body, "ems")
    settled(pipeline, 1)
    with transaction(engine) as db:
        rows = db.execute(
            select(Device.code, Channel.name, Reading.value, Reading.message_id)
            .join(Channel, Channel.device_id == Device.id)
            .join(Reading, Reading.channel_id == Channel.id)
            .where(Channel.name == "TVC")
        ).all()
        assert [tuple(row) for row in rows] == [("log-1", "TVC", 3.5, "transfer-1")]
        detail = db.scalars(select(DeadLetter.detail)).one()
    assert letters(engine) == {"unknown_serial": 1}
    assert "STRANGE" in detail


def test_a_device_cannot_speak_on_anothers_topic(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    forger = senders["gate"].client
    forger.publish("rantai/v1/dev-1/readings", json.dumps(reading(value=7.7)), qos=1).wait_for_publish(10)
    senders["dev-1"].send(reading())
    settled(pipeline, 1)
    assert values(engine) == [4.2]


def test_a_device_that_was_removed_is_heard_no_more(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    with transaction(engine) as db:
        db.execute(text("UPDATE device SET retired_at = now() WHERE code = 'dev-1'"))
    senders["dev-1"].send(reading())
    settled(pipeline, 1)
    assert values(engine) == []
    assert letters(engine) == {"unknown_device": 1}


def test_a_message_the_database_refuses_is_found_by_halving_and_the_rest_is_stored(
    services: Services, engine: Engine, senders: dict[str, Sender], client_id: str
) -> None:
    with running(services, engine, client_id):
        pass
    with transaction(engine) as db:
        db.execute(text("ALTER TABLE reading ADD CONSTRAINT planted CHECK (value <> 66.6)"))
    for minute in range(40):
        senders["dev-1"].send(reading(minute, 66.6 if minute in {7, 30} else 4.0))
    with running(services, engine, client_id) as pipeline:
        settled(pipeline, 40)
        assert pipeline.counts.retries == 0
    assert values(engine) == [4.0] * 38
    assert letters(engine) == {"refused": 2}


def test_while_the_database_cannot_store_nothing_is_acknowledged_and_nothing_buried(
    engine: Engine, senders: dict[str, Sender], pipeline: Pipeline
) -> None:
    senders["dev-1"].send(reading())
    settled(pipeline, 1)
    with transaction(engine) as db:
        db.execute(text("ALTER TABLE reading RENAME TO reading_away"))
    senders["dev-1"].send(reading(1))
    eventually(lambda: pipeline.counts.retries >= 3, what="retries")
    assert pipeline.counts.acknowledged == 1
    with transaction(engine) as db:
        db.execute(text("ALTER TABLE reading_away RENAME TO reading"))
    settled(pipeline, 2)
    assert values(engine) == [4.2, 4.2]
    assert letters(engine) == {}


def test_an_acknowledgement_of_an_earlier_connection_is_dropped(
    services: Services, engine: Engine, senders: dict[str, Sender], client_id: str
) -> None:
    """Trap: after a reconnect the packet number may mean another message, which would then be lost."""
    del engine
    link = Link(BrokerAddress.of(services.mqtt_url), client_id=client_id, filters=Routes().filters)
    link.start()
    assert link.listening.wait(10)
    senders["dev-1"].send(reading())
    held = eventually(lambda: link.take(10, 10_000, wait_s=0.1, gather_s=0.01))
    link._client.reconnect()
    again = eventually(lambda: link.take(10, 10_000, wait_s=0.1, gather_s=0.01), what="delivered again")
    assert link.acknowledge(held) == 0
    assert [message.payload for message in again] == [held[0].payload]
    assert link.acknowledge(again) == 1
    link.stop()


def test_the_heartbeat_is_fresh_while_all_is_well(engine: Engine, pipeline: Pipeline) -> None:
    del pipeline

    def fresh() -> bool:
        with transaction(engine) as db:
            at = db.scalar(select(Heartbeat.beat_at).where(Heartbeat.name == "ingest"))
        return at is not None and utc_now() - at < timedelta(seconds=5)

    eventually(fresh)


def test_only_what_a_message_can_cause_counts_as_its_fault() -> None:
    assert caused_by_content(ValueError("x"))
    assert not caused_by_content(OSError("x"))
    assert not caused_by_content(MemoryError())


def test_while_nothing_is_taken_no_more_is_read_than_may_wait_and_nothing_is_lost(
    services: Services, senders: dict[str, Sender], client_id: str
) -> None:
    """Readings of QoS 0 have no window at the broker: while the database stands still their bytes are the bound."""
    body, most = b"0" * 10_000, 50_000
    link = Link(BrokerAddress.of(services.mqtt_url), client_id=client_id, filters=Routes().filters, most_bytes=most)
    link.start()
    try:
        assert link.listening.wait(10)
        for _ in range(40):
            senders["dev-1"].client.publish("rantai/v1/dev-1/readings", body, qos=0)
        senders["dev-1"].send(b"last")
        eventually(lambda: link.backlog * len(body) >= most, what="as much as may wait")
        assert not _comes_true(lambda: link.backlog * len(body) > most)
        taken: list[bytes] = []

        def everything() -> bool:
            taken.extend(each.payload for each in link.take(10, most, wait_s=1.0, gather_s=0.0))
            return len(taken) == 41

        eventually(everything, what="everything that was sent")
        assert taken == [body] * 40 + [b"last"]
    finally:
        link.stop()


def _comes_true(what: Callable[[], bool], *, within_s: float = 1.0) -> bool:
    try:
        eventually(what, timeout_s=within_s)
    except AssertionError:
        return False
    return True
