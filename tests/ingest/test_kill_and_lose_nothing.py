"""Whatever is killed, what the broker confirmed to the device ends up in the table, once.

Each of these was seen red with the acknowledgement moved before the commit.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.ingest.trial import (
    IngestProcess,
    Publisher,
    admit,
    assert_nothing_lost,
    make_devices,
    open_session,
    stored_count,
)
from tests.support.services import Services
from tests.support.waiting import eventually

KILLS = 5


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random instants, told in the report when the test fails."""
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed} for {request.node.name}")
    return random.Random(seed)


@pytest.fixture
def publisher(own_services: Services, own_engine: Engine) -> Iterator[Publisher]:
    """One device, admitted, the ingester's session open."""
    passwords = make_devices(own_engine, ["kulkas-1"])
    admit(own_services, own_engine)
    open_session(own_services)
    publisher = Publisher(own_services, "kulkas-1", passwords["kulkas-1"])
    yield publisher
    publisher.close()


@pytest.fixture
def ingester(own_services: Services, own_engine: Engine, tmp_path: Path) -> Iterator[IngestProcess]:
    """Running; small batches, so that every kill meets one under way."""
    settings = {"RANTAI_INGEST__BATCH_MESSAGES": "200", "RANTAI_INGEST__BATCH_MS": "20"}
    with IngestProcess(own_services, own_engine, tmp_path / "ingest.log", **settings).alive() as process:
        yield process


def wait_for_progress(engine: Engine, more: int = 100) -> None:
    """Until rows flow: a kill before the first batch would prove nothing."""
    before = stored_count(engine)
    eventually(lambda: stored_count(engine) >= max(before, 0) + more, timeout_s=180, every_s=0.01, what="rows flow")


def test_killing_the_ingester_in_mid_stream_loses_and_doubles_nothing(
    own_engine: Engine, publisher: Publisher, ingester: IngestProcess, chance: random.Random
) -> None:
    publisher.start()
    for _ in range(KILLS):
        wait_for_progress(own_engine)
        time.sleep(chance.uniform(0, 0.3))  # a random instant is the point, not a wait for something
        ingester.kill()
        ingester.start()
    wait_for_progress(own_engine)
    assert_nothing_lost(own_engine, publisher.finish())


def test_killing_the_database_in_mid_stream_loses_and_doubles_nothing(
    own_services: Services,
    own_engine: Engine,
    publisher: Publisher,
    ingester: IngestProcess,
    chance: random.Random,
) -> None:
    publisher.start()
    pid = ingester.pid
    for kill in range(KILLS):
        wait_for_progress(own_engine)
        time.sleep(chance.uniform(0, 0.3))  # a random instant
        own_services.postgres.kill()
        time.sleep(chance.uniform(0.1, 0.6))  # the ingester holds a batch it cannot commit
        if kill % 2:
            assert ingester.running, "the outage ended the ingester"
            ingester.kill()
            ingester.start()
            pid = ingester.pid
        own_services.postgres.start()
    wait_for_progress(own_engine)
    assert_nothing_lost(own_engine, publisher.finish())
    assert ingester.running
    assert ingester.pid == pid


def test_a_clean_restart_of_the_broker_loses_and_doubles_nothing(
    own_services: Services,
    own_engine: Engine,
    publisher: Publisher,
    ingester: IngestProcess,
    chance: random.Random,
) -> None:
    publisher.start()
    for ingester_too in (False, True, True):
        wait_for_progress(own_engine)
        time.sleep(chance.uniform(0, 0.3))  # a random instant
        if ingester_too:
            ingester.kill()
        own_services.broker.stop_clean()
        own_services.broker.start()
        if ingester_too:
            ingester.start()
    wait_for_progress(own_engine)
    assert_nothing_lost(own_engine, publisher.finish())
