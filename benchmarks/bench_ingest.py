"""How fast readings come in, as ratios within one run.

1. Drain of one-reading messages that wait in a persistent session, against a bare paho consumer
   (manual acknowledgement, no database) that drains the same messages from the same broker.
2. WHO EMS messages of 96 records: readings stored per second, against COPY of the same rows from ready text.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import orjson
import psycopg
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from benchmarks.common import Row, print_table, private_services
from ingest.mqtt.link import BrokerAddress, Link
from ingest.mqtt.pipeline import Pipeline
from ingest.mqtt.topics import Routes
from ingest.program import NEW_OBJECTS
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.database.engine import make_engine, transaction
from tracker.database.migrations import upgrade
from tracker.kit.garbage import keep_what_stands
from tracker.settings import DatabaseSettings, IngestSettings
from tracker.telemetry.rules.words import DeviceKind
from tracker.telemetry.service.commands import NewDevice
from tracker.telemetry.service.devices import add_device

DEVICES = 200
RECORDS = 96
FILTER = "rantai/v1/+/readings"
EMS_FILTER = "rantai/v1/+/ems"
START = datetime(2026, 1, 5, tzinfo=UTC)
_TIMEOUT_S = 600.0
_WINDOW = 5_000


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages, once")
    print_table(measure(quick=parser.parse_args(arguments).quick))


def measure(*, quick: bool) -> list[Row]:
    """Both figures; each drain the median of several, taken in turns."""
    native, ems, runs = (20_000, 60, 1) if quick else (200_000, 600, 3)
    with private_services() as services:
        # A user each: the broker takes the user for the client id, so one user has one session.
        for user in ("bare", "ours", "publisher"):
            url = services.broker.add_user(user, "bench-password", reader=True, topics=["rantai/v1/#"])
        _prepare(services.database_url)
        bare, ours = _drains(url, services.database_url, native=native, runs=runs)
        stored, copied = _deliveries(url, services.database_url, ems)
    return [
        Row(
            name=f"drain of {native} one-reading messages",
            ours=f"{ours:,.0f}/s",
            bare=f"bare paho consumer {bare:,.0f}/s",
            figure=ours / bare,
            bound=0.5,
            unit="of it",
        ),
        Row(
            name=f"readings of {ems} EMS messages of {RECORDS} records",
            ours=f"{stored:,.0f}/s",
            bare=f"COPY from ready text {copied:,.0f}/s",
            figure=stored / copied,
            bound=0.2,
            unit="of it",
        ),
    ]


def _drains(url: str, database_url: str, *, native: int, runs: int) -> tuple[float, float]:
    bare, ours = [], []
    for run in range(runs):
        _fill(url, FILTER, ["bare", "ours"], list(_native_messages(native, run)))
        bare.append(native / _in_child(_drain_bare, url, FILTER, native))
        ours.append(native / _in_child(_drain_ours, url, database_url, native))
    return statistics.median(bare), statistics.median(ours)


def _deliveries(url: str, database_url: str, messages: int) -> tuple[float, float]:
    _fill(url, EMS_FILTER, ["ours"], list(_ems_messages(messages)))
    rows = messages * RECORDS * len(_RECORD)
    stored = rows / _in_child(_drain_ours, url, database_url, messages)
    return stored, rows / _copy_same(database_url, rows)


def _prepare(url: str) -> None:
    engine = make_engine(url, DatabaseSettings(statement_timeout_ms=60_000))
    upgrade(engine)
    now = datetime.now(UTC)
    with transaction(engine) as db:
        unit = ensure_unit(db, code="bench", name="Bench", kind=UnitKind.PUSKESMAS, parent=None)
        for number in range(DEVICES):
            add_device(db, SYSTEM, NewDevice(code=f"dev{number}", unit=unit.code), now=now)
        add_device(db, SYSTEM, NewDevice(code="gate", unit=unit.code, kind=DeviceKind.GATEWAY), now=now)
        for number in range(DEVICES):
            add_device(
                db,
                SYSTEM,
                NewDevice(
                    code=f"log{number}",
                    unit=unit.code,
                    kind=DeviceKind.LOGGER,
                    serial=f"L{number}",
                    gateway="gate",
                ),
                now=now,
            )
    engine.dispose()


def _native_messages(count: int, run: int) -> Iterable[tuple[str, bytes]]:
    base = START + timedelta(days=20 * run)
    for index in range(count):
        at = base + timedelta(seconds=60 * (index // DEVICES))
        body = (
            f'{{"readings":[{{"at":"{at:%Y-%m-%dT%H:%M:%SZ}","channel":"t1","temperature_c":{4 + index % 40 / 10}}}]}}'
        )
        yield f"rantai/v1/dev{index % DEVICES}/readings", body.encode()


_RECORD = {"TVC": 4.3, "TAMB": 27.1, "CMPR": 300, "DORV": 12, "SVA": 900, "BLOG": 402.1, "BEMD": 380.5}


def _ems_messages(count: int) -> Iterable[tuple[str, bytes]]:
    for index in range(count):
        day = START - timedelta(days=1 + index // DEVICES)
        records = [
            {
                "ABST": f"{day + timedelta(minutes=15 * number):%Y%m%dT%H%M%SZ}",
                **_RECORD,
                "ALRM": None,
                "EERR": None,
                "LERR": None,
            }
            for number in range(RECORDS)
        ]
        report = {"LSER": f"L{index % DEVICES}", "ESER": None, "CID": "ID", "records": records}
        meta = {"schemaVersion": "0.8.1", "transferType": "ems", "transferId": f"bench-{index}", "transferSrc": "bench"}
        yield "rantai/v1/gate/ems", orjson.dumps({"meta": meta, "data": [report]})


def _client(url: str, user: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=user, clean_session=False, manual_ack=True)
    client.username_pw_set(user, BrokerAddress.of(url).password)
    return client


def _connect(client: Client, url: str) -> None:
    address = BrokerAddress.of(url)
    client.connect(address.host, address.port)


def _fill(url: str, topic_filter: str, sessions: Iterable[str], messages: list[tuple[str, bytes]]) -> None:
    """Make the sessions, leave, and publish until the broker has acknowledged every message."""
    for name in sessions:
        client = _client(url, name)
        subscribed = threading.Event()
        client.on_subscribe = lambda *_, done=subscribed: done.set()
        _connect(client, url)
        client.loop_start()
        client.subscribe(topic_filter, 1)
        if not subscribed.wait(10):
            raise RuntimeError("the broker did not answer the subscription")
        client.disconnect()
        client.loop_stop()
    publisher = _client(url, "publisher")
    # A packet number has 16 bits: more than some ten thousand under way would reuse live ones.
    window = threading.Semaphore(_WINDOW)
    publisher.on_publish = lambda *_: window.release()
    publisher.max_inflight_messages_set(_WINDOW)
    _connect(publisher, url)
    publisher.loop_start()
    for topic, body in messages:
        _acquire(window)
        publisher.publish(topic, body, qos=1)
    for _ in range(_WINDOW):
        _acquire(window)
    publisher.disconnect()
    publisher.loop_stop()


def _acquire(window: threading.Semaphore) -> None:
    if not window.acquire(timeout=60):
        raise RuntimeError("the broker stopped to acknowledge")


def _in_child(work: Callable[..., None], *arguments: object) -> float:
    """Seconds that `work` reports from a process of its own: nothing of ours shares its interpreter."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(there, *arguments))
    child.start()
    there.close()
    try:
        if not here.poll(_TIMEOUT_S):
            raise RuntimeError("the drain did not end")
        return float(here.recv())
    finally:
        child.join(10)
        child.kill()


