"""`rantai worker`: numbers the feed, evaluates, reacts, delivers, keeps time. SIGTERM ends it cleanly."""

from __future__ import annotations

import signal
import threading

import structlog

from rantai.house_keys import insist_on_keys
from rantai.logs import configure_logs
from rantai.supervisor import Supervisor
from rantai.wiring import worker_loops
from tracker.database.engine import make_engine
from tracker.feed.bell import Bell
from tracker.kit.garbage import keep_what_stands
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import shown_by
from tracker.settings import Settings

log = structlog.get_logger("rantai.worker")


def run_worker(current: Settings) -> None:
    """Run all loops until SIGINT or SIGTERM; a second worker beside it is harmless (locks and keys decide)."""
    configure_logs(current.log)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    keyring = Keyring.of(current)
    engine = make_engine(
        current.database_url.get_secret_value(), current.database, name=shown_by("rantai-worker", keyring)
    )
    insist_on_keys(engine, current)
    loops = worker_loops(engine, current)
    supervisor = Supervisor(engine, loops)
    keep_what_stands()
    with Bell(engine):
        supervisor.start()
        log.info("worker started", loops=[loop.name for loop in loops])
        # A timeout, because an Event without one does not let signals through on every system.
        while not stop.wait(1.0):
            pass
        supervisor.stop()
    engine.dispose()
    log.info("worker ended")
