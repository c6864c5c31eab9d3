"""Two ingesters of one name: the second says so and ends, whatever is killed and restarted meanwhile."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text

from ingest.identity import AlreadyRunning, Identity
from tests.ingest.trial import (
    IngestProcess,
    Publisher,
    admit,
    assert_nothing_lost,
    database_url,
    make_devices,
    open_session,
    stored_count,
)
from tests.support.services import Services
from tests.support.waiting import eventually
from tracker.database.engine import transaction
from tracker.telemetry.queries import broker_credentials
from tracker.telemetry.rules.credentials import hash_password


def said(log: Path, word: str) -> bool:
    """Whether the program wrote it."""
    return log.exists() and word in log.read_text(encoding="utf-8")


def connections(log: Path) -> int:
    """How often the program has connected to the broker."""
    return log.read_text(encoding="utf-8").count("mqtt.connected") if log.exists() else 0


def test_the_second_says_so_and_ends_and_may_start_once_the_first_is_gone(
    own_services: Services, own_engine: Engine, tmp_path: Path
) -> None:
    passwords = make_devices(own_engine, ["fridge"])
    admit(own_services, own_engine)
    open_session(own_services)
    publisher = Publisher(own_services, "fridge", passwords["fridge"]).start()
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    first = IngestProcess(own_services, own_engine, logs[0])
    # Another client id is no other session at our broker, which goes by the user's name.
    second = IngestProcess(own_services, own_engine, logs[1], RANTAI_INGEST__CLIENT_ID="second")
    with first.alive(), second.alive() as loser:
        eventually(lambda: not (first.running and loser.running), timeout_s=120, what="one of the two ends")
        winner, loser_log = (first, logs[1]) if first.running else (second, logs[0])
        assert said(loser_log, "another ingester runs as rantai-ingest")
        assert "Traceback" not in loser_log.read_text(encoding="utf-8")
        before = stored_count(own_engine)
        eventually(lambda: stored_count(own_engine) > before + 100, timeout_s=120, what="rows flow")
        for log in logs:
            assert log.read_text(encoding="utf-8").count("mqtt.disconnected") == 0
        winner.kill()
        again = tmp_path / "again.log"
        with IngestProcess(own_services, own_engine, again).alive() as next_one:
            before = stored_count(own_engine)
            eventually(lambda: stored_count(own_engine) > before + 100, timeout_s=120, what="rows flow again")
            assert next_one.running
            assert_nothing_lost(own_engine, publisher.finish())
            assert next_one.end() == 0


def test_a_restart_of_the_database_leaves_one_of_them(
    own_services: Services, own_engine: Engine, tmp_path: Path
) -> None:
    log, other_log = tmp_path / "first.log", tmp_path / "second.log"
    other = IngestProcess(own_services, own_engine, other_log)
    with IngestProcess(own_services, own_engine, log).alive() as first:
        eventually(lambda: said(log, "mqtt.connected"), timeout_s=120, what="the first is up")
        own_services.postgres.kill()
        with other.alive():
            time.sleep(0.5)  # it waits for the database, as the first does
            own_services.postgres.start()
            eventually(lambda: first.running != other.running, timeout_s=120, what="one of the two ends")
            survivor, ended = (log, other_log) if first.running else (other_log, log)
            eventually(lambda: said(ended, "another ingester runs as"), timeout_s=60, what="it says why")
            eventually(lambda: said(survivor, "mqtt.connected"), timeout_s=120, what="the other is connected")
            assert (first if first.running else other).end() == 0


def test_two_names_beside_each_other_keep_each_reading_once_and_lose_none_when_one_is_killed(
    own_services: Services, own_engine: Engine, tmp_path: Path
) -> None:
    passwords = make_devices(own_engine, ["fridge"])
    with transaction(own_engine) as db:
        users = {**broker_credentials(db), "beside": hash_password("of the one beside")}
    own_services.broker.set_users(users, readers=["beside"])
    open_session(own_services)
    host = own_services.mqtt_url.rpartition("@")[2]
    logs = [tmp_path / "one.log", tmp_path / "beside.log"]
    one = IngestProcess(own_services, own_engine, logs[0])
    beside = IngestProcess(
        own_services, own_engine, logs[1],
        RANTAI_MQTT_URL=f"mqtt://beside:of%20the%20one%20beside@{host}", RANTAI_INGEST__CLIENT_ID="beside",
    )  # fmt: skip
    with one.alive(), beside.alive():
        eventually(lambda: all(connections(log) == 1 for log in logs), timeout_s=40, what="both are connected")
        publisher = Publisher(own_services, "fridge", passwords["fridge"]).start()
        eventually(lambda: stored_count(own_engine) > 500, timeout_s=30, what="rows flow")
        one.kill()
        before = stored_count(own_engine)
        eventually(lambda: stored_count(own_engine) > before + 500, timeout_s=30, what="rows flow by the other alone")
        one.start()
        eventually(lambda: connections(logs[0]) == 2, timeout_s=40, what="it is back")
        assert_nothing_lost(own_engine, publisher.finish())
        assert one.running
        assert beside.running
        assert (one.end(), beside.end()) == (0, 0)
    assert not any(said(log, "Traceback") for log in logs)


def test_a_name_is_held_by_one_and_by_another_name_by_another(engine: Engine) -> None:
    dsn = database_url(engine)
    with Identity(dsn, ["a", "b"]) as one:
        assert one.claim()
        with pytest.raises(AlreadyRunning, match="another ingester runs as b"):
            Identity(dsn, ["b"]).claim(patience_s=0.3)
        with Identity(dsn, ["c"]) as other:
            assert other.claim()
    with Identity(dsn, ["b"]) as after:
        assert after.claim(patience_s=0)


def test_who_loses_the_name_while_the_connection_was_broken_is_told_once(engine: Engine) -> None:
    dsn = database_url(engine)
    told = threading.Event()
    one = Identity(dsn, ["a"], lost=told.set)
    assert one.claim()
    _end_connections(engine)
    thief = Identity(dsn, ["a"])
    assert thief.claim()
    with one, thief:
        assert told.wait(20)
        assert "another ingester runs as a (connected from" in str(one.taken_by)
        assert thief.taken_by is None


def test_a_broken_connection_of_its_own_is_no_other_ingester(engine: Engine) -> None:
    """The network forgot the connection, the database has not: it is our own ghost."""
    dsn = database_url(engine)
    one = Identity(dsn, ["a"])
    assert one.claim()
    ghost = one._connection
    one._connection = None
    try:
        with one:
            eventually(lambda: one._connection is not None, timeout_s=20, what="claimed again")
            assert one.taken_by is None
        assert ghost is not None
        with pytest.raises(psycopg.OperationalError):
            ghost.execute("SELECT 1")
    finally:
        if ghost is not None:
            ghost.close()


def test_a_claim_waits_for_a_database_that_is_away_until_told_to_stop() -> None:
    nobody = Identity("postgresql://nobody@127.0.0.1:1/none", ["a"])
    threading.Timer(0.3, nobody.stop).start()
    assert nobody.claim() is False


def _end_connections(engine: Engine) -> None:
    with transaction(engine) as db:
        db.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rantai-ingest-%'")
        )