def _drain_bare(answer: Connection, url: str, topic_filter: str, count: int) -> None:
    client = _client(url, "bare")
    done = threading.Event()
    left = count

    def on_message(me: Client, _userdata: object, message: object) -> None:
        nonlocal left
        me.ack(message.mid, message.qos)  # type: ignore[attr-defined]  # paho gives MQTTMessage
        left -= 1
        if left == 0:
            done.set()

    client.on_message = on_message
    client.on_connect = lambda me, *_: me.subscribe(topic_filter, 1)
    begun = time.perf_counter()
    _connect(client, url)
    client.loop_start()
    done.wait(_TIMEOUT_S)
    answer.send(time.perf_counter() - begun)
    client.disconnect()
    client.loop_stop()


def _drain_ours(answer: Connection, url: str, database_url: str, count: int) -> None:
    engine: Engine = make_engine(database_url, DatabaseSettings(statement_timeout_ms=60_000))
    routes = Routes()
    link = Link(replace(BrokerAddress.of(url), username="ours"), client_id="ours", filters=routes.filters)
    pipeline = Pipeline(engine, link, routes, IngestSettings())
    keep_what_stands(every=NEW_OBJECTS)
    begun = time.perf_counter()
    link.start()
    worker = threading.Thread(target=pipeline.run)
    worker.start()
    while pipeline.counts.acknowledged < count and time.perf_counter() - begun < _TIMEOUT_S:
        time.sleep(0.005)
    answer.send(time.perf_counter() - begun)
    pipeline.stop()
    worker.join()
    link.stop()
    engine.dispose()


def _copy_same(database_url: str, rows: int) -> float:
    """Seconds to COPY the stored EMS rows from text into a table like theirs."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        query = "SELECT * FROM reading WHERE message_id LIKE 'bench-%' ORDER BY received_at, channel_id"
        with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
            text = b"".join(bytes(block) for block in copy)
        stored = text.count(b"\n")
        if stored != rows:
            raise RuntimeError(f"{stored} rows stored instead of {rows}")
        connection.execute("CREATE TABLE bench_reading (LIKE reading INCLUDING ALL)")
        begun = time.perf_counter()
        with connection.cursor().copy("COPY bench_reading FROM STDIN") as copy:
            copy.write(text)
        took = time.perf_counter() - begun
        connection.execute("DROP TABLE bench_reading")
        return took


if __name__ == "__main__":
    main()
