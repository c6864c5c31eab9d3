"""`rantai ingest`: one process that takes readings from the broker until it is told to stop."""

from __future__ import annotations

import signal
from types import FrameType

import structlog

from ingest.identity import Identity
from ingest.mqtt.link import BrokerAddress, Link
from ingest.mqtt.pipeline import Pipeline
from ingest.mqtt.topics import Routes
from tracker.database.engine import make_engine
from tracker.feed.bell import Bell, dsn_of
from tracker.kit.garbage import keep_what_stands
from tracker.settings import DatabaseSettings, Settings

log = structlog.get_logger(__name__)

# Batches are large trees without cycles, freed by reference counts.
NEW_OBJECTS = 100_000


def run(settings: Settings, *, until_signal: bool = True) -> None:
    """Run until SIGTERM or SIGINT; returns after the batch at hand is committed and acknowledged.

    Raises AlreadyRunning where another process is the ingester of this name, at the start or later.
    """
    routes = Routes(settings.ingest.bindings)
    # One writer needs one connection; a batch after an outage may take longer than a page's query.
    guards = settings.database.model_copy(update={"pool_size": 1, "statement_timeout_ms": 30_000})
    engine = make_engine(
        settings.database_url.get_secret_value(), DatabaseSettings(**guards.model_dump()), name="rantai-ingest"
    )
    address = BrokerAddress.of(settings.mqtt_url.get_secret_value())
    link = Link(address, client_id=settings.ingest.client_id, filters=routes.filters)
    pipeline = Pipeline(engine, link, routes, settings.ingest)
    # Our broker takes the user's name for the client id, another may not: a session is known by either.
    names = {settings.ingest.client_id, address.username or settings.ingest.client_id}
    identity = Identity(dsn_of(engine), names, lost=pipeline.stop)

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        log.info("ingest.stopping", signal=signal.Signals(number).name)
        identity.stop()
        pipeline.stop()

    if until_signal:
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
    keep_what_stands(every=NEW_OBJECTS)
    try:
        if identity.claim():
            with Bell(engine), identity:
                link.start()
                try:
                    pipeline.run()
                finally:
                    link.stop()
    finally:
        engine.dispose()
    counts = pipeline.counts
    log.info("ingest.stopped", messages=counts.messages, readings=counts.readings, buried=counts.buried)
    if identity.taken_by is not None:
        raise identity.taken_by
